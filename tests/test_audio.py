"""Windows of songs, held against decoding the whole of them from the first sample on."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from songspace.audio import read_excerpt, read_windows

SNDFILE = ["wav 8", "wav 16", "wav 24", "wav float", "aiff", "flac 16", "flac 24"]
MP3 = [
    "mp3 constant",
    "mp3 variable",
    "mp3 constant, no header",
    "mp3 variable, no header",
    "mp3 320",
]
OGG = ["ogg vorbis", "opus", "opus low", "ogg flac"]
OTHERS = [
    "aac",
    "aac, index first",
    "aac raw",
    "alac",
    "alac 24",
    "wma",
    "wma 1",
    "wavpack",
    "matroska flac",
    "matroska opus",
    "mp2",
    "ac3",
    "tta",
]


@pytest.fixture(scope="module")
def songs(audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A song of any kind, written once: ``songs(kind)``."""
    folder = tmp_path_factory.mktemp("songs")
    written: dict[str, Path] = {}

    def song(kind: str) -> Path:
        if kind not in written:
            rate = 48_000 if "opus" in kind else 44_100
            path = folder / f"{len(written)}{audio_files.KINDS[kind].suffix}"
            try:
                written[kind] = audio_files.write(path, kind, rate=rate)
            except av.codec.codec.UnknownCodecError:
                pytest.skip(f"this build of FFmpeg has no encoder for {kind}")
        return written[kind]

    return song


def assert_windows_of(whole: np.ndarray, rate: int, windows: Any, *, within: float) -> None:
    assert windows.duration == pytest.approx(len(whole) / rate, abs=1 / rate)
    for start, window in zip(windows.starts, windows.samples, strict=True):
        first = round(start * windows.rate)
        np.testing.assert_allclose(window, whole[first : first + len(window)], rtol=0, atol=within)


