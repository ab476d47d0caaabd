"""Songs that are parts of one file, as a CUE sheet says: in playlist files, in MPD, in clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from songspace import interchange
from songspace.interchange import mpd
from songspace.library import Song
from songspace.playlists.explain import clips

SONGS = [
    Song(1, "/music/Ann/Album.flac", 100.0, "Red", "Ann", start=0.0, end=100.0),
    Song(2, "/music/Ann/Album.flac", 80.0, "Green", "Ann", start=100.0, end=180.5),
    Song(3, "/music/Ann/Album.flac", 60.0, "Blue", "Ann", start=180.5),
    Song(4, "/music/other.flac", 60.0, "Other", "Bea"),
]


@pytest.mark.parametrize("suffix", [".m3u8", ".xspf", ".jspf"])
def test_a_list_of_them_comes_back_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = interchange.write(tmp_path / f"list{suffix}", [SONGS[2], SONGS[3], SONGS[0], SONGS[1]], title="Parts")
    assert interchange.match(interchange.entries(path), SONGS) == [SONGS[2], SONGS[3], SONGS[0], SONGS[1]]
    at = {song.path: song for song in reversed(SONGS)}.get
    assert interchange.match(interchange.entries(path), SONGS, at=at) == [SONGS[2], SONGS[3], SONGS[0], SONGS[1]]


def test_m3u_says_where_they_begin_and_end(tmp_path: Path) -> None:
    text = interchange.write(tmp_path / "list.m3u8", SONGS, title="Parts", relative=False).read_text()
    assert text.splitlines()[3:] == [
        "#EXTINF:100,Ann - Red",
        "#EXTVLCOPT:stop-time=100.000",
        "/music/Ann/Album.flac",
        "#EXTINF:80,Ann - Green",
        "#EXTVLCOPT:start-time=100.000",
        "#EXTVLCOPT:stop-time=180.500",
        "/music/Ann/Album.flac",
        "#EXTINF:60,Ann - Blue",
        "#EXTVLCOPT:start-time=180.500",
        "/music/Ann/Album.flac",
        "#EXTINF:60,Bea - Other",
        "/music/other.flac",
    ]


def test_an_entry_that_tells_no_title_is_the_one_that_lasts_as_long() -> None:
    entry = interchange.Entry("/music/Ann/Album.flac", path="/music/Ann/Album.flac", duration=80.0)
    assert interchange.match([entry], SONGS) == [SONGS[1]]


def test_mpd_is_told_the_range_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(self: object, *commands: str) -> list[mpd._Answer]:
        asked.extend(commands)
        answers = []
        for command in commands:
            said: list[tuple[str, str]] = []
            if command.startswith("lsinfo"):
                name = command.split('"')[1]
                said = [("file", name)] if name in ("Ann/Album.flac", "music/other.flac") else []
            elif "addid" in command:
                said = [("Id", str(10 + number)) for number in range(command.count("addid"))]
            answers.append(mpd._Answer(said, None))
        return answers

    monkeypatch.setattr(mpd._Client, "__init__", lambda self, address: None)
    monkeypatch.setattr(mpd._Client, "__exit__", lambda self, *how: None)
    monkeypatch.setattr(mpd._Client, "_ask", ask)
    monkeypatch.setattr(mpd._Client, "length", lambda self: 0)
    added = mpd.add(SONGS, mpd.Address("localhost", 6600, None))
    assert added.songs == SONGS
    ranges = asked[-1].splitlines()
    assert ranges[1:-1] == ['rangeid "10" "0.000:100.000"', 'rangeid "11" "100.000:180.500"', 'rangeid "12" "180.500:"']


@pytest.fixture
def album(tmp_path: Path, song: Callable[..., Path]) -> Path:
    """Two tunes of eight seconds in one file."""
    tunes = [soundfile.read(song(tmp_path / f"{n}.wav", n, style=n))[0] for n in range(2)]
    soundfile.write(tmp_path / "album.wav", np.concatenate(tunes), 22050)
    return tmp_path / "album.wav"


def test_clips_are_cut_from_where_the_song_begins(album: Path, tmp_path: Path) -> None:
    alone = clips.Excerpt(str(tmp_path / "1.wav"), "One", (2.0, 4.0))
    part = clips.Excerpt(str(album), "One", (2.0, 4.0), begins=8.0)
    clips.write(tmp_path / "clips", [clips.Pair(alone, part, "The same.")], title="Clips")
    first, second = (soundfile.read(path)[0] for path in sorted((tmp_path / "clips").glob("*.wav")))
    middle = slice(4000, -4000)  # where a part ends, resampling hears what comes after it
    np.testing.assert_allclose(first[middle], second[middle], atol=2e-3)
