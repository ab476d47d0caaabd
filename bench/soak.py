"""Whether `songspace serve` stays as it is: minutes of mixed questions by many callers, its memory and open files.

    python bench/soak.py [FOLDER] [--home DIR] [--minutes 20] [--callers 50] [--json]

FOLDER is learnt with the hand-made descriptors into a home of its own; without it, the demo's library is rendered.
`--home` takes a library that is learnt already; a copy of it is served, without its cache. Callers ask for
neighbours, radios, paths, searches, covers, parts of songs, songs encoded anew, maps and OpenSubsonic's calls; they
make, change and delete playlists, bring wrong passwords and tokens, send what is no request, and hang up in the
middle of an answer. Each has an address of its own on this machine's loopback (127.0.0.0/8 on Linux), so that those
who guess lock out only themselves.

Every few seconds the server's memory and open files are looked at. They level off if the last third of the time has no
more of them than the middle third, to 5 % (and 5 files): the status is 1 if they do not, or if an answer was no answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psutil

from machine import Figures, about
from songspace import Library, demo, pipeline
from songspace.library import Home
from songspace.server.user import User

TOKEN = "a-token-for-the-soak-alone"
PASSWORD = "sesame"
EVERY = 5.0
POINTS = 10
LEVEL = 1.05
FINE = {200, 201, 202, 204, 206, 304, 401, 404, 409, 416, 421, 422, 429, 503}
"""What a sound server answers to these questions: 503 says that too many ask at once, and 500 never comes."""


@dataclass
class Heard:
    """What callers were told, all together."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    changing: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, status: int | str, path: str) -> None:
        with self.changing:
            self.answers[f"{kind} {status}"] += 1
            if status not in FINE and status != "hung up" and len(self.wrong) < 20:
                self.wrong.append(f"{status} {path}")


