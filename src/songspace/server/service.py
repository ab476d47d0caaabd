"""Services for all routes: the snapshot, turns and time limits for heavy queries, and responses with entity tags."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from time import thread_time
from typing import Any

import numpy as np
from fastapi import Request
from starlette.responses import Response

from songspace import __version__
from songspace.answers.answer import as_json
from songspace.answers.view import Asked, View
from songspace.errors import SongspaceError
from songspace.geometry.sets import Sets
from songspace.interchange import Matcher
from songspace.library import Home, Library, Song
from songspace.library.likes import Event, History, Likes
from songspace.library.scan import is_inside
from songspace.library.shelves import Shelves, arrange, folders
from songspace.server.covers import folder_pictures
from songspace.server.guard import Token
from songspace.server.guesses import Guesses
from songspace.server.heard import Heard
from songspace.server.maps import Maps
from songspace.server.media import Files, matches
from songspace.server.problems import BusyError, UnknownError
from songspace.server.queue import Queues
from songspace.server.saved import Here, Saved
from songspace.server.snapshot import Snapshot, Snapshots
from songspace.server.streams import Streams
from songspace.server.work import Updates
from songspace.space import Space

MOST_WORK = 30.0
"""Most seconds of work for a heavy query; a path of 100 songs via 20 takes 8 in a library of 100,000 songs."""

_MOST_OWED = 10_000  # events that could not be written


class Hurried(Space):
    """A space with a time limit, for one query in one thread.

    Raises
    ------
    BusyError
        By every method that compares songs, when the time is over.
    """

    def __init__(self, space: Space, seconds: float) -> None:
        self.__dict__.update(space.__dict__)  # shared, not copied: a space never changes
        self._seconds, self._until = seconds, thread_time() + seconds

    def _check(self) -> None:
        if thread_time() > self._until:
            raise BusyError(
                f"This takes more than {self._seconds:g} seconds of work, and was given up: ask for a shorter list, "
                "fewer of them, or fewer songs on the way."
            )

    def neighbors(self, *given: Any, **more: Any) -> tuple[np.ndarray, np.ndarray]:
        self._check()
        return super().neighbors(*given, **more)

    def distances(self, *given: Any, **more: Any) -> np.ndarray:
        self._check()
        return super().distances(*given, **more)

    def pairwise(self, *given: Any, **more: Any) -> np.ndarray:
        self._check()
        return super().pairwise(*given, **more)

    def transitions(self, *given: Any, **more: Any) -> np.ndarray:
        self._check()
        return super().transitions(*given, **more)

    def remoteness(self, *given: Any, **more: Any) -> np.ndarray:
        self._check()
        return super().remoteness(*given, **more)


class Turns:
    """Limits the number of heavy queries that run, and of those that wait; others get :class:`BusyError`.

    Examples
    --------
    >>> turns = Turns(running=1, waiting=0, patience=0)
    >>> with turns.take():
    ...     with turns.take():
    ...         pass
    Traceback (most recent call last):
    ...
    songspace.server.problems.BusyError: Too many questions that take long are being asked: try again in a moment.
    """

    def __init__(self, *, running: int, waiting: int, patience: float) -> None:
        self._here, self._turns = threading.Semaphore(running + waiting), threading.Semaphore(running)
        self._patience = patience

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and hold it.

        Raises
        ------
        BusyError
            If too many others wait, or the wait takes too long.
        """
        busy = BusyError("Too many questions that take long are being asked: try again in a moment.")
        if not self._here.acquire(blocking=False):
            raise busy
        try:
            if not self._turns.acquire(timeout=self._patience):
                raise busy
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._here.release()


class SharedView(View):
    """The view of a snapshot; what takes long is computed once for all requests."""

    def __init__(self, at: At) -> None:
        view, self._at = at.snapshot.view(at.library), at
        space = view.space if at.seconds is None else Hurried(view.space, at.seconds)
        super().__init__(at.library, (space, view.songs), view.credits)

    @property
    def history(self) -> History:
        return self._at.history

    @property
    def shelves(self) -> Shelves:
        return self._at.service.shelves(self._at)

    @property
    def artists(self) -> Sets:
        return self._once("artists")

    @property
    def albums(self) -> Sets:
        return self._once("albums")

    def _once(self, what: str) -> Sets:
        service, snapshot = self._at.service, self._at.snapshot
        whole = View(self.library, (snapshot.view(self.library).space, self.songs), self.credits)
        whole.shelves = self.shelves
        made: Sets = service.once(what, snapshot.key, lambda: getattr(whole, what))
        return made


@dataclass
class At:
    """A library at the time of a query, with the seconds that the query may work."""

    snapshot: Snapshot
    library: Library
    service: Service
    seconds: float | None = None

    @cached_property
    def view(self) -> View:
        """Space and songs."""
        return SharedView(self)

    @cached_property
    def history(self) -> History:
        """What the person likes and plays."""
        return self.service.history()

    def asked(self, ids: Sequence[int]) -> Asked:
        """Return the songs with some ids, as rows of the space."""
        return Asked(self.view, self.songs(ids))

    def songs(self, ids: Sequence[int]) -> list[Song]:
        """Return the songs with some ids; each must be in the space."""
        return [self.snapshot.placed(id) for id in ids]

    def rows(self, ids: Sequence[int]) -> list[int]:
        """Return the rows of the songs with some ids."""
        space = self.view.space
        return [space.row(song.id) for song in self.songs(ids)]


