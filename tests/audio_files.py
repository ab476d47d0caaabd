"""Writes songs in every format that songspace reads, for tests of whatever reads them.

Tests reach it through the fixture ``audio_files`` of ``conftest.py``: ``audio_files.write(path, kind)``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import av
import numpy as np
import soundfile


class Kind(NamedTuple):
    """How a kind of file is made, by libsndfile or by FFmpeg."""

    suffix: str
    sndfile: tuple[str, str] | None = None  # format, subtype
    codec: str = ""
    sample_format: str | None = None
    bit_rate: int | None = None
    codec_options: Mapping[str, str] = MappingProxyType({})
    container_options: Mapping[str, str] = MappingProxyType({})


# AAC may leave noise to the decoder to make up, which is the one thing that differs after a seek.
_NO_NOISE = {"aac_pns": "0"}
_VARIABLE = {"flags": "+qscale", "global_quality": str(4 * 118)}  # quality 4; FFmpeg counts in 118ths
_NO_HEADER = {"write_xing": "0", "id3v2_version": "0"}

KINDS = {
    "wav 8": Kind(".wav", ("WAV", "PCM_U8")),
    "wav 16": Kind(".wav", ("WAV", "PCM_16")),
    "wav 24": Kind(".wav", ("WAV", "PCM_24")),
    "wav float": Kind(".wav", ("WAV", "FLOAT")),
    "aiff": Kind(".aiff", ("AIFF", "PCM_16")),
    "flac 16": Kind(".flac", ("FLAC", "PCM_16")),
    "flac 24": Kind(".flac", ("FLAC", "PCM_24")),
    "ogg vorbis": Kind(".ogg", ("OGG", "VORBIS")),
    "mp3 constant": Kind(".mp3", codec="libmp3lame", bit_rate=128_000),
    "mp3 variable": Kind(".mp3", codec="libmp3lame", codec_options=_VARIABLE),
    "mp3 constant, no header": Kind(".mp3", codec="libmp3lame", bit_rate=128_000, container_options=_NO_HEADER),
    "mp3 variable, no header": Kind(".mp3", codec="libmp3lame", codec_options=_VARIABLE, container_options=_NO_HEADER),
    "mp3 320": Kind(".mp3", codec="libmp3lame", bit_rate=320_000),
    "opus": Kind(".opus", codec="libopus", bit_rate=96_000),
    "opus low": Kind(".opus", codec="libopus", bit_rate=16_000, codec_options={"application": "voip"}),
    "aac": Kind(".m4a", codec="aac", bit_rate=128_000, codec_options=_NO_NOISE),
    "aac, index first": Kind(
        ".m4a",
        codec="aac",
        bit_rate=128_000,
        codec_options=_NO_NOISE,
        container_options={"movflags": "faststart"},
    ),
    "aac, made-up noise": Kind(".m4a", codec="aac", bit_rate=96_000),
    "aac raw": Kind(".aac", codec="aac", bit_rate=128_000, codec_options=_NO_NOISE),
    "alac": Kind(".m4a", codec="alac", sample_format="s16p"),
    "alac 24": Kind(".m4a", codec="alac", sample_format="s32p"),
    "wma": Kind(".wma", codec="wmav2", bit_rate=128_000),
    "wma 1": Kind(".wma", codec="wmav1", bit_rate=128_000),
    "wavpack": Kind(".wv", codec="wavpack", sample_format="s16p"),
    "matroska flac": Kind(".mka", codec="flac", sample_format="s16"),
    "matroska opus": Kind(".webm", codec="libopus", bit_rate=96_000),
    "ogg flac": Kind(".oga", codec="flac", sample_format="s16"),
    "mp2": Kind(".mp2", codec="mp2", bit_rate=192_000),
    "ac3": Kind(".ac3", codec="ac3", bit_rate=192_000),
    "tta": Kind(".tta", codec="tta", sample_format="s16"),
}


def sound(seconds: float, *, rate: int = 44_100, channels: int = 2, seed: int = 0) -> np.ndarray:
    """``(samples, channels)`` float32 that is nowhere like elsewhere, and easy to encode here, hard there.

    Tones glide under bursts of noise, so that a shift by one sample shows and a variable bit rate does vary.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    loudness = 0.02 + 0.3 * np.sin(2 * np.pi * time / 7) ** 4
    gliding = [np.sin(2 * np.pi * (180 + 90 * c + 60 * np.sin(time / 3)) * time) for c in range(channels)]
    noise = rng.normal(size=(len(time), channels)) * (np.sin(2 * np.pi * time / 2.5) ** 8)[:, None]
    return (loudness[:, None] * (np.stack(gliding, axis=1) + 0.4 * noise)).clip(-0.95, 0.95).astype(np.float32)


