"""Windows of real songs, held against decoding the whole of them from the first sample on."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from songspace.audio import read_windows

pytestmark = pytest.mark.real


def songs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".mp3", ".ogg", ".flac"})


def test_windows_of_whole_songs_are_the_same_samples_of_a_full_decode(music: Path, audio_files: ModuleType) -> None:
    # The MP3s have no header that tells their length; libsndfile takes some for up to 17 s longer than they are.
    found = songs(music / "full_songs")
    assert len(found) == 11
    for song in found:
        if song.suffix == ".mp3":
            whole, rate = audio_files.decode(song)
        else:
            whole, rate = soundfile.read(song, dtype="float32", always_2d=True)
        windows = read_windows(song, seconds=0.2, count=100, rate=rate)
        assert windows.duration == len(whole) / rate
        assert len(windows.starts) == 100
        for start, window in zip(windows.starts, windows.samples, strict=True):
            same = whole[round(start * rate) :][: len(window)].mean(axis=1)
            np.testing.assert_allclose(window, same, rtol=0, atol=1e-6)


def test_clips_are_what_another_decoder_makes_of_them(music: Path) -> None:
    for song in songs(music / "emotify")[::40]:
        whole, rate = soundfile.read(song, dtype="float32", always_2d=True)
        windows = read_windows(song, seconds=1.0, count=5, rate=rate)
        assert windows.duration == len(whole) / rate == 30.0
        for start, window in zip(windows.starts, windows.samples, strict=True):
            same = whole[round(start * rate) :][: len(window)].mean(axis=1)
            np.testing.assert_allclose(window, same, rtol=0, atol=2e-5)


def test_every_clip_can_be_read(music: Path) -> None:
    found = songs(music / "emotify")
    assert len(found) == 400
    for song in found:
        windows = read_windows(song, seconds=1.0, count=2)
        assert windows.duration == soundfile.info(song).duration  # these have a header that tells it
        assert windows.samples.shape == (2, 22_050)
        assert np.isfinite(windows.samples).all()
