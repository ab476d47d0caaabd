"""Adding to MPD's queue: a real MPD where one is installed, and a pretended one for what a real one rarely says."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import Result

from songspace import Library
from songspace.errors import SongspaceError
from songspace.interchange.mpd import Address, add, current
from songspace.interchange.writing import write
from songspace.library import Song

Run = Callable[..., Result]

CONFIG = """
music_directory "{music}"
playlist_directory "{folder}/playlists"
db_file "{folder}/database"
bind_to_address "{folder}/socket"
bind_to_address "127.0.0.1"
port "{port}"
password "look@read"
password "secret@read,add,control"
default_permissions ""
local_permissions "read,add,control"
max_playlist_length "12"
zeroconf_enabled "no"
audio_output {{
    type "null"
    name "nothing"
}}
"""


@dataclass
class Running:
    """An MPD that runs: its socket, its port, and a second voice to ask it with."""

    socket: str
    port: int

    def says(self, *commands: str) -> list[str]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(self.socket)
            lines = connection.makefile("rw", encoding="utf-8")
            lines.readline()
            said = []
            for command in commands:
                lines.write(f"{command}\n")
                lines.flush()
                while (line := lines.readline().rstrip("\n")) != "OK":
                    assert line and not line.startswith("ACK"), line
                    said.append(line)
            return said

    def queue(self) -> list[str]:
        return [line.removeprefix("file: ") for line in self.says("playlistinfo") if line.startswith("file: ")]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def _started(music: Path) -> Iterator[Running]:
    # The path of a socket may have 107 bytes: pytest's own folders are too deep on some machines.
    with tempfile.TemporaryDirectory(prefix="mpd-") as name:
        folder = Path(name)
        (folder / "playlists").mkdir()
        running = Running(f"{folder}/socket", _free_port())
        config = folder / "mpd.conf"
        config.write_text(CONFIG.format(music=music, folder=folder, port=running.port))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(["mpd", "--no-daemon", "--stderr", config], stdout=log, stderr=log)
        try:
            for _ in range(600):
                try:
                    if not any(line.startswith("updating_db") for line in running.says("status")):
                        break
                except OSError:
                    assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            else:
                raise AssertionError((folder / "log").read_text())
            yield running
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def player(tunes: Path) -> Iterator[Running]:
    """A real MPD that plays the tunes."""
    if shutil.which("mpd") is None:
        pytest.skip("mpd is not installed (Debian: apt-get install mpd)")
    with _started(tunes) as running:
        yield running


@pytest.fixture
def mpd(player: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The same with an empty queue, found by MPD_HOST."""
    player.says("clear")
    monkeypatch.setenv("MPD_HOST", player.socket)
    monkeypatch.delenv("MPD_PORT", raising=False)
    return player


def test_a_playlist_is_added_to_the_queue_in_its_order(run: Run, mpd: Running, tunes: Path, tmp_path: Path) -> None:
    target = tmp_path / "list.m3u8"
    result = run("playlist", "Tune 0", "--length", 5, "--mpd", "-o", target, "--absolute")
    assert result.exit_code == 0, result.output
    listed = [line for line in target.read_text().splitlines() if not line.startswith("#")]
    assert mpd.queue() == [name.removeprefix(f"{tunes}/") for name in listed]
    assert f"Added 5 songs to the queue of MPD at {mpd.socket}: `mpc play 1` starts them." in result.stderr

    result = run("suggest", "--like", target, "--count", 2, "--mpd")
    assert result.exit_code == 0, result.output
    assert "`mpc play 6`" in result.stderr
    assert len(mpd.queue()) == 7


def test_a_radio_starts_from_the_song_that_plays(run: Run, mpd: Running, learnt_home: Path, tunes: Path) -> None:
    nothing = run("radio", "--mpd", "--length", 4)
    assert nothing.exit_code == 1 and "plays nothing now" in str(nothing.exception)
    song = Library(learnt_home).songs()[4]
    add([song], Address.of())
    mpd.says("play", "pause 1")
    result = run("radio", "--mpd", "--length", 4, "--json")
    assert result.exit_code == 0, result.output
    listed = [one["path"] for one in json.loads(result.stdout)["songs"]]
    assert listed[0] == song.path and len(listed) == 4
    assert mpd.queue() == [path.removeprefix(f"{tunes}/") for path in listed]  # the first one plays already: once


def test_a_radio_from_a_song_that_only_mpd_has(run: Run, mpd: Running, learnt_home: Path) -> None:
    songs = Library(learnt_home).songs()
    add(songs[:1], Address.of())
    mpd.says("play", "pause 1")
    with pytest.raises(SongspaceError, match="which is not in the library"):
        current(songs[1:], Address.of())


