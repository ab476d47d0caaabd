"""Listening to a library: scan, decode in worker processes, keep what was heard in the catalog.

A worker gets a path and gives back everything that one decoding can serve: tags, identity, 8-bit spectrograms and
hand-made descriptors. A file that kills or stalls its worker costs that file only. Every finished song is committed at
once, so the run can be stopped, or killed, at any moment and goes on from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field

import numpy as np

from songspace.audio import read_windows
from songspace.encoders import PIPELINE
from songspace.encoders.descriptors import descriptors
from songspace.errors import AudioError, SongspaceError
from songspace.frontends import LogMel
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import Catalog, Row
from songspace.library.scan import Found, Tags, identify, is_inside, read_tags, scan
from songspace.library.workers import Failure as Failure
from songspace.library.workers import outcomes

DESCRIPTORS = f"descriptors-{PIPELINE}"
"""The key in the catalog of the hand-made descriptors, not standardised yet."""


@dataclass(frozen=True)
class Listening:
    """How a library's songs are listened to: one for the whole of it, so that its vectors can be compared."""

    windows: int = 10
    frontend: LogMel = field(default_factory=LogMel)

    @classmethod
    def of(cls, catalog: Catalog) -> Listening:
        """How the songs of a catalog were listened to (by default, if it has none yet)."""
        remembered = catalog.fact("listening")
        return cls(windows=json.loads(remembered)["windows"]) if remembered else cls()

    def __str__(self) -> str:
        return json.dumps({"windows": self.windows, "pipeline": PIPELINE} | asdict(self.frontend))


@dataclass(frozen=True, slots=True)
class Heard:
    """What one decoding gave."""

    identity: bytes
    tags: Tags
    duration: float
    starts: np.ndarray
    silent: np.ndarray
    codes: np.ndarray
    """uint8 (segments, bands, frames)"""
    descriptors: np.ndarray
    """float32 (segments, numbers)"""


@dataclass(frozen=True, slots=True)
class Known:
    """The file holds a song that the library has already."""

    identity: bytes


@dataclass
class Tally:
    """What a run over the folders found.

    ``new`` counts songs that were decoded, ``linked`` files whose content was known (moved, renamed, copied).
    """

    files: int = 0
    new: int = 0
    linked: int = 0
    gone: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


def _prepare(listening: Listening, known: frozenset[bytes]) -> None:
    """Tell a worker what holds for all files."""
    global _listening, _known
    _listening, _known = listening, known


_listening: Listening
_known: frozenset[bytes]


def _hear(path: str, again: bool) -> Heard | Known | Failure:
    try:
        before = _stamp(path)
        identity = identify(path)
        if identity in _known and not again:
            return Known(identity)
        outcome = _decoded(path, identity)
        if _stamp(path) != before:
            return Failure("it changed while it was read", lasting=False)
    except OSError as error:
        return Failure(f"cannot be read: {(error.strerror or str(error)).lower()}", lasting=False)
    return outcome


def _stamp(path: str) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _decoded(path: str, identity: bytes) -> Heard | Failure:
    frontend = _listening.frontend
    try:
        heard = read_windows(path, seconds=frontend.seconds, count=_listening.windows, rate=frontend.rate)
    except AudioError as error:
        return Failure.of(error)
    if heard.silent.all():
        return Failure("nothing but silence")
    # All that is learnt or measured comes from the 8-bit form, so that it is the same with the cache and without it.
    codes = frontend.quantize(frontend(heard.samples))
    numbers = descriptors(frontend.dequantize(codes), frame_rate=frontend.rate / frontend.hop)
    return Heard(identity, read_tags(path), heard.duration, heard.starts, heard.silent, codes, numbers)


def hear(
    files: Iterable[Found],
    listening: Listening,
    *,
    known: frozenset[bytes] = frozenset(),
    again: bool = False,
    workers: int | None = None,
    timeout: float = 60.0,
) -> Iterator[tuple[Found, Heard | Known | Failure]]:
    """Decode files in worker processes and yield what was heard, in the order in which they finish.

    Parameters
    ----------
    files : iterable of Found
    listening : Listening
    known : frozenset of bytes
        Identities that need not be decoded, unless ``again``.
    workers : int, optional
        Processes; the number of cores by default.
    timeout : float
        Seconds after which a file is given up and its worker replaced.
    """
    return outcomes(
        _hear, files, again, prepare=_prepare, prepared=(listening, known), workers=workers, timeout=timeout
    )


