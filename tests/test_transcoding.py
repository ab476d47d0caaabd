"""Songs that are encoded while they are sent: the same sound, from where it was asked for, whatever the file holds."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from songspace.audio.transcoding import ENCODINGS, Frames, Transcoder, frames_of
from songspace.errors import AudioError

LAME = 1105  # samples that come before the first one; only a file that is whole can say so
KINDS = (
    *("wav 8", "wav 24", "wav float", "aiff", "flac 16", "ogg vorbis", "ogg flac", "opus", "opus low"),
    *("mp3 constant", "mp3 variable", "mp3 constant, no header", "mp3 variable, no header", "mp2", "ac3", "tta"),
    *("aac", "aac, made-up noise", "aac raw", "alac", "alac 24", "wma", "wma 1", "wavpack"),
    *("matroska flac", "matroska opus"),
)
TOLERANCE = 0.0015  # s; ASF and Matroska count milliseconds


Heard = tuple[np.ndarray, int]


def encoded(path: Path, format: str, *, start: float = 0.0, kilobits: int | None = None) -> bytes:
    """All that is sent of a song."""
    with path.open("rb") as file:
        transcoder = Transcoder(file, format, start=start, kilobits=kilobits)
        pieces = []
        while (piece := transcoder.more()) is not None:
            pieces.append(piece)
        assert transcoder.more() is None
        transcoder.close()
        return b"".join(pieces)


@pytest.fixture
def heard(audio_files: ModuleType, tmp_path: Path) -> Callable[..., Heard]:
    """What a player hears of it: samples of all channels, and the rate."""

    def hear(path: Path, format: str, **how: float) -> Heard:
        sent = tmp_path / "sent"
        sent.write_bytes(encoded(path, format, **how))  # type: ignore[arg-type]
        samples, rate = audio_files.decode(sent)
        return (samples[LAME:] if format == "mp3" else samples), rate

    return hear


def match(heard: np.ndarray, original: np.ndarray) -> tuple[int, float]:
    """(samples by which it comes late, correlation there)."""
    size = 1 << (len(heard) + len(original)).bit_length()
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(original, size)), size)
    lag = int(np.argmax(products))
    likeness = products[lag] / np.sqrt((heard @ heard) * (original @ original))
    return (lag if lag < size // 2 else lag - size), float(likeness)


@pytest.mark.parametrize(
    ("kind", "format"),
    [
        *((kind, "opus") for kind in KINDS),
        *((kind, format) for kind in ("wma", "flac 24") for format in ("mp3", "webm")),
    ],
)
def test_the_sound_is_that_of_the_song_from_any_second_on(
    audio_files: ModuleType, heard: Callable[..., Heard], tmp_path: Path, kind: str, format: str
) -> None:
    path = write(audio_files, tmp_path, kind)
    samples, rate = audio_files.decode(path)
    for start in (0.0, 4.321):
        got, new = heard(path, format, start=start)
        original = soxr.resample(samples[round(start * rate) :], rate, new)
        assert abs(len(got) - len(original)) < (0.05 if format == "mp3" else TOLERANCE) * new
        for channel in range(2):
            lag, likeness = match(got[:, channel], original[:, channel])
            assert abs(lag) <= TOLERANCE * new and likeness > 0.94, (start, lag, likeness)


def write(audio_files: ModuleType, folder: Path, kind: str) -> Path:
    rate = 48_000 if "opus" in kind else 44_100
    path: Path = audio_files.write(folder / f"song{audio_files.KINDS[kind].suffix}", kind, rate=rate)
    return path


@pytest.mark.parametrize("format", ["mp3", "opus"])
@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 24, 64])
def test_many_channels_become_two_and_one_stays_one(
    heard: Callable[..., Heard], tmp_path: Path, format: str, channels: int
) -> None:
    tone = 0.25 * np.sin(np.arange(48_000) / 20)
    path = tmp_path / "song.wav"
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), 48_000)
    got, rate = heard(path, format)
    assert got.shape[1] == min(channels, 2) and rate == 48_000
    for channel in got.T:  # as loud as each of them, and nothing is clipped
        lag, likeness = match(channel, tone)
        assert lag == 0 and likeness > 0.99
        assert np.std(channel[2000:40_000]) == pytest.approx(np.std(tone), rel=0.05)


def test_where_two_channels_are_left_and_right_they_stay_so(heard: Callable[..., Heard], tmp_path: Path) -> None:
    for channels, left in ((2, [0]), (9, [0, 2, 4, 6, 8])):
        samples = np.zeros((48_000, channels))
        samples[:, left] = 0.25 * np.sin(np.arange(48_000) / 20)[:, None]
        soundfile.write(tmp_path / "song.wav", samples, 48_000)
        got, _ = heard(tmp_path / "song.wav", "opus")
        assert np.std(got[:, 0]) > 0.15 and np.std(got[:, 1]) < 0.01


def test_too_many_channels_are_one_sentence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((4000, 100)), 48_000)
    with pytest.raises(AudioError, match="100 channels"):
        encoded(tmp_path / "song.wav", "mp3")


@pytest.mark.parametrize("format", ["mp3", "opus"])
@pytest.mark.parametrize("rate", [1000, 8000, 11_025, 22_050, 37_800, 96_000, 192_000, 768_000])
def test_any_rate(audio_files: ModuleType, heard: Callable[..., Heard], tmp_path: Path, rate: int, format: str) -> None:
    path = tmp_path / "song.wav"
    tone = 0.25 * np.sin(2 * np.pi * 110 * np.arange(2 * rate) / rate)
    soundfile.write(path, tone, rate)
    got, new = heard(path, format, start=0.5)
    assert len(got) / new == pytest.approx(1.5, abs=0.05)
    spectrum = np.abs(np.fft.rfft(got[:new, 0]))  # of one second
    assert int(np.argmax(spectrum)) == 110


@pytest.mark.parametrize("format", ["mp3", "opus"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38])
def test_samples_that_are_no_numbers(
    audio_files: ModuleType, heard: Callable[..., Heard], tmp_path: Path, value: float, format: str
) -> None:
    samples = audio_files.sound(3)
    samples[30_000:60_000] = value  # LAME would end the program
    soundfile.write(tmp_path / "song.wav", samples, 44_100, subtype="FLOAT")
    got, rate = heard(tmp_path / "song.wav", format)
    assert np.isfinite(got).all() and len(got) / rate == pytest.approx(3.0, abs=0.05)
    assert match(got[: rate // 2, 0], soxr.resample(samples[:22_050, 0], 44_100, rate))[1] > 0.94


def test_kilobits(audio_files: ModuleType, tmp_path: Path) -> None:
    path = audio_files.write(tmp_path / "song.wav", "wav 16", audio_files.sound(4))
    for kilobits, most in ((320, 320), (130, 128), (64, 64), (5, 32)):
        assert len(encoded(path, "mp3", kilobits=kilobits)) * 8 / 4_000 == pytest.approx(most, rel=0.05)
    sizes = [len(encoded(path, "opus", kilobits=kilobits)) for kilobits in (5, 32, 96, 999)]
    assert sizes == sorted(sizes) and sizes[-1] > 4 * sizes[0]


# Damage


@pytest.mark.parametrize(
    "kind", ["mp3 constant", "flac 16", "ogg vorbis", "wma", "wavpack", "aac raw", "wav 16", "tta"]
)
def test_what_is_cut_short_is_heard_up_to_there(
    audio_files: ModuleType, heard: Callable[..., Heard], tmp_path: Path, kind: str
) -> None:
    path = write(audio_files, tmp_path, kind)
    samples, rate = audio_files.decode(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    got, new = heard(path, "opus")
    assert 5.0 < len(got) / new < 6.5
    lag, likeness = match(got[:, 0], soxr.resample(samples[:, 0], rate, new)[: len(got)])
    assert lag == 0 and likeness > 0.9


@pytest.mark.parametrize("kind", ["mp3 constant", "flac 16", "ogg vorbis", "wma", "wavpack", "aac", "alac", "tta"])
def test_what_is_damaged_midway_goes_on_behind(
    audio_files: ModuleType, heard: Callable[..., Heard], tmp_path: Path, kind: str
) -> None:
    path = write(audio_files, tmp_path, kind)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 2000] = bytes(2000)
    path.write_bytes(data)
    got, rate = heard(path, "webm")
    assert 10.5 < len(got) / rate < 12.1


@pytest.mark.parametrize("format", ENCODINGS)
def test_what_is_no_sound_is_refused_before_the_first_byte(
    audio_files: ModuleType, tmp_path: Path, format: str
) -> None:
    song = write(audio_files, tmp_path, "aac").read_bytes()
    empty = io.BytesIO()
    soundfile.write(empty, np.zeros((0, 2)), 44_100, format="WAV")
    playlist = b"#EXTM3U\n#EXTINF:1,x\n/etc/passwd\n"
    script = b"ffconcat version 1.0\nfile /etc/passwd\n"
    noise = np.random.default_rng(0).bytes(50_000)
    for data in (
        b"",
        noise,
        b"<html>",
        song[: len(song) // 2],
        empty.getvalue(),
        playlist,
        script,
        b"ID3\x04" + bytes(99),
    ):
        (tmp_path / "broken").write_bytes(data)
        with pytest.raises(AudioError):
            encoded(tmp_path / "broken", format)


def test_a_song_that_ends_before(audio_files: ModuleType, tmp_path: Path) -> None:
    path = write(audio_files, tmp_path, "flac 16")
    for start in (12.0, 500.0, 1e6):
        with pytest.raises(AudioError, match="ends before second"):
            encoded(path, "opus", start=start)
    assert encoded(path, "opus", start=11.9)


@pytest.mark.parametrize("kind", ["flac 16", "flac 24", "wav 8", "wav 24", "aiff", "alac"])
@pytest.mark.parametrize("start", [0.0, 3.25])
def test_in_flac_nothing_is_lost(audio_files: ModuleType, tmp_path: Path, kind: str, start: float) -> None:
    path = write(audio_files, tmp_path, kind)
    (tmp_path / "sent.flac").write_bytes(encoded(path, "flac", start=start))
    original, rate = audio_files.decode(path)
    samples, sent_rate = audio_files.decode(tmp_path / "sent.flac")
    assert sent_rate == rate
    np.testing.assert_array_equal(samples, original[round(start * rate) :])


# Long ones


def test_only_as_much_is_done_as_is_asked_for(tmp_path: Path) -> None:
    """Of five hours a little is read: neither memory nor what is read of the file grows with the rest."""
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros((0, 2)), 44_100, subtype="PCM_16")
    header = bytearray(path.read_bytes()[:44])
    size = 5 * 3600 * 44_100 * 4
    header[4:8], header[40:44] = struct.pack("<I", 36 + size), struct.pack("<I", size)
    path.write_bytes(header)
    os.truncate(path, 44 + size)  # silence that takes no room
    read = 0

    class Counted(io.FileIO):
        def readinto(self, buffer: Any) -> int | None:
            nonlocal read
            got = super().readinto(buffer)
            read += got or 0
            return got

    for start in (0.0, 4 * 3600.0):
        with io.BufferedReader(Counted(path)) as file:
            tracemalloc.start()
            try:
                transcoder = Transcoder(file, "opus", start=start)
                assert all(transcoder.more() is not None for _ in range(4))
                transcoder.close()
                assert transcoder.more() is None
                assert tracemalloc.get_traced_memory()[1] < 2_000_000
            finally:
                tracemalloc.stop()
    assert read < 0.01 * path.stat().st_size


# Parts of an MP3 of constant bit rate


RATES = (44_100, 48_000, 32_000)


def first_channel(samples: np.ndarray, rate: int) -> Heard:
    return samples.reshape(len(samples), -1)[:, 0], rate


def part(path: Path, frames: Frames, kilobits: int, begin: int = 0, length: int | None = None) -> bytes:
    """Some bytes of a song as an MP3."""
    with path.open("rb") as file:
        transcoder = Transcoder(file, "mp3", kilobits=kilobits, frames=frames, begin=begin, length=length)
        pieces = iter(transcoder.more, None)
        data = b"".join(pieces)
        transcoder.close()
        return data


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kilobits", [32, 128, 320])
def test_its_bytes_are_counted_before_it_is_encoded(tmp_path: Path, rate: int, kilobits: int) -> None:
    rng = np.random.default_rng(rate + kilobits)
    for samples in (1, 1152, 1153, 49 * 1152 + 7, int(rng.integers(2_000, 90_000))):
        soundfile.write(tmp_path / "song.wav", rng.normal(0, 0.1, (samples, 2)), rate, subtype="PCM_16")
        frames = Frames(rate, kilobits, samples / rate)
        sent = encoded(tmp_path / "song.wav", "mp3", kilobits=kilobits)
        assert len(sent) == frames.size
        assert part(tmp_path / "song.wav", frames, kilobits) == sent
        # Each frame lies where it was said to lie, and has the header of an MP3 of this rate.
        places = [frames.place(number) for number in range(frames.count)]
        assert {sent[place : place + 2] for place in places} == {b"\xff\xfb"}
        assert len({sent[place + 2] & ~2 for place in places}) == 1


@pytest.mark.parametrize("seconds", [1.0, 3.5, 7.25, 20.0])
def test_it_is_as_long_as_was_told_whatever_the_song_is(
    audio_files: ModuleType, tmp_path: Path, seconds: float
) -> None:
    """A song of 5 seconds is cut off, or ends in silence."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 5 * 44_100)
    soundfile.write(tmp_path / "song.flac", sound, 44_100)
    frames = Frames(44_100, 128, seconds)
    sent = part(tmp_path / "song.flac", frames, 128)
    assert len(sent) == frames.size
    (tmp_path / "sent.mp3").write_bytes(sent)
    samples, rate = audio_files.decode(tmp_path / "sent.mp3")
    assert rate == 44_100 and 0 <= len(samples) / rate - seconds < 2.1 * 1152 / rate
    after = samples[LAME + int(5.1 * rate) :]
    assert not len(after) or np.abs(after).max() < 0.001
    for begin in (frames.size - 1, frames.size - 128, frames.size // 2):
        assert len(part(tmp_path / "song.flac", frames, 128, begin)) == frames.size - begin


@pytest.mark.parametrize(("kind", "kilobits"), [("flac 16", 192), ("wma", 64), ("aac", 128), ("opus", 320)])
def test_a_part_goes_on_where_the_whole_was_left(
    audio_files: ModuleType, tmp_path: Path, kind: str, kilobits: int
) -> None:
    """Not with the same bytes, for the encoder knows less of what came before, but with the same frames and sound."""
    path = write(audio_files, tmp_path, kind)
    original, native = audio_files.decode(path)
    with path.open("rb") as file:
        frames = frames_of(file, "mp3", len(original) / native, kilobits=kilobits)
    assert frames is not None
    whole = part(path, frames, kilobits)
    assert len(whole) == frames.size and part(path, frames, kilobits, 0, 1000) == whole[:1000]
    (tmp_path / "whole.mp3").write_bytes(whole)
    heard, rate = first_channel(*audio_files.decode(tmp_path / "whole.mp3"))
    for share in (0.3, 0.55, 0.9):
        begin = int(frames.size * share)
        rest = part(path, frames, kilobits, begin)
        assert len(rest) == frames.size - begin
        for number in range(frames.count):
            if (place := frames.place(number) - begin) >= 0:
                # The fourth byte says how the two channels are joined.
                assert rest[place : place + 3] == whole[begin + place : begin + place + 3]
        assert part(path, frames, kilobits, begin, 500) == rest[:500]
        (tmp_path / "joined.mp3").write_bytes(whole[:begin] + rest)
        joined, _ = first_channel(*audio_files.decode(tmp_path / "joined.mp3"))
        assert len(joined) == len(heard)
        at = int(share * len(heard))
        apart = np.abs(joined - heard)
        apart[at - 3 * 1152 : at + 4 * 1152] = 0  # the frames at the join
        if kind != "wma":  # it counts milliseconds
            assert np.sqrt(np.mean(apart**2)) < 0.05 * np.sqrt(np.mean(heard**2))
        lag, likeness = match(joined[at + 4 * 1152 :], heard[at + 4 * 1152 :])
        assert abs(lag) <= TOLERANCE * rate and likeness > (0.95 if kind == "wma" else 0.99)


def test_other_formats_have_no_length_before_they_are_encoded(audio_files: ModuleType, tmp_path: Path) -> None:
    path = write(audio_files, tmp_path, "flac 16")
    with path.open("rb") as file:
        assert frames_of(file, "opus", 12.0) is frames_of(file, "webm", 12.0) is None
        file.seek(0)
        found = frames_of(file, "mp3", 12.0, kilobits=70)
        assert found is not None and found.size == Frames(found.rate, 64, 12.0).size
    (tmp_path / "noise.wma").write_bytes(bytes(range(256)) * 100)
    with (tmp_path / "noise.wma").open("rb") as file, pytest.raises(AudioError):
        frames_of(file, "mp3", 12.0)
