"""Strawberry and Clementine, the real ones, at a server of the demo library: what they ask, and what arrives.

    python bench/players/desktop.py [--home HOME] [--players strawberry clementine] [--pictures DIR] [--patience 60]

It installs nothing. On Debian, `apt-get install --no-install-recommends strawberry clementine xvfb xdotool` brings what
it needs; where ImageMagick is, it leaves pictures of the screen, too. Without `--home`, the demo library is rendered
and learnt first, which takes minutes. A home that is given is only read: it and its music are copied. The copy gets a
cover in each folder, and a user.

Each player runs on a screen that does not exist (Xvfb), with a configuration of its own that names the server. The
mouse then does what a person does: it opens the player's list of the server, has it fetch the collection, and plays the
songs of the first artist; the player is told to seek in the first one, and to go on to the next. What arrived is read
from the player's own database and compared with the library; what it asked is told by call, with the parameters that
not all calls have. Strawberry says of songs of at least 31 s that they were played, and those of the demo are shorter.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from PIL import Image

from songspace import Library, demo, pipeline
from songspace.library import Home, Song
from songspace.server import connections
from songspace.server.app import create_app
from songspace.server.user import User

NAME, PASSWORD = "ann", "open sesame"
WIDTH, HEIGHT = 1280, 900
USUAL = {"u", "p", "t", "s", "v", "c", "f", "id"}
SHOWN = 4  # kinds of parameters of a call


@dataclass
class Recorder:
    """An application that remembers what it was asked, and what it answered."""

    app: Any
    calls: list[tuple[str, int, str, str]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status, kind = 0, ""

        async def heard(message: Any) -> None:
            nonlocal status, kind
            if message["type"] == "http.response.start":
                status = message["status"]
                kind = dict(message["headers"]).get(b"content-type", b"").decode().partition(";")[0]
            await send(message)

        try:
            await self.app(scope, receive, heard)
        finally:
            if scope["type"] == "http":
                given = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
                said = [f"{key}={value}" for key, value in given if key not in USUAL]
                part = dict(scope["headers"]).get(b"range")
                said += [f"Range: {part.decode()}"] if part else []
                self.calls.append((scope["path"], status, kind, " ".join(said)))

    def told(self) -> list[str]:
        """A line a call."""
        lines = []
        for (path, status, kind), count in Counter(call[:3] for call in self.calls).items():
            said = Counter(call[3] for call in self.calls if call[:3] == (path, status, kind) and call[3])
            shown = "; ".join([*said][:SHOWN]) + ("; ..." if len(said) > SHOWN else "")
            lines.append(f"    {count:5d}  {path}  {status} {kind}  {shown}".rstrip())
        return lines


@contextmanager
def serving(home: Home) -> Iterator[tuple[int, Recorder]]:
    """A server of a home: its port, and what it was asked."""
    recorder = Recorder(create_app(home))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(recorder, log_level="error", **connections.settings()))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1], recorder
        finally:
            server.should_exit = True
            thread.join()


def made(home: Path | None, folder: Path) -> Home:
    """A home of a copy of the music, with a cover in each folder of songs, and a user."""
    target, music = Home(folder / "home"), folder / "music"
    if home is None:
        print("Rendering and learning the demo library ...", file=sys.stderr, flush=True)
        demo.render(music)
        pipeline.learn(target, music)
    else:
        shutil.copytree(home, target.folder)
        [root] = folders_of(target)
        shutil.copytree(root, music)
        pipeline.update(target, music)
        pipeline.forget(target, root)
    for number, album in enumerate(sorted({Path(song.path).parent for song in Library(target.folder).songs()})):
        Image.new("HSV", (600, 600), (37 * number % 256, 160, 200)).convert("RGB").save(album / "cover.jpg")
    User(NAME, PASSWORD).save(target.user)
    return target


def folders_of(home: Home) -> Sequence[str]:
    pipeline.update(home)  # it may be of an older version
    return Library(home.folder).catalog.roots()


class Screen:
    """A screen that does not exist, a mouse and a keyboard."""

    def __init__(self, display: str, pictures: Path | None) -> None:
        self.environ = {**os.environ, "DISPLAY": display}
        self.pictures = pictures

    def do(self, *arguments: object, wait: float = 1.0) -> str:
        """Call xdotool, and give the player some time."""
        command = ["xdotool", *map(str, arguments)]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True)
        time.sleep(wait)
        return done.stdout

    def click(self, x: int, y: int, *, times: int = 1, wait: float = 1.0) -> None:
        self.do("mousemove", x, y, "click", "--repeat", times, "--delay", 80, 1, wait=wait)

    def show(self, name: str, patience: float) -> None:
        """Wait for a player's window, and let it fill the screen: there is no window manager."""
        for _ in range(int(2 * patience)):
            if windows := self.do("search", "--onlyvisible", "--name", name, wait=0.5).split():
                for window in windows:
                    self.do("windowmove", window, 0, 0, "windowsize", window, WIDTH, HEIGHT, "windowfocus", window)
                return
        sys.exit(f"{name} shows no window.")

    def picture(self, name: str) -> None:
        if self.pictures is not None and shutil.which("import"):
            command = ["import", "-window", "root", self.pictures / f"{name}.png"]
            subprocess.run(command, env=self.environ, check=True)


