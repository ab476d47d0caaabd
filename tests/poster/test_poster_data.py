"""The poster's data: which songs, which segments, and that they are the spectrograms they should be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy import signal

from songspace.audio import read_windows
from songspace.errors import SongspaceError
from songspace.frontends import LogMel, PowerSpectrogram
from songspace.library.identity import identify
from songspace.poster import segments as stored
from songspace.poster.data import Data, gather
from songspace.poster.segments import DECIBELS, MEL, POWER, Shelf
from songspace.reporter import Reporter

WriteSong = Callable[..., Path]


class Heard(Reporter):
    """Remembers what was said, and how many files were decoded."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.decoded = 0

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        self.decoded += stage == "listening"


@pytest.fixture
def library(tmp_path: Path, song: WriteSong) -> Path:
    """Two genres of five songs each, in folders, without tags."""
    folder = tmp_path / "library"
    for number in range(10):
        genre = ("folk", "jazz")[number % 2]
        song(folder / genre / f"{number}.flac", number, seconds=7.0, style=number % 2)
    return folder


def collect(library: Path, work: Path, **options: object) -> tuple[Data, Heard]:
    work.mkdir(exist_ok=True)
    heard = Heard()
    return gather(library, work, segments=3, workers=1, reporter=heard, **options), heard  # type: ignore[arg-type]


def test_segments_are_random_windows_as_the_frontends_see_them(library: Path, tmp_path: Path) -> None:
    data, _ = collect(library, tmp_path / "work", seed=7)
    assert len(data.clips) == 10 and data.genres == ["folk", "jazz"] and data.source == "folder"
    clip = data.clips[4]
    assert clip.path == "folk/8.flac" and clip.genre == "folk"
    rows = data.rows_of([4])
    assert rows.tolist() == [12, 13, 14]

    def windows(rate: int) -> np.ndarray:
        rng = np.random.default_rng([7, *identify(library / clip.path)])
        found = read_windows(library / clip.path, seconds=5.0, count=3, rate=rate, rng=rng)
        np.testing.assert_allclose(found.starts, clip.starts, atol=1 / 22050)
        return found.samples

    power = PowerSpectrogram()(windows(44_100))
    kept = data.spectrograms(POWER, rows)[:]
    assert kept.shape == (3, 257, 430) and kept.dtype == np.float32
    loud = power > 1e-9
    assert loud.mean() > 0.8
    np.testing.assert_allclose(kept[loud], power[loud], rtol=5e-4)
    np.testing.assert_allclose(
        data.spectrograms(DECIBELS, rows)[:], PowerSpectrogram(log=True)(windows(44_100)), atol=1 / 500
    )
    mel = data.spectrograms(MEL, rows)
    assert mel.dtype == np.uint8
    np.testing.assert_array_equal(mel[:], LogMel().quantize(LogMel()(windows(22_050))))


def test_the_power_is_scipys_of_the_samples_in_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "library"
    for number in range(8):
        path = folder / ("a" if number % 2 else "b") / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, rng.normal(0, 0.1, 44_100 * 6).astype(np.float32), 44_100, subtype="PCM_16")
    data, _ = collect(folder, tmp_path / "work")
    samples, rate = soundfile.read(folder / data.clips[3].path, dtype="int16")
    for start, kept in zip(data.clips[3].starts, data.spectrograms(POWER, data.rows_of([3]))[:], strict=True):
        first = round(start * rate)
        _, _, expected = signal.spectrogram(
            samples[first : first + 5 * rate].astype(float),
            rate,
            window="hann",
            nperseg=512,
            noverlap=0,
            detrend=False,
            scaling="spectrum",
        )
        np.testing.assert_allclose(kept, expected, rtol=5e-4, atol=1e-6)


def test_codes_go_there_and_back() -> None:
    decibels = np.linspace(-100, 155, 10_001)
    codes = stored.to_codes(decibels)
    assert np.abs(stored.from_codes(codes) - decibels).max() <= stored.STEP / 2 + 1e-5
    np.testing.assert_allclose(stored.to_power(codes), 10 ** (decibels / 10), rtol=5e-4)
    assert stored.from_codes(stored.to_codes(np.array([-300.0, 900.0]))).tolist() == [-100.0, 155.99609375]


def test_places_depend_on_the_song_and_the_seed_alone(library: Path, tmp_path: Path, song: WriteSong) -> None:
    data, _ = collect(library, tmp_path / "a", seed=1)
    (library / "folk" / "0.flac").rename(library / "folk" / "renamed.flac")
    song(library / "folk" / "00.flac", 77, seconds=7.0)
    again, _ = collect(library, tmp_path / "b", seed=1)
    other, _ = collect(library, tmp_path / "c", seed=2)
    starts = {clip.identity: clip.starts for clip in data.clips}
    assert len(starts) == 10
    assert {clip.identity: clip.starts for clip in again.clips if clip.identity in starts} == starts
    assert all(clip.starts != starts.get(clip.identity) for clip in other.clips)


