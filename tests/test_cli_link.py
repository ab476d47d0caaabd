"""``songspace link`` and ``songspace user``: against songspace's own OpenSubsonic server, and against bad ones."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from songspace.cli.commands import app
from songspace.errors import SongspaceError
from songspace.library import Catalog, Home, Library
from songspace.library.cue import Part
from songspace.library.records import Track
from songspace.library.scan import Found
from songspace.server.app import create_app
from songspace.server.linking import Subsonic, link
from songspace.server.user import User, read_user

PASSWORD = "open sesame"


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """An application on a port of this machine; gives its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def answering(answer: Callable[[str, dict[str, list[str]]], Any]) -> Iterator[str]:
    """A server of another make: ``answer`` gives a JSON document, or bytes, for a call and its parameters."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            said = answer(parts.path.removeprefix("/rest/").removesuffix(".view"), parse_qs(parts.query, True))
            if isinstance(said, int):
                self.send_error(said)
                return
            data = said if isinstance(said, bytes) else json.dumps({"subsonic-response": said}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


@pytest.fixture
def command(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("SONGSPACE_HOME", str(home.folder))
    return lambda *arguments, **how: CliRunner().invoke(app, [str(argument) for argument in arguments], **how)


@pytest.mark.slow
def test_a_library_is_linked_to_songspaces_own_server(
    home: Home,
    command: Callable[..., Result],
    password_file: Path,
    tunes: Path,
    song: Callable[..., Path],
    tmp_path: Path,
) -> None:
    # The server has the same music in another place, but for one song, and one that is not here.
    from songspace import pipeline

    elsewhere = Path(shutil.copytree(tunes, tmp_path / "elsewhere"))
    [*_, last] = sorted(elsewhere.glob("*/*.flac"))
    last.unlink()
    (elsewhere / "Nobody").mkdir()
    song(elsewhere / "Nobody" / "other.flac", 99, title="Another", artist="Nobody")
    there = Home(tmp_path / "there")
    pipeline.learn(there, elsewhere, encoder="timbre", windows=2, workers=1)
    User("ann", PASSWORD).save(there.user)
    with serving(create_app(there)) as url:
        done = command("link", "--subsonic", url, "--user", "ann", "--password-file", password_file, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["server"], told["items"], told["songs"]) == (url, 18, 18)
    assert told["matched"] == told["linked"] == 17 and told["unmatched"] == ["Nobody/other.flac"]
    assert PASSWORD not in done.stdout + done.stderr
    here, theirs = Library(home.folder), {str(song.id): song for song in Library(there.folder).songs()}
    links = here.catalog.links()[url]
    assert len(links) == 17
    for one in links:
        found = here.catalog.song(one.song)
        assert found is not None and found.title == theirs[one.item].title and one.artist is not None


def _subsonic(songs: list[dict[str, Any]], *, empty_search: bool = False) -> Callable[[str, dict[str, list[str]]], Any]:
    """A server with some songs; ``empty_search`` finds nothing by a search for nothing, as the first Subsonic."""

    def answer(call: str, given: dict[str, list[str]]) -> Any:
        if call == "ping":
            return {"status": "ok"}
        if call == "search3":
            offset, count = int(given["songOffset"][0]), int(given["songCount"][0])
            found = [] if empty_search else songs[offset : offset + count]
            return {"status": "ok", "searchResult3": {"song": found} if found else {}}
        if call == "getAlbumList2":
            offset = int(given["offset"][0])
            return {"status": "ok", "albumList2": {"album": [{"id": n} for n in range(3)][offset : offset + 2]}}
        return {"status": "ok", "album": {"id": given["id"][0], "song": songs[int(given["id"][0]) :: 3]}}

    return answer


@pytest.mark.parametrize("empty_search", [False, True])
def test_songs_are_matched_by_path_by_its_end_and_by_title(home: Home, empty_search: bool) -> None:
    songs = Library(home.folder).songs()
    told: list[dict[str, Any]] = [
        {"id": 1, "path": Path(songs[0].path).relative_to(Path(songs[0].path).parents[1]).as_posix(), "artistId": 7},
        {"id": "2", "path": f"/srv/{Path(songs[1].path).parent.name}/{Path(songs[1].path).stem}.mp3"},
        {"id": "3", "title": songs[2].title, "artist": songs[2].artist, "album": songs[2].album, "duration": 8},
        {"id": "4", "title": "Nothing like it", "artist": "Nobody"},
        {"id": "5", "path": songs[4].path},
        {"path": "no id"},
        {"id": None},
    ]
    with answering(_subsonic(told, empty_search=empty_search)) as url:
        done = link(home, Subsonic(url, "ann", PASSWORD))
    assert (done.items, done.matched, done.unmatched) == (5, 4, ["Nobody - Nothing like it"])
    found = {one.item: (one.song, one.artist) for one in Library(home.folder).catalog.links()[url]}
    assert found == {
        "1": (songs[0].id, "7"),
        "2": (songs[1].id, None),
        "3": (songs[2].id, None),
        "5": (songs[4].id, None),
    }


def test_prefixes_say_what_a_folder_is_called_there(
    home: Home, command: Callable[..., Result], password_file: Path
) -> None:
    songs = Library(home.folder).songs()
    root = Path(songs[0].path).parents[1]
    told = [{"id": f"x{song.id}", "path": song.path.replace(str(root), "/music")} for song in songs]
    with answering(_subsonic(told)) as url:
        own = ("link", "--subsonic", url, "--user", "ann", "--password-file", password_file)
        done = command(*own, "--prefix", f"{root}=/music")
    assert done.exit_code == 0 and f"Linked 18 of 18 songs of {url}: it has 18 of the 18 songs here." in done.stderr


def test_a_relative_path_is_one_in_a_folder_of_the_library(tmp_path: Path) -> None:
    paths = [f"/music/{first}/a/b/c/1.mp3" for first in "xy"]  # their ends are the same
    home = Home(tmp_path)
    with Catalog(home.catalog, write=True) as catalog:
        catalog.add_root("/music")
        for number, path in enumerate(paths):
            catalog.record(Found(path, 1, 1), [Track(bytes([number]) * 16, Part(), 9.0, [0.0], [False])])
    with answering(_subsonic([{"id": "second", "path": "y/a/b/c/1.mp3"}])) as url:
        link(home, Subsonic(url, "ann", PASSWORD))
    library = Library(home.folder)
    [one] = library.catalog.links()[url]
    song = library.catalog.song(one.song)
    assert song is not None and song.path == paths[1]


def test_many_pages_and_a_server_that_never_ends(home: Home) -> None:
    songs = Library(home.folder).songs()
    told = [{"id": str(n), "title": f"Strange {n}", "artist": "x"} for n in range(1100)]
    told[1050] |= {"path": songs[3].path}

    def again(call: str, given: dict[str, list[str]]) -> Any:
        return {"status": "ok", "searchResult3": {"song": told[:500]}}

    with answering(_subsonic(told)) as url:
        done = link(home, Subsonic(url, "ann", PASSWORD))
    assert (done.items, done.matched, len(done.unmatched)) == (1100, 1, 1099)
    with answering(again) as url, pytest.raises(SongspaceError, match="None of the 500 songs"):
        link(home, Subsonic(url, "ann", PASSWORD))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"status": "failed", "error": {"code": 40, "message": "Wrong username or password."}}, "Wrong username"),
        ({"status": "failed"}, "gives no reason"),
        (b"<html>", "no answer of Subsonic"),
        (b"[]", "no answer of Subsonic"),
        (b"\xff" * 10, "no answer of Subsonic"),
        ([1], "no answer of Subsonic"),
        (500, "answers with 500"),
        ({"status": "ok", "searchResult3": {"song": []}, "albumList2": []}, "has no songs"),
        ({"status": "ok", "searchResult3": [1], "albumList2": {"album": "x"}}, "has no songs"),
    ],
)
def test_a_server_that_answers_otherwise(
    command: Callable[..., Result], home: Home, password_file: Path, said: Any, sentence: str
) -> None:
    with Catalog(home.catalog, write=True) as catalog:
        catalog.set_fact("links", "before")
    with answering(lambda call, given: said) as url:
        with pytest.raises(SongspaceError, match=sentence) as told:
            link(home, Subsonic(url, "ann", PASSWORD))
        done = command("link", "--subsonic", url, "--user", "ann", "--password-file", password_file)
    assert PASSWORD not in str(told.value) and "\n" not in str(told.value)
    assert done.exit_code == 1 and isinstance(done.exception, SongspaceError)
    assert Library(home.folder).catalog.links() == {} and Library(home.folder).catalog.fact("links") == "before"


def test_a_server_that_is_not_there(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SongspaceError, match="cannot be reached"):
            link(home, Subsonic(url, "ann", PASSWORD))
    for wrong in ("", "file:///etc/passwd", "ftp://x", "http://", "http://[", "http://x:99999999"):
        with pytest.raises(SongspaceError, match="no address of a server"):
            Subsonic(wrong, "ann", PASSWORD)
    assert Subsonic("http://ann:secret@Host:1/music/", "ann", PASSWORD).url == "http://host:1/music"
    assert PASSWORD not in repr(Subsonic("localhost:4533", "ann", PASSWORD))


def test_the_password_is_never_sent_as_it_is(home: Home) -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(call: str, given: dict[str, list[str]]) -> Any:
        asked.append(given)
        return {"status": "ok"}

    with answering(answer) as url, pytest.raises(SongspaceError):
        link(home, Subsonic(url, "ann", PASSWORD))
    assert asked and all(
        "p" not in given and User("ann", PASSWORD).has_digest("ann", given["t"][0], given["s"][0]) for given in asked
    )
    assert len({given["s"][0] for given in asked}) == len(asked)


def test_a_key_from_a_file_or_typed(home: Home, command: Callable[..., Result], tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("0123456789abcdef\n")
    songs = Library(home.folder).songs()
    root = Path(songs[0].path).parents[1]
    told = [{"Id": f"{song.id:032x}", "Path": song.path.replace(str(root), "D:\\Music")} for song in songs]

    def answer(call: str, given: dict[str, list[str]]) -> Any:
        assert call == "/Items" and "0123456789abcdef" not in str(given)
        begin, limit = int(given["StartIndex"][0]), int(given["Limit"][0])
        return json.dumps({"Items": told[begin : begin + limit]}).encode()

    with answering(answer) as url:
        own = ("link", "--jellyfin", url, "--prefix", f"{root}=D:\\Music")
        done = command(*own, "--api-key-file", key_file, "--json")
        typed = command(*own, input="0123456789abcdef\n")
    assert done.exit_code == 0 and json.loads(done.stdout)["matched"] == len(songs)
    assert typed.exit_code == 0 and f"Linked {len(songs)} of {len(songs)} songs of {url}" in typed.stderr
    assert all("0123456789abcdef" not in one.stdout + one.stderr for one in (done, typed))


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("--subsonic", "x", "--jellyfin", "x"),
        ("--emby", "x", "--plex", "x", "--api-key-file", "f"),
        ("--subsonic", "x"),
        ("--subsonic", "x", "--user", "ann", "--api-key-file", "f"),
        ("--lyrion", "x", "--password-file", "f"),
        ("--lyrion", "x", "--api-key-file", "f"),
        ("--jellyfin", "x", "--user", "ann"),
        ("--plex", "x", "--password-file", "f"),
    ],
)
def test_one_server_with_what_it_needs(command: Callable[..., Result], wrong: tuple[str, ...]) -> None:
    assert command("link", *wrong).exit_code == 2


def test_a_user_is_set_told_and_removed(command: Callable[..., Result], home: Home, password_file: Path) -> None:
    assert "No user is set" in command("user").stderr
    typed = command("user", "ann", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert typed.exit_code == 0
    user = read_user(home.user)
    assert user is not None and user.has("ann", PASSWORD)
    done = command("user", "bea", "--password-file", password_file)
    assert done.exit_code == 0 and str(home.user) in done.stderr
    told = command("user")
    assert "The user is bea." in told.stderr
    assert all(PASSWORD not in one.stdout + one.stderr for one in (typed, done, told))
    assert command("user", "--remove").exit_code == 0 and read_user(home.user) is None
    password_file.write_text("\n")
    assert "A password has" in str(command("user", "ann", "--password-file", password_file).exception)
