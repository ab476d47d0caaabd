"""What is no song, or no longer: each gives a reason in one sentence, or what is left of it."""

from __future__ import annotations

import os
import re
import socket
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from songspace.audio import Windows, read_excerpt, read_windows
from songspace.errors import AudioError

RATE = 22_050


@pytest.fixture(autouse=True)
def decoders_keep_quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No test here may leave a word of a decoder's on the terminal."""
    yield
    captured = capfd.readouterr()
    assert captured.err == ""
    assert captured.out == ""


@pytest.fixture(scope="module")
def songs(audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The bytes of a song of eight seconds, of any kind: ``songs(kind)``."""
    folder = tmp_path_factory.mktemp("songs")
    written: dict[str, bytes] = {}

    def song(kind: str) -> bytes:
        if kind not in written:
            rate = 48_000 if "opus" in kind else RATE
            sound = audio_files.sound(8, rate=rate)
            try:
                path = audio_files.write(folder / f"song{audio_files.KINDS[kind].suffix}", kind, sound, rate=rate)
            except av.codec.codec.UnknownCodecError:
                pytest.skip(f"this build of FFmpeg has no encoder for {kind}")
            written[kind] = path.read_bytes()
        return written[kind]

    return song


def reason(path: str | os.PathLike[str]) -> str:
    """The reason why a file cannot be read, which is one sentence."""
    with pytest.raises(AudioError) as caught:
        read_windows(path)
    assert re.fullmatch(r"[A-Z][^\n]*\.", str(caught.value))
    return str(caught.value)


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(192)) for _ in range(64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def silent_film(path: Path) -> Path:
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 64
        for _ in range(25):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class TestNoFile:
    def test_nothing_there(self, tmp_path: Path) -> None:
        assert reason(tmp_path / "song.flac") == "There is no such file."

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "song.flac").mkdir()
        assert reason(tmp_path / "song.flac") == "It is a folder."

    def test_a_dangling_link(self, tmp_path: Path) -> None:
        (tmp_path / "song.flac").symlink_to("gone.flac")
        assert reason(tmp_path / "song.flac") == "It is a link to what is not there."

    def test_a_circular_link(self, tmp_path: Path) -> None:
        (tmp_path / "a.flac").symlink_to("b.flac")
        (tmp_path / "b.flac").symlink_to("a.flac")
        assert reason(tmp_path / "a.flac") == "It is a link that leads back to itself."

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "song.mp3")
        assert "pipe" in reason(tmp_path / "song.mp3")

    def test_a_device(self, tmp_path: Path) -> None:
        (tmp_path / "song.mp3").symlink_to("/dev/zero")
        assert "device" in reason(tmp_path / "song.mp3")

    def test_a_socket(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            try:
                server.bind(str(tmp_path / "s"))
            except OSError:
                pytest.skip("the path of the temporary folder is too long for a socket")
            assert "socket" in reason(tmp_path / "s")

    def test_no_permission(self, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        song = tmp_path / "song.wav"
        song.write_bytes(songs("wav 16"))
        song.chmod(0)
        root = os.geteuid() == 0
        if root:  # who may read everything
            os.seteuid(65_534)
        try:
            found = reason(song)
        finally:
            if root:
                os.seteuid(0)
        assert "permission" in found

    def test_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "album").write_bytes(b"x")
        reason(tmp_path / "album" / "song.mp3")

    def test_a_name_that_no_file_can_have(self) -> None:
        assert "name" in reason("song\0.mp3")

    def test_a_name_that_is_too_long(self) -> None:
        reason("x" * 10_000)


class TestNoSound:
    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "song.mp3").touch()
        assert reason(tmp_path / "song.mp3") == "It is empty."

    @pytest.mark.parametrize("kind", ["wav 16", "wav float", "aiff", "ogg vorbis"])
    def test_no_samples(self, kind: str, tmp_path: Path, audio_files: ModuleType) -> None:
        song = tmp_path / f"song{audio_files.KINDS[kind].suffix}"
        audio_files.write(song, kind, np.zeros((0, 2), np.float32))
        assert song.stat().st_size > 0
        assert "sound" in reason(song)

    @pytest.mark.parametrize("suffix", [".mp3", ".flac", ".wav", ".m4a", ".ogg", ".aac", ".raw"])
    @pytest.mark.parametrize("size", [1, 100, 5_000, 300_000])
    def test_random_bytes(self, suffix: str, size: int, tmp_path: Path) -> None:
        (tmp_path / f"song{suffix}").write_bytes(np.random.default_rng(size).bytes(size))
        reason(tmp_path / f"song{suffix}")

    @pytest.mark.parametrize("magic", [b"RIFF", b"fLaC", b"OggS", b"ID3\x04", b"\xff\xfb\x90\x00", b"FORM", b"wvpk"])
    def test_random_bytes_that_begin_well(self, magic: bytes, tmp_path: Path) -> None:
        for seed in range(5):
            (tmp_path / "song.mp3").write_bytes(magic + np.random.default_rng(seed).bytes(50_000))
            reason(tmp_path / "song.mp3")

    @pytest.mark.parametrize(
        "text",
        ["lyrics\n" * 5_000, "\0" * 100_000, "<html><body>404 Not Found</body></html>", "#EXTM3U\nsong.flac\n"],
    )
    def test_text(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "song.mp3").write_text(text)
        assert "not a sound file" in reason(tmp_path / "song.mp3")

    @pytest.mark.parametrize("suffix", [".flac", ".mp3", ".m4a"])
    def test_a_picture(self, suffix: str, tmp_path: Path) -> None:
        (tmp_path / f"cover{suffix}").write_bytes(png())
        reason(tmp_path / f"cover{suffix}")

    def test_a_silent_film(self, tmp_path: Path) -> None:
        assert reason(silent_film(tmp_path / "film.m4a")) == "It holds no sound."

    @pytest.mark.parametrize(
        "script",
        [
            "ffconcat version 1.0\nfile secret.wav\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.wav\n#EXT-X-ENDLIST\n",
        ],
    )
    def test_scripts_open_no_other_file(
        self, script: str, tmp_path: Path, songs: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)  # where FFmpeg would look
        (tmp_path / "secret.wav").write_bytes(songs("wav 16"))
        (tmp_path / "song.mp3").write_text(script)
        reason(tmp_path / "song.mp3")

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
    def test_samples_that_are_no_sound(self, value: float, tmp_path: Path) -> None:
        sound = np.zeros(3 * RATE, np.float32)
        sound[RATE] = value
        soundfile.write(tmp_path / "song.wav", sound, RATE, subtype="FLOAT")
        assert "NaN" in reason(tmp_path / "song.wav")


# How much of the first half of each kind is left when the second is cut off: 8 s are about 4 s then.
CUT = [
    "wav 16",
    "wav float",
    "aiff",
    "flac 16",
    "flac 24",
    "ogg vorbis",
    "opus",
    "mp3 constant",
    "mp3 variable",
    "mp3 constant, no header",
    "mp3 variable, no header",
    "aac, index first",
    "aac raw",
    "wma",
    "wavpack",
    "matroska flac",
    "matroska opus",
    "tta",
]


class TestCutShort:
    @pytest.mark.parametrize("kind", CUT)
    def test_what_is_left_is_read(
        self, kind: str, tmp_path: Path, songs: Callable[[str], bytes], audio_files: ModuleType
    ) -> None:
        rate = 48_000 if "opus" in kind else RATE
        data = songs(kind)
        (tmp_path / "whole").write_bytes(data)
        whole, _ = audio_files.decode(tmp_path / "whole")
        (tmp_path / "cut").write_bytes(data[: len(data) * 6 // 10])
        windows = read_windows(tmp_path / "cut", seconds=0.5, count=4, rate=rate)
        assert 2.0 < windows.duration < 7.0
        assert windows.starts[-1] == pytest.approx(windows.duration - 0.5, abs=0.01)
        for start, window in zip(windows.starts, windows.samples, strict=True):
            same = whole.mean(axis=1)[round(start * rate) :][: len(window)]
            bad = np.abs(window - same) > 1e-5
            assert bad.mean() < (0.15 if start == windows.starts[-1] else 1e-9)  # the very last frame may be hurt

    def test_half_a_frame_of_mp3_is_none(self, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        data = songs("mp3 constant, no header")
        for length in range(20_000, 20_450, 50):
            (tmp_path / "cut.mp3").write_bytes(data[:length])
            whole, at = -1, 0
            while at <= length:
                whole, at = whole + 1, at + 576 * 16_000 // RATE + (data[at + 2] >> 1 & 1)  # 128 kbit/s
            assert read_windows(tmp_path / "cut.mp3").duration == whole * 576 / RATE

    def test_an_mp4_without_its_index_is_lost(self, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        data = songs("aac")
        (tmp_path / "cut.m4a").write_bytes(data[: len(data) // 2])
        reason(tmp_path / "cut.m4a")

    @pytest.mark.parametrize("kind", [*CUT, "aac", "alac"])
    @pytest.mark.parametrize("size", [5, 60, 200])
    def test_next_to_nothing_is_left(self, kind: str, size: int, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        (tmp_path / "cut").write_bytes(songs(kind)[:size])
        try:
            windows = read_windows(tmp_path / "cut")
        except AudioError as error:
            assert re.fullmatch(r"[A-Z][^\n]*\.", str(error))
        else:  # of some, that is a few samples
            assert kind.startswith(("wav", "aiff"))
            assert 0 < windows.duration < 0.01


class TestDamaged:
    @pytest.mark.parametrize("kind", [*CUT, "aac", "alac"])
    def test_a_hole_costs_what_is_in_it(self, kind: str, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        data = bytearray(songs(kind))
        (tmp_path / "whole").write_bytes(data)
        hole = len(data) * 45 // 100
        data[hole : hole + 1_000] = bytes(1_000)
        (tmp_path / "damaged").write_bytes(data)
        whole = read_windows(tmp_path / "whole", seconds=0.5, count=4)
        damaged = read_windows(tmp_path / "damaged", seconds=0.5, count=4)
        assert damaged.duration == pytest.approx(whole.duration, abs=1.0)
        np.testing.assert_allclose(damaged.samples[0], whole.samples[0], atol=1e-5)

    @pytest.mark.parametrize("kind", [*CUT, "aac", "alac"])
    def test_any_damage_gives_windows_or_a_reason(
        self, kind: str, tmp_path: Path, songs: Callable[[str], bytes]
    ) -> None:
        rng = np.random.default_rng(len(kind))
        for trial in range(12):
            data = np.frombuffer(songs(kind), np.uint8).copy()
            reach = len(data) if trial % 2 else 400  # headers are where it hurts
            places = rng.integers(0, reach, size=1 + 3 * trial)
            data[places] = rng.integers(0, 256, size=len(places))
            (tmp_path / "song").write_bytes(data.tobytes())
            tracemalloc.start()
            try:
                windows = read_windows(tmp_path / "song", seconds=1.0, count=3)
            except AudioError as error:
                assert re.fullmatch(r"[A-Z][^\n]*\.", str(error))
            else:
                assert isinstance(windows, Windows)
                assert np.isfinite(windows.samples).all()
                assert windows.samples.shape[1] == RATE
            finally:
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            assert peak < 200e6

    @pytest.mark.parametrize(
        ("offset", "value"),
        [
            (24, struct.pack("<I", 1)),  # samples a second
            (24, struct.pack("<I", 2_000_000_000)),
            (22, struct.pack("<H", 1024)),  # channels
            (22, struct.pack("<H", 65_535)),
            (40, b"\xff\xff\xff\xff"),  # bytes of sound
        ],
    )
    def test_absurd_headers_take_no_memory(
        self, offset: int, value: bytes, tmp_path: Path, songs: Callable[[str], bytes]
    ) -> None:
        data = bytearray(songs("wav 16"))
        data[offset : offset + len(value)] = value
        (tmp_path / "song.wav").write_bytes(data)
        tracemalloc.start()
        try:
            windows = read_windows(tmp_path / "song.wav")
            assert 0 < windows.duration <= 8.0
        except AudioError:
            assert offset != 40  # that one is simply not believed
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 50e6

    def test_a_decoder_that_seeks_to_nowhere_is_not_heard(self, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        (tmp_path / "song.aiff").write_bytes(songs("aiff").replace(b"SSND", b"\x80SND", 1))
        reason(tmp_path / "song.aiff")

    @pytest.mark.parametrize("total", [0, 2**36 - 1, 8 * RATE + 5_000_000])
    def test_a_flac_that_misstates_its_length(self, total: int, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        data = bytearray(songs("flac 16"))
        data[21] = data[21] & 0xF0 | total >> 32
        data[22:26] = struct.pack(">I", total & 0xFFFFFFFF)
        (tmp_path / "song.flac").write_bytes(data)
        (tmp_path / "right.flac").write_bytes(songs("flac 16"))
        windows = read_windows(tmp_path / "song.flac", seconds=1.0, count=5)
        assert windows.duration == 8.0
        right = read_windows(tmp_path / "right.flac", seconds=1.0, count=5)
        np.testing.assert_allclose(windows.samples, right.samples, atol=1e-6)

    @pytest.mark.parametrize("frames", [0, 10, 2**32 - 1])
    def test_an_mp3_that_misstates_its_length(self, frames: int, tmp_path: Path, songs: Callable[[str], bytes]) -> None:
        data = bytearray(songs("mp3 variable"))
        tag = data.index(b"Xing")
        data[tag + 8 : tag + 12] = struct.pack(">I", frames)
        (tmp_path / "song.mp3").write_bytes(data)
        windows = read_windows(tmp_path / "song.mp3", seconds=1.0, count=5)
        assert windows.duration == pytest.approx(8.0, abs=0.1)


class TestExcerpts:
    def test_a_song_that_became_shorter(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "short.wav", np.full(RATE, 0.1), RATE)
        with pytest.raises(AudioError, match="It is shorter than it was"):
            read_excerpt(tmp_path / "short.wav", 1.0, 2.0)

    def test_what_is_no_song(self, tmp_path: Path) -> None:
        (tmp_path / "words.mp3").write_text("no sound at all")
        with pytest.raises(AudioError, match="not a sound file"):
            read_excerpt(tmp_path / "words.mp3", 0.0, 1.0)
        with pytest.raises(AudioError, match="There is no such file"):
            read_excerpt(tmp_path / "gone.mp3", 0.0, 1.0)

    @pytest.mark.parametrize(
        ("start", "stop", "rate"),
        [
            (1.0, 1.0, RATE),
            (2.0, 1.0, RATE),
            (-1.0, 1.0, RATE),
            (0.0, np.nan, RATE),
            (0.0, np.inf, RATE),
            (0.0, 1.0, 0),
        ],
    )
    def test_impossible_parts(self, start: float, stop: float, rate: int, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="0 <= start < stop"):
            read_excerpt(tmp_path / "any.wav", start, stop, rate=rate)