def test_nothing_is_decoded_twice(library: Path, tmp_path: Path) -> None:
    few, heard = collect(library, tmp_path / "work", per_genre=4)
    assert len(few.clips) == 8 and heard.decoded == 8
    more, heard = collect(library, tmp_path / "work", per_genre=5)
    assert len(more.clips) == 10 and heard.decoded == 2
    assert {clip.path: clip.slot for clip in few.clips}.items() <= {clip.path: clip.slot for clip in more.clips}.items()
    # A kill may leave half a line, and a record without one: only that song is decoded again.
    journal = tmp_path / "work" / "segments.jsonl"
    lines = journal.read_text().splitlines()
    lost = json.loads(lines[-1])[0]
    journal.write_text("\n".join(lines)[:-40])
    same, heard = collect(library, tmp_path / "work", per_genre=5)
    assert heard.decoded == 1
    assert [clip.identity for clip in same.clips] == [clip.identity for clip in more.clips]
    again, heard = collect(library, tmp_path / "work", per_genre=5)
    assert heard.decoded == 0 and again.clips == same.clips and lost in {clip.path for clip in again.clips}
    fresh, _ = collect(library, tmp_path / "fresh")
    for frontend in (POWER, MEL):
        rows = np.arange(len(again.songs))
        np.testing.assert_array_equal(again.spectrograms(frontend, rows)[:], fresh.spectrograms(frontend, rows)[:])


def test_other_segments_begin_anew(library: Path, tmp_path: Path) -> None:
    collect(library, tmp_path / "work", seed=0)
    _, heard = collect(library, tmp_path / "work", seed=1)
    assert heard.decoded == 10
    (tmp_path / "work" / "power.u16").unlink()
    _, heard = collect(library, tmp_path / "work", seed=1)
    assert heard.decoded == 10


def test_what_cannot_be_used_costs_itself_only(library: Path, tmp_path: Path, song: WriteSong) -> None:
    (library / "folk" / "broken.mp3").write_bytes(b"no sound at all" * 100)
    (library / "folk" / "empty.wav").touch()
    soundfile.write(library / "folk" / "silent.wav", np.zeros(22_050 * 7), 22_050)
    song(library / "jazz" / "short.flac", 50, seconds=3.0)
    shutil.copy(library / "folk" / "0.flac", library / "jazz" / "copy.flac")
    data, heard = collect(library, tmp_path / "work")
    failures = dict(data.failures)
    assert failures.keys() == {
        "folk/broken.mp3",
        "folk/empty.wav",
        "folk/silent.wav",
        "jazz/short.flac",
        "jazz/copy.flac",
    }
    assert failures["jazz/short.flac"] == "shorter than 5 seconds"
    assert failures["folk/silent.wav"] == "nothing but silence"
    assert failures["jazz/copy.flac"] == "a copy of folk/0.flac"
    assert len(data.clips) == 10 and heard.said[-1].startswith("5 files could not be used; the first, folk/empty.wav")
    # Where songs are drawn, one that fails gives its place to the next.
    some, _ = collect(library, tmp_path / "work", per_genre=5)
    assert len(some.clips) == 10


def test_silent_segments_are_left_out(library: Path, tmp_path: Path) -> None:
    half = np.zeros(22_050 * 60, np.float32)
    half[: 22_050 * 30] = np.random.default_rng(0).normal(0, 0.1, 22_050 * 30)
    soundfile.write(library / "folk" / "half.wav", half, 22_050)
    data, _ = collect(library, tmp_path / "work", seed=3)
    number = next(i for i, clip in enumerate(data.clips) if clip.path == "folk/half.wav")
    clip = data.clips[number]
    assert [start > 30 for start in clip.starts] == list(clip.silent) and any(clip.silent) and not all(clip.silent)
    assert len(data.rows_of([number])) == 3 - sum(clip.silent)


def test_genre_tags_are_believed_where_most_songs_have_one(tunes: Path, library: Path, tmp_path: Path) -> None:
    data, _ = collect(tunes, tmp_path / "a")
    assert (data.source, data.genres) == ("genre", ["High", "Low", "Middle"])
    assert {clip.artist for clip in data.clips if clip.genre == "Low"} == {"Artist 00", "Artist 01"}
    assert {clip.year for clip in data.clips} == set(range(1990, 2008))
    with pytest.raises(SongspaceError, match="by genre tags the 10 songs have no label"):
        collect(library, tmp_path / "b", source="genre")


def test_too_little(library: Path, tmp_path: Path, song: WriteSong) -> None:
    _, heard = collect(library, tmp_path / "work", per_genre=7)
    assert heard.said[:2] == [
        f"{genre} has 5 songs of the 7 asked for: all of them are taken." for genre in ("folk", "jazz")
    ]
    for number in range(3):
        song(library / "tango" / f"{number}.flac", number, seconds=7.0)
    data, heard = collect(library, tmp_path / "work")
    assert data.genres == ["folk", "jazz"] and heard.said == ["Genres of fewer than 4 songs are left out: tango."]
    shutil.rmtree(library / "jazz")
    with pytest.raises(SongspaceError, match=r"by folder names there is one genre \(folk\) of at least 4 songs"):
        collect(library, tmp_path / "work")
    with pytest.raises(SongspaceError, match=r"There is no folder .*nowhere: is its disk mounted\?"):
        collect(tmp_path / "nowhere", tmp_path / "work")
    (tmp_path / "bare").mkdir()
    with pytest.raises(SongspaceError, match="There is no music in"):
        collect(tmp_path / "bare", tmp_path / "work")


def test_a_disk_without_room_is_told_before_anything_is_decoded(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(SongspaceError, match=r"The segments of 10 songs take 0\.0 GB, which are not free in"):
        collect(library, tmp_path / "work")


def test_only_the_kept_spectrograms_can_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No spectrograms of"):
        Shelf(tmp_path, 3, 0).rows(LogMel(n_mels=48), np.array([0]), np.array([0]))
