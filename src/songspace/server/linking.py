"""Ids of songs on a media server: its library is read through the OpenSubsonic API, and matched to this one."""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from songspace.errors import SongspaceError
from songspace.interchange import Entry, match
from songspace.library import Catalog, Home
from songspace.library.records import Link
from songspace.reporter import Reporter
from songspace.server.opensubsonic.envelope import VERSION

PAGE = 500
_LARGEST = 64 * 2**20  # bytes of an answer
_PATIENCE = 60.0


class Subsonic:
    """A client of a server with the OpenSubsonic or Subsonic API.

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
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise SongspaceError("That is no address of a server: give one as http://localhost:4533.")
        # The part before an @ may be a password, and is removed.
        netloc = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, netloc.lower(), parts.path.rstrip("/"), "", ""))
        self._user, self._password = user, password

    def __repr__(self) -> str:
        return f"Subsonic({self.url!r}, ...)"

    def ask(self, call: str, **parameters: object) -> dict[str, Any]:
        """Return the answer to a call.

        Raises
        ------
        SongspaceError
            If there is no valid answer, or the server refuses.
        """
        salt = secrets.token_hex(8)
        token = hashlib.md5(f"{self._password}{salt}".encode(), usedforsecurity=False).hexdigest()
        own = {"u": self._user, "t": token, "s": salt, "v": VERSION, "c": "songspace", "f": "json"}
        request = Request(f"{self.url}/rest/{call}.view?{urlencode(own | parameters)}")
        try:
            with urlopen(request, timeout=_PATIENCE) as response:
                data = response.read(_LARGEST + 1)
            answer = json.loads(data)["subsonic-response"]
            refusal = answer.get("error") if answer["status"] != "ok" else None
        except HTTPError as error:
            raise SongspaceError(f"{self.url} answers with {error.code} ({error.reason}).") from None
        except (OSError, http.client.HTTPException) as error:
            raise SongspaceError(f"{self.url} cannot be reached ({getattr(error, 'reason', error)}).") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SongspaceError(f"The answer of {self.url} is no answer of Subsonic.") from None
        if refusal is not None or answer["status"] != "ok":
            reason = refusal.get("message") if isinstance(refusal, dict) else None
            raise SongspaceError(f"{self.url} refuses: {reason or 'it gives no reason'}")
        return dict(answer)

    def songs(self, reporter: Reporter) -> Iterator[dict[str, Any]]:
        """Yield all songs of the server.

        On most servers, a search without words returns all songs; on others, the songs are read album by album.
        """
        seen: set[str] = set()
        for page in self._pages("search3", "searchResult3", "song", query="", artistCount=0, albumCount=0):
            new = [song for song in page if song["id"] not in seen]
            if not new:
                break
            seen.update(song["id"] for song in new)
            if len(seen) % (10 * PAGE) == 0:
                reporter.say(f"{len(seen)} songs have been read.")
            yield from new
        if seen:
            return
        albums: set[str] = set()
        for page in self._pages("getAlbumList2", "albumList2", "album", type="alphabeticalByName"):
            new = [album for album in page if album["id"] not in albums]
            if not new:
                break
            for album in new:
                albums.add(album["id"])
                yield from _listed(self.ask("getAlbum", id=album["id"]), "album", "song")
            reporter.say(f"{len(albums)} albums have been read.")

    def _pages(self, call: str, outer: str, inner: str, **parameters: object) -> Iterator[list[dict[str, Any]]]:
        count, offset = ("songCount", "songOffset") if inner == "song" else ("size", "offset")
        begin = 0
        while page := _listed(self.ask(call, **parameters, **{count: PAGE, offset: begin}), outer, inner):
            yield page
            begin += len(page)


def _listed(answer: dict[str, Any], outer: str, inner: str) -> list[dict[str, Any]]:
    """Return the objects with an id in a list of an answer."""
    body = answer.get(outer)
    listed = body.get(inner) if isinstance(body, dict) else None
    return [
        one | {"id": str(one["id"])}
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("id"), (str, int))
    ]


@dataclass(frozen=True)
class Linked:
    """The result of linking a server.

    Attributes
    ----------
    server : str
    items, matched : int
        Number of songs on the server, and of those that are in the library.
    unmatched : list of str
        Names of the others.
    songs, linked : int
        Number of songs in the library, and of those that the server has.
    """

    server: str
    items: int
    matched: int
    unmatched: list[str]
    songs: int
    linked: int


def link(
    home: Home, server: Subsonic, *, prefixes: Mapping[str, str] | None = None, reporter: Reporter | None = None
) -> Linked:
    """Read the ids of a library's songs on a server, and replace those that the catalog has.

    Songs are matched like the entries of playlists; see :mod:`songspace.interchange.matching`.

    Parameters
    ----------
    home : Home
    server : Subsonic
    prefixes : mapping of str to str, optional
        Folders of the library, and their paths on the server; relative paths are looked up in the library's folders.
    reporter : Reporter, optional

    Raises
    ------
    SongspaceError
        If there is no library, the server gives no answer, or none of its songs is in the library.
    """
    with Catalog(home.catalog) as catalog:
        songs, roots = catalog.songs(), catalog.roots()
    with home.lock():  # before the server is asked, so that a locked home is reported at once
        items = [*server.songs(reporter or Reporter())]
        with Catalog(home.catalog, write=True) as catalog:
            known = dict.fromkeys(roots, "") | dict(prefixes or {})
            entries = [_entry(item) for item in items]
            matches = match(entries, songs, prefixes=known, at=catalog.song_at)
            links = [
                Link(item["id"], song.id, str(item["artistId"]) if item.get("artistId") else None)
                for item, song in zip(items, matches, strict=True)
                if song is not None
            ]
            if not links:
                raise SongspaceError(_none(server, entries))
            catalog.set_links(server.url, links)
            catalog.set_fact("links", secrets.token_hex(8))  # marks the ids as changed
    unmatched = [entry.label for entry, song in zip(entries, matches, strict=True) if song is None]
    return Linked(server.url, len(items), len(links), unmatched, len(songs), len({link.song for link in links}))


def _none(server: Subsonic, entries: list[Entry]) -> str:
    if not entries:
        return f"{server.url} has no songs."
    return (
        f"None of the {len(entries)} songs of {server.url} is in this library, as {entries[0].label}: if they are the "
        "same files, --prefix HERE=THERE says what the server calls their folder."
    )


def _entry(item: Mapping[str, Any]) -> Entry:
    def text(name: str) -> str | None:
        value = item.get(name)
        return value if isinstance(value, str) and value else None

    duration, mbid = item.get("duration"), text("musicBrainzId")
    path = text("path")
    return Entry(
        name=path,
        path=path,
        title=text("title"),
        artist=text("artist"),
        album=text("album"),
        duration=float(duration) if isinstance(duration, (int, float)) and duration > 0 else None,
        recording_mbid=mbid and mbid.lower(),
    )
