"""Windows of sound from a file: mono, at one rate, spread over the song, read by seeking.

Ten windows of 5 s are a fifth of a song. A library is learnt quickly because the sound between them is not decoded. The
windows are still exact: each equals the same samples of the whole song decoded from its beginning; tests check this for
every format.

Four modules decode; the content of a file, not its name, decides which one: ``_source`` (libsndfile: WAV, AIFF, FLAC),
``_ogg`` (Vorbis, Opus), ``_mp3``, and ``_pyav`` for other formats and for files that are too damaged for the others.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BufferedReader
from math import gcd, isfinite
from typing import TypeVar

import numpy as np
import soxr

from songspace.audio._source import SoundfileSource, Source, UndecodableError, decoding
from songspace.errors import AudioError
from songspace.formats import by_content

__all__ = ["SILENCE", "Windows", "read_excerpt", "read_places", "read_windows"]

SILENCE = 10 ** (-60 / 20)
"""RMS, relative to full scale, below which a window is silent: -60 dB.

If full scale is as loud as a concert (85 to 105 dB), that is as soft as a quiet room. The noise of 16-bit recordings is
at -98 dB, tape hiss and run-out grooves are at -60 to -70 dB, and the softest bars of classical recordings, averaged
over five seconds, are above -55 dB.
"""

_T = TypeVar("_T")

_CONTEXT = 256
"""Additional samples on either side of a window that is resampled, at the lower of the two rates.