class Caller:
    """Somebody who asks one question after the other, over a connection that is kept."""

    def __init__(self, port: int, songs: list[int], number: int, heard: Heard) -> None:
        self._port, self._songs, self._heard = port, songs, heard
        self._random = random.Random(number)
        self._from = f"127.0.{1 + number // 200}.{1 + number % 200}" if sys.platform == "linux" else "127.0.0.1"
        self._guesses = number % 10 == 0
        self._connection: http.client.HTTPConnection | None = None
        self._lists: list[str] = []

    def ask(self, until: float) -> None:
        """Ask until it is time to stop."""
        kinds: list[tuple[int, Callable[[], None]]] = [
            (20, self.neighbours),
            (8, self.radio),
            (4, self.path),
            (10, self.search),
            (6, self.cover),
            (12, self.part),
            (2, self.encoded),
            (8, self.subsonic),
            (6, self.playlists),
            (3, self.map),
            (2, self.wrong),
            (4, self.hang_up),
            (1, self.nonsense),
        ]
        weights, asked = zip(*kinds, strict=True)
        while time.monotonic() < until:
            try:
                self._random.choices(asked, weights)[0]()
            except (OSError, http.client.HTTPException) as error:
                self._close()
                self._heard.note("connection", type(error).__name__, str(error))
            time.sleep(self._random.expovariate(5))
        self._close()

    def neighbours(self) -> None:
        self._get("neighbours", f"songs/{self._song()}/neighbours", explain=self._random.choice(("true", "false")))

    def radio(self) -> None:
        self._get("radio", "radio", song=self._song(), length=20, variety=round(self._random.random(), 1))

    def path(self) -> None:
        self._get("path", "path", start=self._song(), end=self._song(), length=10)

    def search(self) -> None:
        words = self._random.choice(("a", "neon", "song", "no such thing", "\u00e9\u4e2d", "x" * 150))
        self._get("search", "songs", q=words, limit=50)

    def cover(self) -> None:
        self._get("cover", f"songs/{self._song()}/cover")

    def part(self) -> None:
        begin = self._random.randrange(200_000)
        wanted = {"Range": f"bytes={begin}-{begin + self._random.randrange(1, 400_000)}"}
        self._get("part", f"songs/{self._song()}/audio", headers=wanted)

    def encoded(self) -> None:
        format = self._random.choice(("mp3", "opus", "webm"))
        self._get("encoded", f"songs/{self._song()}/audio", format=format, start=self._random.randrange(5))

    def map(self) -> None:
        self._get("map", "map", method="pca", column=self._random.choice(("title", "genre", "isolation")))

    def subsonic(self) -> None:
        call, more = self._random.choice(
            (
                ("getArtists", {}),
                ("getAlbumList2", {"type": "random", "size": 20}),
                ("search3", {"query": "a"}),
                ("getSonicSimilarTracks", {"id": self._song()}),
                ("getCoverArt", {"id": self._song()}),
                ("stream", {"id": self._song(), "maxBitRate": 64, "format": "mp3"}),
                ("getPlaylists", {}),
            )
        )
        known = {"u": "ann", "p": PASSWORD, "f": "json"}
        self._send("GET", "subsonic", f"/rest/{call}?{urlencode(known | more)}")

    def playlists(self) -> None:
        some = [self._song() for _ in range(self._random.randrange(1, 40))]
        if not self._lists:
            told = self._write("POST", "playlists", {"title": f"List {self._random.random()}", "songs": some})
            self._lists += [json.loads(told)["id"]] if b'"id"' in told else []
        elif len(self._lists) < 5 and self._random.random() < 0.7:
            one = self._random.choice(self._lists)
            self._get("playlist", f"playlists/{one}")
            self._write("PATCH", f"playlists/{one}", self._random.choice(({"songs": some}, {"add": some[:2]})))
            self._get("playlist", "playlists")
        else:
            self._send("DELETE", "playlist", f"/api/v1/playlists/{self._lists.pop()}", {"X-Songspace": "1"})

    def wrong(self) -> None:
        """A slip; or, of one in ten callers, as many guesses as are counted, and some more."""
        for _ in range(30 if self._guesses else 1):
            if self._random.random() < 0.5:
                self._send("GET", "wrong", "/api/v1/songs", {"Authorization": f"Bearer wrong{self._random.random()}"})
            else:
                self._send("GET", "wrong", f"/rest/ping?u=ann&p=wrong{self._random.random()}")

    def hang_up(self) -> None:
        """Ask for something long, and go when it has begun, or before."""
        path = self._random.choice(
            (
                f"/api/v1/songs/{self._song()}/audio?format=mp3",
                f"/api/v1/songs/{self._song()}/audio",
                f"/api/v1/radio?song={self._song()}&length=50&explain=true",
            )
        )
        with socket.create_connection(("127.0.0.1", self._port), 30, (self._from, 0)) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            if self._random.random() < 0.7:
                connection.recv(self._random.randrange(1, 60_000))
        self._heard.note("hang up", "hung up", path)

    def nonsense(self) -> None:
        sent = self._random.choice(
            (b"\0" * 100, b"GET / HTTP/9\r\n\r\n", b"POST /api/v1/order HTTP/1.1\r\nHost: x\r\n\r\n")
        )
        with socket.create_connection(("127.0.0.1", self._port), 30, (self._from, 0)) as connection:
            connection.sendall(sent)
            connection.recv(1000)
        self._heard.note("nonsense", "hung up", "")

    def _song(self) -> int:
        return self._random.choice(self._songs)

    def _get(self, kind: str, path: str, *, headers: dict[str, str] | None = None, **query: object) -> None:
        asked = f"/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        self._send("GET", kind, asked, headers or {})

    def _write(self, method: str, path: str, document: object) -> bytes:
        said = {"Content-Type": "application/json", "X-Songspace": "1"}
        return self._send(method, "playlist", f"/api/v1/{path}", said, json.dumps(document))

    def _send(
        self, method: str, kind: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> bytes:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=120, source_address=(self._from, 0)
            )
        known = {} if path.startswith("/rest/") else {"Authorization": f"Bearer {TOKEN}"}
        for attempt in range(2):
            try:
                self._connection.request(method, path, body, known | (headers or {}))
                response = self._connection.getresponse()
                told = response.read()
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._connection.close()  # a connection that was idle for long is closed by the server
                if attempt:
                    raise
        self._heard.note(kind, response.status, path)
        return told

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Curve:
    """What was seen of the server, by the time."""

    times: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)
    threads: list[float] = field(default_factory=list)

    def look(self, server: psutil.Process, began: float) -> None:
        self.times.append(time.monotonic() - began)
        self.memory.append(server.memory_info().rss / 1e6)
        self.files.append(server.num_fds() if hasattr(server, "num_fds") else len(server.open_files()))
        self.threads.append(server.num_threads())

    def points(self) -> list[tuple[float, float, float, float]]:
        """(minutes, MB, open files, threads) of some moments, each the median of the looks around it."""
        found = []
        for number in range(POINTS):
            part = slice(number * len(self.times) // POINTS, max(1, (number + 1) * len(self.times) // POINTS))
            seen = (self.times, self.memory, self.files, self.threads)
            minute, *rest = (statistics.median(values[part] or values[-1:]) for values in seen)
            found.append((minute / 60, rest[0], rest[1], rest[2]))
        return found

    def levels_off(self, values: list[float], slack: float = 0.0) -> bool:
        """Whether the last third has no more than the middle one."""
        third = max(1, len(values) // 3)
        return statistics.median(values[-third:]) <= LEVEL * statistics.median(values[-2 * third : -third]) + slack


def library(folder: Path | None, home: Path | None, work: Path) -> Home:
    """A library to serve, in a home that may be written to."""
    served = Home(work / "home")
    if home is not None:
        shutil.copytree(home, served.folder, ignore=shutil.ignore_patterns("spectrograms.u8", "lock"))
        return served
    if folder is None:
        folder = work / "music"
        demo.render(folder)
    pipeline.learn(served, folder, encoder="timbre", workers=2)
    return served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="a JSON line a figure, for bench/table.py")
    wanted = parser.parse_args()
    figures = Figures("soak", wanted.json)
    figures.say(about())
    with tempfile.TemporaryDirectory() as work:
        home = library(wanted.folder, wanted.home, Path(work))
        User("ann", PASSWORD).save(home.user)
        songs = [song.id for song in Library(home.folder).songs()]
        token = Path(work) / "token"
        token.write_text(TOKEN)
        command = [sys.executable, "-m", "songspace", "serve", "--port", "0", "--home", str(home.folder)]
        with (Path(work) / "log").open("w+") as log:
            server = subprocess.Popen([*command, "--token-file", str(token)], stderr=log)
            try:
                curve, heard = soak(server, Path(work) / "log", songs, wanted.callers, 60 * wanted.minutes)
            finally:
                server.terminate()
                server.wait()
            log.seek(0)
            said = [
                line
                for line in log.read().splitlines()
                if not line.startswith(("songspace answers", "Ctrl-C", "Stopped"))
            ]
    sys.exit(0 if tell(figures, curve, heard, said, len(songs), wanted.callers) else 1)


def soak(
    server: subprocess.Popen[bytes], log: Path, songs: list[int], count: int, seconds: float
) -> tuple[Curve, Heard]:
    """Let callers ask, and look at the server meanwhile."""
    while (found := re.search(r"http://[\w.]+:(\d+)/", log.read_text())) is None:
        if server.poll() is not None:
            sys.exit(f"The server ended: {log.read_text()}")
        time.sleep(0.1)
    port, heard, curve, weight = int(found[1]), Heard(), Curve(), psutil.Process(server.pid)
    began = time.monotonic()
    callers = [Caller(port, songs, number, heard) for number in range(count)]
    threads = [threading.Thread(target=caller.ask, args=(began + seconds,), daemon=True) for caller in callers]
    for thread in threads:
        thread.start()
    while time.monotonic() < began + seconds and server.poll() is None:
        time.sleep(min(EVERY, seconds / 30))
        curve.look(weight, began)
    for thread in threads:
        thread.join(130)
    if server.poll() is not None:
        heard.wrong.append(f"the server ended with {server.returncode}")
    return curve, heard


def tell(figures: Figures, curve: Curve, heard: Heard, said: list[str], songs: int, callers: int) -> bool:
    """Say what was seen; whether all is well."""
    asked, minutes = sum(heard.answers.values()), curve.times[-1] / 60
    question = f"A server on {songs:,} songs, {callers} callers, {minutes:.0f} minutes"
    for minute, memory, files, threads in curve.points():
        figures.say(f"  {minute:6.1f} min {memory:8.0f} MB {files:6.0f} open files {threads:5.0f} threads")
    level = {"memory": curve.levels_off(curve.memory), "open files": curve.levels_off(curve.files, slack=5)}
    for name, values, unit in (("memory", curve.memory, "MB"), ("open files", curve.files, "")):
        third = max(1, len(values) // 3)
        middle, last = statistics.median(values[-2 * third : -third]), statistics.median(values[-third:])
        note = f"{middle:.0f} in the middle third, {last:.0f} in the last: "
        note += "levels off" if level[name] else "still grows"
        figures.tell(question, name, [values[-1]], unit, note)
    figures.tell(
        question, "answers", [asked], "", ", ".join(f"{n} {kind}" for kind, n in sorted(heard.answers.items()))
    )
    figures.tell(question, "answers that are none", [len(heard.wrong)], "", "; ".join(heard.wrong[:5]))
    if said:
        figures.say("The server said:\n" + "\n".join(said[:40]))
    return all(level.values()) and not heard.wrong and not said


if __name__ == "__main__":
    main()
