"""A folder of music: which files it holds, which it does not give, and what is left out of it on purpose.

Scanning looks at names and dates only, and reads the CUE sheets; a music file is opened when it is new or has changed.
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
from songspace.library.tags import read_tags as read_tags  # it was here, and scripts of others import it from here

SUFFIXES = frozenset(BY_EXTENSION)
"""Suffixes that promise sound. What a file really is, its content decides when it is decoded."""

LEAVE_OUT = frozenset({".notmusic", ".nomedia"})
"""A folder with a file of such a name is left out, with everything below it."""

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

# "...And Justice for All" and ".5: The Gray Chapter" are titles; ".Trash-1000" and "._song.mp3" are not for people.
_HIDDEN = re.compile(r"\.(?![.\d\s])")


class Stamp(NamedTuple):
    """The state of a file in its file system: while it is as before, the file is not opened again.

    Attributes
    ----------
    size : int
        Bytes.
    mtime_ns, ctime_ns : int
        Nanoseconds since 1970. Programs can put the first one back; no program can do that with the second.
    device, inode : int
        Where the file lies. The numbers of a device may change when it is mounted anew.
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
        # Clocks go wrong, and SQLite's numbers end at 2**63: in the year 2262, if they are nanoseconds.
        bounded = (min(max(number, -(2**63)), 2**63 - 1) for number in numbers)
        places = ((number + 2**63) % 2**64 - 2**63 for number in (status.st_dev, status.st_ino))
        return cls(*bounded, *places)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a scan came across.

    Attributes
    ----------
    path : str
        Absolute; bytes that are not UTF-8 are kept as surrogates (``os.fsencode`` gives them back).
    size, mtime_ns, ctime_ns, device, inode : int
        See :class:`Stamp`.
    problem : str or None
        Why it cannot be a song, if that can be seen without opening it.
    parts : tuple of Part
        The songs in it, if a CUE sheet beside it says that it holds several.
    sheet_away : bool
        Whether there is a CUE sheet beside it that cannot be reached: it may be about this file.
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
        """Return what the file system says of it."""
        return Stamp(self.size, self.mtime_ns, self.ctime_ns, self.device, self.inode)

    @property
    def sheet(self) -> int:
        """A checksum of what a CUE sheet says of it; 0 if none does."""
        return xxhash.xxh3_64_intdigest(repr(self.parts).encode()) - 2**63 if self.parts else 0


@dataclass
class Listing:
    """The result of a scan of a folder.

    Attributes
    ----------
    files : list of Found
        One for each thing whose suffix promises sound, in the order of names, and for each folder that may not be read.
    folders : dict of str to (int, bool)
        The device of each folder that was listed, and whether there is nothing in it.
    unreachable : dict of str to str
        Files and folders that are there by name and cannot be reached, with the reason.
    left_out : dict of str to str
        What is no part of the library on purpose, with the reason: files that promise sound, and whole folders.
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

    Hidden and system files, and folders that hold ``.notmusic`` or ``.nomedia``, are left out; a name that begins with
    two dots, or a dot and a digit, is a title. Links are followed, and each real folder is walked once, so a circle of
    links ends.
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
    # Not every file system numbers its files; where it does not (0), circles end by the length of their path.
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
    """Return the songs in the files of a folder, by the files' names, as the CUE sheets beside them say.

    And whether one of the sheets cannot be reached.
    """
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
    """Read a sheet; nothing if it is no sheet: then its file is one song; None if it cannot be reached."""
    try:
        # A pipe that has that name must not make anybody wait for it.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(number, "rb") as file:
            status = os.fstat(number)
            return file.read() if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_SHEET else b""
    except OSError:
        return None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def shown(path: str | Path) -> str:
    """Return a path as it can be printed."""
    return os.fsencode(path).decode("utf-8", "replace")


def is_inside(path: str, folder: str | Path) -> bool:
    """Return whether an absolute path lies in a folder (as names go: nothing is opened)."""
    root = str(folder)
    return path == root or path.startswith(root if root.endswith(os.sep) else root + os.sep)