soxr's filter for HQ reaches 128 samples; with these, a resampled window equals that of the resampled song.
"""

_LONGEST = 1 << 44
"""The most samples of a file, years of sound: headers of unknown length state far more."""

_LOUDEST = 1e9
"""Limit of samples. Samples beyond full scale are kept: lossy decoders overshoot by a few decibels on loud records,
files of floats may have any scale, and clipping would add distortion that depends on the codec. Only values that cannot
be sound (NaN, infinity, a billion times full scale) are refused.
"""


@dataclass(frozen=True)
class Windows:
    """Windows of one song, of equal length, in the order of time.

    Attributes
    ----------
    samples : ndarray of shape (n, round(seconds * rate)), float32
        Mono, the plain mean of the channels; full scale is 1, and may be exceeded.
    starts : ndarray of shape (n,), float64
        Start of each window, in seconds, ascending.
    duration : float
        Seconds of the whole file.
    rate : int
        Samples per second.
    silent : ndarray of shape (n,), bool
        True for windows with an RMS below -60 dB of full scale (`SILENCE`).
    """

    samples: np.ndarray
    starts: np.ndarray
    duration: float
    rate: int
    silent: np.ndarray


def read_windows(
    path: str | os.PathLike[str],
    *,
    seconds: float = 5.0,
    count: int = 10,
    rate: int = 22_050,
    rng: np.random.Generator | None = None,
    start: float | None = None,
    end: float | None = None,
) -> Windows:
    """Read windows that are spread evenly over a song, from its first sample to its last, or at random.

    Memory and time do not grow with the length of the song.

    Parameters
    ----------
    path : path
        A sound file of any format that libsndfile or FFmpeg decodes; its content decides, not its name.
    seconds : float
        Length of a window.
    count : int
        Number of windows. They overlap if the song is shorter than all of them together. A song that is shorter than
        one window gives a single one, filled up with zeros.
    rate : int
        Samples per second of the result. Other rates are resampled by soxr at high quality.
    rng : numpy Generator, optional
        Generator that draws the starts of the windows, independently and anywhere in the song. In the same state it
        draws the same starts at another rate, to the sample.
    start, end : float, optional
        Part of the file that is the song, in seconds; by default all of it. Times of windows are relative to ``start``.

    Returns
    -------
    Windows

    Raises
    ------
    AudioError
        If the path is no readable, regular file, or no sound can be decoded from it. An incomplete file is read as far
        as it goes.
    ValueError
        If ``seconds``, ``count`` or ``rate`` is not positive.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import soundfile
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000 * 12) / 8000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     song = Path(folder) / "tone.wav"
    ...     soundfile.write(song, tone, 8000)
    ...     windows = read_windows(song, seconds=2.0, count=3, rate=8000)
    >>> windows.samples.shape, windows.duration
    ((3, 16000), 12.0)
    >>> windows.starts
    array([ 0.,  5., 10.])
    >>> bool(windows.silent.any())
    False
    """
    if not (isfinite(seconds) and count >= 1 and rate >= 1 and seconds * rate >= 1):
        raise ValueError(f"seconds, count and rate must be positive, got {seconds!r}, {count!r} and {rate!r}")
    return _decoded(path, lambda source: _spread(_part(source, start, end), seconds, count, rate, rng))


def read_places(
    path: str | os.PathLike[str],
    starts: Sequence[float] | np.ndarray,
    *,
    seconds: float,
    rate: int,
    start: float | None = None,
    end: float | None = None,
) -> np.ndarray:
    """Read windows with given starts; those that would begin too early or end too late are moved.

    Parameters
    ----------
    path : path
        As in :func:`read_windows`.
    starts : sequence of float
        Start of each window, in seconds.
    seconds : float
        Length of a window. A shorter song is filled up with zeros.
    rate : int
        Samples per second of the result.
    start, end : float, optional
        As in :func:`read_windows`.

    Returns
    -------
    ndarray of shape (len(starts), round(seconds * rate)), float32

    Raises
    ------
    AudioError
        As in :func:`read_windows`.
    """
    width = round(seconds * rate)
    first = np.rint(np.asarray(starts, np.float64) * rate).astype(int)

    def read(source: Source) -> np.ndarray:
        part = _part(source, start, end)
        total = _length(part, rate)
        return _cut(part, np.clip(first, 0, max(0, total - width)), width, rate, total)

    return _decoded(path, read)


def read_excerpt(path: str | os.PathLike[str], start: float, stop: float, *, rate: int = 44_100) -> np.ndarray:
    """Read a part of a song by seeking: mono, the same samples as in its windows.

    Parameters
    ----------
    path : path
        As in :func:`read_windows`.
    start, stop : float
        Start and end in seconds. The part beyond the end of the song is left out.
    rate : int
        Samples per second of the result.

    Returns
    -------
    ndarray of shape (n,), float32
        Mono, the plain mean of the channels; full scale is 1, and may be exceeded.

    Raises
    ------
    AudioError
        If the path is no readable, regular file, no sound can be decoded from it, or it ends before ``start``.
    ValueError
        If ``stop`` is not after ``start``, one of them is negative or not finite, or ``rate`` is not positive.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     song = Path(folder) / "ramp.wav"
    ...     soundfile.write(song, np.arange(8000) / 8000, 8000)
    ...     read_excerpt(song, 0.5, 0.75, rate=8000).shape
    (2000,)
    """
    first, last = (round(second * rate) if isfinite(second) else -1 for second in (start, stop))
    if not (rate >= 1 and 0 <= first < last):
        raise ValueError(f"start, stop and rate must be 0 <= start < stop and positive, got {start}, {stop} and {rate}")

    def read(source: Source) -> np.ndarray:
        end = min(last, source.frames * rate // source.rate)
        if end <= first:
            raise AudioError("It is shorter than it was.")
        return _read(source, first, end, rate)

    return _decoded(path, read)


def _decoded(path: str | os.PathLike[str], read: Callable[[Source], _T]) -> _T:
    """Return the result of ``read`` for a file, opened by the first decoder that can decode it."""
    with _open_regular(path) as file:
        for decoder in _decoders(file):
            try:
                with decoding():
                    source = decoder(file)
                with closing(source):
                    return read(source)
            except UndecodableError as error:
                reason = error
    raise reason


def _open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file only: with a named pipe, every decoder would wait for ever."""
    try:
        about = os.stat(path)
        if stat.S_ISDIR(about.st_mode):
            raise AudioError("It is a folder.")
        if not stat.S_ISREG(about.st_mode):
            raise AudioError("It is a pipe, a socket or a device, not a file.")
        if about.st_size == 0:
            raise AudioError("It is empty.")
        # Opened by its descriptor, without a name: soundfile would choose the format by the name.
        return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb")
    except FileNotFoundError:
        broken = os.path.islink(path)
        reason = "It is a link to what is not there." if broken else "There is no such file."
    except PermissionError:
        reason = "It may not be read: permission is missing."
    except OSError as error:
        circular = error.errno == errno.ELOOP
        reason = "It is a link that leads back to itself." if circular else f"{error.strerror}."
    except ValueError:  # a null character, or one that the file system cannot write
        reason = "No file can have that name."
    raise AudioError(reason)