@contextmanager
def screen(pictures: Path | None) -> Iterator[Screen]:
    """A screen of its own, on a display that is free."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    try:
        yield Screen(f":{os.read(read, 16).decode().strip()}", pictures)
    finally:
        process.terminate()
        process.wait()
        os.close(read)
        os.close(write)


@dataclass(frozen=True)
class Player:
    """A program: how it is configured, what is to be clicked, and where it keeps what it got."""

    name: str
    config: str
    configuration: str
    database: str
    fetch: Callable[[Screen], None]
    play: Callable[[Screen], None]
    more: Callable[[Screen], None]


def fetch_strawberry(screen: Screen) -> None:
    screen.click(41, 610)  # the tab of the service
    screen.click(165, 66)  # "Refresh catalogue"


def play_strawberry(screen: Screen) -> None:
    screen.click(185, 108, times=2, wait=2)  # the first artist goes into the playlist
    screen.click(430, 83, times=2)  # its first song plays


def search_strawberry(screen: Screen) -> None:
    screen.click(175, 39)
    screen.do("type", "orchard")


def fetch_clementine(screen: Screen) -> None:
    screen.click(35, 235)  # "Internet"
    screen.click(145, 357)
    screen.do("key", "Right")  # opens "Subsonic"


def play_clementine(screen: Screen) -> None:
    screen.click(176, 439, times=2, wait=2)
    screen.click(490, 78, times=2)


def open_smart_playlists(screen: Screen) -> None:
    screen.click(101, 401)
    for height in (439, 477, 496, 515):  # newest albums, random songs, recently played albums, starred albums
        screen.click(200, height, times=2, wait=2)


PLAYERS = {
    "strawberry": Player(
        "Strawberry",
        ".config/strawberry/strawberry.conf",
        """[Subsonic]
enabled=true
url=http://127.0.0.1:{port}
username={name}
password="@ByteArray({encoded})"
authmethod=1
downloadalbumcovers=true
serversidescrobbling=true

[Scrobbler]
enabled=true
""",
        ".local/share/strawberry/strawberry/strawberry.db",
        fetch_strawberry,
        play_strawberry,
        search_strawberry,
    ),
    "clementine": Player(
        "Clementine",
        ".config/Clementine/Clementine.conf",
        """[Subsonic]
