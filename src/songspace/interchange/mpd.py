"""The song that a running MPD plays, and adding songs to its queue, for any music directory.

MPD names a file by its path below its music directory, and reveals this directory only to programs of the same machine
and user. But the name is the end of the file's path here, if both have the same folders from some level on. So each end
of a song's path is looked up in the database of MPD, the longest first. No setting is needed, and only songs that MPD
has are added.

The protocol consists of lines of text, and only eight of its commands are needed, so no client library is used. Source:
mpd.readthedocs.io/en/stable/protocol.html. Addresses have the format of libmpdclient (``mpc``).
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from songspace.errors import SongspaceError
from songspace.interchange.matching import match
from songspace.interchange.paths import mapped
from songspace.interchange.reading import Entry
from songspace.library.records import Song

_PORT = 6600
_PATIENCE = 10.0  # seconds
_LONGEST_LINE = 65536
_AS_LONG = 3.0  # largest difference of two durations of one song, in seconds
_PASSWORD, _PERMISSION = 3, 4  # codes of errors

_REFUSAL = re.compile(r"ACK \[(\d+)@(\d+)\] \{[^}]*\} ?(.*)")


@dataclass(frozen=True)
class Address:
    """The address of an MPD: a host and a port, or the path of a socket.

    Examples
    --------
    >>> for text in ("secret@radio:6601", "[::1]:6601", "/run/mpd/socket"):
    ...     print(Address.of(text, {}))
    radio:6601
    ::1:6601
    /run/mpd/socket
    """

    host: str
    port: int = _PORT
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, text: str | None = None, environ: Mapping[str, str] = os.environ) -> Address:
        """Parse ``[PASSWORD@]HOST[:PORT]``, by default from ``MPD_HOST`` and ``MPD_PORT``, or take the usual address.

        Raises
        ------
        SongspaceError
            If the address is invalid.
        """
        text = text or environ.get("MPD_HOST") or _usual(environ)
        before, at, after = text.partition("@")
        # A leading @ marks an abstract socket of Linux, and a path may contain an @.
        password, host = (before, after) if at and before and text[0] != "/" else (None, text)
        port = environ.get("MPD_PORT") or str(_PORT)
        if host[:1] not in ("/", "@") and (parts := re.fullmatch(r"\[(.+)\](?::(\w+))?|([^:]+):(\w+)", host)):
            host, port = parts[1] or parts[3], parts[2] or parts[4] or port
        if not host or "\n" in text or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise SongspaceError(f"“{host}”, port “{port}”, is no address: write HOST, HOST:PORT or a socket's path.")
        return cls(host, int(port), password)

    @property
    def is_socket(self) -> bool:
        return self.host[0] in "/@"

    def __str__(self) -> str:
        return self.host if self.is_socket else f"{self.host}:{self.port}"


def _usual(environ: Mapping[str, str]) -> str:
    own = os.path.join(environ.get("XDG_RUNTIME_DIR") or "/run", "mpd/socket")
    return next(filter(os.path.exists, (own, "/run/mpd/socket")), "localhost")


@dataclass(frozen=True)
class Added:
    """The result of adding songs to a queue.

    Attributes
    ----------
    songs : list of Song
        Added songs.
    missing : list of Song
        Songs that are not in the database of MPD.
    place : int
        Position of the first added song in the queue, from 1.
    """

    songs: list[Song]
    missing: list[Song]
    place: int


def add(songs: Sequence[Song], address: Address, *, prefixes: Mapping[str, str] | None = None) -> Added:
    """Add all songs that MPD has to the end of its queue; if it refuses one, none is added.

    Parameters
    ----------
    songs : sequence of Song
    address : Address
    prefixes : mapping of str to str, optional
        Folders here, and their names for MPD, if folders between its music directory and the songs have other names;
        see :func:`songspace.interchange.write`.

    Raises
    ------
    SongspaceError
        If no MPD answers, if it refuses, or if it has none of the songs.
    """
    with _Client(address) as mpd:
        names = [mpd.name(song, prefixes or {}) for song in songs]
        missing = [song for song, name in zip(songs, names, strict=True) if name is None]
        if len(missing) == len(songs):
            raise SongspaceError(
                f"MPD at {address} has none of these {len(songs)} songs, as {songs[0].path}: update its database "
                "(mpc update), or say what it calls the folder with --prefix HERE=THERE."
            )
        place = mpd.length() + 1
        mpd.add([(name, song) for song, name in zip(songs, names, strict=True) if name is not None])
    return Added([song for song, name in zip(songs, names, strict=True) if name is not None], missing, place)


def current(songs: Sequence[Song], address: Address, *, prefixes: Mapping[str, str] | None = None) -> Song:
    """Return the song that MPD plays.

    Parameters
    ----------
    songs : sequence of Song
        The library.
    address : Address
    prefixes : mapping of str to str, optional
        See :func:`add`.

    Raises
    ------
    SongspaceError
        If no MPD answers, it plays nothing, or the song is not in the library.
    """
    with _Client(address) as mpd:
        facts = mpd.current()
    name = facts.get("file")
    if name is None:
        raise SongspaceError(f"MPD at {address} plays nothing now: name a song to start from.")
    entry = Entry(name=name, title=facts.get("Title"), artist=facts.get("Artist"), album=facts.get("Album"))
    [song] = match([entry], songs, prefixes=prefixes)
    if song is None:
        raise SongspaceError(f"MPD at {address} plays {name}, which is not in the library.")
    return song


class _Refusal(NamedTuple):
    """The error of a command: code, index of the command in a list (from 0), and message."""

    code: int
    at: int
    text: str


class _Answer(NamedTuple):
    """The answer of MPD to a command, also if it failed later (or a later command of a list did)."""

    pairs: list[tuple[str, str]]
    refusal: _Refusal | None


class _Client:
    """A connection to an MPD."""

    def __init__(self, address: Address) -> None:
        self._address = address
        with ExitStack() as stack:
            try:
                self._socket = stack.enter_context(_connected(address))
            except (OSError, UnicodeError) as error:  # UnicodeError: an invalid name of a host
                why = (error.strerror if isinstance(error, OSError) else None) or error
                raise SongspaceError(
                    f"No MPD answers at {address} ({why}): start it, or say where it is (MPD_HOST, or --mpd-host)."
                ) from error
            self._lines = stack.enter_context(self._socket.makefile("rb"))
            if not self._line().startswith("OK MPD "):
                raise SongspaceError(f"What answers at {address} is no MPD.")
            if address.password is not None:
                self._do(_command("password", address.password))
            self._open = stack.pop_all()

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def name(self, song: Song, prefixes: Mapping[str, str]) -> str | None:
        """Return the name of a song in the database of MPD; None if it is not there."""
        parts = song.path.replace(os.sep, "/").strip("/").split("/")
        names = ["/".join(parts[start:]) for start in range(len(parts))]
        if name := mapped(song.path, prefixes):
            names.insert(0, name.strip("/"))
        names = [name for name in names if "\n" not in name]  # a command is one line
        for name, answer in zip(names, self._ask(*(_command("lsinfo", name) for name in names)), strict=True):
            if answer.refusal and answer.refusal.code == _PERMISSION:
                raise self._refused(answer.refusal)
            # A folder or a playlist may have this name, too; and a file name without a folder is too little.
            if ("file", name) in answer.pairs and ("/" in name or _lasts_as_long(song, dict(answer.pairs))):
                return name
        return None

    def current(self) -> dict[str, str]:
        """Return what MPD says of the song that it plays, or is paused in; empty if there is none."""
        return dict(self._do("currentsong"))

    def length(self) -> int:
        """Return the number of songs in the queue."""
        return int(dict(self._do("status")).get("playlistlength", 0))

    def add(self, songs: Sequence[tuple[str, Song]]) -> None:
        """Add (name in MPD, song) to the queue: all or none."""
        names = [name for name, _ in songs]
        pairs, refusal = self._list(_command("addid", name) for name in names)
        ids = [id for key, id in pairs if key == "Id"]
        if refusal is None:
            parts = [(id, song) for id, (_, song) in zip(ids, songs, strict=False) if song.start is not None]
            ranges = [_command("rangeid", id, f"{song.start:.3f}:{_end(song)}") for id, song in parts]
            refusal = self._list(ranges).refusal if ranges else None
        if refusal is None:
            return
        # MPD stops a list of commands at the first error, but does not undo the commands before it.
        self._list(_command("deleteid", id) for id in ids)
        if refusal.code == _PERMISSION:
            raise self._refused(refusal)
        name = names[min(refusal.at, len(names) - 1)]
        raise SongspaceError(
            f"MPD at {self._address} cannot add {name} ({refusal.text}); its queue is as it was before."
        )

    def _list(self, commands: Iterable[str]) -> _Answer:
        (answer,) = self._ask("\n".join(["command_list_begin", *commands, "command_list_end"]))
        return answer

    def _do(self, command: str) -> list[tuple[str, str]]:
        ((pairs, refusal),) = self._ask(command)
        if refusal is not None:
            raise self._refused(refusal)
        return pairs

    def _refused(self, refusal: _Refusal) -> SongspaceError:
        if refusal.code == _PASSWORD:
            return SongspaceError(f"MPD at {self._address} does not take this password.")
        if refusal.code == _PERMISSION:
            return SongspaceError(f"MPD at {self._address} wants a password: MPD_HOST=PASSWORD@HOST.")
        return SongspaceError(f"MPD at {self._address} refused: {refusal.text}.")

    def _ask(self, *commands: str) -> list[_Answer]:
        """Send commands at once, and return the answer to each."""
        try:
            self._socket.sendall("".join(f"{command}\n" for command in commands).encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise self._gone() from error
        return [self._answer() for _ in commands]

    def _answer(self) -> _Answer:
        pairs: list[tuple[str, str]] = []
        while (line := self._line()) != "OK":
            if match := _REFUSAL.fullmatch(line):
                return _Answer(pairs, _Refusal(int(match[1]), int(match[2]), match[3]))
            key, _, value = line.partition(": ")
            pairs.append((key, value))
        return _Answer(pairs, None)

    def _line(self) -> str:
        try:
            line = self._lines.readline(_LONGEST_LINE)
        except OSError as error:
            raise self._gone() from error
        if not line.endswith(b"\n"):
            raise self._gone()
        return line[:-1].decode("utf-8", "surrogateescape")

    def _gone(self) -> SongspaceError:
        return SongspaceError(f"MPD at {self._address} stopped answering.")


def _connected(address: Address) -> socket.socket:
    if not address.is_socket:
        return socket.create_connection((address.host, address.port), timeout=_PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect("\0" + address.host[1:] if address.host[0] == "@" else address.host)
    except BaseException:
        connection.close()
        raise
    return connection


def _command(name: str, *arguments: str) -> str:
    escaped = (argument.replace("\\", "\\\\").replace('"', '\\"') for argument in arguments)
    return " ".join([name, *(f'"{argument}"' for argument in escaped)])


def _end(song: Song) -> str:
    return "" if song.end is None else f"{song.end:.3f}"


def _lasts_as_long(song: Song, facts: Mapping[str, str]) -> bool:
    with suppress(ValueError):
        return abs(float(facts.get("duration", "nan")) - song.duration) <= _AS_LONG
    return False
