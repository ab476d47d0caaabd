"""Listening: what one decoding of a file gives, worked out in worker processes.

A worker gets a path and gives back everything that one decoding can serve: tags, identity, 8-bit spectrograms and
hand-made descriptors. A file that kills or stalls its worker costs that file only.

An encoder that takes another rate or frontend has ears of its own. It hears each song where the library's segments lie,
so that what the catalog holds of their times is true for its vectors, too. What lies within such a segment, at no
higher rate, comes of the same decoding; for anything else the file is decoded once more.
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
from songspace.errors import AudioError
from songspace.frontends import Codes, Frontend, LogMel
from songspace.library.catalog import Catalog
from songspace.library.cue import Part, embedded_parts, with_tags
from songspace.library.home import Home
from songspace.library.identity import identify, identity_of_part
from songspace.library.learnt import Segments, demand_sound, load_learnt
from songspace.library.scan import Found, Stamp, shown
from songspace.library.tags import Tags, read_tags_and_sheet
from songspace.library.workers import Failure as Failure
from songspace.library.workers import outcomes

DESCRIPTORS = f"descriptors-{PIPELINE}"
"""The key in the catalog of the hand-made descriptors, not standardised yet."""


@dataclass(frozen=True)
class Listening:
    """The settings with which all songs of a library are heard: one for all, so that vectors can be compared."""

    windows: int = 10
    frontend: LogMel = field(default_factory=LogMel)

    @classmethod
    def of(cls, catalog: Catalog) -> Listening:
        """Return the settings of a catalog (the default ones, if it has none yet)."""
        windows = catalog.json_fact("listening", lambda said: int(said["windows"]))
        return cls() if windows is None else cls(windows=windows)

    def __str__(self) -> str:
        return json.dumps({"windows": self.windows, "pipeline": PIPELINE} | asdict(self.frontend))


@dataclass(frozen=True, slots=True)
class Heard:
    """A song, as one decoding gave it."""

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
    """(segments * patches, bands, frames), by the ears that were given"""

    @property
    def tags(self) -> Tags:
        """The tags of the song."""
        return self.part.tags


@dataclass(frozen=True, slots=True)
class Known:
    """A song that the library has already: only its tags were read."""

    identity: bytes
    part: Part


@dataclass(frozen=True)
class Ears:
    """The frontend of an encoder, and the places in a segment where it hears.

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
        """Return whether all that is heard lies within a segment as the library hears it."""
        return self.frontend.seconds <= self.segment and self.frontend.rate <= self.rate

    def __call__(self, segments: np.ndarray) -> np.ndarray:
        """Turn segments (n, samples) at the library's rate into spectrograms (n * patches, bands, frames).

        What is heard has to lie :attr:`within` them.
        """
        rate = self.frontend.rate
        if rate != self.rate:
            segments = soxr.resample(segments.T, self.rate, rate, quality="HQ").T
        places = np.rint(self.places(np.zeros(1)) * rate).astype(int)
        length = self.frontend.samples
        patches = [segment[place : place + length] for segment in segments for place in places]
        return self.frontend(np.stack([np.pad(patch, (0, length - len(patch))) for patch in patches]))

    def places(self, starts: np.ndarray) -> np.ndarray:
        """Return where the patches of segments begin, in seconds.

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


def ears(encoder: Encoder, listening: Listening) -> Ears | None:
    """Return the ears of an encoder; None if it takes the library's own spectrograms."""
    frontend = encoder.get_frontend()
    # What is kept of one that was made elsewhere are its own vectors, which only `keep_song` gives.
    if frontend == listening.frontend and encoder.patches == 1 and not encoder.pretrained:
        return None
    return Ears(frontend, encoder.patches, listening.frontend.seconds, listening.frontend.rate)


def _prepare(listening: Listening, known: frozenset[bytes], tag_encoding: str | None, ears: Ears | None) -> None:
    """Set in a worker what holds for all files."""
    global _listening, _known, _tag_encoding, _ears
    _listening, _known, _tag_encoding, _ears = listening, known, tag_encoding, ears


_listening: Listening
_known: frozenset[bytes]
_tag_encoding: str | None
_ears: Ears | None


def _hear(file: Found, again: bool) -> tuple[Heard | Known, ...] | Failure:
    path = file.path
    try:
        before = Stamp.of(os.stat(path))
        whole = identify(path)
        tags, sheet = read_tags_and_sheet(path, encoding=_tag_encoding)
        parts = file.parts or embedded_parts(sheet)
        songs = [(identity_of_part(whole, part.start or 0.0, part.end), part) for part in parts]
        outcome = _songs([(id, replace(part, tags=with_tags(part, tags))) for id, part in songs], path, again)
        if not parts or isinstance(outcome, Failure):  # where its parts make no sense, the file is one song
            outcome = _songs([(whole, Part(tags=tags))], path, again)
        if Stamp.of(os.stat(path)) != before:
            return Failure("it changed while it was read", lasting=False)
    except OSError as error:
        return Failure(f"cannot be read: {(error.strerror or str(error)).lower()}", lasting=False)
    return outcome