class TestSeeking:
    @pytest.mark.parametrize("kind", SNDFILE + MP3 + OGG + OTHERS)
    def test_windows_are_the_same_samples_of_a_full_decode(
        self, kind: str, songs: Callable[..., Path], audio_files: ModuleType
    ) -> None:
        whole, rate = audio_files.decode(songs(kind))
        windows = read_windows(songs(kind), seconds=0.1, count=40, rate=rate)
        assert windows.samples.shape == (40, rate // 10)
        assert_windows_of(
            whole.mean(axis=1), rate, windows, within=5e-6 if kind == "opus low" else 4e-5 if kind == "mp2" else 1e-6
        )

    @pytest.mark.parametrize("kind", ["wav 24", "flac 16", "mp3 variable", "ogg vorbis", "opus", "aac", "wma"])
    def test_an_excerpt_is_the_same_samples_of_a_full_decode(
        self, kind: str, songs: Callable[..., Path], audio_files: ModuleType
    ) -> None:
        whole, rate = audio_files.decode(songs(kind))
        length = len(whole) / rate
        for start, stop in ((0.0, 0.5), (1.234, 2.5), (length - 0.3, length + 1)):
            first, last = round(start * rate), round(stop * rate)
            excerpt = read_excerpt(songs(kind), start, stop, rate=rate)
            expected = whole[first:last].mean(axis=1)
            assert excerpt.shape == expected.shape
            np.testing.assert_allclose(excerpt, expected, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("kind", ["flac 16", "mp3 variable", "ogg vorbis", "opus", "aac", "wma"])
    @pytest.mark.parametrize("rate", [22_050, 16_000])
    def test_resampled_windows_are_those_of_the_resampled_song(
        self, kind: str, rate: int, songs: Callable[..., Path], audio_files: ModuleType
    ) -> None:
        whole, native = audio_files.decode(songs(kind))
        resampled = soxr.resample(whole.mean(axis=1).astype(np.float32), native, rate, quality="HQ")
        windows = read_windows(songs(kind), seconds=0.5, count=9, rate=rate)
        for start, window in zip(windows.starts, windows.samples, strict=True):
            first = round(start * rate)
            np.testing.assert_allclose(window, resampled[first : first + len(window)], rtol=0, atol=2e-6)

    @pytest.mark.parametrize("kind", [*MP3[:3], "mp3 320", *OGG[:2], "flac 24"])
    def test_another_decoder_agrees(self, kind: str, songs: Callable[..., Path]) -> None:
        # libsndfile decodes MP3 by mpg123 and knows nothing of songspace's reading of frames and pages.
        # It stops too early in MP3 of variable bit rate without a header, which is why that is not here.
        whole, rate = soundfile.read(songs(kind), dtype="float32", always_2d=True)
        windows = read_windows(songs(kind), seconds=0.5, count=9, rate=rate)
        assert_windows_of(whole.mean(axis=1), rate, windows, within=2e-5)

    def test_noise_that_a_decoder_makes_up_leaves_windows_in_place(
        self, songs: Callable[..., Path], audio_files: ModuleType
    ) -> None:
        whole, rate = audio_files.decode(songs("aac, made-up noise"))
        windows = read_windows(songs("aac, made-up noise"), seconds=0.5, count=9, rate=rate)
        assert windows.duration == len(whole) / rate
        for start, window in zip(windows.starts, windows.samples, strict=True):
            same = whole.mean(axis=1)[round(start * rate) :][: len(window)]
            assert np.corrcoef(window, same)[0, 1] > 0.9
            assert window.std() == pytest.approx(same.std(), rel=0.1)

    @pytest.mark.parametrize(
        ("kind", "rate", "channels", "bit_rate"),
        [
            ("mp3 constant", 48_000, 2, 32_000),  # so small that a frame needs nine before it
            ("mp3 constant", 32_000, 2, 320_000),
            ("mp3 constant, no header", 22_050, 2, 64_000),
            ("mp3 constant", 11_025, 1, 32_000),
            ("mp3 constant, no header", 8_000, 1, 8_000),
            ("mp3 variable, no header", 24_000, 2, None),
            ("ogg vorbis", 8_000, 1, None),
            ("ogg vorbis", 96_000, 6, None),
            ("flac 24", 96_000, 6, None),
            ("wav float", 192_000, 2, None),
            ("aiff", 37_800, 1, None),
            ("aac", 48_000, 6, 256_000),
            ("wma", 32_000, 1, 64_000),
            ("wavpack", 96_000, 2, None),
        ],
    )
    def test_every_rate_and_number_of_channels(
        self, kind: str, rate: int, channels: int, bit_rate: int | None, tmp_path: Path, audio_files: ModuleType
    ) -> None:
        how = audio_files.KINDS[kind]
        audio_files.KINDS["this one"] = how._replace(bit_rate=bit_rate or how.bit_rate)
        sound = audio_files.sound(5, rate=rate, channels=channels)
        song = audio_files.write(tmp_path / f"song{how.suffix}", "this one", sound, rate=rate)
        whole, _ = audio_files.decode(song)
        windows = read_windows(song, seconds=0.1, count=20, rate=rate)
        assert_windows_of(whole.mean(axis=1), rate, windows, within=1e-6)

    @pytest.mark.parametrize(("channels", "seconds"), [(8, 0.1), (16, 0.5)])
    def test_many_channels(self, channels: int, seconds: float, tmp_path: Path, audio_files: ModuleType) -> None:
        # PyAV finds a ninth channel where there is no memory; what has more than eight is libsndfile's.
        song = audio_files.write(tmp_path / "song.ogg", "ogg vorbis", audio_files.sound(5, channels=channels))
        whole, rate = soundfile.read(song)
        windows = read_windows(song, seconds=seconds, count=20, rate=rate)
        assert_windows_of(whole.mean(axis=1), rate, windows, within=1e-6)

    def test_variable_bit_rate_really_varies(self, songs: Callable[..., Path]) -> None:
        # Otherwise the tests above would prove nothing about it.
        data = songs("mp3 variable, no header").read_bytes()
        found = {data[at + 2] >> 4 for at in range(len(data) - 4) if data[at : at + 2] == b"\xff\xfb"}
        assert len(found) >= 4


class TestWindows:
    @settings(max_examples=60, deadline=None)
    @given(
        length=st.integers(1, 9_000),
        seconds=st.sampled_from([0.1, 0.25, 1.0]),
        count=st.integers(1, 12),
        native=st.sampled_from([8_000, 11_025, 12_000]),
    )
    def test_a_song_is_spread_as_a_plain_reading_would(
        self, length: int, seconds: float, count: int, native: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        rate = 8_000
        sound = np.random.default_rng(length).uniform(-0.5, 0.5, length).astype(np.float32)
        song = tmp_path_factory.getbasetemp() / "spread.wav"
        soundfile.write(song, sound, native, subtype="FLOAT")
        width, total = round(seconds * rate), length * rate // native
        assume(total > 0)
        whole = sound if native == rate else soxr.resample(sound, native, rate, quality="HQ")
        windows = read_windows(song, seconds=seconds, count=count, rate=rate)

        expected = np.zeros((1 if total < width else count, width))
        places = [0.0] if total < width else np.linspace(0, total - width, count)
        assume(all(abs(place % 1 - 0.5) > 1e-6 for place in places))  # halfway between two samples either will do
        starts = [round(place) for place in places]
        for row, start in zip(expected, starts, strict=True):
            row[: min(width, total)] = whole[start : min(start + width, total)]
        np.testing.assert_allclose(windows.samples, expected, atol=1e-6)
        np.testing.assert_allclose(windows.starts, np.array(starts) / rate)
        assert windows.duration == length / native
        assert windows.samples.dtype == np.float32
        assert windows.starts.dtype == np.float64
        assert windows.rate == rate
        assert windows.silent.shape == windows.starts.shape

    def test_the_last_window_ends_where_the_song_does(self, songs: Callable[..., Path]) -> None:
        windows = read_windows(songs("mp3 variable"), seconds=2.0, count=5)
        np.testing.assert_allclose(windows.starts, np.linspace(0, windows.duration - 2.0, 5), atol=1e-4)

    def test_channels_are_averaged_plainly(self, tmp_path: Path) -> None:
        left = 0.5 * np.sin(np.arange(16_000, dtype=np.float32))
        for name, right, expected in [("one", 0 * left, left / 2), ("both", left, left), ("against", -left, 0 * left)]:
            for suffix in (".wav", ".flac"):
                song = tmp_path / (name + suffix)
                soundfile.write(song, np.stack([left, right], axis=1), 8_000, subtype="PCM_24")
                windows = read_windows(song, seconds=2.0, count=1, rate=8_000)
                np.testing.assert_allclose(windows.samples[0], expected, atol=1e-6)

    def test_samples_beyond_full_scale_are_kept(self, tmp_path: Path) -> None:
        loud = 2.5 * np.sin(np.arange(8_000, dtype=np.float32))
        soundfile.write(tmp_path / "loud.wav", loud, 8_000, subtype="FLOAT")
        windows = read_windows(tmp_path / "loud.wav", seconds=1.0, count=1, rate=8_000)
        np.testing.assert_array_equal(windows.samples[0], loud)

    @pytest.mark.parametrize(("level", "silent"), [(0.0, True), (-61.0, True), (-59.0, False)])
    def test_silence_is_what_lies_60_decibels_down(self, tmp_path: Path, level: float, silent: bool) -> None:
        tone = np.sqrt(2) * np.sin(np.arange(16_000))  # its RMS is 1
        half = np.concatenate([0.1 * tone, (10 ** (level / 20) if level else 0.0) * tone])
        soundfile.write(tmp_path / "half.wav", half, 8_000, subtype="FLOAT")
        windows = read_windows(tmp_path / "half.wav", seconds=1.0, count=4, rate=8_000)
        assert windows.silent.tolist() == [False, False, silent, silent]

    def test_the_padding_of_a_short_song_makes_it_no_softer(self, tmp_path: Path) -> None:
        blip = 0.002 * np.ones(80)  # -54 dB for 10 ms, -81 dB over five seconds
        soundfile.write(tmp_path / "blip.wav", blip, 8_000, subtype="FLOAT")
        assert not read_windows(tmp_path / "blip.wav", rate=8_000).silent[0]

    @pytest.mark.parametrize("kind", ["flac 16", "mp3 variable", "ogg vorbis", "aac", "wavpack", "wma"])
    def test_names_lie_and_contents_do_not(self, kind: str, songs: Callable[..., Path], tmp_path: Path) -> None:
        song = songs(kind)
        expected = read_windows(song, seconds=1.0, count=3)
        for name in ("song.mp3", "song.flac", "song.wav", "song.raw", "ohne Endung", "曲.txt"):
            (tmp_path / name).write_bytes(song.read_bytes())
            found = read_windows(tmp_path / name, seconds=1.0, count=3)
            np.testing.assert_array_equal(found.samples, expected.samples)

    @pytest.mark.parametrize("kind", ["flac 16", "aac raw", "mp3 constant"])
    def test_tags_before_the_song_do_not_hide_it(self, kind: str, songs: Callable[..., Path], tmp_path: Path) -> None:
        (tmp_path / "tagged").write_bytes(b"ID3\x03\x00\x00\x00\x00\x10\x00" + bytes(2048) + songs(kind).read_bytes())
        expected = read_windows(songs(kind), seconds=1.0, count=3)
        found = read_windows(tmp_path / "tagged", seconds=1.0, count=3)
        assert found.duration == expected.duration
        np.testing.assert_allclose(found.samples, expected.samples, atol=1e-6)

    @pytest.mark.parametrize("suffix", ["dff", "dsf"])
    def test_dsd(self, suffix: str, tmp_path: Path, audio_files: ModuleType) -> None:
        path = audio_files.write_dsd(tmp_path / f"song.{suffix}", seconds=6)
        windows = read_windows(path, seconds=2, count=3, rate=22_050)
        assert windows.starts.tolist() == [0, 2, 4] and not windows.silent.any()
        for samples in windows.samples:
            spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))[:20_000]
            tones = sorted(np.argsort(spectrum)[-6:] / 2)
            assert {round(tone / 10) * 10 for tone in tones} == {440, 660}

    def test_a_name_that_is_no_text_can_be_read(self, tmp_path: Path, songs: Callable[..., Path]) -> None:
        for kind in ("flac 16", "mp3 variable", "aac"):
            song = Path(str(tmp_path / "Ca") + "\udcf1\udcf3n")  # Latin-1, as on old disks
            try:
                song.write_bytes(songs(kind).read_bytes())
            except (OSError, UnicodeError):
                pytest.skip("this file system takes only names that are text")
            assert read_windows(song, seconds=1.0, count=3).duration == pytest.approx(12, abs=0.1)

    def test_a_path_may_be_text_or_a_link(self, tmp_path: Path, songs: Callable[..., Path]) -> None:
        (tmp_path / "link.flac").symlink_to(songs("flac 16"))
        assert read_windows(str(tmp_path / "link.flac")).duration == 12.0

    @pytest.mark.parametrize(
        "wrong", [{"seconds": 0}, {"seconds": -1.0}, {"seconds": float("nan")}, {"count": 0}, {"rate": 0}]
    )
    def test_wrong_arguments(self, wrong: dict[str, Any], songs: Callable[..., Path]) -> None:
        with pytest.raises(ValueError, match="must be positive"):
            read_windows(songs("wav 16"), **wrong)

    def test_ffmpeg_is_loaded_only_where_it_is_needed(self, songs: Callable[..., Path]) -> None:
        program = (
            "import sys; from songspace.audio import read_windows;read_windows(sys.argv[1]); print('av' in sys.modules)"
        )
        for kind, needed in [("flac 16", "False"), ("aac", "True")]:
            ran = subprocess.run(
                [sys.executable, "-c", program, songs(kind)], capture_output=True, text=True, check=True
            )
            assert ran.stdout.strip() == needed


class _CountingFile(io.FileIO):
    """A file that counts what is read from it."""

    read_bytes = 0

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        _CountingFile.read_bytes += count
        return count


MINUTES, TIMES = 4, 15  # four minutes against an hour


@pytest.fixture(scope="module")
def pairs(audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Path]]:
    """A song of four minutes and one of an hour: ``pairs(kind)``; at 8 kHz, so that they are soon made."""
    folder = tmp_path_factory.mktemp("long")
    sound = np.tile(audio_files.sound(30, rate=8_000, channels=1), (2 * MINUTES, 1))
    made: dict[str, tuple[Path, Path]] = {}

    def pair(kind: str) -> tuple[Path, Path]:
        if kind not in made:
            how = audio_files.KINDS[kind]
            audio_files.KINDS["thin"] = how._replace(bit_rate=how.bit_rate and (8_000 if "mp3" in kind else 24_000))
            short = audio_files.write(folder / f"{len(made)}{how.suffix}", "thin", sound, rate=8_000)
            made[kind] = short, audio_files.repeat(short, TIMES)
        return made[kind]

    return pair