class Service:
    """The library of a server, and everything that its routes share.

    Raises
    ------
    SongspaceError
        If there is no library.
    """

    def __init__(
        self, home: Home, *, token: Token | None = None, keeps_history: bool = True, every: float = 1.0
    ) -> None:
        self.home, self.token, self.keeps_history = home, token, keeps_history
        self.likes, self._complaint = Likes(home.likes), ""
        self.snapshots = Snapshots(home, every=every)
        self.maps, self.updates = Maps(home), Updates(home)
        self.guesses = Guesses()
        self.heard = Heard()
        self._owing, self._owed = threading.Lock(), list[Event]()
        self.saved = Saved(home.folder / "playlists")
        self.queues = Queues(home.folder, writes=keeps_history)
        cores = os.cpu_count() or 1
        self.turns = Turns(running=max(2, cores), waiting=8, patience=20.0)
        self.streams = Streams()
        self.files = Files()
        self._making: dict[str, threading.Lock] = {}
        self.known: dict[str, tuple[str, Any]] = {}  # results of :meth:`once`, by name: (key, result)

    def once(self, what: str, key: str, make: Callable[[], Any]) -> Any:
        """Return the result of ``make`` for a key; it is kept until the key changes, and computed by one thread."""
        kept = self.known.get(what)
        if kept is None or kept[0] != key:
            with self._making.setdefault(what, threading.Lock()):
                kept = self.known.get(what)
                if kept is None or kept[0] != key:
                    kept = self.known[what] = (key, make())
        return kept[1]

    def shelves(self, at: At, folder: str | None = None) -> Shelves:
        """Return the artists and albums of the library, or of one of its folders, computed once for each snapshot.

        Raises
        ------
        UnknownError
            If there is no such folder.
        """

        def make() -> Shelves:
            roots, songs = at.library.catalog.roots(), at.snapshot.listed
            if folder:
                root = dict(folders(roots)).get(folder)
                if root is None:
                    raise UnknownError("There is no music folder of that id.")
                songs = [song for song in songs if is_inside(song.path, root)]
            files, pictures = at.library.catalog.files(), folder_pictures(self, at)
            return arrange(songs, roots, files, at.snapshot.credits, pictures)

        if folder and not (folder.isascii() and folder.isdigit() and len(folder) < 4):
            raise UnknownError("There is no music folder of that id.")
        made: Shelves = self.once(f"shelves {folder or ''}", at.snapshot.key, make)
        return made

    def here(self, at: At) -> Here:
        """Return the finder for the songs of playlist entries."""
        snapshot, catalog = at.snapshot, at.library.catalog
        return Here(
            snapshot.by_id,
            catalog.song_at,
            catalog.song_of,
            lambda: self.once("matcher", snapshot.key, lambda: Matcher(snapshot.listed)),
        )

    def by_identity(self, at: At) -> Mapping[bytes, Song]:
        """Return the songs that can be reached, by the identity of their sound."""
        snapshot = at.snapshot
        made: Mapping[bytes, Song] = self.once(
            "identities", snapshot.key, lambda: {song.identity: song for song in snapshot.listed}
        )
        return made

    def close(self) -> None:
        """Stop all background processes."""
        self.maps.close()
        self.updates.close()

    def history(self) -> History:
        """Return what the person likes and plays; nothing if its file is damaged, so that all else goes on."""
        try:
            return self.likes.history()
        except SongspaceError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                logging.getLogger("uvicorn.error").error("%s", error)
            return History()

    def keep(self, events: Iterable[Event]) -> None:
        """Write events, unless this server keeps no history.

        Raises
        ------
        SongspaceError
            If they cannot be written.
        """
        if self.keeps_history:
            self.likes.add(events)

    def keep_heard(self, events: Iterable[Event]) -> None:
        """Write what :attr:`heard` told, with what could not be written before: it tells everything once only.

        A player that is refused may tell again, or may not.

        Raises
        ------
        SongspaceError
            If they cannot be written; they are written with the next ones.
        """
        if not self.keeps_history:
            return
        with self._owing:
            self._owed = [*self._owed, *events][-_MOST_OWED:]
            owed = self._owed
        self.likes.add(owed)
        with self._owing:
            self._owed = [event for event in self._owed if event not in owed]

    @contextmanager
    def at(self) -> Iterator[At]:
        """Open the library with the current snapshot."""
        with self.snapshots.library() as library:
            yield At(self.snapshots.current(), library, self)


class Document(Response):
    """A response with JSON, from an answer or from plain values.

    Bytes of file names that are not valid UTF-8 become question marks, as on the terminal.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, default=as_json, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def service_of(request: Request) -> Service:
    """Return the service of the application of a request."""
    service: Service = request.app.state.service
    return service


def respond(
    request: Request, make: Callable[[At], Any], *, heavy: bool = False, most: float | None = MOST_WORK
) -> Response:
    """Answer from the current snapshot, or with status 304 if the client has the same answer already.

    Parameters
    ----------
    request : Request
    make : callable
        Returns a JSON document, or a Response.
    heavy : bool
        Wait for a turn.
    most : float, optional
        Most seconds of work for a heavy query.
    """
    service = service_of(request)
    snapshot = service.snapshots.current()
    cached = request.method == "GET"
    tag = _tag(__version__, snapshot.key, service.history().mark, request.url.path, request.url.query)
    headers = {"Cache-Control": "private, no-cache"} | ({"ETag": tag} if cached else {})
    if cached and matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    with service.turns.take() if heavy else nullcontext(), service.snapshots.library() as library:
        made = make(At(snapshot, library, service, most if heavy else None))
    return made if isinstance(made, Response) else Document(made, headers=headers)


def changing(request: Request, content: Any) -> Response:
    """Return an answer that changes independently of the space; its entity tag is a digest of its content."""
    made = Document(content)
    headers = {"Cache-Control": "private, no-cache", "ETag": _tag(bytes(made.body))}
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    made.headers.update(headers)
    return made


def _tag(*parts: str | bytes) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return f'W/"{digest.hexdigest()}"'
