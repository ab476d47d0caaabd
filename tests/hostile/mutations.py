"""Hostile sound files, made by code: songs to which something was done, by the number of the deed.

Tests reach it through the fixture ``mutations`` of ``conftest.py``. A number gives the same file on every machine whose
encoders write the same songs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import av
import mutagen
import numpy as np

Songs = Mapping[str, bytes]
Mutate = Callable[[np.random.Generator, bytes, Songs], bytes]

_ABSURD = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
_HEAD = 1_000  # bytes; here is what a decoder believes before it has heard anything


def songs(audio_files: ModuleType, folder: Path) -> dict[str, bytes]:
    """A song of every kind that can be written here, three seconds long, tagged where its format has tags."""
    written = {}
    for number, kind in enumerate(audio_files.KINDS):
        rate = 48_000 if "opus" in kind else 44_100
        path = folder / f"{number}{audio_files.KINDS[kind].suffix}"
        try:
            audio_files.write(path, kind, audio_files.sound(3, rate=rate, seed=number), rate=rate)
        except av.codec.codec.UnknownCodecError:  # this build of FFmpeg has no encoder for it
            continue
        _tag(path)
        written[kind] = path.read_bytes()
    return written


def _tag(path: Path) -> None:
    file = mutagen.File(path, easy=True)
    if file is None:
        return
    try:
        if file.tags is None:
            file.add_tags()
        file["title"], file["artist"], file["date"] = ["A Title"], ["An Artist"], ["1999"]
        file.save()
    except (mutagen.MutagenError, NotImplementedError, TypeError, AttributeError, KeyError, ValueError):
        return  # its format has none, or mutagen writes none


def mutation(number: int, songs: Songs) -> tuple[str, str, bytes]:
    """The kind, what is done to it, and the bytes of one mutation; neighbours differ in both."""
    kinds, deeds = list(songs), list(MUTATIONS)
    kind = kinds[number % len(kinds)]
    deed = deeds[(number + number // len(kinds)) % len(deeds)]
    return kind, deed, MUTATIONS[deed](np.random.default_rng(number), songs[kind], songs)


def _span(rng: np.random.Generator, data: bytes, longest: int) -> tuple[int, int]:
    start = int(rng.integers(0, len(data)))
    return start, min(len(data), start + 1 + int(rng.integers(0, longest)))


def _flip(rng: np.random.Generator, data: bytes, reach: int, bits: int) -> bytes:
    flipped = bytearray(data)
    for place in rng.integers(0, 8 * min(reach, len(data)), bits):
        flipped[place >> 3] ^= 1 << (place & 7)
    return bytes(flipped)


def _cut(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    return data[: int(rng.integers(1, rng.choice([64, 2_000, len(data)])))]


def _behead(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    return data[int(rng.integers(1, rng.choice([64, 2_000, len(data)]))) :]


def _flip_head(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    return _flip(rng, data, _HEAD, int(rng.integers(1, 17)))


def _flip_body(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    return _flip(rng, data, len(data), int(rng.integers(1, 500)))


def _blank(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    start, stop = _span(rng, data, len(data) // 2)
    filling = (bytes(stop - start), b"\xff" * (stop - start), rng.bytes(stop - start))[int(rng.integers(3))]
    return data[:start] + filling + data[stop:]


def _excise(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    start, stop = _span(rng, data, int(rng.choice([8, 500, len(data)])))
    return data[:start] + data[stop:]


def _repeat(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    start, stop = _span(rng, data, int(rng.choice([8, 500, 20_000])))
    return data[:start] + data[start:stop] * int(rng.integers(2, 100)) + data[stop:]


def _number(rng: np.random.Generator) -> bytes:
    width = int(rng.choice([2, 3, 4, 4, 4, 8]))
    value = _ABSURD[int(rng.integers(len(_ABSURD)))] % 2 ** (8 * width)
    return value.to_bytes(width, ("big", "little")[int(rng.integers(2))])


def _write_at(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def _absurd_head(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    for at in rng.integers(0, min(_HEAD, len(data)), int(rng.integers(1, 4))):
        data = _write_at(data, int(at), _number(rng))
    return data


def _absurd_chunk(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    """A number beside a name: the sizes of chunks and atoms, and what stands first in them."""
    names = [found.start() for found in re.finditer(rb"[A-Za-z\xa9][A-Za-z0-9]{2}[A-Za-z0-9 ]", data)]
    names = [at for at in names if at < _HEAD or at > len(data) - 4 * _HEAD] or [0]
    for at in rng.choice(names, int(rng.integers(1, 4))):
        data = _write_at(data, max(0, int(at) + int(rng.choice([-4, 4, 8, 12, 16, 20]))), _number(rng))
    return data


def _splice(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    other = songs[list(songs)[int(rng.integers(len(songs)))]]
    return data[: int(rng.integers(1, len(data)))] + other[int(rng.integers(0, len(other))) :]


def _join(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    other = songs[list(songs)[int(rng.integers(len(songs)))]]
    return data + other if rng.random() < 0.5 else other[: int(rng.integers(1, 5_000))] + data


def _odd_tag(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    names = [b"TIT2", b"TPE1", b"TCON", b"TDRC", b"TRCK", b"TXXX", b"UFID", b"APIC", b"COMM", b"RVA2", b"CHAP"]
    texts = [rng.bytes(40), b"\x03\x1b[31m\r\n\0\x07\x9b", b"\x01\xff\xfe\0\xd8a", b"\x03" + b"(" * 1_000, b"\x05", b""]
    frames = b""
    for _ in range(int(rng.integers(1, 9))):
        name, text = names[int(rng.integers(len(names)))], texts[int(rng.integers(len(texts)))]
        frames += name + synchsafe(len(text)) + bytes([0, max(0, int(rng.integers(-16, 16)))]) + text
    size = len(frames) if rng.random() < 0.7 else int(rng.integers(0, 2**28))
    return b"ID3" + bytes([int(rng.choice([2, 3, 4, 4, 4, 9])), 0, 0]) + synchsafe(size) + frames + data


def synchsafe(number: int) -> bytes:
    """Seven bits a byte, as ID3 has its sizes."""
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def _random(rng: np.random.Generator, data: bytes, songs: Songs) -> bytes:
    return data[: int(rng.integers(4, 40))] + rng.bytes(int(rng.choice([100, 5_000, 100_000])))


MUTATIONS: dict[str, Mutate] = {
    "cut": _cut,
    "behead": _behead,
    "flip head": _flip_head,
    "flip body": _flip_body,
    "blank": _blank,
    "excise": _excise,
    "repeat": _repeat,
    "absurd head": _absurd_head,
    "absurd chunk": _absurd_chunk,
    "splice": _splice,
    "join": _join,
    "odd tag": _odd_tag,
    "random": _random,
}
