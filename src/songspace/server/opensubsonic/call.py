"""A call of the OpenSubsonic API: its parameters, and the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response

from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.shelves import Album, Artist
from songspace.server.opensubsonic.envelope import (
    CONFLICTING,
    GENERIC,
    MISSING,
    NOT_FOUND,
    WRONG,
    WRONG_KEY,
    SubsonicError,
)
from songspace.server.opensubsonic.marks import Marked, marked
from songspace.server.service import At, Service
from songspace.server.user import LONGEST, User, read_user

Thing = TypeVar("Thing")

_WRONG = "Wrong username or password."
_LONGEST = 1000  # characters of a parameter


@dataclass(frozen=True)
class Call:
    """A call of a player.

    Attributes
    ----------
    request : Request
    service : Service
    at : At
        The library at this moment.
    given : mapping of str to list of str
        Parameters from the address and the form.
    user : str
        Name of the user.
    """

    request: Request
    service: Service
    at: At
    given: Mapping[str, Sequence[str]]
    user: str

    def text(self, name: str, default: str | None = None) -> str:
        """Return a parameter; without a default it is required."""
        values = self.given.get(name, ())
        text = values[0] if values else default
        if text is None:
            raise SubsonicError(MISSING, f"The parameter {name} is missing.")
        if len(text) > _LONGEST:
            raise SubsonicError(GENERIC, f"The parameter {name} has more than {_LONGEST} characters.")
        return text

    def number(self, name: str, default: int | None = None, *, least: int = 0, most: int = 10**9) -> int:
        """Return a parameter that is a number, limited to ``least`` and ``most``."""
        text = self.text(name, None if default is None else str(default)).strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            raise SubsonicError(GENERIC, f"The parameter {name} is no whole number.")
        return max(least, min(most, int(text)))

    def all(self, name: str, *, most: int) -> list[str]:
        """Return all values of a parameter."""
        values = [*self.given.get(name, ())]
        if len(values) > most:
            raise SubsonicError(GENERIC, f"More than {most} values of {name} are too many.")
        return values

    @property
    def shelves(self) -> Marked:
        """The library by artists and albums, or the one of its folders that the player names."""
        return marked(self.service, self.at, self.given.get("musicFolderId", (None,))[0])

    @property
    def whole(self) -> Marked:
        """The library by artists and albums."""
        return marked(self.service, self.at)

    def song(self, id: str) -> Song:
        """Return the song with an id."""
        number = int(id) if id.isascii() and id.isdigit() and len(id) < 18 else 0
        return _existing(self.at.snapshot.by_id.get(number), "song")

    def songs(self, name: str, *, most: int) -> list[Song]:
        """Return the songs with all ids in a parameter."""
        return [self.song(id) for id in self.all(name, most=most)]

    def album(self, id: str) -> Album:
        """Return the album with an id."""
        return _existing(self.whole.albums.get(id), "album")

    def artist(self, id: str) -> Artist:
        """Return the artist with an id."""
        return _existing(self.whole.artists.get(id), "artist")

    def songs_of(self, id: str) -> list[Song]:
        """Return the song with an id, or all songs if it is the id of an album or an artist."""
        if id.startswith("al-"):
            return self.album(id).songs
        return self.artist(id).songs if id.startswith("ar-") else [self.song(id)]


Answered = dict[str, Any] | Response
Handler = Callable[[Call], Answered]


def _existing(thing: Thing | None, what: str) -> Thing:
    if thing is None:
        raise SubsonicError(NOT_FOUND, f"There is no {what} of that id.")
    return thing


def known_user(service: Service) -> User | None:
    """Return the user of this server; None if none was set.

    Raises
    ------
    SubsonicError
        If the file of the user is damaged.
    """
    try:
        return read_user(service.home.user)
    except SongspaceError:  # its sentence would reveal a path of this machine
        raise SubsonicError(
            GENERIC, "This server's file with the user cannot be used: `songspace serve` says why."
        ) from None


def authenticate(service: Service, given: Mapping[str, Sequence[str]], address: str) -> str:
    """Return the name of the user, by ``u`` with ``p`` or with ``t`` and ``s``, or by ``apiKey``, the server's token.

    Raises
    ------
    SubsonicError
        If they are missing or wrong.
    TooManyError
        If too many wrong attempts came from this address.
    """
    login = {name: (given.get(name) or ("",))[0] for name in ("u", "p", "t", "s", "apiKey")}
    user = known_user(service)
    if login["apiKey"]:
        if login["u"] or login["p"] or login["t"]:
            raise SubsonicError(CONFLICTING, "Give a user with a password, or an API key, but not both.")
        token = service.token
        if token is None or not service.guesses.is_right(address, lambda: token.equals(login["apiKey"])):
            raise SubsonicError(WRONG_KEY, "Wrong API key: it is the token of `songspace serve --token-file`.")
        return user.name if user is not None else "songspace"
    if user is None:
        raise SubsonicError(
            GENERIC, "No user was set for players: run `songspace user NAME` on the machine where songspace is."
        )
    for name in ("u", *(("t", "s") if login["t"] or login["s"] else ("p",))):
        if not login[name]:
            raise SubsonicError(MISSING, f"The parameter {name} is missing.")
    known = user

    def is_right() -> bool:
        if login["t"]:
            return known.has_digest(login["u"], login["t"], login["s"][: 10 * LONGEST])
        return known.has(login["u"], _plain(login["p"]))

    if not service.guesses.is_right(address, is_right):
        raise SubsonicError(WRONG, _WRONG)
    return known.name


def _plain(password: str) -> str:
    """Decode a password that may be written as ``enc:`` and hexadecimal digits."""
    if not password.startswith("enc:"):
        return password
    try:
        return bytes.fromhex(password[4:]).decode()
    except ValueError:
        return ""  # no password is empty
