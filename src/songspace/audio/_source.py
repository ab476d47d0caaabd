"""The interface and the errors of decoders, and the simplest one, libsndfile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import SEEK_SET, BufferedReader
from typing import Protocol

import numpy as np
import soundfile

from songspace.errors import AudioError

RATES = range(1_000, 1_000_001)
"""Sampling rates that are believed, in Hz; what a damaged header says is mostly outside."""


class UndecodableError(AudioError):
    """One decoder could not make sound of a file; another one may."""


class Source(Protocol):
    """An opened song whose samples can be asked for in any order of time."""

    rate: int
    frames: int

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return mono float32 samples ``start`` to ``stop`` (at ``rate``): as a decode of the whole gives them."""
        ...

    def close(self) -> None:
        """Release the decoder; the caller closes the file."""
        ...


class QuietFile:
    """A file for a decoder: to seek to where no file is, as damaged ones ask for, prints nothing on the terminal."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self.read, self.readinto, self.tell = file.read, file.readinto, file.tell

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def check_rate(rate: int) -> int:
    """Return ``rate`` if a recording can have it."""
    if rate not in RATES:
        raise UndecodableError(f"Its header says that it has {rate} samples a second: it must be damaged.")
    return rate


def gather(blocks: Iterable[tuple[int, np.ndarray]], start: int, stop: int) -> np.ndarray:
    """Return samples ``start`` to ``stop`` from decoded blocks and their positions; gaps are silent."""
    out = np.zeros(stop - start, np.float32)
    known = False
    for position, block in blocks:
        first, last = max(position, start), min(position + len(block), stop)
        if first < last:
            out[first - start : last - start] = block[first - position : last - position]
            known = True
        if position + len(block) >= stop:
            break
    if not known:
        raise UndecodableError("It is damaged: a part of it cannot be decoded.")
    return out


@contextmanager
def decoding() -> Iterator[None]:
    """Turn whatever a decoder raises about the file into :class:`UndecodableError`: the only place that does."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what is no sound is refused when it is there
            yield
    except _decoder_errors() as error:
        raise UndecodableError(_reason(error)) from error


def _decoder_errors() -> tuple[type[Exception], ...]:
    # Looked up only when something was raised, so that whoever reads WAV alone never loads FFmpeg. Damaged files
    # bring out nearly every class: FFmpeg's error numbers become PermissionError and LookupError, its absurd
    # timestamps OverflowError and ZeroDivisionError, its absurd sizes MemoryError.
    import av

    return (
        soundfile.SoundFileError,
        av.FFmpegError,
        OSError,
        RuntimeError,
        ValueError,
        ArithmeticError,
        LookupError,
        MemoryError,
    )


def _reason(error: Exception) -> str:
    import av

    if isinstance(error, OSError) and not isinstance(error, av.FFmpegError):
        return f"It could not be read from the disk ({error.strerror or error})."
    return "It is damaged, or it is not a sound file."


_BLOCK = 1 << 18  # values decoded at once, so that a file of 1,000 channels takes no more memory than one of two


class SoundfileSource:
    """A file as libsndfile sees it; see :class:`songspace.audio._source.Source`."""

    def __init__(self, file: BufferedReader) -> None:
        file.seek(0)
        self._file = soundfile.SoundFile(QuietFile(file))
        self.rate = check_rate(self._file.samplerate)
        self.frames = self._file.frames

    def read(self, start: int, stop: int) -> np.ndarray:
        out = np.empty(stop - start, np.float32)
        channels = self._file.channels
        # The plain mean, as everywhere here; samples.mean(axis=1) would take forty times as long.
        mean = np.full(channels, 1 / channels, np.float32)
        step = max(1, _BLOCK // channels)
        self._file.seek(start)
        for at in range(0, len(out), step):
            want = min(step, len(out) - at)
            block = self._file.read(want, dtype="float32", always_2d=True)
            if len(block) < want:
                raise UndecodableError("It ends before its header says that it does.")
            out[at : at + want] = block @ mean
        return out

    def close(self) -> None:
        self._file.close()