class TestLongSongs:
    """What an hour costs is what four minutes cost: in bytes read, packets decoded, memory held."""

    @pytest.mark.parametrize(
        ("kind", "factor"),
        [
            ("wav 16", 1.1),
            ("flac 16", 1.1),
            ("mp3 constant, no header", 1.1),
            ("ogg vorbis", 1.5),  # some more steps in looking for a page
            ("wma", 1.5),
            ("aac", 2.0),  # MP4 has an index, here of 0.2 MB for an hour
        ],
    )
    def test_as_little_is_read(
        self,
        kind: str,
        factor: float,
        pairs: Callable[..., tuple[Path, Path]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(os, "fdopen", lambda number, mode: io.BufferedReader(_CountingFile(number, mode)))
        amounts = []
        for song, minutes in zip(pairs(kind), (MINUTES, MINUTES * TIMES), strict=True):
            monkeypatch.setattr(_CountingFile, "read_bytes", 0)
            assert read_windows(song).duration == pytest.approx(60 * minutes, rel=0.01)
            amounts.append(_CountingFile.read_bytes)
        assert 0 < amounts[1] < factor * amounts[0]

    @pytest.mark.parametrize("kind", ["mp3 variable, no header", "mp3 constant, no header", "ogg vorbis"])
    def test_as_little_is_decoded(
        self, kind: str, pairs: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, packets = av.CodecContext, []

        class Counting:
            @classmethod
            def create(cls, *args: Any) -> Any:
                counting = cls()
                counting.decoder = real.create(*args)
                return counting

            def decode(self, packet: Any) -> Any:
                packets.append(packet.size)
                return self.decoder.decode(packet)

            def __setattr__(self, name: str, value: Any) -> None:
                if name == "decoder":
                    object.__setattr__(self, name, value)
                else:
                    setattr(self.decoder, name, value)

        monkeypatch.setattr(av, "CodecContext", Counting)
        numbers = []
        for song in pairs(kind):
            packets.clear()
            read_windows(song)
            numbers.append(len(packets))
        assert 0 < numbers[1] < 1.2 * numbers[0]

    @pytest.mark.parametrize(
        "kind", ["wav 16", "mp3 variable, no header", "mp3 constant, no header", "ogg vorbis", "wma"]
    )
    def test_no_more_memory_is_taken(self, kind: str, pairs: Callable[..., tuple[Path, Path]]) -> None:
        peaks = []
        for song in pairs(kind):
            read_windows(song)  # what is loaded once
            tracemalloc.start()
            read_windows(song)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.1 * peaks[0] + 100_000


class TestMp3:
    """What the reading of frames must cope with."""

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls, songs: Callable[..., Path]) -> Any:
        return {
            kind: read_windows(songs(kind), seconds=0.5, count=8, rate=44_100)
            for kind in ("mp3 constant, no header", "mp3 variable, no header")
        }

    @staticmethod
    def assert_same(song: Path, expected: Any) -> None:
        found = read_windows(song, seconds=0.5, count=8, rate=44_100)
        assert found.duration == expected.duration
        np.testing.assert_array_equal(found.samples, expected.samples)

    @pytest.mark.parametrize("kind", ["mp3 constant, no header", "mp3 variable, no header"])
    def test_tags_are_no_sound(self, kind: str, songs: Callable[..., Path], expected: Any, tmp_path: Path) -> None:
        frames = songs(kind).read_bytes()
        picture = b"\xff\xd8\xff\xe0" + bytes(200_000) + b"\xff\xfb\x90\x00" * 3
        size = len(picture)
        id3 = b"ID3\x04\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + picture
        ape = b"APETAGEX" + struct.pack("<IIII8x", 2000, 40_032, 1, 0) + bytes(40_000)
        song = tmp_path / "tagged.mp3"
        song.write_bytes(id3 + id3 + frames + ape + b"TAG" + bytes(125))
        self.assert_same(song, expected[kind])

    @pytest.mark.parametrize("kind", ["mp3 constant, no header", "mp3 variable, no header"])
    def test_rubbish_before_the_first_frame_is_stepped_over(
        self, kind: str, songs: Callable[..., Path], expected: Any, tmp_path: Path
    ) -> None:
        frames = songs(kind).read_bytes()
        song = tmp_path / "late.mp3"
        song.write_bytes(b"\xff\xfb" + np.random.default_rng(0).bytes(9_000) + bytes(3_000) + frames)
        self.assert_same(song, expected[kind])

    def test_variable_and_constant_bit_rates_may_be_joined(
        self, songs: Callable[..., Path], audio_files: ModuleType, tmp_path: Path
    ) -> None:
        # The first part is long enough to look like a file of constant bit rate.
        constant = songs("mp3 constant, no header").read_bytes()
        variable = songs("mp3 variable, no header").read_bytes()
        song = tmp_path / "joined.mp3"
        song.write_bytes(constant * 4 + variable * 2 + constant)
        whole, rate = audio_files.decode(song)
        windows = read_windows(song, seconds=0.5, count=40, rate=rate)
        assert_windows_of(whole.mean(axis=1), rate, windows, within=1e-6)

    @pytest.mark.parametrize("kind", ["mp3 constant, no header", "mp3 variable, no header", "mp3 variable"])
    def test_a_damaged_place_costs_that_place_only(self, kind: str, songs: Callable[..., Path], tmp_path: Path) -> None:
        data = bytearray(songs(kind).read_bytes())
        middle = len(data) // 2
        data[middle : middle + 2_000] = np.random.default_rng(0).bytes(2_000)
        (tmp_path / "damaged.mp3").write_bytes(data)
        whole = read_windows(songs(kind), seconds=1.0, count=5)
        damaged = read_windows(tmp_path / "damaged.mp3", seconds=1.0, count=5)
        assert damaged.duration == pytest.approx(whole.duration, abs=1.0)
        np.testing.assert_array_equal(damaged.samples[0], whole.samples[0])
        assert not damaged.silent.any()

    def test_a_bit_rate_that_is_constant_at_both_ends_only(self, audio_files: ModuleType, tmp_path: Path) -> None:
        # At 48 kHz all frames of 128 kbit/s have 384 bytes, and zeros keep the last part on their grid.
        sound = audio_files.sound(10, rate=48_000)
        kinds = "mp3 constant, no header", "mp3 variable, no header"
        songs = [audio_files.write(tmp_path / f"{kind}.mp3", kind, sound, rate=48_000) for kind in kinds]
        constant, variable = (song.read_bytes() for song in songs)
        mixed = tmp_path / "mixed.mp3"
        mixed.write_bytes(constant * 3 + variable * 3 + bytes(-3 * len(variable) % 384) + constant * 3)
        constant_duration, variable_duration = (read_windows(song, count=1).duration for song in songs)
        expected = 6 * constant_duration + 3 * variable_duration
        # One window, at the beginning: reading others, it would be found out that they lie elsewhere.
        assert read_windows(mixed, count=1).duration == pytest.approx(expected, abs=1e-6)

    def test_what_the_encoder_added_is_left_out(self, audio_files: ModuleType, tmp_path: Path) -> None:
        sound = audio_files.sound(7.123, rate=44_100)
        song = audio_files.write(tmp_path / "exact.mp3", "mp3 320", sound)
        windows = read_windows(song, seconds=1.0, count=5, rate=44_100)
        assert windows.duration == len(sound) / 44_100
        mean = sound.mean(axis=1)
        for start, window in zip(windows.starts, windows.samples, strict=True):
            same = mean[round(start * 44_100) :][:44_100]
            assert np.abs(np.correlate(window, same) / np.correlate(same, same) - 1) < 0.02  # no shift


class TestOgg:
    """What the reading of pages must cope with."""

    @staticmethod
    def pages(data: bytes) -> list[bytes]:
        """An Ogg file, page by page."""
        found = []
        while data:
            segments = data[26]
            length = 27 + segments + sum(data[27 : 27 + segments])
            found.append(data[:length])
            data = data[length:]
        return found

    @pytest.mark.parametrize("kind", ["ogg vorbis", "opus"])
    def test_a_stream_may_be_cut_out_of_a_longer_one(
        self, kind: str, songs: Callable[..., Path], audio_files: ModuleType, tmp_path: Path
    ) -> None:
        pages = self.pages(songs(kind).read_bytes())
        (tmp_path / "cut.ogg").write_bytes(b"".join(pages[:2] + pages[6:]))
        whole, rate = audio_files.decode(songs(kind))
        windows = read_windows(tmp_path / "cut.ogg", seconds=0.2, count=20, rate=rate)
        missing = len(whole) / rate - windows.duration
        assert missing > 0.5
        for start, window in list(zip(windows.starts, windows.samples, strict=True))[3:]:
            first = round((start + missing) * rate)
            np.testing.assert_allclose(window, whole.mean(axis=1)[first : first + len(window)], atol=1e-6)

    @pytest.mark.parametrize("kind", ["ogg vorbis", "opus"])
    def test_a_missing_page_moves_nothing(self, kind: str, songs: Callable[..., Path], tmp_path: Path) -> None:
        pages = self.pages(songs(kind).read_bytes())
        middle = len(pages) // 2
        (tmp_path / "hole.ogg").write_bytes(b"".join(pages[:middle] + pages[middle + 1 :]))
        whole = read_windows(songs(kind), seconds=1.0, count=5)
        hole = read_windows(tmp_path / "hole.ogg", seconds=1.0, count=5)
        assert hole.duration == whole.duration
        same = [np.allclose(a, b, atol=1e-5) for a, b in zip(hole.samples, whole.samples, strict=True)]
        assert same[0]
        assert same[-1]
        assert not all(same)

    def test_windows_may_lie_on_the_last_page(self, tmp_path: Path) -> None:
        # Soft and slow, so that pages are long: the last one holds several windows, and whatever comes before them.
        tone = 0.1 * np.sin(2 * np.pi * 220 * np.arange(8_000 * 30) / 8_000)
        song = tmp_path / "song.ogg"
        with soundfile.SoundFile(song, "w", 8_000, 1, format="OGG", subtype="VORBIS") as file:
            for start in range(0, len(tone), 8_000):
                file.write(tone[start : start + 8_000])
        whole, rate = soundfile.read(song)
        granules = [struct.unpack_from("<q", page, 6)[0] for page in self.pages(song.read_bytes())]
        assert granules[-1] - granules[-2] > 2.5 * rate
        windows = read_windows(song, seconds=0.1, count=60, rate=rate)
        assert_windows_of(whole, rate, windows, within=1e-6)

    def test_another_stream_in_the_file_is_ignored(self, songs: Callable[..., Path], tmp_path: Path) -> None:
        pages = self.pages(songs("ogg vorbis").read_bytes())
        other = [bytearray(page) for page in self.pages(songs("opus").read_bytes())]
        for page in other:
            page[14:18] = b"else"
        other[0][28:36] = b"fishead\0"  # as in files with a "skeleton"
        mixed = pages[:1] + other[:1] + pages[1:3] + other[5:7] + pages[3:]
        (tmp_path / "mixed.ogg").write_bytes(b"".join(map(bytes, mixed)))
        whole = read_windows(songs("ogg vorbis"), seconds=1.0, count=5)
        found = read_windows(tmp_path / "mixed.ogg", seconds=1.0, count=5)
        np.testing.assert_array_equal(found.samples, whole.samples)


class TestRandomPlaces:
    def test_windows_are_drawn_from_all_of_the_song(self, songs: Callable[..., Path]) -> None:
        song = songs("wav 16")
        whole, rate = soundfile.read(song, dtype="float32", always_2d=True)
        spread = read_windows(song, seconds=0.5, count=20, rate=rate)
        drawn = read_windows(song, seconds=0.5, count=20, rate=rate, rng=np.random.default_rng(5))
        assert (np.diff(drawn.starts) >= 0).all() and not np.allclose(drawn.starts, spread.starts)
        share = np.sort(np.random.default_rng(5).random(20))
        np.testing.assert_allclose(drawn.starts, share * (drawn.duration - 0.5), atol=1 / rate)
        assert_windows_of(whole.mean(axis=1), rate, drawn, within=1e-6)

    def test_the_same_places_at_another_rate(self, songs: Callable[..., Path]) -> None:
        song = songs("mp3 constant")
        high, low = (
            read_windows(song, seconds=0.5, count=5, rate=rate, rng=np.random.default_rng(1))
            for rate in (44_100, 22_050)
        )
        np.testing.assert_allclose(high.starts, low.starts, atol=1 / 22_050)
