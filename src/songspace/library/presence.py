"""Missing files: which are away and which are gone.

A file is away if it cannot be reached: behind a broken link, in a folder that may not be read, on a disk that is not
mounted. Its songs are kept with all their data until it is back. A file is gone if it was deleted. The rule:

    A file is gone if the nearest folder above it that still exists was listed without an error, lies on the same disk
    as the file did, and is not empty. Every other missing file is away. If a fifth or more of the songs of a folder
    (and more than one) would be gone at once, they are away until another scan misses them again while other songs
    are where they were. Only songs that were there before count as others: a folder that holds nothing but new songs
    is on another disk.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from songspace.library.records import FileRow
from songspace.library.scan import Found, Listing, Stamp, is_inside

MANY = "many songs vanished at once"
"""Reason for files that seem to be deleted, until another scan confirms it."""

NONE_LEFT = "nothing that was in its folder is left there"
"""Reason for files that seem to be deleted, where another scan cannot confirm it: it may be another disk."""

_LARGE_SHARE = 5
"""A large share of the songs is one fifth."""


class Devices:
    """Compares device and inode numbers with those in the catalog: some change when a disk is mounted again.

    Parameters
    ----------
    rows : mapping of str to FileRow
        Files in the catalog, by path.
    files : iterable of Found
        Files of the scan.
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
        # If most files of a device have new inode numbers, the file system has numbered its files again.
        self._renumbered = {device for device, count in others.items() if count > same[device]}
        self._taken = set(self._now.values())

    def is_there(self, device: int, folder_device: int) -> bool:
        """Return True if a folder lies on the disk that had the number ``device`` when the catalog was written."""
        if not device:  # the system does not number its disks
            return True
        if device in self._now:
            return self._now[device] == folder_device
        return device == folder_device and device not in self._taken

    def has_changed(self, row: FileRow, file: Found) -> bool:
        """Return True if a file may have another content than when it was read."""
        before, now = row.stamp, file.stamp
        moved = before.inode != now.inode and now.device not in self._renumbered
        # While a CUE sheet cannot be reached, the songs that it listed stay.
        other_sheet = row.sheet != file.sheet and not file.sheet_away
        return before[:3] != now[:3] or moved or other_sheet


@dataclass
class Missing:
    """Files with songs that a scan did not find.

    Attributes
    ----------
    away : dict of str to str
        Reason why each file cannot be reached, by path.
    errors : set of str
        Those of them that still exist by name, but cannot be opened.
    vanished : dict of str to str
        Nearest folder that still exists, by path.
    """

    away: dict[str, str] = field(default_factory=dict)
    errors: set[str] = field(default_factory=set)
    vanished: dict[str, str] = field(default_factory=dict)


def missing(folder: str, listing: Listing, rows: Mapping[str, FileRow], devices: Devices) -> Missing:
    """Return the files with songs that are in the catalog and were not found by a scan."""
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
    """Return the nearest folder above a file that the scan saw, or the file itself."""
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
    """Return the vanished files of a folder that are gone, and for the others the reason why they are away.

    Parameters
    ----------
    vanished : mapping of str to str
        Nearest folder that still exists, by path.
    rows : mapping of str to FileRow
        Rows of the catalog before this scan.
    folder : str
        The folder that was scanned.
    alive : iterable of str
        Files with songs that the scan found in the folder.
    """
    alive = [path for path in alive if path in rows and rows[path].songs]
    old, back = _above(alive, folder), _above((path for path in alive if rows[path].away is not None), folder)
    confirmed = {path for path, place in vanished.items() if rows[path].why == MANY and place in old}
    missed_first = {path for path in vanished if rows[path].why not in (MANY, NONE_LEFT)}
    before = {song for path, row in rows.items() if row.away is None and is_inside(path, folder) for song in row.songs}
    lost = {song for path in missed_first for song in rows[path].songs}
    if len(lost) > 1 and _LARGE_SHARE * len(lost) >= len(before):
        missed_first = set()
    gone = confirmed | missed_first
    away = {}
    for path, place in vanished.items():
        if path not in gone:
            # Files that appeared beside earlier missing ones may have replaced them.
            others = back if rows[path].why == NONE_LEFT else old
            away[path] = MANY if place in others or rows[path].why == MANY else NONE_LEFT
    return gone, away


def _above(paths: Iterable[str], folder: str) -> set[str]:
    """Return all folders above some files, up to the folder that was scanned."""
    folders: set[str] = set()
    for path in paths:
        while path != folder and (path := os.path.dirname(path)) not in folders:
            folders.add(path)
    return folders


@dataclass(frozen=True)
class Group:
    """Songs that are away for the same reason.

    Attributes
    ----------
    path : str
        Nearest folder that holds all of them.
    songs : int
        Number of songs.
    since : float
        Time when the first of them was missed, in seconds since 1970.
    why : str
        The reason.
    """

    path: str
    songs: int
    since: float
    why: str


def groups_of_away(rows: dict[str, FileRow], roots: Iterable[str], songs: Container[int]) -> list[Group]:
    """Group songs that are away by folder of the library and reason; the largest group comes first."""
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
