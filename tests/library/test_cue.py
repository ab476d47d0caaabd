"""CUE sheets: what they say, and how the songs of one file are heard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from songspace import pipeline
from songspace.audio import read_windows
from songspace.library import Home, Library
from songspace.library.cue import embedded_parts, read_sheet
from songspace.library.tags import Tags

pytestmark = pytest.mark.usefixtures("heard_here")

SHEET = """\
REM GENRE Folk
REM DATE 1971
REM DISCNUMBER 2
PERFORMER "Ann & Bea"
TITLE "Colours"
FILE "Colours.wav" WAVE
  TRACK 01 AUDIO
    TITLE "Red"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Green ""in the"" hills"
    PERFORMER "Cy"
    INDEX 00 00:07:70
    INDEX 01 00:08:37
  TRACK 03 MODE1/2352
    INDEX 01 00:10:00
  TRACK 04 AUDIO
    TITLE "Blue"
    INDEX 01 00:16:00
"""


def test_what_it_says() -> None:
    parts = read_sheet(SHEET.encode(), ["Colours.flac", "other.flac"])["Colours.flac"]
    assert [(part.number, part.start, part.end) for part in parts] == [
        (1, 0.0, 8 + 37 / 75),
        (2, 8 + 37 / 75, 16.0),
        (4, 16.0, None),
    ]
    assert parts[0].tags == Tags(
        "Red", "Ann & Bea", "Ann & Bea", "Colours", "Folk", 1971, disc=2, artists=("Ann & Bea",), genres=("Folk",)
    )
    assert (parts[1].tags.artist, parts[1].tags.albumartist) == ("Cy", "Ann & Bea")


@pytest.mark.parametrize(
    ("called", "beside", "meant"),
    [
        ("a.flac", ["a.flac", "A.flac"], "a.flac"),
        ("A.FLAC", ["a.flac", "b.flac"], "a.flac"),
        ("a.wav", ["a.flac", "b.flac"], "a.flac"),
        (r"C:\Rips\a.wav", ["a.flac"], "a.flac"),
        ("a.wav", ["a.flac", "a.mp3"], None),
        ("c.wav", ["a.flac"], None),
    ],
)
def test_which_file_it_means(called: str, beside: list[str], meant: str | None) -> None:
    sheet = SHEET.replace("Colours.wav", called)
    assert list(read_sheet(sheet.encode(), beside)) == ([meant] if meant else [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp1251", "cp932"])
def test_in_which_encoding_it_is_the_names_of_files_tell(encoding: str) -> None:
    name = {"cp1252": "Café – 1.wav", "cp1251": "Звезда.wav", "cp932": "初恋.wav"}.get(encoding, "Été.wav")
    sheet = SHEET.replace("Colours.wav", name).replace("Blue", name[:-4])
    parts = read_sheet(sheet.encode(encoding), [name])[name]
    assert parts[-1].tags.title == name[:-4]


ONE = "TRACK 01 AUDIO\nINDEX 01 00:00:00\n"
TWO = "TRACK 02 AUDIO\nINDEX 01 01:00:00\n"


@pytest.mark.parametrize(
    "tracks",
    [
        ONE,
        ONE + "TRACK 02 AUDIO\n",
        ONE + "TRACK 02 AUDIO\nINDEX 01 00:00:00\n",
        TWO + ONE,
        ONE + ONE,
        ONE + "TRACK 02 AUDIO\nINDEX 00 01:00:00\n",
        ONE + "TRACK 02 MODE1/2352\nINDEX 01 01:00:00\n",
        "",
    ],
)
def test_what_makes_no_sense_is_none(tracks: str) -> None:
    assert read_sheet(f'FILE "a.flac" WAVE\n{tracks}'.encode(), ["a.flac"]) == {}
    assert embedded_parts(f'FILE "a.flac" WAVE\n{tracks}') == ()


def test_a_sheet_over_files_of_one_song_each_parts_none() -> None:
    sheet = f'FILE "1.flac" WAVE\n{ONE}FILE "2.flac" WAVE\nTRACK 02 AUDIO\nINDEX 01 00:00:00\n'
    assert read_sheet(sheet.encode(), ["1.flac", "2.flac"]) == {}


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_read(noise: bytes) -> None:
    found = read_sheet(SHEET.encode() + noise, ["Colours.flac"])
    for parts in found.values():
        starts = [part.start for part in parts]
        assert starts == sorted(set(starts)) and parts[-1].end is None  # type: ignore[type-var]
        assert [part.end for part in parts[:-1]] == starts[1:]


def _album(path: Path, song: Callable[..., Path]) -> np.ndarray:
    """Three tunes of eight seconds in one file."""
    tunes = [soundfile.read(song(path.with_name(f"{n}.wav"), n, style=n))[0] for n in range(3)]
    for n in range(3):
        path.with_name(f"{n}.wav").unlink()
    soundfile.write(path, np.concatenate(tunes), 22050)
    return np.stack(tunes)


def test_windows_of_a_part_are_those_of_the_part_alone(tmp_path: Path, song: Callable[..., Path]) -> None:
    tunes = _album(tmp_path / "album.flac", song)
    soundfile.write(tmp_path / "second.flac", tunes[1], 22050)
    part = read_windows(tmp_path / "album.flac", seconds=2.0, count=3, start=8.0, end=16.0)
    alone = read_windows(tmp_path / "second.flac", seconds=2.0, count=3)
    np.testing.assert_array_equal(part.samples, alone.samples)
    np.testing.assert_array_equal(part.starts, alone.starts)
    assert part.duration == 8.0


@pytest.mark.parametrize("where", ["beside it", "in its tags"])
def test_the_songs_of_one_file_are_songs_of_the_library(tmp_path: Path, song: Callable[..., Path], where: str) -> None:
    music, home = tmp_path / "music", Home(tmp_path / "home")
    for number in range(4):
        song(music / f"{number}.flac", 20 + number, style=number % 3, title=f"Tune {number}")
    (music / "Ann").mkdir()
    _album(music / "Ann" / "Colours.flac", song)
    sheet = SHEET.replace("00:08:37", "00:08:00")
    if where == "beside it":
        (music / "Ann" / "Colours.cue").write_text(sheet)
    else:
        file = mutagen.File(music / "Ann" / "Colours.flac")
        file["cuesheet"], file["label"] = sheet, "x"
        file.save()
    assert pipeline.learn(home, music, encoder="timbre", windows=2, workers=1).tally.new == 7
    library = Library(home.folder)
    found = [one for one in library.songs() if one.path.endswith("Colours.flac")]
    assert [(one.title, one.artist, one.track, one.duration) for one in found] == [
        ("Red", "Ann & Bea", 1, 8.0),
        ('Green ""in the"" hills', "Cy", 2, 8.0),
        ("Blue", "Ann & Bea", 4, 8.0),
    ]
    assert len({one.identity for one in found}) == 3
    # Nothing is heard again, whatever the cache lost or a tag editor did.
    assert pipeline.update(home).tally.new == 0
    home.cache.unlink()
    pipeline.learn(home, music, encoder="timbre", windows=2, workers=1)
    assert [one.title for one in library.songs() if one.path.endswith("Colours.flac")] == [one.title for one in found]


def test_a_sheet_that_changes_changes_the_songs(tmp_path: Path, song: Callable[..., Path]) -> None:
    music, home = tmp_path / "music", Home(tmp_path / "home")
    for number in range(4):
        song(music / f"{number}.flac", 20 + number, style=number % 3, title=f"Tune {number}")
    _album(music / "Colours.flac", song)
    pipeline.learn(home, music, encoder="timbre", windows=2, workers=1)
    assert len(Library(home.folder).songs()) == 5
    (music / "Colours.cue").write_text(SHEET)
    assert pipeline.update(home).tally.new == 3 and len(Library(home.folder).songs()) == 7
    (music / "Colours.cue").write_text(SHEET.replace("Blue", "Yellow"))
    assert pipeline.update(home).tally.new == 0
    assert "Yellow" in {one.title for one in Library(home.folder).songs()}
    (music / "Colours.cue").unlink()
    assert pipeline.update(home).tally.new == 1 and len(Library(home.folder).songs()) == 5
