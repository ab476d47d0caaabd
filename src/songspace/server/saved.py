"""Playlists that are kept: each a JSPF file in a folder of the home."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.playlists import files
from songspace.server.problems import NotReadyError, UnknownError

MOST = 1000
"""Playlists in a home."""

_ID = re.compile(r"[0-9a-f]{16}")


class Saved:
    """The playlists in a folder. Their ids are drawn at random, so that no title ever becomes the name of a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()  # two who write one file beside it would take it from each other

    def all(self) -> list[dict[str, Any]]:
        """Each with its ``id``, ``title``, number of ``songs`` and ``seconds``, by title."""
        found = [self._told(path) for path in self._folder.glob("*.jspf") if _ID.fullmatch(path.stem)]
        return sorted((one for one in found if one is not None), key=lambda one: (one["title"].casefold(), one["id"]))

    def one(
        self, id: str, songs: Sequence[Song], at: Callable[[str], Song | None]
    ) -> tuple[dict[str, Any], list[Song], list[str]]:
        """(what :meth:`all` tells of it, its songs, what it holds that the library has no more).

        Raises
        ------
        UnknownError
            If there is none of that id.
        """
        path = self._path(id)
        told = self._told(path)
        if told is None:
            raise UnknownError(f"There is no playlist {id}.")
        entries = files.entries(path)
        found = files.match(entries, songs, at=at)
        missing = [entry.label for entry, song in zip(entries, found, strict=True) if song is None]
        return told, [song for song in found if song is not None], missing

    def create(self, title: str, songs: Sequence[Song]) -> dict[str, Any]:
        """Keep a playlist; what :meth:`all` tells of it.

        Raises
        ------
        SongspaceError
            If there are too many, or it cannot be written.
        """
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise NotReadyError(f"The playlist cannot be kept in {self._folder} ({error.strerror}).") from error
        if sum(1 for _ in self._folder.glob("*.jspf")) >= MOST:
            raise NotReadyError(f"There are {MOST} playlists already: delete some first.")
        with self._writing:
            return self._write(self._path(secrets.token_hex(8)), title, songs)

    def change(self, id: str, *, title: str | None = None, songs: Sequence[Song] | None = None) -> dict[str, Any]:
        """Give a playlist another title, other songs, or both, in one step; what :meth:`all` tells of it.

        A playlist that is only renamed keeps what the library has no more: it may come back.

        Raises
        ------
        UnknownError
            If there is none of that id.
        SongspaceError
            If the title is blank, or it cannot be written.
        """
        path = self._path(id)
        with self._writing:
            told = self._told(path)
            if told is None:
                raise UnknownError(f"There is no playlist {id}.")
            if songs is not None:
                return self._write(path, told["title"] if title is None else title, songs)
            if title is not None:
                document = json.loads(path.read_bytes())
                document["playlist"]["title"] = told["title"] = _called(title)
                files.put(path, json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n")
            return told

    def changed(self, id: str) -> float:
        """When a playlist was written, in seconds since 1970.

        Raises
        ------
        UnknownError
            If there is none of that id.
        """
        try:
            return self._path(id).stat().st_mtime
        except FileNotFoundError:
            raise UnknownError(f"There is no playlist {id}.") from None

    def _write(self, path: Path, title: str, songs: Sequence[Song]) -> dict[str, Any]:
        files.write(path, songs, title=_called(title), relative=False)
        told = self._told(path)
        assert told is not None
        return told

    def delete(self, id: str) -> None:
        """Let go of a playlist.

        Raises
        ------
        UnknownError
            If there is none of that id.
        """
        try:
            self._path(id).unlink()
        except FileNotFoundError:
            raise UnknownError(f"There is no playlist {id}.") from None

    def _path(self, id: str) -> Path:
        if not _ID.fullmatch(id):
            raise SongspaceError("That is no id of a playlist.")
        return self._folder / f"{id}.jspf"

    def _told(self, path: Path) -> dict[str, Any] | None:
        try:
            playlist = json.loads(path.read_bytes())["playlist"]
            seconds = sum(track.get("duration", 0) for track in playlist["track"]) / 1000
            return {
                "id": path.stem,
                "title": str(playlist["title"]),
                "songs": len(playlist["track"]),
                "seconds": round(seconds, 3),
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # not there, or what another hand has put in its place


def _called(title: str) -> str:
    """A title in one line."""
    if line := " ".join(title.split()):
        return line
    raise SongspaceError("A playlist has a title of more than blanks.")