def _songs(songs: list[tuple[bytes, Part]], path: str, again: bool) -> tuple[Heard | Known, ...] | Failure:
    """Return the songs of a file; a part that is silent is none."""
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


def _decoded(path: str, identity: bytes, part: Part) -> Heard | Failure:
    frontend, seconds = _listening.frontend, _listening.frontend.seconds
    try:
        heard = read_windows(
            path, seconds=seconds, count=_listening.windows, rate=frontend.rate, start=part.start, end=part.end
        )
    except AudioError as error:
        return Failure.of(error)
    if heard.silent.all():
        return Failure("nothing but silence")
    # All that is learnt or measured comes from the 8-bit form, so that it is the same with the cache and without it.
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
) -> Iterator[tuple[Found, tuple[Heard | Known, ...] | Failure]]:
    """Decode files in worker processes and yield the songs heard in each, in the order in which they finish.

    Parameters
    ----------
    files : iterable of Found
    listening : Listening
    known : frozenset of bytes
        Identities that need not be decoded, unless ``again``.
    tag_encoding : str, optional
        See :func:`songspace.library.tags.read_tags`.
    ears : Ears, optional
        Of an encoder that hears the same decoding; what it hears has to lie within the segments.
    workers : int, optional
        Processes; the number of cores by default.
    timeout : float
        Seconds after which a file is given up and its worker replaced.
    """
    prepared = (listening, known, tag_encoding, ears)
    return outcomes(_hear, files, again, prepare=_prepare, prepared=prepared, workers=workers, timeout=timeout)


def _prepare_sounds(ears: Ears, starts: Mapping[bytes, np.ndarray]) -> None:
    global _own_ears, _starts
    _own_ears, _starts = ears, starts


_own_ears: Ears
_starts: Mapping[bytes, np.ndarray]


def _hear_sounds(file: Found) -> list[tuple[bytes, np.ndarray]] | Failure:
    try:
        whole = identify(file.path)
    except OSError as error:
        return Failure(f"cannot be read: {(error.strerror or str(error)).lower()}", lasting=False)
    songs = []
    for part in file.parts or (Part(),):
        identity = identity_of_part(whole, part.start or 0.0, part.end) if file.parts else whole
        if (starts := _starts.get(identity)) is None:
            continue
        try:
            songs.append((identity, _sounds(os.fspath(file.path), part, starts)))
        except AudioError as error:
            return Failure.of(error)
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
        As in :func:`hear`.

    Yields
    ------
    file : Found
    songs : list of (identity, spectrograms), or Failure
        Spectrograms (segments * patches, bands, frames), float32. A song that is not found in its file is left out.
    """
    prepared = (ears, dict(starts))
    return outcomes(_hear_sounds, files, prepare=_prepare_sounds, prepared=prepared, workers=workers, timeout=timeout)


def encode_file(
    home: Home, catalog: Catalog, path: str | os.PathLike[str], *, timeout: float = 60.0
) -> tuple[Segments, float]:
    """Listen to an audio file outside the library as to those in it, with the encoder in use.

    Returns
    -------
    segments : Segments
        Not centred or scaled; the mean of their vectors is the song's.
    duration : float
        Seconds.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    demand_sound(catalog, f"nobody here can tell where {shown(os.fspath(path))} would lie among them")
    listening = Listening.of(catalog)
    file = Found(os.path.abspath(path), parts=(Part(),))  # all of it, whatever a CUE sheet in it says
    encoder = load_learnt(home, catalog, catalog.fact("encoder") or "timbre")
    own = ears(encoder, listening)
    within = own if own is not None and own.within else None
    [(_, outcome)] = hear([file], listening, ears=within, workers=1, timeout=timeout)
    if isinstance(outcome, Failure):
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
    """Return the vectors of a file; an encoder whose ears take more than was heard hears it once more."""
    if own is None:
        return encoder.transform_described(heard.codes, heard.descriptors)
    if heard.sounds is not None:
        return encoder.placed(encoder.keep_song(heard.sounds))
    file = replace(file, parts=())  # all of it is the song
    starts = {identify(file.path): heard.starts}
    [(_, outcome)] = hear_sounds([file], own, starts, workers=1, timeout=timeout)
    if isinstance(outcome, Failure) or not outcome:
        reason = outcome.reason if isinstance(outcome, Failure) else "it changed while it was read"
        raise AudioError(f"{file.path}: {reason}.")
    return encoder.placed(encoder.keep_song(outcome[0][1]))