def _decoders(file: BufferedReader) -> Iterator[Callable[[BufferedReader], Source]]:
    """Yield the decoders to try, by the first bytes of the file; FFmpeg is imported only if it may be needed."""
    with decoding():
        format = by_content(file.read(64))
    first = format.decoder if format is not None else "mp3"  # an MP3 may begin with any bytes
    if first == "ogg":
        from songspace.audio._ogg import OggSource

        yield OggSource
    if first in ("ogg", "soundfile"):  # for other files, libsndfile guesses, and prints that on stderr
        yield SoundfileSource
    if first == "mp3":
        from songspace.audio._mp3 import Mp3Source

        yield Mp3Source
    from songspace.audio._pyav import AvSource

    yield AvSource


class _Part:
    """A part of a source, with the interface of a source."""

    def __init__(self, source: Source, first: int, last: int) -> None:
        self._source, self._first = source, first
        self.rate, self.frames = source.rate, last - first

    def read(self, start: int, stop: int) -> np.ndarray:
        return self._source.read(self._first + start, self._first + stop)

    def close(self) -> None:
        self._source.close()


def _part(source: Source, start: float | None, end: float | None) -> Source:
    """Return the part of a source between two seconds."""
    if start is None and end is None:
        return source
    first = round((start or 0.0) * source.rate)
    last = source.frames if end is None else min(round(end * source.rate), source.frames)
    if last <= first:
        raise AudioError("It ends before this part of it begins.")
    return _Part(source, first, last)


def _spread(source: Source, seconds: float, count: int, rate: int, rng: np.random.Generator | None) -> Windows:
    """Read ``count`` windows from an opened song."""
    width = round(seconds * rate)
    total = _length(source, rate)
    share = np.linspace(0, 1, count) if rng is None else np.sort(rng.random(count))
    first = [0] if total < width else np.rint(share * (total - width)).astype(int)
    samples = _cut(source, first, width, rate, total)
    rms = np.sqrt(np.mean(np.square(samples[:, :total]), axis=1))
    return Windows(
        samples=samples,
        starts=np.asarray(first, np.float64) / rate,
        duration=source.frames / source.rate,
        rate=rate,
        silent=rms < SILENCE,
    )


def _length(source: Source, rate: int) -> int:
    """Return the number of samples of an opened song at a rate; raise an error if it cannot be true."""
    total = source.frames * rate // source.rate
    if total == 0:
        raise UndecodableError("It holds no sound.")
    if total > _LONGEST:
        raise UndecodableError("Its header does not say how long it is.")
    return total


def _cut(source: Source, first: Sequence[int] | np.ndarray, width: int, rate: int, total: int) -> np.ndarray:
    """Read windows from their first samples, in a song of ``total`` samples."""
    samples = np.zeros((len(first), width), np.float32)
    if total <= len(first) * width:  # windows that overlap: decoding the whole song once is quicker
        song = _read(source, 0, total, rate)
        for window, start in zip(samples, first, strict=True):
            window[:total] = song[start : start + width]
    else:
        for window, start in zip(samples, first, strict=True):
            window[:] = _read(source, int(start), int(start) + width, rate)
    return samples


def _read(source: Source, start: int, stop: int, rate: int) -> np.ndarray:
    """Read samples ``start`` to ``stop`` of a song at ``rate``, resampled if needed.

    Input and output samples coincide once every ``native / gcd(native, rate)`` input samples. Starting at such a place,
    a part of the song is resampled with the same phases of the filter as the whole song.
    """
    native = source.rate
    margin = -(-_CONTEXT * max(native, rate) // rate) if native != rate else 0
    shared = gcd(native, rate)
    first = max(0, start * native // rate - margin) // (native // shared) * (native // shared)
    last = min(source.frames, -(-stop * native // rate) + margin)
    with decoding():
        sound = source.read(first, last)
    if not np.abs(sound).max() < _LOUDEST:  # also True for NaN
        raise AudioError("It holds samples that are no sound: NaN, infinite or absurdly large.")
    if native != rate:
        sound = soxr.resample(sound, native, rate, quality="HQ")
    begin = start - first * rate // native
    return sound[begin : begin + stop - start]
