"""Listening: decoding of files in worker processes, and everything that is computed from it.

A worker gets a path, and returns everything that needs the decoded sound or the file: tags, identity, 8-bit
spectrograms and hand-made descriptors. A file that kills or stalls its worker is lost, and no other.

An encoder with another rate or frontend has :class:`Ears` of its own. It hears each song at the segments of the
library, so that the times in the catalog are true for its vectors, too. If its input lies within such a segment, at no
higher rate, the same decoding serves it; otherwise the file is decoded once more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import soxr

from songspace.audio import read_places, read_windows
from songspace.encoders import PIPELINE
from songspace.encoders.base import Encoder
from songspace.encoders.descriptors import descriptors
from songspace.encoders.registry import BY_HAND
from songspace.errors import AudioError
from songspace.formats import BY_EXTENSION, by_name
from songspace.frontends import Codes, Frontend, LogMel
from songspace.library.catalog import Catalog
from songspace.library.cue import Part, embedded_parts, with_tags
from songspace.library.home import Home
from songspace.library.identity import identify, identity_of_part
from songspace.library.learnt import Segments, demand_sound, load_learnt
from songspace.library.scan import Found, Stamp, shown
from songspace.library.tags import Tags, read_tags_and_sheet
from songspace.library.workers import FileFailure, outcomes

DESCRIPTORS = f"descriptors-{PIPELINE}"
"""Key of the hand-made descriptors in the catalog; they are not standardised."""


@dataclass(frozen=True)
class Listening:
    """Settings for hearing songs; they are the same for all songs of a library, so that vectors can be compared."""

    windows: int = 10
    frontend: LogMel = field(default_factory=LogMel)

    @classmethod
    def of(cls, catalog: Catalog) -> Listening:
        """Return the settings of a catalog; the default ones if it has none yet."""
        windows = catalog.json_fact("listening", lambda settings: int(settings["windows"]))
        return cls() if windows is None else cls(windows=windows)

    def __str__(self) -> str:
        return json.dumps({"windows": self.windows, "pipeline": PIPELINE} | asdict(self.frontend))


@dataclass(frozen=True, slots=True)
class Heard:
    """A decoded song."""

    identity: bytes
    part: Part
    duration: float
    starts: np.ndarray
    silent: np.ndarray
    codes: Codes
    """(segments, bands, frames)"""
    descriptors: np.ndarray
    """float32 (segments, numbers)"""
    sounds: np.ndarray | None = None
    """(segments * patches, bands, frames), by the ears of an encoder"""

    @property
    def tags(self) -> Tags:
        """Tags of the song."""
        return self.part.tags


@dataclass(frozen=True, slots=True)
class Known:
    """A song that the library has already; only its tags were read."""

    identity: bytes
    part: Part


@dataclass(frozen=True)
class Ears:
    """The frontend of an encoder, and the patches of a segment that it hears.

    Attributes
    ----------
    frontend : Frontend
    patches : int
        Number of spectrograms for each segment, spread over it; a single one is centred on it.
    segment : float
        Length of a segment, in seconds.
    rate : int
        Sampling rate of the library, in samples per second.
    """

    frontend: Frontend
    patches: int = 1
    segment: float = 5.0
    rate: int = 22_050

    @property
    def within(self) -> bool:
        """True if the patches lie within the segments, at no higher rate than the library's."""
        return self.frontend.seconds <= self.segment and self.frontend.rate <= self.rate

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        """Turn segments (n, samples) at the library's rate into spectrograms (n * patches, bands, frames).

        The patches must lie :attr:`within` them.
        """
        rate = self.frontend.rate
        if rate != self.rate:
            segments = soxr.resample(segments.T, self.rate, rate, quality="HQ").T
        places = np.rint(self.places(np.zeros(1)) * rate).astype(int)
        length = self.frontend.samples
        patches = [segment[place : place + length] for segment in segments for place in places]
        return self.frontend(np.stack([np.pad(patch, (0, length - len(patch))) for patch in patches]))

    def places(self, starts: np.ndarray) -> np.ndarray:
        """Return the starts of the patches of segments, in seconds.

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


_USUAL = BY_EXTENSION[".mp3"]


def seconds_to_decode(file: Found) -> float:
    """Estimate the seconds in which one core decodes a file, by its name and size.

    The windows of a song are decoded by seeking, so that a long file takes hardly longer than one of three minutes.

    Examples
    --------
    >>> seconds_to_decode(Found("a.MP3", 5_000_000, 0))
    0.084
    """
    format = by_name(file.path) or _USUAL
    return format.seconds * (1 + min(1.0, file.size / format.full_size)) / 2


def seconds_to_recognize(file: Found) -> float:
    """Estimate the seconds for a file whose sound the library knows: its bytes are read, but not decoded."""
    return 0.001 + 0.5e-9 * file.size


def ears(encoder: Encoder, listening: Listening) -> Ears | None:
    """Return the ears of an encoder; None if it uses the spectrograms of the library."""
    frontend = encoder.get_frontend()
    # A pretrained encoder keeps its own vectors, and only `keep_song` computes these.
    if frontend == listening.frontend and encoder.patches == 1 and not encoder.pretrained:
        return None
    return Ears(frontend, encoder.patches, listening.frontend.seconds, listening.frontend.rate)


def _prepare(listening: Listening, known: frozenset[bytes], tag_encoding: str | None, ears: Ears | None) -> None:
    """Set the arguments that are the same for all files in a worker."""
    global _listening, _known, _tag_encoding, _ears
    _listening, _known, _tag_encoding, _ears = listening, known, tag_encoding, ears


_listening: Listening
_known: frozenset[bytes]
_tag_encoding: str | None
_ears: Ears | None


def _hear(file: Found, again: bool) -> tuple[Heard | Known, ...] | FileFailure:
    path = file.path
    try:
        before = Stamp.of(os.stat(path))
        whole = identify(path)
        tags, sheet = read_tags_and_sheet(path, encoding=_tag_encoding)
        parts = file.parts or embedded_parts(sheet)
        songs = [(identity_of_part(whole, part.start or 0.0, part.end), part) for part in parts]
        outcome = _songs([(id, replace(part, tags=with_tags(part, tags))) for id, part in songs], path, again)
        if not parts or isinstance(outcome, FileFailure):  # if no part can be heard, the file is one song
            outcome = _songs([(whole, Part(tags=tags))], path, again)
        if Stamp.of(os.stat(path)) != before:
            return FileFailure("it changed while it was read", lasting=False)
    except OSError as error:
        return FileFailure(f"cannot be read: {(error.strerror or str(error)).lower()}", lasting=False)
    return outcome


def _songs(songs: list[tuple[bytes, Part]], path: str, again: bool) -> tuple[Heard | Known, ...] | FileFailure:
    """Return the songs of a file; silent parts are left out."""
    heard: list[Heard | Known] = []
    failure = None
    for identity, part in songs:
        if identity in _known and not again:
            heard.append(Known(identity, part))
            continue
        outcome = _decoded(path, identity, part)
        if isinstance(outcome, Heard):
            heard.append(outcome)
        else:
            failure = failure or outcome
    return failure if failure is not None and not heard else tuple(heard)


def _decoded(path: str, identity: bytes, part: Part) -> Heard | FileFailure:
    frontend, seconds = _listening.frontend, _listening.frontend.seconds
    try:
        heard = read_windows(
            path, seconds=seconds, count=_listening.windows, rate=frontend.rate, start=part.start, end=part.end
        )
    except AudioError as error:
        return FileFailure.of(error)
    if heard.silent.all():
        return FileFailure("nothing but silence")
    # Everything is computed from the 8-bit form, so that results are the same with the cache and without it.
    codes = frontend.quantize(frontend(heard.samples))
    numbers = descriptors(frontend.dequantize(codes), frame_rate=frontend.rate / frontend.hop)
    sounds = _ears(heard.samples) if _ears is not None else None
    return Heard(identity, part, heard.duration, heard.starts, heard.silent, codes, numbers, sounds)


def hear(
    files: Iterable[Found],
    listening: Listening,
    *,
    known: frozenset[bytes] = frozenset(),
    again: bool = False,
    tag_encoding: str | None = None,
    ears: Ears | None = None,
    workers: int | None = None,
    timeout: float = 60.0,
) -> Iterator[tuple[Found, tuple[Heard | Known, ...] | FileFailure]]:
    """Decode files in worker processes and yield the songs heard in each, in the order in which they finish.

    Parameters
    ----------
    files : iterable of Found
    listening : Listening
    known : frozenset of bytes
        Identities of songs that are not decoded.
    again : bool
        Decode these, too.
    tag_encoding : str, optional
        See :func:`songspace.library.tags.read_tags`.
    ears : Ears, optional
        Ears of an encoder; their patches must lie within the segments.
    workers : int, optional
        Number of processes; by default the number of cores.
    timeout : float
        Seconds after which a file fails and its worker is replaced.
    """
    prepared = (listening, known, tag_encoding, ears)
    return outcomes(_hear, files, again, prepare=_prepare, prepared=prepared, workers=workers, timeout=timeout)


def _prepare_sounds(ears: Ears, starts: Mapping[bytes, np.ndarray]) -> None:
    global _own_ears, _starts
    _own_ears, _starts = ears, starts


_own_ears: Ears
_starts: Mapping[bytes, np.ndarray]


def _hear_sounds(file: Found) -> list[tuple[bytes, np.ndarray]] | FileFailure:
    try:
        whole = identify(file.path)
    except OSError as error:
        return FileFailure(f"cannot be read: {(error.strerror or str(error)).lower()}", lasting=False)
    songs = []
    for part in file.parts or (Part(),):
        identity = identity_of_part(whole, part.start or 0.0, part.end) if file.parts else whole
        if (starts := _starts.get(identity)) is None:
            continue
        try:
            songs.append((identity, _sounds(os.fspath(file.path), part, starts)))
        except AudioError as error:
            return FileFailure.of(error)
    return songs


def _sounds(path: str, part: Part, starts: np.ndarray) -> np.ndarray:
    ears, where = _own_ears, {"start": part.start, "end": part.end}
    if ears.within:
        return ears(read_places(path, starts, seconds=ears.segment, rate=ears.rate, **where))
    own = ears.frontend
    return own(read_places(path, ears.places(starts), seconds=own.seconds, rate=own.rate, **where))


def hear_sounds(
    files: Iterable[Found],
    ears: Ears,
    starts: Mapping[bytes, np.ndarray],
    *,
    workers: int | None = None,
    timeout: float = 60.0,
) -> Iterator[tuple[Found, list[tuple[bytes, np.ndarray]] | FileFailure]]:
    """Decode some songs of files in worker processes for an encoder, and yield them in the order in which they finish.

    Parameters
    ----------
    files : iterable of Found
        With their parts, as :func:`songspace.library.index.known_file` gives them.
    ears : Ears
    starts : mapping of bytes to ndarray
        Starts of the segments of each wanted song, in seconds, by its identity.
    workers, timeout
        As in :func:`hear`.

    Yields
    ------
    file : Found
    songs : list of (identity, spectrograms), or FileFailure
        Spectrograms (segments * patches, bands, frames), float32. Songs that are not wanted, or not in the file any
        more, are left out.
    """
    prepared = (ears, dict(starts))
    return outcomes(_hear_sounds, files, prepare=_prepare_sounds, prepared=prepared, workers=workers, timeout=timeout)


def encode_file(
    home: Home, catalog: Catalog, path: str | os.PathLike[str], *, timeout: float = 60.0
) -> tuple[Segments, float]:
    """Hear and encode an audio file outside the library as the library's songs, with the encoder in use.

    Returns
    -------
    segments : Segments
        Neither centred nor scaled; the mean of their vectors is the vector of the song.
    duration : float
        Seconds.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    demand_sound(catalog, f"the place of {shown(os.fspath(path))} among them cannot be computed")
    listening = Listening.of(catalog)
    file = Found(os.path.abspath(path), parts=(Part(),))  # the whole file, even if it holds a CUE sheet
    encoder = load_learnt(home, catalog, catalog.fact("encoder") or BY_HAND)
    own = ears(encoder, listening)
    within = own if own is not None and own.within else None
    [(_, outcome)] = hear([file], listening, ears=within, workers=1, timeout=timeout)
    if isinstance(outcome, FileFailure):
        raise AudioError(f"{os.fspath(path)}: {outcome.reason}.")
    [heard] = outcome
    assert isinstance(heard, Heard)
    segments = Segments.of(
        _vectors(encoder, own, file, heard, timeout),
        heard.starts,
        heard.silent,
        seconds=listening.frontend.seconds,
        duration=heard.duration,
    )
    return segments, heard.duration


def _vectors(encoder: Encoder, own: Ears | None, file: Found, heard: Heard, timeout: float) -> np.ndarray:
    """Return the segment vectors of a file; it is decoded once more if the ears need more than the segments."""
    if own is None:
        return encoder.transform_described(heard.codes, heard.descriptors)
    if heard.sounds is not None:
        return encoder.placed(encoder.keep_song(heard.sounds))
    file = replace(file, parts=())  # the whole file is the song
    starts = {identify(file.path): heard.starts}
    [(_, outcome)] = hear_sounds([file], own, starts, workers=1, timeout=timeout)
    if isinstance(outcome, FileFailure) or not outcome:
        reason = outcome.reason if isinstance(outcome, FileFailure) else "it changed while it was read"
        raise AudioError(f"{file.path}: {reason}.")
    return encoder.placed(encoder.keep_song(outcome[0][1]))
