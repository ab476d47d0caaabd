"""Scanning of a folder of music: its files, those that cannot be reached, and those left out on purpose.

A scan reads names, dates and CUE sheets. It opens no music file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import xxhash

from songspace.formats import BY_EXTENSION, by_name
from songspace.library.cue import LARGEST as LARGEST_SHEET
from songspace.library.cue import Part, read_sheet
from songspace.library.tags import read_tags as read_tags  # a public name: it was defined here in earlier versions

SUFFIXES = frozenset(BY_EXTENSION)
"""Suffixes of sound formats. The real format of a file is decided by its content, when it is decoded."""

LEAVE_OUT = frozenset({".notmusic", ".nomedia"})
"""Names of files that mark a folder to be left out, with everything below it."""

_SYSTEM = frozenset(
    {
        "$recycle.bin",
        "system volume information",
        "lost+found",
        "@eadir",
        "#recycle",
        "#snapshot",
        "__macosx",
    }
)

# "...And Justice for All" and ".5: The Gray Chapter" are titles; ".Trash-1000" and "._song.mp3" are hidden.
_HIDDEN = re.compile(r"\.(?![.\d\s])")


class Stamp(NamedTuple):
    """The state of a file in its file system; while it stays the same, the file is not opened again.

    Attributes
    ----------
    size : int
        Bytes.
    mtime_ns, ctime_ns : int
        Nanoseconds since 1970. Programs can set the first back, but not the second.
    device, inode : int
        Numbers of its disk and of the file on it. They may change when a disk is mounted again.
    """

    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    device: int = 0
    inode: int = 0

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp of a file."""
        numbers = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        # Clocks may be wrong, and integers in SQLite have 64 bits: nanoseconds until the year 2262.
        bounded = (min(max(number, -(2**63)), 2**63 - 1) for number in numbers)
        places = ((number + 2**63) % 2**64 - 2**63 for number in (status.st_dev, status.st_ino))
        return cls(*bounded, *places)


@dataclass(frozen=True, slots=True)
class Found:
    """A file in a scanned folder.

    Attributes
    ----------
    path : str
        Absolute; bytes that are not UTF-8 are kept as surrogates (``os.fsencode`` gives them back).
    size, mtime_ns, ctime_ns, device, inode : int
        See :class:`Stamp`.
    problem : str or None
        Reason why it cannot be a song, if that is known without opening it.
    parts : tuple of Part
        Songs in it, if a CUE sheet beside it lists several.
    sheet_away : bool
        True if a CUE sheet in its folder cannot be reached; it may list songs of this file.
    """

    path: str
    size: int = 0
    mtime_ns: int = 0
    problem: str | None = None
    ctime_ns: int = 0
    device: int = 0
    inode: int = 0
    parts: tuple[Part, ...] = ()
    sheet_away: bool = False

    @property
    def stamp(self) -> Stamp:
        """State of the file in its file system."""
        return Stamp(self.size, self.mtime_ns, self.ctime_ns, self.device, self.inode)

    @property
    def sheet(self) -> int:
        """Checksum of its entry in a CUE sheet; 0 if there is none."""
        return xxhash.xxh3_64_intdigest(repr(self.parts).encode()) - 2**63 if self.parts else 0


@dataclass
class Listing:
    """The result of a scan of a folder.

    Attributes
    ----------
    files : list of Found
        One for each entry with the suffix of a sound format, in the order of names, and for each unreadable folder.
    folders : dict of str to (int, bool)
        Device of each listed folder, and True if the folder is empty.
    unreachable : dict of str to str
        Files and folders that exist by name but cannot be reached, with the reason.
    left_out : dict of str to str
        Files with such a suffix, and whole folders, that are left out on purpose, with the reason.
    """

    files: list[Found] = field(default_factory=list)
    folders: dict[str, tuple[int, bool]] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def scan(folder: str | os.PathLike[str]) -> Iterator[Found]:
    """Yield the :attr:`Listing.files` of a folder."""
    yield from look_through(folder).files


def look_through(folder: str | os.PathLike[str]) -> Listing:
    """Walk a folder of music, in the order of names.

    Hidden and system files, and folders with a file ``.notmusic`` or ``.nomedia``, are left out. A name that begins
    with two dots, or with a dot and a digit, is a title, not hidden. Links are followed; each real folder is walked
    once, so that a circle of links ends.
    """
    listing = Listing()
    _walk(os.path.abspath(folder), listing, walked={})
    return listing