def write(path: Path, kind: str, samples: np.ndarray | None = None, *, rate: int = 44_100) -> Path:
    """Write samples (twelve seconds of :func:`sound` if none are given) as a file of a kind from ``KINDS``."""
    how = KINDS[kind]
    samples = sound(12, rate=rate) if samples is None else samples
    if how.sndfile is not None:
        form, subtype = how.sndfile
        with soundfile.SoundFile(path, "w", rate, samples.shape[1], format=form, subtype=subtype) as file:
            for start in range(0, len(samples), rate):  # libsndfile's Vorbis encoder overflows on more
                file.write(samples[start : start + rate])
        return path
    with av.open(str(path), "w", options=dict(how.container_options)) as container:
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
        stream: Any = container.add_stream(how.codec, rate=rate, layout=layout, options=dict(how.codec_options))
        if how.sample_format is not None:
            stream.format = how.sample_format
        if how.bit_rate is not None:
            stream.bit_rate = how.bit_rate
        convert = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
        for start in chain(range(0, len(samples), rate), [None]):
            frame = None
            if start is not None:
                block = np.ascontiguousarray(samples[start : start + rate].T)
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.sample_rate, frame.pts = rate, start
            for part in convert.resample(frame):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def write_dsd(path: Path, *, seconds: float = 3.0, tones: tuple[float, float] = (440.0, 660.0)) -> Path:
    """Write a tone in each of two channels as DSD64, ``.dff`` (DSDIFF) or ``.dsf`` as the path says.

    Nothing encodes DSD, so it is made here: a sigma-delta modulator of the first order.
    """
    rate = 64 * 44_100
    time = np.arange(round(seconds * rate) // 8 * 8) / rate
    waves = [0.4 * np.sin(2 * np.pi * tone * time) for tone in tones]
    bits = [np.diff(np.floor(np.cumsum((wave + 1) / 2)), prepend=0).astype(np.uint8) for wave in waves]
    if path.suffix == ".dff":
        sound = np.stack([np.packbits(channel) for channel in bits], axis=1).tobytes()

        def chunk(name: bytes, data: bytes) -> bytes:
            return name + struct.pack(">Q", len(data)) + data + bytes(len(data) % 2)

        about = b"SND " + chunk(b"FS  ", struct.pack(">I", rate)) + chunk(b"CHNL", b"\0\2SLFTSRGT")
        about += chunk(b"CMPR", b"DSD \x0enot compressed\0")
        body = chunk(b"FVER", b"\1\5\0\0") + chunk(b"PROP", about) + chunk(b"DSD ", sound)
        path.write_bytes(chunk(b"FRM8", b"DSD " + body))
        return path
    block = 4_096
    blocks = -(-len(time) // 8 // block)
    channels = [np.zeros(blocks * block, np.uint8) for _ in bits]
    for channel, ones in zip(channels, bits, strict=True):
        channel[: len(ones) // 8] = np.packbits(ones, bitorder="little")
    sound = np.stack([channel.reshape(blocks, block) for channel in channels], axis=1).tobytes()
    head = b"DSD " + struct.pack("<QQQ", 28, 28 + 52 + 12 + len(sound), 0)
    head += b"fmt " + struct.pack("<Q6IQII", 52, 1, 0, 2, 2, rate, 1, len(time), block, 0)
    path.write_bytes(head + b"data" + struct.pack("<Q", 12 + len(sound)) + sound)
    return path


def decode(path: Path) -> tuple[np.ndarray, int]:
    """All of a file from its first sample on, by FFmpeg and without songspace: ``(samples, channels)`` and the rate."""
    blocks = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            values = frame.to_ndarray()
            values = values.T if frame.format.is_planar else values.reshape(frame.samples, -1)
            zero, full_scale = {"u": (128, 128), "i": (0, 2 ** (8 * values.itemsize - 1)), "f": (0, 1)}[
                values.dtype.kind
            ]
            blocks.append((values.astype(np.float64) - zero) / full_scale)
            rate = frame.sample_rate
    return np.concatenate(blocks), rate


def repeat(path: Path, times: int) -> Path:
    """A song that is ``times`` as long, beside it and soon made: its packets again and again."""
    long = path.with_stem(f"{path.stem} x{times}")
    if path.suffix == ".mp3":
        data = path.read_bytes()
        data = data[data.index(b"\xff") :]
        with long.open("wb") as file:
            for _ in range(times):
                file.write(data)
        return long
    if path.suffix in (".wav", ".flac", ".ogg"):  # they hold how long they are
        with soundfile.SoundFile(path) as source:
            samples = source.read(dtype="float32", always_2d=True)
            how: tuple[Any, ...] = (source.samplerate, source.channels, source.subtype)
        with soundfile.SoundFile(long, "w", *how) as file:
            for start in [*range(0, len(samples), how[0])] * times:
                file.write(samples[start : start + how[0]])
        return long
    with av.open(str(path)) as source, av.open(str(long), "w") as container:
        template = source.streams.audio[0]
        stream = container.add_stream_from_template(template)
        packets = [(bytes(packet), packet.pts) for packet in source.demux(template) if packet.size]
        # The first packet may be a shorter one.
        length = packets[-1][1] - packets[1][1] + packets[2][1] - packets[1][1]
        for number in range(times):
            for data, timestamp in packets[min(number, 1) :]:
                packet = av.Packet(data)
                packet.pts = packet.dts = timestamp + number * length
                packet.time_base, packet.stream = template.time_base, stream
                container.mux(packet)
    return long
