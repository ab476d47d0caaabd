"""Servers with the OpenSubsonic or Subsonic API, as Navidrome, Gonic, Supysonic and Ampache."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from songspace.interchange import Entry
from songspace.reporter import Reporter
from songspace.server.guard import is_local
from songspace.server.linking.server import (
    PAGE,
    Client,
    Item,
    RefusedError,
    each_once,
    id_of,
    listed,
    objects,
    seconds,
    text,
)
from songspace.server.opensubsonic.envelope import VERSION

_NO_TOKENS = ("10", "41")
"""Errors of servers that know no login by token: they miss the password, or say so."""


class Subsonic:
    """A server with the OpenSubsonic or Subsonic API.

    The password is sent as a salted digest. A server that refuses the first one, because it keeps passwords as digests
    of its own, is asked again with the password itself, as the protocol has it.

    Parameters
    ----------
    url : str
        Address of the server.
    user, password : str

    Raises
    ------
    SongspaceError
        If the address is invalid.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = Client(url, "Subsonic", secrets=[password])
        self.url = self._client.url
        self._user, self._password = user, password
        self._as_it_is: bool | None = None  # None: not known yet

    def __repr__(self) -> str:
        return f"Subsonic({self.url!r}, ...)"

    def ask(self, call: str, reporter: Reporter, **parameters: object) -> dict[str, Any]:
        """Return the answer to a call.

        Raises
        ------
        SongspaceError
            If there is no valid answer, or the server refuses.
        """
        answer, refusal = self._answer(call, self._login(self._as_it_is is True), parameters)
        if self._as_it_is is None and refusal is not None and str(refusal.get("code")) in _NO_TOKENS:
            reporter.say(
                f"{self.url} refuses the digest of the password, and is sent the password itself{self._seen()}."
            )
            self._as_it_is = True
            answer, refusal = self._answer(call, self._login(True), parameters)
        if refusal is not None:
            reason = self._client.said(refusal.get("message")) or "it gives no reason"
            raise RefusedError(f"{self.url} refuses: {reason}")
        self._as_it_is = bool(self._as_it_is)
        return answer

    def _seen(self) -> str:
        """Say who may read what is sent."""
        parts = urlsplit(self.url)
        is_safe = parts.scheme == "https" or is_local(parts.hostname or "")
        return "" if is_safe else ", which others on the network may read: its address has no https"

    def _login(self, as_it_is: bool) -> dict[str, str]:
        if as_it_is:
            return {"p": f"enc:{self._password.encode().hex()}"}
        salt = secrets.token_hex(8)
        token = hashlib.md5(f"{self._password}{salt}".encode(), usedforsecurity=False).hexdigest()
        return {"t": token, "s": salt}

    def _answer(
        self, call: str, login: Mapping[str, str], parameters: Mapping[str, object]
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the answer, and the error in it, if the server refuses."""
        own = {"u": self._user, **login, "v": VERSION, "c": "songspace", "f": "json"}
        document = self._client.ask(f"/rest/{call}.view", own | dict(parameters))
        answer = document.get("subsonic-response") if isinstance(document, dict) else None
        if not isinstance(answer, dict) or "status" not in answer:
            raise self._client.strange()
        if answer["status"] == "ok":
            return answer, None
        refusal = answer.get("error")
        return answer, refusal if isinstance(refusal, dict) else {}

    def items(self, reporter: Reporter) -> Iterator[Item]:
        """Yield all songs of the server.

        On most servers, a search without words returns all songs; on others, the songs are read album by album.
        """
        self.ask("ping", reporter)  # shows how the server wants the password
        found = False
        for item in each_once(self._searched(reporter), reporter):
            found = True
            yield item
        if not found:
            yield from each_once(self._by_album(reporter), reporter)

    def _searched(self, reporter: Reporter) -> Iterator[list[Item]]:
        begin = 0
        wanted = {"query": "", "artistCount": 0, "albumCount": 0, "songCount": PAGE}
        try:
            while page := _within(self.ask("search3", reporter, **wanted, songOffset=begin), "searchResult3", "song"):
                yield listed(page, _item)
                begin += len(page)
        except RefusedError:
            if begin:
                raise
            # The server wants words to search for.

    def _by_album(self, reporter: Reporter) -> Iterator[list[Item]]:
        albums: set[str] = set()
        begin, wanted = 0, {"type": "alphabeticalByName", "size": PAGE}
        while page := _within(self.ask("getAlbumList2", reporter, **wanted, offset=begin), "albumList2", "album"):
            begin += len(page)
            new = {id for album in page if (id := id_of(album.get("id"))) is not None} - albums
            if not new:
                return
            for id in sorted(new):
                if songs := listed(_within(self.ask("getAlbum", reporter, id=id), "album", "song"), _item):
                    yield songs
            albums |= new
            reporter.say(f"{len(albums)} albums have been read.")


def _within(answer: Mapping[str, Any], outer: str, inner: str) -> list[dict[str, Any]]:
    body = answer.get(outer)
    return objects(body.get(inner)) if isinstance(body, dict) else []


def _item(song: Mapping[str, Any]) -> Item | None:
    id, path, mbid = id_of(song.get("id")), text(song.get("path")), text(song.get("musicBrainzId"))
    if id is None:
        return None
    entry = Entry(
        name=path,
        path=path,
        title=text(song.get("title")),
        artist=text(song.get("artist")),
        album=text(song.get("album")),
        duration=seconds(song.get("duration")),
        recording_mbid=mbid and mbid.lower(),
    )
    return Item(id, entry, id_of(song.get("artistId")))
