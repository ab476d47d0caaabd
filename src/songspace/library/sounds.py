"""Songs heard by an encoder that has ears of its own: another rate, or another frontend.

Where a song's segments lie is known since it was listened to. Each is heard where it lies, so that all that stands in
the catalog of its time holds for the vectors of every encoder. What such an encoder hears lies within a segment as the
library hears it, if it is no longer and at no higher rate: then it comes of that, and while songs are listened to, they
need not be decoded twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import soxr

from songspace.audio import read_places
from songspace.errors import AudioError
from songspace.frontends import Frontend
from songspace.library.cue import Part
from songspace.library.identity import identify, identity_of_part
from songspace.library.scan import Found
from songspace.library.workers import Failure, outcomes


@dataclass(frozen=True)
class Ears:
    """How segments are heard.

    Attributes
    ----------
    frontend : Frontend
    patches : int
        Spectrograms of each segment, spread over it; one lies in its middle, or around it.
    segment : float
        Seconds of a segment.
    rate : int
        Samples a second at which the library hears it.
    """

    frontend: Frontend
    patches: int = 1
    segment: float = 5.0
    rate: int = 22_050

    @property
    def within(self) -> bool:
        """Whether all that is heard lies within a segment as the library hears it."""
        return self.frontend.seconds <= self.segment and self.frontend.rate <= self.rate

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        """What is heard of segments (n, samples) at the library's rate: spectrograms (n * patches, bands, frames).

        It has to lie :attr:`within` them.
        """
        rate = self.frontend.rate
        if rate != self.rate:
            segments = soxr.resample(segments.T, self.rate, rate, quality="HQ").T
        places = np.rint(self.places(np.zeros(1)) * rate).astype(int)
        length = self.frontend.samples
        patches = [segment[place : place + length] for segment in segments for place in places]
        return self.frontend(np.stack([np.pad(patch, (0, length - len(patch))) for patch in patches]))

    def places(self, starts: np.ndarray) -> np.ndarray:
        """Where the patches of segments begin, in seconds.

        Examples
        --------
        >>> from songspace.frontends import Waveform
        >>> Ears(Waveform(seconds=3.0), patches=3).places(np.array([0.0, 60.0])).tolist()
        [0.0, 1.0, 2.0, 60.0, 61.0, 62.0]
        >>> Ears(Waveform(seconds=10.0)).places(np.array([0.0, 60.0])).tolist()
        [-2.5, 57.5]
        """
        slack = self.segment - self.frontend.seconds
        shares = np.array([0.5]) if self.patches == 1 else np.linspace(0, 1, self.patches)
        return (np.asarray(starts)[:, None] + shares * slack).reshape(-1)


def _prepare(ears: Ears, starts: Mapping[bytes, np.ndarray]) -> None:
    """Tell a worker what holds for all files."""
    global _ears, _starts
    _ears, _starts = ears, starts


_ears: Ears
_starts: Mapping[bytes, np.ndarray]


def _hear(file: Found) -> list[tuple[bytes, np.ndarray]] | Failure:
    try:
        whole = identify(file.path)
    except OSError as error:
        return Failure(f"cannot be read: {(error.strerror or str(error)).lower()}", lasting=False)
    found = []
    for part in file.parts or (Part(),):
        identity = identity_of_part(whole, part.start or 0.0, part.end) if file.parts else whole
        if (starts := _starts.get(identity)) is None:
            continue
        try:
            found.append((identity, _heard(os.fspath(file.path), part, starts)))
        except AudioError as error:
            return Failure.of(error)
    return found


def _heard(path: str, part: Part, starts: np.ndarray) -> np.ndarray:
    where = {"start": part.start, "end": part.end}
    if _ears.within:
        return _ears(read_places(path, starts, seconds=_ears.segment, rate=_ears.rate, **where))
    own = _ears.frontend
    return own(read_places(path, _ears.places(starts), seconds=own.seconds, rate=own.rate, **where))


def hear_sounds(
    files: Iterable[Found],
    ears: Ears,
    starts: Mapping[bytes, np.ndarray],
    *,
    workers: int | None = None,
    timeout: float = 60.0,
) -> Iterator[tuple[Found, list[tuple[bytes, np.ndarray]] | Failure]]:
    """Decode files in worker processes and yield what each holds of some songs, in the order in which they finish.

    Parameters
    ----------
    files : iterable of Found
        With their parts, as :func:`songspace.library.index.known_file` gives them.
    ears : Ears
    starts : mapping of bytes to ndarray
        Where the segments begin, in seconds, of each song that is wanted, by its identity.
    workers, timeout
        As in :func:`songspace.library.index.hear`.

    Yields
    ------
    file : Found
    songs : list of (identity, spectrograms), or Failure
        Spectrograms (segments * patches, bands, frames), float32. A song that is not found in its file is left out.
    """
    return outcomes(_hear, files, prepare=_prepare, prepared=(ears, dict(starts)), workers=workers, timeout=timeout)
