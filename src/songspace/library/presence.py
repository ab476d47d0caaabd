"""Songs that are away, and songs that are gone, when a folder no longer shows their files.

Away is what cannot be reached: a link that leads nowhere, a folder that may not be read, a disk that is not mounted.
It is remembered with all that was worked out of it until it is back. Gone is what was deleted. The rule:

    A file is gone if the nearest folder above it that is still there was listed without an error, lies on the disk on
    which the file lay, and is not empty. All else is away. Where a fifth or more of a folder's songs (and more than
    one) would be gone at once, they are away until another look misses them again while others are where they were.
    Others are songs that were there before: a folder that holds nothing but new ones is on another disk.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from songspace.library.catalog import FileRow
from songspace.library.scan import Found, Listing, Stamp, is_inside

MANY = "many songs vanished at once"
"""The reason for files that look deleted, until another scan confirms it."""

NONE_LEFT = "nothing that was in its folder is left there"
"""The reason for files that look deleted, and that another scan does not confirm: it may be another disk."""

_LARGE_SHARE = 5
"""A large share is one fifth."""


class Devices:
    """Compares the numbers of disks and files with those in the catalog: some change when a disk is mounted anew.

    Parameters
    ----------
    rows : mapping of str to FileRow
        What the catalog remembers, by path.
    files : iterable of Found
        What is there.
    """

    def __init__(self, rows: Mapping[str, FileRow], files: Iterable[Found]) -> None:
        same: Counter[int] = Counter()
        others: Counter[int] = Counter()
        self._now: dict[int, int] = {}
        for file in files:
            row = rows.get(file.path)
            if row is not None and row.stamp[:3] == file.stamp[:3]:
                self._now[row.stamp.device] = file.device
                (same if row.stamp.inode == file.inode else others)[file.device] += 1
        # Where most files have other numbers than before, it is the file system that has numbered them anew.
        self._renumbered = {device for device, count in others.items() if count > same[device]}
        self._taken = set(self._now.values())

    def is_there(self, device: int, folder_device: int) -> bool:
        """Return whether a folder lies on the disk that had a number when the catalog was written."""
        if not device:  # of a system that does not number them
            return True
        if device in self._now:
            return self._now[device] == folder_device
        return device == folder_device and device not in self._taken

    def has_changed(self, row: FileRow, file: Found) -> bool:
        """Return whether a file may hold something else than when it was read."""
        before, now = row.stamp, file.stamp
        moved = before.inode != now.inode and now.device not in self._renumbered
        # A sheet that cannot be reached says nothing: the songs that it told of stay.
        told_anew = row.sheet != file.sheet and not file.sheet_away
        return before[:3] != now[:3] or moved or told_anew


@dataclass
class Missing:
    """Files that hold songs and were not found where they were.

    Attributes
    ----------
    away : dict of str to str
        Why they cannot be reached, by path.
    errors : set of str
        Those of them where something is there by name and gives an error.
    vanished : dict of str to str
        The nearest folder that is still there, by path.
    """

    away: dict[str, str] = field(default_factory=dict)
    errors: set[str] = field(default_factory=set)
    vanished: dict[str, str] = field(default_factory=dict)


def missing(folder: str, listing: Listing, rows: Mapping[str, FileRow], devices: Devices) -> Missing:
    """Return the files that the catalog knows and a scan did not find."""
    result = Missing()
    there = {file.path for file in listing.files if not file.problem or file.path not in listing.unreachable}
    for path, row in rows.items():
        if not row.songs or path in there or not is_inside(path, folder):
            continue
        place = _nearest(path, folder, listing)
        why = _why_away(place, row.stamp, listing, devices)
        if why is None:
            result.vanished[path] = os.path.dirname(place) if place in listing.left_out else place
        else:
            result.away[path] = why
            if place in listing.unreachable:
                result.errors.add(path)
    return result


def _nearest(path: str, folder: str, listing: Listing) -> str:
    """Return the nearest place above a file, or the file itself, that the scan saw."""
    while path not in listing.unreachable and path not in listing.folders and path not in listing.left_out:
        if path == folder:
            break
        path = os.path.dirname(path)
    return path


def _why_away(place: str, stamp: Stamp, listing: Listing, devices: Devices) -> str | None:
    if place in listing.unreachable:
        return listing.unreachable[place]
    if place in listing.left_out:
        return None
    device, is_empty = listing.folders[place]
    if is_empty:
        return "its folder is empty"
    return None if devices.is_there(stamp.device, device) else "its disk is not there"


def judge(
    vanished: Mapping[str, str], rows: Mapping[str, FileRow], folder: str, alive: Iterable[str]
) -> tuple[set[str], dict[str, str]]:
    """Return which files that have vanished from a folder are gone, and why the others are away for now.

    Parameters
    ----------
    vanished : mapping of str to str
        The nearest folder that is still there, by path.
    rows : mapping of str to FileRow
        What the catalog remembered before this look.
    folder : str
        The folder that was looked through.
    alive : iterable of str
        Files that hold songs and were found in the folder.
    """
    alive = [path for path in alive if path in rows and rows[path].songs]
    old, back = _above(alive, folder), _above((path for path in alive if rows[path].away is not None), folder)
    confirmed = {path for path, place in vanished.items() if rows[path].why == MANY and place in old}
    anew = {path for path in vanished if rows[path].why not in (MANY, NONE_LEFT)}
    before = {song for path, row in rows.items() if row.away is None and is_inside(path, folder) for song in row.songs}
    lost = {song for path in anew for song in rows[path].songs}
    if len(lost) > 1 and _LARGE_SHARE * len(lost) >= len(before):
        anew = set()
    gone = confirmed | anew
    away = {}
    for path, place in vanished.items():
        if path not in gone:
            # What is there by now beside files that were missed before may have come in their place.
            others = back if rows[path].why == NONE_LEFT else old
            away[path] = MANY if place in others or rows[path].why == MANY else NONE_LEFT
    return gone, away


def _above(paths: Iterable[str], folder: str) -> set[str]:
    """Return the folders that hold one of some files, up to the folder that was scanned."""
    folders: set[str] = set()
    for path in paths:
        while path != folder and (path := os.path.dirname(path)) not in folders:
            folders.add(path)
    return folders


@dataclass(frozen=True)
class Group:
    """Songs that are away for one reason.

    Attributes
    ----------
    path : str
        The nearest folder that holds all of them.
    songs : int
    since : float
        When the first of them was missed, in seconds since 1970.
    why : str
    """

    path: str
    songs: int
    since: float
    why: str


def groups_of_away(rows: dict[str, FileRow], roots: Iterable[str], songs: Container[int]) -> list[Group]:
    """Group ``songs`` that are away by folder of the library and reason; most songs first."""
    listed = list(roots)
    groups: dict[tuple[str, str], list[tuple[str, FileRow]]] = {}
    for path, row in rows.items():
        if row.away is not None and any(song in songs for song in row.songs):
            root = next((root for root in listed if is_inside(path, root)), os.path.dirname(path))
            groups.setdefault((root, row.why or ""), []).append((path, row))
    away = [
        Group(
            os.path.commonpath([os.path.dirname(path) for path, _ in files]),
            len({song for _, row in files for song in row.songs}),
            min(row.away for _, row in files if row.away is not None),
            why,
        )
        for (_, why), files in groups.items()
    ]
    return sorted(away, key=lambda group: (-group.songs, group.path))
