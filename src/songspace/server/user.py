"""The user for players: one name and one password.

Players of the Subsonic protocol send a digest of the password and a random salt. So the server must know the password
itself, not only a digest. It is stored in the home, in a file that only its owner can read, and is never shown: choose
one that is used for nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from songspace.errors import SongspaceError
from songspace.plainfiles import open_plain, parse_json, put_plain

LONGEST = 200
_KEY = 32  # bytes


class User:
    """A name and a password.

    Raises
    ------
    SongspaceError
        If one of them is empty, longer than 200 characters, or begins or ends with a blank.

    Examples
    --------
    >>> user = User("ann", "sesame")
    >>> user
    User('ann', ...)
    >>> user.has("ann", "sesame"), user.has("ann", "Sesame"), user.has("bea", "sesame")
    (True, False, False)
    >>> user.has_digest("ann", "26719a1196d2a940705a59634eb18eab", "c19b2d"), user.has_digest("ann", "", "c19b2d")
    (True, False)
    """

    def __init__(self, name: str, password: str) -> None:
        for what, text in (("name", name), ("password", password)):
            if not 0 < len(text) <= LONGEST or text != text.strip() or not text.isprintable():
                raise SongspaceError(
                    f"A {what} has 1 to {LONGEST} characters on one line, the first and the last of them no blank."
                )
        self.name, self._password = name, password

    def __repr__(self) -> str:
        return f"User({self.name!r}, ...)"

    def has(self, name: str, password: str) -> bool:
        """Return True if name and password are right."""
        return self._is(name) & hmac.compare_digest(_bytes(password), _bytes(self._password))

    def has_digest(self, name: str, digest: str, salt: str) -> bool:
        """Return True if the name is right, and the MD5 digest is that of the password and the salt."""
        known = hashlib.md5(_bytes(self._password + salt), usedforsecurity=False).hexdigest()
        return self._is(name) & hmac.compare_digest(_bytes(digest.lower()), known.encode())

    def _is(self, name: str) -> bool:
        return hmac.compare_digest(_bytes(name), _bytes(self.name))

    def save(self, path: Path) -> None:
        """Write name and password into a file that only its owner can read, whole or not at all."""
        put_plain(path, [json.dumps({"name": self.name, "password": self._password}).encode()], mode=0o600)


def read_user(path: Path) -> User | None:
    """Return the user of a home; None if none was set.

    Raises
    ------
    SongspaceError
        If others can read the file, or it was not written by :meth:`User.save`.
    """
    try:
        with open_plain(path, links=True) as file:
            if os.name != "nt" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise SongspaceError(f"Others can read {path}, where the password for players lies: chmod 600 it.")
            user = parse_json(file.read(2**16))
        return User(user["name"], user["password"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SongspaceError(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SongspaceError(f"{path} is damaged: `songspace user NAME` writes it anew.") from None


def cookie_key(path: Path) -> bytes:
    """Return the secret for the cookies of a home; it is drawn at the first call.

    If it cannot be stored, each server draws one of its own.
    """
    with suppress(OSError, ValueError):
        with open_plain(path) as file:
            kept = file.read(_KEY + 1)
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if len(kept) == _KEY and (os.name == "nt" or not mode & 0o077):
            return kept
    key = secrets.token_bytes(_KEY)
    with suppress(OSError):
        put_plain(path, [key], mode=0o600)
    return key


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