server=http://127.0.0.1:{port}
username={name}
password={password}
""",
        ".config/Clementine/clementine.db",
        fetch_clementine,
        play_clementine,
        open_smart_playlists,
    ),
}


@contextmanager
def running(player: Player, screen: Screen, folder: Path, port: int) -> Iterator[Callable[..., None]]:
    """A player in a home of its own; what is given says something to it."""
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    config, runtime = folder / player.config, folder / "run"
    config.parent.mkdir(parents=True)
    runtime.mkdir(mode=0o700)
    config.write_text(player.configuration.format(port=port, name=NAME, password=PASSWORD, encoded=encoded))
    own = {"HOME": folder, "XDG_RUNTIME_DIR": runtime, "QT_QPA_PLATFORM": "xcb", "LC_ALL": "C.UTF-8"}
    kept = {name: value for name, value in screen.environ.items() if not name.startswith("XDG_")}
    environ, program = {**kept, **{name: str(value) for name, value in own.items()}}, player.name.lower()

    def say(*options: str) -> None:
        subprocess.run([program, *options], env=environ, capture_output=True, timeout=60)
        time.sleep(2)

    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program], env=environ, stdout=log, stderr=log)
        try:
            yield say
        finally:
            process.terminate()
            process.wait()


def arrived(path: Path) -> list[dict[str, Any]]:
    """The songs that a player has."""
    if not path.exists():
        return []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM subsonic_songs")]


def text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value or "")


def compared(found: list[dict[str, Any]], songs: list[Song]) -> list[str]:
    """What arrived, beside what there is."""
    known = Counter((song.title, song.artist, song.album) for song in songs)
    got = Counter((text(row["title"]), text(row["artist"]), text(row["album"])) for row in found)
    right, covered = (known & got).total(), sum(bool(text(row["art_automatic"])) for row in found)
    albums, artists = {row[1:] for row in got}, {row[1] for row in got}
    return [
        f"  {len(found)} of {len(songs)} songs, {right} with the title, artist and album that they have in the library",
        f"  {len(albums)} albums, {len(artists)} artists, {covered} songs with a cover",
        *(f"  missing: {' / '.join(map(str, one))}" for one in [*(known - got)][:5]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home of the demo library (default: it is made)")
    parser.add_argument("--players", nargs="+", choices=[*PLAYERS], default=[*PLAYERS])
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the screen")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for a window and for songs")
    wanted = parser.parse_args()
    needed = [name for name in ("Xvfb", "xdotool", *wanted.players) if shutil.which(name) is None]
    if needed:
        sys.exit(f"Not installed: {', '.join(needed)}.")
    if wanted.pictures is not None:
        wanted.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="players-", ignore_cleanup_errors=True) as name:
        home = made(wanted.home, Path(name))
        songs = Library(home.folder).songs()
        for key in wanted.players:
            player, folder = PLAYERS[key], Path(name) / key
            folder.mkdir()
            with (
                serving(home) as (port, recorder),
                screen(wanted.pictures) as shown,
                running(player, shown, folder, port) as say,
            ):
                shown.show(player.name, wanted.patience)
                shown.picture(f"{key}-1-begins")
                player.fetch(shown)
                database, began, before = folder / player.database, time.monotonic(), -1
                while time.monotonic() < began + wanted.patience:
                    time.sleep(2)
                    if (now := len(recorder.calls)) == before and len(arrived(database)) >= len(songs):
                        break
                    before = now
                found = arrived(database)
                shown.picture(f"{key}-2-fetched")
                player.play(shown)
                time.sleep(2)
                shown.picture(f"{key}-3-plays")
                say("--seek-to", "15")
                time.sleep(5)
                shown.picture(f"{key}-4-sought")
                say("--next")
                time.sleep(
                    20
                )  # and this one without seeking, for Strawberry tells the server of no song that was sought
                shown.picture(f"{key}-5-next")
                player.more(shown)
                shown.picture(f"{key}-6-more")
                log = (folder / "log").read_text("utf-8", "replace").splitlines()
            version = subprocess.run([key, "--version"], capture_output=True, text=True).stdout.strip()
            wrong = [line for line in log if "subsonic" in line.lower() and " ERROR " in line]
            said = ["  Its log has of Subsonic:", *(f"    {line}" for line in wrong[:5])] if wrong else []
            asked = ["  It asked:", *recorder.told()]
            print("\n".join([version or player.name, *compared(found, songs), *asked, *said, ""]), flush=True)


if __name__ == "__main__":
    main()
