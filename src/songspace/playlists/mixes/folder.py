"""A folder of mixes: new mixes replace old ones, and no other files.

A hidden file in the folder lists the playlists that were written, with digests of their contents. A playlist is
replaced or removed only if it is unchanged; files of other programs, and playlists that a person edited, stay.
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


class WrittenFolder(NamedTuple):
    """The result of writing mixes into a folder.

    Attributes
    ----------
    paths : list of Path
        File of each list.
    removed, kept : list of str
        Names of playlists of an earlier run: those that were removed, and those that a person edited and that stay.
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
) -> WrittenFolder:
    """Write a file for each list, and replace those of an earlier run.

    All files are written under temporary names first, so that an error leaves everything as it was.

    Parameters
    ----------
    folder : path-like
        Created if it does not exist.
    lists : sequence of (title, songs)
        File names are made by :func:`songspace.playlists.mixes.naming.file_name`; if another file has the name, a
        number is added.
    suffix : str
        .m3u8, .xspf or .jspf
    relative : bool
        True for paths relative to the folder, False for absolute ones.
    prefixes : mapping of str to str, optional
        See :func:`songspace.interchange.write`.

    Raises
    ------
    SongspaceError
        If a file cannot be written.
    """
    folder = Path(folder).absolute()
    new = not folder.exists()
    unfinished = [folder / f"{_UNFINISHED}{number}{suffix}" for number in range(len(lists))]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"{_UNFINISHED}*"):  # of a run that was killed
            leftover.unlink()
        ledger = _read_ledger(folder)
        ours = {name: hashes for name, hashes in ledger.items() if _digest(folder / name) in hashes}
        names = _free_names([title for title, _ in lists], suffix, {*os.listdir(folder)} - {*ours})
        for path, (title, songs) in zip(unfinished, lists, strict=True):
            interchange.write(path, songs, title=title, relative=relative, prefixes=prefixes)
        fresh = {name: [_digest(path)] for name, path in zip(names, unfinished, strict=True)}
        # Until all files are in place, old and new contents both count as ours, so that a killed run can be repeated.
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
    return WrittenFolder([folder / name for name in names], removed, kept)


def _free_names(titles: Sequence[str], suffix: str, others: set[str]) -> list[str]:
    """Return a free file name for each title, also for systems that ignore case and Unicode composition."""
    taken = {_folded(name) for name in others}
    names = []
    for title in titles:
        base = file_name(title)
        name, number = f"{base}{suffix}", 1
        while _folded(name) in taken:
            number += 1
            name = f"{base} ({number}){suffix}"
        taken.add(_folded(name))
        names.append(name)
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _read_ledger(folder: Path) -> dict[str, list[str]]:
    try:
        ledger = json.loads((folder / _LEDGER).read_bytes())
        if ledger["format"] != _FORMAT:
            return {}
        # A name with a folder in it was not written by songspace, and must not lead out of this folder.
        return {name: list(hashes) for name, hashes in ledger["files"].items() if os.path.basename(name) == name}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # without a readable ledger, all files count as those of others


def _write_ledger(folder: Path, listed: dict[str, list[str]]) -> None:
    beside = folder / f"{_UNFINISHED}{_LEDGER}"
    beside.write_text(json.dumps({"format": _FORMAT, "files": dict(sorted(listed.items()))}, indent=1), "utf-8")
    beside.replace(folder / _LEDGER)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
