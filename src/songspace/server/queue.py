"""Where a person stopped listening: the queue of songs to play, and bookmarks in songs; a small file each in the home.

Songs are named by the identity of their sound, so that both outlive new tags and other folders. Songs that are away
stay in the files, and are left out of answers. If two players write a queue, the last one wins whole.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.plainfiles import characters, put_plain, read_json
from songspace.server.problems import UnknownError

LONGEST_QUEUE = 5000
"""Most songs in a queue, and most bookmarks."""

LATEST = 10**9
"""Last position in a song, in milliseconds."""

_LONGEST_TEXT = 1000
_LARGEST = 16 * 2**20  # bytes of a file: the most bookmarks, with the longest comments

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Queue:
    """Songs to play.

    Attributes
    ----------
    songs : tuple of str
        Identities in hexadecimal digits.
    current : int or None
        Place of the current song, from 0.
    position : int
        Position in it, in milliseconds.
    changed : float
        Time when it was written, in seconds since 1970; 0 if it never was.
    by : str
        Name of the program that wrote it.
    """

    songs: tuple[str, ...] = ()
    current: int | None = None
    position: int = 0
    changed: float = 0.0
    by: str = ""

    def here(self, known: Mapping[bytes, Song]) -> tuple[list[Song], int | None, int]:
        """Return the songs that can be reached, the place of the current one among them, and the position in it.

        If the current song is away, the next one after it that is here becomes the current one, from its beginning.

        Parameters
        ----------
        known : mapping of bytes to Song
            Songs that can be reached, by identity.
        """
        there = [known.get(bytes.fromhex(identity)) for identity in self.songs]
        songs = [song for song in there if song is not None]
        if self.current is None:
            return songs, None, 0
        current = sum(song is not None for song in there[: self.current])
        if there[self.current] is not None:
            return songs, current, self.position
        return songs, current if current < len(songs) else None, 0


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A position in a song.

    Attributes
    ----------
    song : str
        Identity in hexadecimal digits.
    position : int
        Milliseconds.
    comment : str
    created, changed : float
        Seconds since 1970.
    """

    song: str
    position: int
    comment: str
    created: float
    changed: float


class Queues:
    """The queue and the bookmarks in a home.

    Parameters
    ----------
    folder : Path
        The home.
    writes : bool
        False to write nothing.

    Examples
    --------
    >>> import tempfile
    >>> song = Song(7, "/a.mp3", 60.0, identity=b"a" * 16)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     queues = Queues(Path(folder))
    ...     queues.put([song, song], 1, 2500, at=5.0)
    ...     songs, current, position = queues.queue().here({song.identity: song})
    >>> [song.id for song in songs], current, position
    ([7, 7], 1, 2500)
    """

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self._queue, self._marks = folder / "queue.json", folder / "bookmarks.json"
        self._writes = writes
        self._writing = threading.Lock()

    def queue(self) -> Queue:
        """Return the queue; an empty one if there is none, or its file is damaged."""
        try:
            return _queue_of(read_json(self._queue, _LARGEST))
        except (OSError, ValueError, KeyError, TypeError):
            return Queue()

    def put(self, songs: Sequence[Song], current: int | None, position: int, *, at: float, by: str = "") -> None:
        """Replace the queue; without songs, clear it.

        Raises
        ------
        SongspaceError
            If there are too many songs, the current one is none of them, or the file cannot be written.
        """
        if len(songs) > LONGEST_QUEUE:
            raise SongspaceError(f"A queue has at most {LONGEST_QUEUE} songs.")
        if current is not None and not 0 <= current < len(songs):
            raise SongspaceError("The current song is none of the queue.")
        identities = tuple(song.identity.hex() for song in songs)
        position = 0 if current is None else min(max(position, 0), LATEST)
        self._put(self._queue, asdict(Queue(identities, current, position, at, characters(by)[:_LONGEST_TEXT])))

    def bookmarks(self) -> list[Bookmark]:
        """Return all bookmarks in the order in which they were made; none if their file is damaged."""
        try:
            return self._read_marks()
        except SongspaceError:
            return []

    def _read_marks(self) -> list[Bookmark]:
        try:
            read = read_json(self._marks, _LARGEST)["bookmarks"]
            return [_bookmark_of(one) for one in _listed(read)]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            raise SongspaceError(f"{self._marks.name} is damaged: put it aside, and it is made anew.") from None

    def mark(self, song: Song, position: int, comment: str, *, at: float) -> None:
        """Set the bookmark of a song; a song has at most one.

        Raises
        ------
        SongspaceError
            If there are too many bookmarks, or the file is damaged or cannot be written.
        """
        identity = song.identity.hex()
        made = Bookmark(identity, min(max(position, 0), LATEST), characters(comment)[:_LONGEST_TEXT], at, at)
        with self._writing:
            marks = {one.song: one for one in self._read_marks()}
            if identity not in marks and len(marks) >= LONGEST_QUEUE:
                raise SongspaceError(f"There are {LONGEST_QUEUE} bookmarks already: delete some first.")
            before = marks.get(identity)
            marks[identity] = made if before is None else replace(made, created=before.created)
            self._put_marks(marks)

    def unmark(self, song: Song) -> None:
        """Delete the bookmark of a song.

        Raises
        ------
        UnknownError
            If it has none.
        SongspaceError
            If the file is damaged or cannot be written.
        """
        with self._writing:
            marks = {one.song: one for one in self._read_marks()}
            if marks.pop(song.identity.hex(), None) is None:
                raise UnknownError("There is no bookmark in that song.")
            self._put_marks(marks)

    def _put_marks(self, marks: Mapping[str, Bookmark]) -> None:
        self._write(self._marks, {"bookmarks": [asdict(one) for one in marks.values()]})

    def _put(self, path: Path, content: Mapping[str, Any]) -> None:
        with self._writing:
            self._write(path, content)

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        if not self._writes:
            return
        try:
            put_plain(path, [json.dumps(content, ensure_ascii=False).encode(), b"\n"], mode=0o600)
        except OSError as error:
            raise SongspaceError(f"{path.name} cannot be written ({error.strerror}).") from error


def _queue_of(read: Any) -> Queue:
    songs = tuple(map(_identity, _listed(read["songs"])))
    current, position = read["current"], _whole(read["position"], LATEST)
    if current is not None:
        current = _whole(current, len(songs) - 1)
    return Queue(songs, current, position, _time(read["changed"]), _text(read["by"]))


def _bookmark_of(read: Any) -> Bookmark:
    times = _time(read["created"]), _time(read["changed"])
    return Bookmark(_identity(read["song"]), _whole(read["position"], LATEST), _text(read["comment"]), *times)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) and len(value) <= LONGEST_QUEUE else _refuse()


def _identity(value: Any) -> str:
    return bytes.fromhex(value).hex()


def _whole(value: Any, most: int) -> int:
    return value if type(value) is int and 0 <= value <= most else _refuse()


def _time(value: Any) -> float:
    return float(value) if type(value) in (int, float) and 0 <= value <= 1e11 else _refuse()


def _text(value: Any) -> str:
    return characters(value) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else _refuse()


def _refuse() -> Any:
    raise ValueError("it was written by another program")
