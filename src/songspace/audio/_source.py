"""The interface and the errors of decoders, and the decoder libsndfile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import SEEK_SET, BufferedReader
from typing import Protocol

import numpy as np
import soundfile

from songspace.errors import AudioError

RATES = range(1_000, 1_000_001)
"""Valid sampling rates in Hz; those of damaged headers are mostly outside."""


class UndecodableError(AudioError):
    """A decoder cannot decode a file; another one may."""


class Source(Protocol):
    """An opened song whose samples can be read in any order."""

    rate: int
    frames: int

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return mono float32 samples ``start`` to ``stop`` (at ``rate``), equal to those of the whole song."""
        ...

    def close(self) -> None:
        """Release the decoder; the caller closes the file."""
        ...


class QuietFile:
    """A file for a decoder, without messages on the terminal when a damaged file makes it seek outside."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self.read, self.readinto, self.tell = file.read, file.readinto, file.tell

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def check_rate(rate: int) -> int:
    """Return ``rate`` if it is a valid sampling rate; otherwise raise UndecodableError."""
    if rate not in RATES:
        raise UndecodableError(f"Its header says that it has {rate} samples a second: it must be damaged.")
    return rate


def gather(blocks: Iterable[tuple[int, np.ndarray]], start: int, stop: int) -> np.ndarray:
    """Collect samples ``start`` to ``stop`` from decoded blocks and their positions; gaps are silent."""
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
    """Turn the exceptions of decoders into :class:`UndecodableError`."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # invalid samples are refused later
            yield
    except _decoder_errors() as error:
        raise UndecodableError(_reason(error)) from error


def _decoder_errors() -> tuple[type[Exception], ...]:
    # Called only after an exception, so that FFmpeg is not imported to read WAV. Damaged files raise nearly every
    # class: FFmpeg's error numbers become PermissionError and LookupError, its impossible timestamps OverflowError and
    # ZeroDivisionError, its impossible sizes MemoryError.
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


_BLOCK = 1 << 18  # values decoded at a time: 1,000 channels take no more memory than two


class SoundfileSource:
    """A file that libsndfile can open; see :class:`songspace.audio._source.Source`."""

    def __init__(self, file: BufferedReader) -> None:
        file.seek(0)
        self._file = soundfile.SoundFile(QuietFile(file))
        self.rate = check_rate(self._file.samplerate)
        self.frames = self._file.frames

    def read(self, start: int, stop: int) -> np.ndarray:
        out = np.empty(stop - start, np.float32)
        channels = self._file.channels
        # The plain mean as a product: samples.mean(axis=1) would take forty times as long.
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
