"""A folder of playlists that are made again now and then: new mixes take the place of old mixes, and of nothing else.

A hidden file in the folder says which playlists were written and what was in them. What another hand has written or
changed since is left alone: a playlist is only replaced or removed while it is, byte for byte, what was written.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from songspace import interchange
from songspace.errors import SongspaceError
from songspace.playlists.mixes.naming import file_name

_LEDGER = ".songspace-mixes.json"
_FORMAT = "songspace.mixes/1"
_UNFINISHED = ".songspace-mix-"


class Written(NamedTuple):
    """What became of a folder.

    Attributes
    ----------
    paths : list of Path
        The file of each list.
    removed, kept : list of str
        Names of playlists of an earlier run: those that are gone, and those that were changed since and so stayed.
    """

    paths: list[Path]
    removed: list[str]
    kept: list[str]


def write_lists(
    folder: str | os.PathLike[str],
    lists: Sequence[tuple[str, Sequence[interchange.Listed]]],
    *,
    suffix: str = ".m3u8",
    relative: bool = True,
    prefixes: Mapping[str, str] | None = None,
) -> Written:
    """Write a file for each list, in place of those that were written here before.

    All of them are written beside the old ones before the first takes its place, so that an error leaves everything as
    it was.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    lists : sequence of (title, songs)
        Titles need not be names of files: see :func:`songspace.playlists.mixes.naming.file_name`. Where somebody else's
        file has the name, a number is added.
    suffix : str
        .m3u8, .xspf or .jspf
    relative : bool
        Name songs relative to the folder, or absolutely.
    prefixes : mapping of str to str, optional
        As for :func:`songspace.interchange.write`.

    Raises
    ------
    SongspaceError
        If something cannot be written.
    """
    folder = Path(folder).absolute()
    new = not folder.exists()
    unfinished = [folder / f"{_UNFINISHED}{number}{suffix}" for number in range(len(lists))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{_UNFINISHED}*"):  # by a run that was killed
            left.unlink()
        ledger = _read_ledger(folder)
        ours = {name: hashes for name, hashes in ledger.items() if _digest(folder / name) in hashes}
        names = _free_names([title for title, _ in lists], suffix, {*os.listdir(folder)} - {*ours})
        for path, (title, songs) in zip(unfinished, lists, strict=True):
            interchange.write(path, songs, title=title, relative=relative, prefixes=prefixes)
        fresh = {name: [_digest(path)] for name, path in zip(names, unfinished, strict=True)}
        # Until all is in place either content counts as ours, so that a run that is killed can be repeated.
        _write_ledger(folder, {name: ours.get(name, []) + fresh.get(name, []) for name in {*ours, *fresh}})
        for name, path in zip(names, unfinished, strict=True):
            path.replace(folder / name)
        removed = sorted({*ours} - {*names})
        for name in removed:
            (folder / name).unlink()
        _write_ledger(folder, fresh)
    except (OSError, SongspaceError) as error:
        if folder.is_dir():
            for path in unfinished:
                path.unlink(missing_ok=True)
            if new and not any(folder.iterdir()):
                folder.rmdir()
        if isinstance(error, SongspaceError):
            raise
        raise SongspaceError(f"The mixes cannot be written to {folder} ({error.strerror}).") from error
    kept = sorted(name for name in ledger if name not in ours and (folder / name).exists())
    return Written([folder / name for name in names], removed, kept)


def _free_names(titles: Sequence[str], suffix: str, others: set[str]) -> list[str]:
    """Return a name for each title that no other file has, on systems too where case and composition do not count."""
    taken = {_folded(name) for name in others}
    found = []
    for title in titles:
        base = file_name(title)
        name, number = f"{base}{suffix}", 1
        while _folded(name) in taken:
            number += 1
            name = f"{base} ({number}){suffix}"
        taken.add(_folded(name))
        found.append(name)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _read_ledger(folder: Path) -> dict[str, list[str]]:
    try:
        said = json.loads((folder / _LEDGER).read_bytes())
        if said["format"] != _FORMAT:
            return {}
        # A name with a folder in it was not written by this program, and must not lead out of here.
        return {name: list(hashes) for name, hashes in said["files"].items() if os.path.basename(name) == name}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # what cannot be read says nothing, and so all that is here is somebody else's


def _write_ledger(folder: Path, listed: dict[str, list[str]]) -> None:
    beside = folder / f"{_UNFINISHED}{_LEDGER}"
    beside.write_text(json.dumps({"format": _FORMAT, "files": dict(sorted(listed.items()))}, indent=1), "utf-8")
    beside.replace(folder / _LEDGER)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