def test_over_the_network_with_a_password(run: Run, mpd: Running) -> None:
    there = f"127.0.0.1:{mpd.port}"
    assert run("playlist", "Tune 0", "--length", 3, "--mpd-host", f"secret@{there}").exit_code == 0
    assert len(mpd.queue()) == 3
    for host, said in (
        (there, "wants a password: MPD_HOST=PASSWORD@HOST"),
        (f"wrong@{there}", "does not take this password"),
        (f"look@{there}", "wants a password"),  # may look at the database, and not add
    ):
        result = run("playlist", "Tune 0", "--mpd-host", host)
        assert result.exit_code == 1
        assert said in str(result.exception)
        assert "wrong" not in str(result.exception) + result.output
        assert result.stdout == ""
    assert len(mpd.queue()) == 3


def test_songs_that_mpd_does_not_have_are_named(mpd: Running, learnt_home: Path, tunes: Path) -> None:
    songs = Library(learnt_home).songs()[:3]
    other = replace(songs[1], path="/elsewhere/Nobody/Lost.flac")
    added = add([songs[0], other, songs[2]], Address.of())
    assert (added.songs, added.missing, added.place) == ([songs[0], songs[2]], [other], 1)
    assert mpd.queue() == [str(Path(song.path).relative_to(tunes)) for song in (songs[0], songs[2])]
    with pytest.raises(SongspaceError, match=r"has none of these 1 songs, as /elsewhere/Nobody/Lost.flac: update"):
        add([other], Address.of())
    assert len(mpd.queue()) == 2


def test_folders_that_both_see_are_found_by_themselves(mpd: Running, learnt_home: Path, tunes: Path) -> None:
    song = Library(learnt_home).songs()[0]
    below = str(Path(song.path).relative_to(tunes))
    add([replace(song, path=f"/mnt/music/{below}")], Address.of())
    assert mpd.queue() == [below]


def test_folders_with_other_names_are_found_by_prefix(mpd: Running, learnt_home: Path) -> None:
    song = Library(learnt_home).songs()[0]
    folder, name = Path(song.path).parent.name, Path(song.path).name
    here = replace(song, path=f"/here/{name}", duration=0.0)  # a name alone, and it lasts otherwise
    with pytest.raises(SongspaceError, match="none"):
        add([here], Address.of())
    add([here], Address.of(), prefixes={"/here": folder})
    add([replace(song, path=f"/here/{folder}/{name}")], Address.of(), prefixes={"/here": ""})
    assert mpd.queue() == [f"{folder}/{name}"] * 2


def test_a_queue_that_is_full_is_left_as_it_was(run: Run, mpd: Running) -> None:
    assert run("playlist", "Tune 0", "--length", 8, "--mpd").exit_code == 0
    before = mpd.queue()
    result = run("playlist", "Tune 1", "--length", 8, "--mpd")
    assert result.exit_code == 1
    assert "cannot add Artist" in str(result.exception)
    assert "its queue is as it was before" in str(result.exception)
    assert mpd.queue() == before


def test_names_with_quotes_and_spaces(
    song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("mpd") is None:
        pytest.skip("mpd is not installed (Debian: apt-get install mpd)")
    files = [tmp_path / "Él" / f"{number} {name}.flac" for number, name in enumerate(('a "b"', "c\\d", "e'f # 100 %"))]
    for number, path in enumerate(files):
        song(path, number, seconds=1)
    files += [tmp_path / name for name in ("#1.flac", "50%25.flac", "http: a.flac", "a?b.flac")]
    for number, path in enumerate(files[3:], 3):
        song(path, number, seconds=1)
    songs = [Song(number, str(path), 1.0) for number, path in enumerate(files)]
    with _started(tmp_path) as running:
        add(songs, Address.of(running.socket, {}))
        assert running.queue() == [str(path.relative_to(tmp_path)) for path in files]
        running.says("clear")
        playlists = Path(running.socket).parent / "playlists"
        write(playlists / "odd.m3u", songs, prefixes={str(tmp_path): ""})  # as `--for mpd` does
        running.says('load "odd"')
        assert running.queue() == [str(path.relative_to(tmp_path)) for path in files]


@contextmanager
def pretended(answers: Mapping[str, str], *, greeting: str = "OK MPD 0.23.5\n") -> Iterator[tuple[str, list[str]]]:
    """What gives fixed answers to commands by their names ("" hangs up); its address, and what it was sent."""
    sent: list[str] = []

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("r", encoding="utf-8") as lines:
            connection.sendall(greeting.encode())
            within = False
            for line in lines:
                sent.append(line.rstrip("\n"))
                within = (within or line.startswith("command_list_begin")) and not line.startswith("command_list_end")
                if within:
                    continue
                answer = answers.get(line.split()[0], "OK\n")
                if not answer:
                    return
                connection.sendall(answer.encode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", sent
        thread.join(30)


SONG = Song(1, "/music/Ann/Blue/Sea.flac", 60.0, "Sea", "Ann")
HAS = "file: Blue/Sea.flac\nduration: 60.0\nOK\n"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"lsinfo": ""}, "stopped answering"),
        ({"lsinfo": "ACK [50@0] {lsinfo} No such directory\n"}, "has none of these 1 songs"),
        ({"lsinfo": 'ACK [4@0] {lsinfo} you don\'t have permission for "lsinfo"\n'}, "wants a password"),
        ({"lsinfo": HAS, "status": "ACK [5@0] {status} not today\n"}, "refused: not today"),
        ({"lsinfo": HAS, "command_list_end": "ACK [50@0] {addid} No such song\n"}, "cannot add Blue/Sea.flac"),
        ({"lsinfo": HAS, "command_list_end": ""}, "stopped answering"),
    ],
)
def test_refusals_are_one_sentence(answers: dict[str, str], said: str) -> None:
    with pretended(answers) as (where, sent), pytest.raises(SongspaceError, match=said) as raised:
        add([SONG], Address.of(where, {}))
    assert str(raised.value).count(". ") == 0
    assert sent[0] == 'lsinfo "music/Ann/Blue/Sea.flac"'  # the longest end first


