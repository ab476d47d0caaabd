"""``songspace serve``, ``user`` and ``link``: the library for browsers, players and other servers."""

from __future__ import annotations

import ctypes
import logging
import os
import socket
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption, PasswordFileOption, home_of, password, prefixes
from songspace.errors import SongspaceError

if TYPE_CHECKING:
    from songspace.server.linking import Server

_NAMED = 5  # songs that are named when they are not here

PORT = 17017
"""Above the ports that need a right and below those that systems lend out (from 32768), in a stretch that IANA has
given to nobody, and no server's that a listener may have: Navidrome has 4533, Subsonic 4040, Jellyfin 8096, Plex 32400,
AudioMuse 8000, MPD 6600."""


_M_ARENA_MAX = -8  # of malloc.h
_ARENAS = 2


def _share_memory() -> None:
    """Limit the number of memory arenas of glibc, where the C library is glibc.

    It gives up to eight for each core to threads that ask at the same time, and what is freed in one of them is of no
    use to the others: after minutes of many callers a server took half as much again (``bench/soak.py``).
    """
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(_ARENAS))


def serve(
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen on. Others than this machine's need a token, or, for players alone, a user "
            "(`songspace user`)."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = PORT,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the token that clients must send (or set SONGSPACE_TOKEN)."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Another name by which this machine is called.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="A player that is a web page: its origin, such as https://player.example, may then ask the APIs with "
            "the user's password or the token. Can be given several times; without it no page elsewhere may.",
        ),
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="A proxy before this server (an IP address or a network), whose X-Forwarded-For is believed. Can be "
            "given several times; without it nobody's is.",
        ),
    ] = None,
    no_history: Annotated[
        bool,
        typer.Option("--no-history", help="Write no plays, skips, queues and bookmarks, and refuse stars and ratings."),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Serve the page and the APIs to browsers and music players; by default on this machine only."""
    _share_memory()
    import uvicorn
    from threadpoolctl import threadpool_limits

    from songspace.server.app import create_app
    from songspace.server.connections import settings

    app = create_app(
        home,
        token=_token(token_file),
        host=host,
        allowed_hosts=allow_host or (),
        allowed_origins=allow_origin or (),
        proxies=proxy or (),
        keeps_history=not no_history,
    )
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    if host in ("0.0.0.0", "::"):
        show.say(f"Other machines find it at http://{_own_address()}:{port}/.")
    show.say(
        f"songspace answers at {address} with your songs, what sounds like them, and lists of them, until you press "
        "Ctrl-C; it asks no other machine for anything."
    )
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # do not log the addresses of requests
        server_header=False,
        **settings(),
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    # Questions run beside each other, so that each of them is worked out by one thread. Ctrl-C ends the server, which
    # says so once more when it has ended.
    with threadpool_limits(1), listening, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
    show.say("Stopped.")


def _own_address() -> str:
    """Return the address of this machine in its network, or its name if it is in none; nothing is sent for it."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))  # of a network for documentation (RFC 5737)
        return str(asked.getsockname()[0])
    return socket.gethostname()


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a log line is worth saying.

    Requests that were cut off when the server stopped are no error, nor is what clients send.

    Anybody could fill a disk with lines about requests that are none.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], CancelledError)) and not (
        "graceful shutdown" in record.getMessage() or "Invalid HTTP request" in record.getMessage()
    )


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("SONGSPACE_TOKEN") or None
    try:
        return file.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise SongspaceError(f"{file} is no file with a token.") from None


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    SongspaceError
        If another program has the port, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only of a socket that is said to be TCP's does asyncio know that small packets must not wait: without it, 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # where it would let two programs have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise SongspaceError(
            f"songspace cannot listen on {host}, port {port} ({error.strerror or error}): --port gives another."
        ) from None
    return listening


