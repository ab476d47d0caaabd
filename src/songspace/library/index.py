"""Updating of the catalog from the folders: scan, hear new files, decide which missing files are away or gone.

Every finished song is committed at once, so a run that was stopped or killed continues where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from songspace.errors import SongspaceError
from songspace.library import presence
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import TAG_ENCODING, Catalog
from songspace.library.listening import DESCRIPTORS, Ears, Heard, Known, Listening, hear
from songspace.library.presence import Group, groups_of_away
from songspace.library.records import FileRow, Track
from songspace.library.scan import Found, Listing, is_inside, look_through
from songspace.library.workers import FileFailure


@dataclass
class Tally:
    """The result of a run over the folders.

    Attributes
    ----------
    files : int
        Number of files with the suffix of a sound format.
    new, linked, gone : int
        Songs that were decoded, songs with a known sound (moved, renamed, copied, tagged again), and deleted songs.
    away, back : int
        Songs that could be reached before and cannot now, and the other way round.
    failures : list of (path, reason)
    places : list of Group
        All songs that are away, grouped by folder.
    absent : dict of str to str
        Missing folders, with the reason.
    moved : list of str
        Former folders of songs that were found elsewhere.
    left_out : int
        Files and folders that are left out on purpose, and were not before this run.
    """

    files: int = 0
    new: int = 0
    linked: int = 0
    gone: int = 0
    away: int = 0
    back: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    places: list[Group] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    left_out: int = 0


MOVED = "(If its songs are in another folder now: `songspace update` and that folder.)"
"""Advice for a folder that will not come back."""


def index(
    catalog: Catalog,
    cache: SpectrogramCache,
    folders: Iterable[str],
    listening: Listening,
    *,
    encode: Callable[[Heard], dict[str, np.ndarray]] | None = None,
    ears: Ears | None = None,
    fill_cache: bool = False,
    forget_missing: bool = False,
    workers: int | None = None,
    timeout: float = 60.0,
    on_begin: Callable[[list[Found], list[Found]], None] | None = None,
    on_progress: Callable[[Found, str | None], None] | None = None,
) -> Tally:
    """Bring the catalog up to date with the folders; only new and changed files are decoded.

    Parameters
    ----------
    catalog, cache
        Of one library, open for writing.
    folders : iterable of str
        Absolute paths. Missing ones are noted in the tally; their songs are away.
    encode : callable, optional
        Returns the vectors of a decoded song, by the name of their encoder; they are stored with each new song.
    ears : Ears, optional
        Ears of that encoder, if it has any.
    fill_cache : bool
        Decode songs again that the cache should hold and does not.
    forget_missing : bool
        Delete songs that are away, except those in missing folders and in places that cannot be read.
    on_begin : callable, optional
        Called once with the files to decode: new and changed ones, and those that are decoded again for the cache.
    on_progress : callable, optional
        Called with each finished file, and the reason why it is no song (None if it is one).

    Raises
    ------
    SongspaceError
        If all folders are missing.
    """
    rows = catalog.files()
    known = catalog.identities()
    were_away = {song.id for song in catalog.away()}
    tally = Tally()
    looks = _look_through(folders, rows, tally)
    devices = presence.Devices(rows, (file for listing in looks.values() for file in listing.files))
    todo = _take_in(catalog, rows, looks, devices, tally)
    if on_begin:
        missed = _missed_by_cache(catalog, cache, exclude={file.path for file in todo}) if fill_cache else []
        on_begin(todo, missed)
    linked: set[int] = set()

    def work_on(files: list[Found], again: bool) -> None:
        for file, outcome in hear(
            files,
            listening,
            known=frozenset(known),
            again=again,
            tag_encoding=catalog.fact(TAG_ENCODING),
            ears=None if again else ears,
            workers=workers,
            timeout=timeout,
        ):
            if isinstance(outcome, FileFailure):
                # A file that is decoded again for the cache is in the library, and stays there.
                if not again:
                    catalog.record_failure(file, outcome.reason, lasting=outcome.lasting)
                tally.failures.append((file.path, outcome.reason))
            elif not again:
                before = catalog.tracks_sum(file.path)
                songs = catalog.record(file, [_track(song, encode) for song in outcome])
                tally.new += len({song.identity for song in outcome} - known.keys())
                if before != catalog.tracks_sum(file.path):  # otherwise only its date differs
                    tally.linked += sum(isinstance(song, Known) for song in outcome)
                linked.update(id for song, id in zip(outcome, songs, strict=True) if isinstance(song, Known))
                known.update({song.identity: id for song, id in zip(outcome, songs, strict=True)})
            if not isinstance(outcome, FileFailure):
                for song in outcome:
                    if isinstance(song, Heard) and song.identity in known:
                        cache.put(known[song.identity], song.identity, song.codes)
            if on_progress:
                on_progress(file, outcome.reason if isinstance(outcome, FileFailure) else None)

    def delete_gone() -> None:
        tally.gone += catalog.drop_orphans()
        cache.forget_gone()

    work_on(todo, again=False)
    _settle(catalog, rows, looks, devices, linked, tally, forget_missing)
    delete_gone()
    if fill_cache:  # after deletions, so that the sample does not depend on songs that are gone
        work_on(_missed_by_cache(catalog, cache, exclude=set()), again=True)
        delete_gone()
    are_away = {song.id for song in catalog.away()}
    tally.places = groups_of_away(catalog.files(), catalog.roots(), are_away)
    tally.away, tally.back = len(are_away - were_away), sum(catalog.song(id) is not None for id in were_away - are_away)
    tally.failures.sort()
    return tally


def _look_through(folders: Iterable[str], rows: dict[str, FileRow], tally: Tally) -> dict[str, Listing]:
    """Scan each folder that exists; note the others in the tally."""
    looks: dict[str, Listing] = {}
    for folder in folders:
        if not os.path.isdir(folder):
            tally.absent[folder] = f"There is no folder {folder}: is its disk mounted? {MOVED}"
            continue
        listing = look_through(folder)
        had = len({song for path, row in rows.items() if is_inside(path, folder) for song in row.songs})
        if folder in listing.unreachable and had:
            tally.absent[folder] = f"{folder}: {listing.unreachable[folder]}."
        elif had and listing.folders.get(folder, (0, False))[1]:
            tally.absent[folder] = f"{folder} is empty, but {had} songs of the library lie in it: is its disk mounted?"
        else:
            looks[folder] = listing
    if tally.absent and not looks:
        raise SongspaceError(" ".join(tally.absent.values()))
    return looks


def _take_in(
    catalog: Catalog, rows: dict[str, FileRow], looks: dict[str, Listing], devices: presence.Devices, tally: Tally
) -> list[Found]:
    """Write the results of the scans into the catalog; return the files to decode."""
    todo: list[Found] = []
    renewed: list[Found] = []
    left_out = {path for path, _ in catalog.left_out()}
    for folder, listing in looks.items():
        tally.files += len(listing.files)
        tally.left_out += len(listing.left_out.keys() - left_out)
        catalog.set_left_out(folder, listing.left_out)
        for file in listing.files:
            row = rows.get(file.path)
            if file.problem:
                if row is not None and row.songs and file.path in listing.unreachable:
                    continue  # it is away
                tally.failures.append((file.path, file.problem))
                if row is None or (row.failure, row.stamp) != (file.problem, file.stamp):
                    catalog.record_failure(file, file.problem)
            elif row is not None and row.sheet and file.sheet_away and devices.has_changed(row, file):
                continue  # its songs depend on a CUE sheet that cannot be reached
            elif row is None or devices.has_changed(row, file) or not (row.songs or row.failure):
                todo.append(file)
            elif row.failure:
                tally.failures.append((file.path, row.failure))
            elif row.away is not None or row.stamp != file.stamp:
                renewed.append(file)
    catalog.set_back(renewed)
    return todo


def _settle(
    catalog: Catalog,
    rows: dict[str, FileRow],
    looks: dict[str, Listing],
    devices: presence.Devices,
    linked: set[int],
    tally: Tally,
    forget_missing: bool,
) -> None:
    """Write which files are away, and delete those that are gone; ``linked`` are the songs found at new places."""
    after = catalog.files()
    missed = {folder: presence.missing(folder, listing, rows, devices) for folder, listing in looks.items()}
    unseen = {path for one in missed.values() for path in (*one.away, *one.vanished)}
    unseen |= {path for path in rows if any(is_inside(path, folder) for folder in tally.absent)}
    here = {song for path, row in after.items() if path not in unseen and row.away is None for song in row.songs}

    gone: set[str] = set()
    away: dict[str, str] = {}
    for folder, one in missed.items():
        seen = {file.path for file in looks[folder].files}
        gone |= {path for path, row in rows.items() if not row.songs and path not in seen and is_inside(path, folder)}
        moved = {path for path in one.vanished if here.issuperset(after[path].songs)}
        left = {path: place for path, place in one.vanished.items() if path not in moved}
        alive = (path for path in seen if path in after and after[path].songs)
        deleted, missed_for_now = presence.judge(left, rows, folder, alive)
        gone |= moved | (set(left) if forget_missing else deleted)
        away |= missed_for_now | one.away
        if forget_missing:
            gone |= one.away.keys() - one.errors
    for folder in _absent(catalog, looks, tally):
        inside = [path for path, row in rows.items() if row.songs and is_inside(path, folder)]
        songs = {song for path in inside for song in rows[path].songs}
        if songs and here >= songs and 2 * len(songs & linked) >= len(songs):
            catalog.forget_folder(folder)
            tally.absent.pop(folder, None)
            tally.moved.append(folder)
        elif folder in tally.absent:
            away |= dict.fromkeys(inside, "its folder is not there")
    catalog.forget(gone)
    catalog.set_away({path: why for path, why in away.items() if path not in gone})


def _absent(catalog: Catalog, looks: dict[str, Listing], tally: Tally) -> list[str]:
    """Return the missing folders of the library, including those that this run was not asked to scan."""
    others = (folder for folder in catalog.roots() if folder not in looks and folder not in tally.absent)
    return [*tally.absent, *(folder for folder in others if not os.path.isdir(folder))]


def _track(song: Heard | Known, encode: Callable[[Heard], dict[str, np.ndarray]] | None) -> Track:
    if isinstance(song, Known):
        return Track(song.identity, song.part)
    vectors = {DESCRIPTORS: song.descriptors} | (encode(song) if encode else {})
    return Track(song.identity, song.part, song.duration, song.starts, song.silent, vectors)


def _missed_by_cache(catalog: Catalog, cache: SpectrogramCache, *, exclude: set[str]) -> list[Found]:
    """Return the files of songs that belong to the sample of the cache but are not in it."""
    wanted = [song for _, song in sorted(catalog.identities().items())[: cache.capacity] if song not in cache]
    paths = {song.path for song in catalog.songs(wanted) if song.away is None and song.path not in exclude}
    return [known_file(catalog, path) for path in sorted(paths, key=os.fsencode)]


def known_file(catalog: Catalog, path: str) -> Found:
    """Return a file of the library in the state in which it was read, with its parts."""
    row = catalog.file(path)
    assert row is not None
    size, mtime_ns, ctime_ns, device, inode = row.stamp
    return Found(path, size, mtime_ns, None, ctime_ns, device, inode, catalog.parts(path))