def test_what_a_refused_list_did_is_taken_back() -> None:
    refused = "Id: 7\nId: 9\nACK [51@2] {addid} playlist is too large\n"
    whole = r"cannot add Blue/Sea.flac \(playlist is too large\); its queue is as it was before"
    with pretended({"lsinfo": HAS, "command_list_end": refused}) as (where, sent):
        songs = [SONG] * 3
        with pytest.raises(SongspaceError, match=whole):
            add(songs, Address.of(where, {}))
    assert sent[-4:] == ["command_list_begin", 'deleteid "7"', 'deleteid "9"', "command_list_end"]


@pytest.mark.parametrize(("said", "found"), [("duration: 61.0\n", True), ("duration: 99.0\n", False), ("", False)])
def test_a_name_without_a_folder_has_to_last_as_long(said: str, found: bool) -> None:
    with pretended({"lsinfo": f"file: Sea.flac\n{said}OK\n"}) as (where, sent):
        if found:
            add([SONG], Address.of(where, {}))
        else:
            with pytest.raises(SongspaceError, match="has none"):
                add([SONG], Address.of(where, {}))
    assert ('addid "Sea.flac"' in sent) is found


def test_no_name_smuggles_a_command() -> None:
    with pretended({}) as (where, sent), pytest.raises(SongspaceError, match="none of these"):
        add([replace(SONG, path="/music/x\nclear\n/a.mp3")], Address.of(where, {}), prefixes={"/music": "y\nstop"})
    assert sent == ['lsinfo "a.mp3"']


def test_who_is_no_mpd() -> None:
    with pretended({}, greeting="220 mail\n") as (where, _), pytest.raises(SongspaceError, match="is no MPD"):
        add([SONG], Address.of(where, {}))
    with pytest.raises(SongspaceError, match=r"No MPD answers at 127.0.0.1:\d+ \(.+\): start it"):
        add([SONG], Address.of(f"127.0.0.1:{_free_port()}", {}))
    with pytest.raises(SongspaceError, match="No MPD answers at /nowhere/socket"):
        add([SONG], Address.of("/nowhere/socket", {}))


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        (None, {"XDG_RUNTIME_DIR": "/nowhere", "MPD_PORT": "6601"}, None),
        (None, {"MPD_HOST": "pass@radio", "MPD_PORT": "6601"}, Address("radio", 6601, "pass")),
        ("radio:6602", {"MPD_HOST": "other", "MPD_PORT": "6601"}, Address("radio", 6602)),
        ("pass@[fe80::1]:6602", {}, Address("fe80::1", 6602, "pass")),
        ("::1", {}, Address("::1")),
        ("/run/a@b/socket", {}, Address("/run/a@b/socket")),
        ("@mpd", {}, Address("@mpd")),
        ("pass@@mpd", {}, Address("@mpd", password="pass")),
    ],
)
def test_addresses(text: str | None, environ: dict[str, str], expected: Address | None) -> None:
    if expected is None:  # unless this machine's own MPD has a socket in the usual place
        usual = "/run/mpd/socket"
        expected = Address(usual if Path(usual).exists() else "localhost", 6601)
    assert Address.of(text, environ) == expected


@pytest.mark.parametrize(("text", "port"), [("radio:0", ""), ("radio:x", ""), ("secret@", ""), ("radio", "99999")])
def test_addresses_that_are_none(text: str, port: str) -> None:
    with pytest.raises(SongspaceError, match="is no address") as raised:
        Address.of(text, {"MPD_PORT": port})
    assert "secret" not in str(raised.value)


def test_a_password_is_never_shown() -> None:
    address = Address("radio", password="secret")
    assert "secret" not in f"{address} {address!r}"