def _walk(folder: str, listing: Listing, walked: dict[tuple[int, int], str]) -> None:
    try:
        here = Stamp.of(os.stat(folder))
        with os.scandir(folder) as entries_of:
            entries = sorted(entries_of, key=lambda entry: entry.name)
    except OSError as error:
        reason = f"the folder cannot be read: {_reason(error)}"
        listing.files.append(Found(folder, problem=reason))
        listing.unreachable[folder] = reason
        return
    # Some file systems have no inode numbers (0); there, a circle of links ends when its path is too long.
    if here.inode:
        first = walked.setdefault((here.device, here.inode), folder)
        if first != folder:
            listing.left_out[folder] = f"the same folder as {first}"
            return
    if marks := LEAVE_OUT & {entry.name for entry in entries}:
        listing.left_out[folder] = f"it holds {min(marks)}"
        return
    listing.folders[folder] = (here.device, not entries)
    sheets, sheet_away = _sheets(entries)
    for entry in entries:
        is_sound = by_name(entry.name) is not None
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link to itself
            is_folder = False
        if _HIDDEN.match(entry.name) or entry.name.lower() in _SYSTEM:
            if is_sound or is_folder:
                kind = "hidden" if entry.name.startswith(".") else "of the system"
                listing.left_out[entry.path] = f"{'a folder' if is_folder else 'a file'} that is {kind}"
            continue
        if is_sound:
            parts = sheets.get(entry.name, ())
            file = _look(entry, parts, sheet_away and not parts)
            listing.files.append(file)
            if file.problem and not file.device:
                listing.unreachable[file.path] = file.problem
        elif not is_folder and entry.is_symlink() and not os.path.exists(entry.path):
            listing.unreachable[entry.path] = "a link that leads nowhere"  # to a folder, once
        if is_folder:
            _walk(entry.path, listing, walked)


def _look(entry: os.DirEntry[str], parts: tuple[Part, ...], sheet_away: bool) -> Found:
    try:
        status = entry.stat()
    except FileNotFoundError:
        return Found(entry.path, problem="a link that leads nowhere")
    except OSError as error:
        return Found(entry.path, problem=f"cannot be reached: {_reason(error)}")
    problem = None
    if stat.S_ISDIR(status.st_mode):
        problem = "a folder, not a file"
    elif not stat.S_ISREG(status.st_mode):
        problem = "not a regular file"
    elif status.st_size == 0:
        problem = "the file is empty"
    stamp = Stamp.of(status)
    size, mtime_ns, ctime_ns, device, inode = stamp
    return Found(entry.path, size, mtime_ns, problem, ctime_ns, device, inode, parts, sheet_away)


def _sheets(entries: list[os.DirEntry[str]]) -> tuple[dict[str, tuple[Part, ...]], bool]:
    """Return the parts of the files of a folder by its CUE sheets, by file name, and True if a sheet is unreachable."""
    sheets = [entry for entry in entries if entry.name.lower().endswith(".cue") and not _HIDDEN.match(entry.name)]
    if not sheets:
        return {}, False
    names = [entry.name for entry in entries if by_name(entry.name) is not None]
    parts_of: dict[str, tuple[Part, ...]] = {}
    is_away = False
    for sheet in sheets:
        data = _read_sheet(sheet.path)
        is_away |= data is None
        for name, parts in read_sheet(data or b"", names).items():
            parts_of.setdefault(name, parts)
    return parts_of, is_away


def _read_sheet(path: str) -> bytes | None:
    """Read a sheet; return an empty text if it is no sheet, and None if it cannot be reached."""
    try:
        # Opening a pipe of this name must not block.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(number, "rb") as file:
            status = os.fstat(number)
            return file.read() if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_SHEET else b""
    except OSError:
        return None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def shown(path: str | Path) -> str:
    """Return a path as printable text."""
    return os.fsencode(path).decode("utf-8", "replace")


def is_inside(path: str, folder: str | Path) -> bool:
    """Return True if an absolute path lies in a folder, by its name alone."""
    root = str(folder)
    return path == root or path.startswith(root if root.endswith(os.sep) else root + os.sep)