def user(
    name: Annotated[str | None, typer.Argument(help="The name that you enter in your player.")] = None,
    password_file: PasswordFileOption = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the name and password: no player may connect.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Set the name and password for OpenSubsonic players; without a name, show the current one.

    The protocol wants the password itself to be kept: choose one that is used for nothing else.
    """
    from songspace.server.user import User, read_user

    where = home_of(home)
    if remove:
        where.user.unlink(missing_ok=True)
        show.say("No player may use this library now.")
        return
    if name is None:
        known = read_user(where.user)
        show.say("No user is set: `songspace user NAME` sets one." if known is None else f"The user is {known.name}.")
        return
    if not where.catalog.exists():
        raise SongspaceError(f"There is no library in {where.folder}: run `songspace learn FOLDER` first.")
    User(name, password(password_file, f"Password for {name}", twice=True)).save(where.user)
    show.say(
        f"Players may use this library as {name}; the password lies in {where.user}, which only you can read: "
        "the protocol needs it as it is."
    )


def link(
    subsonic: Annotated[
        str | None, typer.Option(metavar="URL", help="A server that speaks OpenSubsonic, as Navidrome.")
    ] = None,
    jellyfin: Annotated[str | None, typer.Option(metavar="URL", help="A Jellyfin server.")] = None,
    emby: Annotated[str | None, typer.Option(metavar="URL", help="An Emby server.")] = None,
    lyrion: Annotated[str | None, typer.Option(metavar="URL", help="A Lyrion (Logitech) server.")] = None,
    plex: Annotated[str | None, typer.Option(metavar="URL", help="A Plex server.")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your user name there (OpenSubsonic; Lyrion, if it wants one).")
    ] = None,
    password_file: PasswordFileOption = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file with a key for Jellyfin's or Emby's API, or a token of Plex (default: you are asked for it).",
        ),
    ] = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option(metavar="HERE=THERE", help="What lies below HERE, the server has below THERE."),
    ] = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Match your songs with the ids of a media server, so that its AudioMuse plugins can ask songspace."""
    from songspace.server.linking import link

    where, elsewhere = home_of(home), prefixes(prefix)
    given = {"subsonic": subsonic, "jellyfin": jellyfin, "emby": emby, "lyrion": lyrion, "plex": plex}
    named = [(kind, url) for kind, url in given.items() if url is not None]
    if len(named) != 1:
        raise typer.BadParameter("Give one server: --subsonic, --jellyfin, --emby, --lyrion or --plex URL.")
    server = _server(*named[0], user, password_file, api_key_file)
    done = link(where, server, prefixes=elsewhere, reporter=show.Lines())
    if done.unmatched:
        shown = "; ".join(done.unmatched[:_NAMED])
        more = f"; and {len(done.unmatched) - _NAMED} more" if len(done.unmatched) > _NAMED else ""
        show.say(f"{len(done.unmatched)} songs of {done.server} are not in this library: {shown}{more}.")
    if json:
        show.answer(asdict(done))
        return
    here = f"it has {done.linked} of the {done.songs} songs here"
    show.say(f"Linked {done.matched} of {done.items} songs of {done.server}: {here}.")


def _server(kind: str, url: str, user: str | None, password_file: Path | None, key_file: Path | None) -> Server:
    """Return the server of a kind, with what it needs to let songspace in."""
    from songspace.server import linking

    keyed: dict[str, Callable[[str, str], Server]]
    keyed = {"jellyfin": linking.Jellyfin, "emby": linking.Emby, "plex": linking.Plex}
    if kind in keyed:
        if user is not None or password_file is not None:
            raise typer.BadParameter(f"--{kind} takes an --api-key-file, and no --user or --password-file.")
        return keyed[kind](url, password(key_file, "Key of the API"))
    if key_file is not None:
        raise typer.BadParameter(f"--{kind} takes --user and --password-file, and no --api-key-file.")
    if user is None:
        if kind == "subsonic" or password_file is not None:
            raise typer.BadParameter(f"--{kind} needs --user NAME.")
        return linking.Lyrion(url)
    given = password(password_file, f"Password of {user}")
    return linking.Subsonic(url, user, given) if kind == "subsonic" else linking.Lyrion(url, user, given)
