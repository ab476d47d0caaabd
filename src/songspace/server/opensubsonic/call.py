"""A call of the OpenSubsonic API: what was asked, by whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response

from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.server.opensubsonic.envelope import (
    CONFLICTING,
    GENERIC,
    MISSING,
    NOT_FOUND,
    WRONG,
    WRONG_KEY,
    Failure,
)
from songspace.server.service import At, Service
from songspace.server.shelves import Album, Artist, Shelves, shelves_of
from songspace.server.user import LONGEST, User, read_user

Thing = TypeVar("Thing")

_WRONG = "Wrong username or password."
_LONGEST = 1000  # characters of a parameter


@dataclass(frozen=True)
class Call:
    """What a player asks.

    Attributes
    ----------
    request : Request
    service : Service
    at : At
        The library at this moment.
    given : mapping of str to list of str
        The parameters, from the address and the form.
    user : str
        Who asks.
    """

    request: Request
    service: Service
    at: At
    given: Mapping[str, Sequence[str]]
    user: str

    def text(self, name: str, default: str | None = None) -> str:
        """Return a parameter; without a default it is needed."""
        values = self.given.get(name, ())
        found = values[0] if values else default
        if found is None:
            raise Failure(MISSING, f"The parameter {name} is missing.")
        if len(found) > _LONGEST:
            raise Failure(GENERIC, f"The parameter {name} has more than {_LONGEST} characters.")
        return found

    def number(self, name: str, default: int | None = None, *, least: int = 0, most: int = 10**9) -> int:
        """Return a parameter that is a number; one that is too large is taken for the largest."""
        text = self.text(name, None if default is None else str(default)).strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            raise Failure(GENERIC, f"The parameter {name} is no whole number.")
        return max(least, min(most, int(text)))

    def all(self, name: str, *, most: int) -> list[str]:
        """Return all values of a parameter."""
        found = [*self.given.get(name, ())]
        if len(found) > most:
            raise Failure(GENERIC, f"More than {most} values of {name} are too many.")
        return found

    @property
    def shelves(self) -> Shelves:
        """The library by artists and albums; only one of its folders, if the player asks for that."""
        return shelves_of(self.service, self.at, self.given.get("musicFolderId", (None,))[0])

    @property
    def whole(self) -> Shelves:
        """The library by artists and albums."""
        return shelves_of(self.service, self.at)

    def song(self, id: str) -> Song:
        """Return the song of an id."""
        number = int(id) if id.isascii() and id.isdigit() and len(id) < 18 else 0
        return _found(self.at.snapshot.by_id.get(number), "song")

    def songs(self, name: str, *, most: int) -> list[Song]:
        """Return the songs of all ids in a parameter."""
        return [self.song(id) for id in self.all(name, most=most)]

    def album(self, id: str) -> Album:
        """Return the album of an id."""
        return _found(self.whole.albums.get(id), "album")

    def artist(self, id: str) -> Artist:
        """Return the artist of an id."""
        return _found(self.whole.artists.get(id), "artist")

    def songs_of(self, id: str) -> list[Song]:
        """Return the song of an id, or those of the album or the artist that it means."""
        if id.startswith("al-"):
            return self.album(id).songs
        return self.artist(id).songs if id.startswith("ar-") else [self.song(id)]


Answered = dict[str, Any] | Response
Handler = Callable[[Call], Answered]


def _found(thing: Thing | None, what: str) -> Thing:
    if thing is None:
        raise Failure(NOT_FOUND, f"There is no {what} of that id.")
    return thing


def known_user(service: Service) -> User | None:
    """Whom this server knows.

    Raises
    ------
    Failure
        If the file cannot be used.
    """
    try:
        return read_user(service.home.user)
    except SongspaceError:  # the sentence names a path of this machine
        raise Failure(GENERIC, "This server's file with the user cannot be used: `songspace serve` says why.") from None


def authenticate(service: Service, given: Mapping[str, Sequence[str]], address: str) -> str:
    """Return who asks: by ``u`` with ``p`` or with ``t`` and ``s``, or by ``apiKey``, which is the server's token.

    Raises
    ------
    Failure
        If that is not known, or not told.
    TooManyError
        If too many wrong ones came from this address.
    """
    said = {name: (given.get(name) or ("",))[0] for name in ("u", "p", "t", "s", "apiKey")}
    user = known_user(service)
    if said["apiKey"]:
        if said["u"] or said["p"] or said["t"]:
            raise Failure(CONFLICTING, "Give a user with a password, or an API key, but not both.")
        token = service.token
        if token is None or not service.guesses.is_right(address, lambda: token.is_told(said["apiKey"])):
            raise Failure(WRONG_KEY, "Wrong API key: it is the token of `songspace serve --token-file`.")
        return user.name if user is not None else "songspace"
    if user is None:
        raise Failure(
            GENERIC, "No user was set for players: run `songspace user NAME` on the machine where songspace is."
        )
    for name in ("u", *(("t", "s") if said["t"] or said["s"] else ("p",))):
        if not said[name]:
            raise Failure(MISSING, f"The parameter {name} is missing.")
    known = user  # who cannot change any more while somebody else is judged

    def is_known() -> bool:
        if said["t"]:
            return known.has_digest(said["u"], said["t"], said["s"][: 10 * LONGEST])
        return known.has(said["u"], _plain(said["p"]))

    if not service.guesses.is_right(address, is_known):
        raise Failure(WRONG, _WRONG)
    return known.name


def _plain(password: str) -> str:
    """Return a password as it is, or as ``enc:`` and hexadecimal digits."""
    if not password.startswith("enc:"):
        return password
    try:
        return bytes.fromhex(password[4:]).decode()
    except ValueError:
        return ""  # nobody has such a one
