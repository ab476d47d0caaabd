"""What a media server calls the songs that are here: its library is read through the OpenSubsonic API, and matched."""

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
from songspace.library.catalog import Link
from songspace.reporter import Reporter
from songspace.server.opensubsonic.envelope import VERSION

PAGE = 500
_LARGEST = 64 * 2**20  # bytes of an answer
_PATIENCE = 60.0


class Subsonic:
    """A server that speaks OpenSubsonic or Subsonic.

    Parameters
    ----------
    url : str
        Where it is, as a browser is told.
    user, password : str

    Raises
    ------
    SongspaceError
        If that is no address of a server.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise SongspaceError("That is no address of a server: give one as http://localhost:4533.")
        # What stands before an @ would be a password, and is not repeated.
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
            If there is none, or the server refuses it.
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
            raise SongspaceError(f"What {self.url} answers is none of Subsonic's answers.") from None
        if refusal is not None or answer["status"] != "ok":
            said = refusal.get("message") if isinstance(refusal, dict) else None
            raise SongspaceError(f"{self.url} refuses: {said or 'it does not say why'}")
        found: dict[str, Any] = answer
        return found

    def songs(self, reporter: Reporter) -> Iterator[dict[str, Any]]:
        """Yield all its songs, as it tells them.

        A search for nothing finds everything on most servers; on others their albums are gone through.
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
    """Return what has an id, of a list in an answer."""
    held = answer.get(outer)
    found = held.get(inner) if isinstance(held, dict) else None
    listed = found if isinstance(found, list) else []
    return [
        one | {"id": str(one["id"])}
        for one in listed
        if isinstance(one, dict) and isinstance(one.get("id"), (str, int))
    ]


@dataclass(frozen=True)
class Linked:
    """What came of it.

    Attributes
    ----------
    server : str
    items, matched : int
        Songs of the server, and how many of them are here.
    unmatched : list of str
        What the others are called.
    songs, linked : int
        Songs of the library, and how many of them the server has.
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
    """Learn what a server calls the songs of a library, in place of what was known of it.

    Songs are matched as the entries of playlists are (see :mod:`songspace.interchange.matching`).

    Parameters
    ----------
    home : Home
    server : Subsonic
    prefixes : mapping of str to str, optional
        Folders here, and what the server calls them; relative paths are sought in the library's folders.
    reporter : Reporter, optional

    Raises
    ------
    SongspaceError
        If there is no library, the server cannot be asked, or none of its songs is here.
    """
    with Catalog(home.catalog) as catalog:
        songs, roots = catalog.songs(), catalog.roots()
    with home.lock():  # before the server is asked: nobody waits for nothing
        items = [*server.songs(reporter or Reporter())]
        with Catalog(home.catalog, write=True) as catalog:
            known = dict.fromkeys(roots, "") | dict(prefixes or {})
            entries = [_entry(item) for item in items]
            found = match(entries, songs, prefixes=known, at=catalog.song_at)
            links = [
                Link(item["id"], song.id, str(item["artistId"]) if item.get("artistId") else None)
                for item, song in zip(items, found, strict=True)
                if song is not None
            ]
            if not links:
                raise SongspaceError(_none(server, entries))
            catalog.set_links(server.url, links)
            catalog.set_fact("links", secrets.token_hex(8))  # who has read them sees that there are new ones
    unmatched = [entry.label for entry, song in zip(entries, found, strict=True) if song is None]
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