def index(
    catalog: Catalog,
    cache: SpectrogramCache,
    folders: Iterable[str],
    listening: Listening,
    *,
    encode: Callable[[Heard], dict[str, np.ndarray]] | None = None,
    fill_cache: bool = False,
    workers: int | None = None,
    timeout: float = 60.0,
    on_begin: Callable[[list[Found], list[Found]], None] | None = None,
    on_progress: Callable[[Found, str | None], None] | None = None,
) -> Tally:
    """Bring the catalog up to date with the folders: only what is new, changed, moved or gone is worked on.

    Parameters
    ----------
    catalog, cache
        Of one library, open for writing.
    folders : iterable of str
        Absolute paths.
    encode : callable, optional
        From what was heard of a song to vectors by the name of their encoder, kept with each new song.
    fill_cache : bool
        Whether songs that the cache should hold and does not are decoded again.
    on_begin : callable, optional
        Called once with the files to do: those that are new or have changed, and those that are decoded again.
    on_progress : callable, optional
        Called with each file that is done, and why it is no song (None if it is one).

    Raises
    ------
    SongspaceError
        If a folder is missing, or is suddenly empty: an unmounted disk must not empty the library.
    """
    tally = Tally()
    rows = catalog.files()
    todo, gone, unheard = [], [], []
    for folder in folders:
        found = _look_through(folder, rows)
        tally.files += len(found)
        for file in found.values():
            row = rows.get(file.path)
            if file.problem:
                unheard.append(file)
                tally.failures.append((file.path, file.problem))
            elif row is None or (row.size, row.mtime_ns) != (file.size, file.mtime_ns):
                todo.append(file)
            elif row.failure:
                tally.failures.append((file.path, row.failure))
        gone += [path for path in rows if is_inside(path, folder) and path not in found]

    catalog.record_problems(file for file in unheard if rows.get(file.path) != Row.of(file))
    known = catalog.identities()
    if on_begin:
        missed = _missed_by_cache(catalog, cache, exclude={file.path for file in todo}) if fill_cache else []
        on_begin(todo, missed)

    def work_on(files: list[Found], again: bool) -> None:
        for file, outcome in hear(
            files, listening, known=frozenset(known), again=again, workers=workers, timeout=timeout
        ):
            if isinstance(outcome, Failure):
                # A disk that goes away in the middle of a run takes no song from the library, nor does anything that
                # befalls a file that was heard before and has not changed.
                row = catalog.file(file.path)
                if row is None or row.song is None or (outcome.lasting and not again):
                    catalog.record_failure(file, outcome.reason, lasting=outcome.lasting)
                tally.failures.append((file.path, outcome.reason))
            elif isinstance(outcome, Known):
                # The song has its tags already: they are part of the content that was recognised.
                catalog.record_song(file, outcome.identity, Tags())
                tally.linked += 1
            else:
                song = _keep(catalog, file, outcome, encode)
                cache.put(song, outcome.identity, outcome.codes)
                tally.new += outcome.identity not in known
                known[outcome.identity] = song
            if on_progress:
                on_progress(file, outcome.reason if isinstance(outcome, Failure) else None)

    def let_go() -> None:
        tally.gone += catalog.drop_orphans()
        cache.forget_gone()

    work_on(todo, again=False)
    catalog.forget(gone)
    let_go()
    if fill_cache:  # the places of those that are gone are free for others: the sample never depends on who was here
        work_on(_missed_by_cache(catalog, cache, exclude=set()), again=True)
        let_go()
    tally.failures.sort()
    return tally


def _keep(
    catalog: Catalog,
    file: Found,
    heard: Heard,
    encode: Callable[[Heard], dict[str, np.ndarray]] | None,
) -> int:
    vectors = {DESCRIPTORS: heard.descriptors} | (encode(heard) if encode else {})
    return catalog.record_song(
        file,
        heard.identity,
        heard.tags,
        duration=heard.duration,
        starts=heard.starts,
        silent=heard.silent,
        vectors=vectors,
    )


def _look_through(folder: str, rows: dict) -> dict[str, Found]:
    if not os.path.isdir(folder):
        raise SongspaceError(f"There is no folder {folder}: is its disk mounted?")
    found = {file.path: file for file in scan(folder)}
    had = sum(1 for path, row in rows.items() if row.song is not None and is_inside(path, folder))
    if had and not found:
        raise SongspaceError(f"{folder} is empty, but {had} songs of the library lie in it: is its disk mounted?")
    return found


def _missed_by_cache(catalog: Catalog, cache: SpectrogramCache, *, exclude: set[str]) -> list[Found]:
    """Files of the songs that belong in the cache's sample but are not there."""
    wanted = [song for _, song in sorted(catalog.identities().items())[: cache.capacity] if song not in cache]
    songs = catalog.songs(wanted)
    files = catalog.files()
    return [
        Found(song.path, files[song.path].size, files[song.path].mtime_ns) for song in songs if song.path not in exclude
    ]
