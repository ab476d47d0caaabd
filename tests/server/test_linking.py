"""Media servers of each kind, played by small ones that answer as their published APIs say; and by bad ones."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit

import pytest

from songspace.errors import SongspaceError
from songspace.library import Home, Library, Song
from songspace.reporter import Remarks, Reporter
from songspace.server.linking import Emby, Item, Jellyfin, Lyrion, Plex, Server, Subsonic, link
from songspace.server.linking import server as common
from songspace.server.user import User

SECRET = "open sesame/äß"
KEY = "0123456789abcdef0123456789abcdef"
MBID = "0b0c7a4c-0f1e-4c7e-9d4e-2f4b8a7d1c33"


@dataclass(frozen=True)
class Asked:
    """A request as a server sees it."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reply:
    """An answer; ``length`` is what its header says, if that is not true."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


@contextmanager
def serving(answer: Callable[[Asked], Any]) -> Iterator[str]:
    """A server on a port of this machine; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            made = answer(Asked(self.command, parts.path, query, dict(self.headers.items()), body))
            reply = made if isinstance(made, Reply) else Reply(made)
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) if reply.length is None else reply.length))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


Answer = Callable[[Asked], Any]


def jellyfin(songs: list[Any], *, path: str = "/Items", header: tuple[str, str] | None = None) -> Answer:
    """GET /Items, as api.jellyfin.org has it: StartIndex and Limit in, Items and TotalRecordCount out."""
    name, value = header or ("Authorization", f'MediaBrowser Client="songspace", Token="{KEY}"')

    def answer(asked: Asked) -> Any:
        if asked.headers.get(name) != value:
            return Reply(b"", 401)
        assert (asked.method, asked.path) == ("GET", path) and KEY not in asked.query.values()
        assert (asked.query["IncludeItemTypes"], asked.query["Recursive"]) == ("Audio", "true")
        assert {"Path", "ProviderIds"} <= {*asked.query["Fields"].split(",")}
        begin, limit = int(asked.query["StartIndex"]), int(asked.query["Limit"])
        return {"Items": songs[begin : begin + limit], "TotalRecordCount": len(songs), "StartIndex": begin}

    return answer


def emby(songs: list[Any]) -> Answer:
    return jellyfin(songs, path="/emby/Items", header=("X-Emby-Token", KEY))


def lyrion(songs: list[Any], *, user: str | None = None) -> Answer:
    """POST /jsonrpc.js, as lyrion.org has it: without songs there is a count, and no loop."""
    basic = f"Basic {base64.b64encode(f'{user}:{SECRET}'.encode()).decode()}"

    def answer(asked: Asked) -> Any:
        if user is not None and asked.headers.get("Authorization") != basic:
            return Reply(b"", 401, {"WWW-Authenticate": 'Basic realm="Lyrion Music Server"'})
        assert (asked.method, asked.path) == ("POST", "/jsonrpc.js")
        assert asked.headers["Content-Type"] == "application/json"
        question = json.loads(asked.body)
        assert question["method"] == "slim.request"
        player, [query, begin, count, tags] = question["params"]
        assert (player, query) == ("", "titles") and {*"uadls"} <= {*tags.removeprefix("tags:")}
        found = songs[begin : begin + count]
        result = {"count": len(songs)} | ({"titles_loop": found} if found else {})
        return {"id": question["id"], "method": "slim.request", "params": question["params"], "result": result}

    return answer


def plex(sections: dict[str, list[Any]]) -> Answer:
    """/library/sections and the songs of each: a page is asked for by headers, as developer.plex.tv has it."""

    def answer(asked: Asked) -> Any:
        if asked.headers.get("X-Plex-Token") != KEY:
            return Reply(b"<html>Unauthorized</html>", 401)
        assert asked.headers["Accept"] == "application/json"  # else it would be XML
        if asked.path == "/library/sections":
            music = [{"key": key, "type": "artist", "title": f"Music {key}"} for key in sections]
            films: dict[str, Any] = {"key": "7", "type": "movie", "title": "Films"}
            return {"MediaContainer": {"size": 1 + len(music), "Directory": [films, *music]}}
        [key] = [key for key in sections if asked.path == f"/library/sections/{key}/all"]
        assert asked.query == {"type": "10"}
        begin, size = (int(asked.headers[f"X-Plex-Container-{name}"]) for name in ("Start", "Size"))
        page = sections[key][begin : begin + size]
        container = {"size": len(page), "totalSize": len(sections[key]), "offset": begin}
        return {"MediaContainer": container | ({"Metadata": page} if page else {})}

    return answer


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jellyfin", "lyrion", "plex", "subsonic"):
        monkeypatch.setattr(f"songspace.server.linking.{name}.PAGE", 4)


def items_of(server: Server, reporter: Reporter | None = None) -> dict[str, Item]:
    return {item.id: item for item in server.items(reporter or Reporter())}


def linked(home: Home, server: Server) -> dict[str, tuple[int, str | None]]:
    return {one.item: (one.song, one.artist) for one in Library(home.folder).catalog.links()[server.url]}


# Each kind: all pages, ids, paths, names and durations.


def in_jellyfin(number: int, song: Song) -> dict[str, Any]:
    return {
        "Id": f"{number:032x}",
        "Name": song.title,
        "Type": "Audio",
        "Path": song.path,
        "Album": song.album,
        "AlbumArtist": song.artist,
        "Artists": [song.artist],
        "ArtistItems": [{"Name": song.artist, "Id": f"artist of {song.artist}"}],
        "RunTimeTicks": round(song.duration * 10**7),
        "ProviderIds": {},
    }


@pytest.mark.parametrize(("make", "answer"), [(Jellyfin, jellyfin), (Emby, emby)])
def test_jellyfin_and_emby(home: Home, make: type[Jellyfin], answer: Callable[[list[Any]], Answer]) -> None:
    songs = Library(home.folder).songs()
    told = [in_jellyfin(number, song) for number, song in enumerate(songs)]
    told[2]["Path"] = None  # by its names and duration
    told[3] |= {"Path": f"/srv/x/{Path(songs[3].path).parent.name}/{Path(songs[3].path).name}", "ArtistItems": []}
    told.append({"Id": "f" * 32, "Name": "A stranger", "Artists": ["Nobody"], "ProviderIds": None})
    with serving(answer(told)) as url:
        done = link(home, make(url, f"{KEY}\n"))
        assert linked(home, make(url, KEY)) == {
            one["Id"]: (song.id, None if number == 3 else f"artist of {song.artist}")
            for number, (one, song) in enumerate(zip(told, songs, strict=False))
        }
    assert (done.server, done.items, done.matched, done.linked) == (url, 19, 18, 18)
    assert done.unmatched == ["Nobody - A stranger"]


def test_a_recording_and_not_a_track_of_musicbrainz(home: Home) -> None:
    providers = {"MusicBrainzTrack": MBID.replace("0", "1"), "MusicBrainzRecording": MBID.upper()}
    with serving(
        jellyfin([{"Id": "1", "ProviderIds": providers}, {"Id": "2", "ProviderIds": {"MusicBrainzTrack": MBID}}])
    ) as url:
        found = items_of(Jellyfin(url, KEY))
    assert (found["1"].entry.recording_mbid, found["2"].entry.recording_mbid) == (MBID, None)


@pytest.mark.parametrize("user", [None, "ann"])
def test_lyrion(home: Home, user: str | None) -> None:
    songs = Library(home.folder).songs()
    told: list[dict[str, Any]] = [
        {
            "id": number + 1,
            "title": song.title,
            "artist": song.artist,
            "artist_id": str(100 + number),
            "album": song.album,
            "duration": f"{song.duration:.3f}",
            "url": Path(song.path).as_uri(),
        }
        for number, song in enumerate(songs)
    ]
    told[1]["url"] = f"{told[1]['url']}#0.5-8.25"  # a part of a file with a cue sheet
    told[2] |= {"id": -5, "url": "spotify:track:5", "title": "From afar"}  # of a service
    del told[3]["artist_id"]
    with serving(lyrion(told, user=user)) as url:
        server = Lyrion(url) if user is None else Lyrion(url, user, SECRET)
        done = link(home, server)
        found = linked(home, server)
    assert (done.items, done.matched, done.unmatched) == (17, 17, [])
    assert found == {
        str(number + 1): (song.id, None if number == 3 else str(100 + number))
        for number, song in enumerate(songs)
        if number != 2
    }


def test_a_path_of_lyrion_under_windows() -> None:
    told = {"id": 1, "url": "file:///C:/Music/Ann/Blue%20Moon%231.mp3"}
    with serving(lyrion([told])) as url:
        assert items_of(Lyrion(url))["1"].entry.path == "C:/Music/Ann/Blue Moon#1.mp3"


def test_plex(home: Home) -> None:
    songs = Library(home.folder).songs()
    told = [
        {
            "ratingKey": str(1000 + number),
            "type": "track",
            "title": song.title,
            "grandparentTitle": "Various Artists" if number == 2 else song.artist,
            "grandparentRatingKey": f"{number}",
            "originalTitle": song.artist if number == 2 else None,
            "parentTitle": song.album,
            "duration": round(song.duration * 1000),
            "Media": [{"Part": [{"file": song.path, "key": "/library/parts/1"}]}],
        }
        for number, song in enumerate(songs)
    ]
    told[2]["Media"] = []  # by its names and duration
    with serving(plex({"3": told[:7], "4": told[7:], "5": []})) as url:
        done = link(home, Plex(url, KEY))
        found = linked(home, Plex(url, KEY))
    assert (done.items, done.matched, done.unmatched) == (18, 18, [])
    assert found == {str(1000 + number): (song.id, str(number)) for number, song in enumerate(songs)}


# Subsonic's password.


class Digests:
    """A Subsonic server that keeps digests of passwords: it takes the password, and no digest with a salt."""

    def __init__(self, code: int, *, password: str = SECRET) -> None:
        self.code, self.password = code, password
        self.asked: list[dict[str, str]] = []

    def __call__(self, asked: Asked) -> Any:
        self.asked.append({"call": asked.path, **asked.query})
        given = asked.query
        if "p" not in given:
            said = {"status": "failed", "error": {"code": self.code, "message": "Missing parameter 'p'"}}
        elif bytes.fromhex(given["p"].removeprefix("enc:")).decode() != self.password:
            said = {
                "status": "failed",
                "error": {"code": 40, "message": f"Not {SECRET} ({given['p']})\n\x1b[1m" + 999 * "!"},
            }
        elif asked.path == "/rest/search3.view" and given["songOffset"] == "0":
            said = {"status": "ok", "searchResult3": {"song": [{"id": "1", "title": "One"}]}}
        else:
            said = {"status": "ok"}
        return {"subsonic-response": said}


@pytest.mark.parametrize("code", [10, 41])
def test_a_server_that_takes_no_digest_is_sent_the_password(code: int) -> None:
    server, told = Digests(code), Remarks()
    with serving(server) as url:
        assert [*items_of(Subsonic(url, "ann", SECRET), told)] == ["1"]
    first, *others = server.asked
    assert "p" not in first and User("ann", SECRET).has_digest("ann", first["t"], first["s"])
    assert others[0]["call"] == first["call"] and len(others) > 1  # the same call once more, then the others
    assert all(one["p"] == f"enc:{SECRET.encode().hex()}" and not {"t", "s"} & one.keys() for one in others)
    assert len(told.sentences) == 1 and "password itself" in told.sentences[0] and SECRET not in told.sentences[0]


def test_others_may_read_a_password_that_goes_over_http() -> None:
    for url, read in (("http://music.example", True), ("https://music.example", False), ("http://localhost", False)):
        assert ("may read" in Subsonic(url, "ann", SECRET)._seen()) is read


@pytest.mark.parametrize("code", [0, 20, 40, 50, 60, 70])
def test_for_other_reasons_no_password_is_sent(code: int) -> None:
    server = Digests(code)
    with serving(server) as url, pytest.raises(SongspaceError, match="refuses"):
        items_of(Subsonic(url, "ann", SECRET))
    assert len(server.asked) == 1 and "p" not in server.asked[0]


def test_a_wrong_password_is_sent_once_and_told_nowhere() -> None:
    server = Digests(41, password="another")
    with serving(server) as url, pytest.raises(SongspaceError, match="refuses") as told:
        items_of(Subsonic(url, "ann", SECRET))
    assert [("p" in one) for one in server.asked] == [False, True]
    assert SECRET not in str(told.value) and SECRET.encode().hex() not in str(told.value)
    assert str(told.value).isprintable() and len(str(told.value)) < 300


def test_a_server_that_took_a_digest_is_never_sent_the_password() -> None:
    asked: list[Asked] = []

    def answer(one: Asked) -> Any:
        asked.append(one)
        ok = {"status": "ok"}
        return {"subsonic-response": ok if len(asked) == 1 else {"status": "failed", "error": {"code": 10}}}

    with serving(answer) as url, pytest.raises(SongspaceError, match="no reason"):
        items_of(Subsonic(url, "ann", SECRET))
    assert len(asked) > 1 and not any("p" in one.query for one in asked)


# Bad servers of every kind.

MAKE: dict[str, Callable[[str], Server]] = {
    "Subsonic": lambda url: Subsonic(url, "ann", SECRET),
    "Jellyfin": lambda url: Jellyfin(url, KEY),
    "Emby": lambda url: Emby(url, KEY),
    "Lyrion": lambda url: Lyrion(url, "ann", SECRET),
    "Plex": lambda url: Plex(url, KEY),
}
every_kind = pytest.mark.parametrize("kind", MAKE)


def hidden(error: BaseException) -> bool:
    """Whether nothing secret is in an error, nor in those behind it."""
    text = repr(error) + repr(error.__cause__)
    forms = (SECRET, SECRET.encode().hex(), KEY, base64.b64encode(f"ann:{SECRET}".encode()).decode())
    return not any(form in text for form in forms)


@every_kind
@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key(kind: str, status: int) -> None:
    with serving(lambda asked: Reply(b"", status)) as url, pytest.raises(SongspaceError) as told:
        items_of(MAKE[kind](url))
    assert f"refuses the name, password or key ({status})" in str(told.value) and hidden(told.value)


@every_kind
def test_another_host_is_not_asked(kind: str) -> None:
    elsewhere: list[Asked] = []

    def other(asked: Asked) -> Any:
        elsewhere.append(asked)
        return {}

    with serving(other) as there:
        for target in (there, there.replace("127.0.0.1", "localhost"), "ftp://127.0.0.1/x", "//evil.example/x"):
            for status in (301, 302, 303, 307, 308):
                reply = Reply(b"", status, {"Location": target})
                with serving(lambda asked, reply=reply: reply) as url, pytest.raises(SongspaceError) as told:
                    items_of(MAKE[kind](url))
                assert "\n" not in str(told.value) and hidden(told.value)
    assert elsewhere == []


def test_a_password_is_sent_on_to_nobody() -> None:
    elsewhere: list[Asked] = []
    digests = Digests(41)

    def other(asked: Asked) -> Any:
        elsewhere.append(asked)
        return {"subsonic-response": {"status": "ok"}}

    with serving(other) as there:

        def answer(asked: Asked) -> Any:
            if "p" in asked.query:
                return Reply(b"", 302, {"Location": f"{there}{asked.path}?p={asked.query['p']}"})
            return digests(asked)

        with serving(answer) as url, pytest.raises(SongspaceError, match="sends requests on to") as told:
            items_of(Subsonic(url, "ann", SECRET))
    assert elsewhere == [] and hidden(told.value)


@pytest.mark.parametrize(
    ("old", "new", "followed"),
    [
        ("http://host/a", "http://host/b", True),
        ("http://host/a", "https://host/a", True),
        ("http://host:8096/a", "https://host:8920/a", True),
        ("https://host/a", "http://host/a", False),
        ("http://host/a", "http://host:81/a", False),
        ("http://host/a", "http://host.example/a", False),
        ("http://host/a", "https://elsewhere/a", False),
    ],
)
def test_only_to_https_may_a_host_change_its_port(old: str, new: str, followed: bool) -> None:
    request = common.Request(old, headers={"X-Emby-Token": KEY})
    with nullcontext() if followed else pytest.raises(HTTPError):
        made = common._SameHost().redirect_request(request, BytesIO(), 302, "Found", HTTPMessage(), new)
        assert made is not None and made.full_url == new


def test_a_server_may_send_on_to_another_of_its_paths() -> None:
    inner = jellyfin([{"Id": "1", "Name": "One"}], path="/jellyfin/Items")

    def answer(asked: Asked) -> Any:
        if asked.path == "/Items":
            query = "&".join(f"{name}={value}" for name, value in asked.query.items())
            return Reply(b"", 302, {"Location": f"/jellyfin/Items?{query}"})
        return inner(asked)

    with serving(answer) as url:
        assert [*items_of(Jellyfin(url, KEY))] == ["1"]


@every_kind
def test_a_circle_of_redirections(kind: str) -> None:
    with serving(lambda asked: Reply(b"", 302, {"Location": asked.path})) as url, pytest.raises(SongspaceError) as told:
        items_of(MAKE[kind](url))
    assert "answers with 302" in str(told.value) and hidden(told.value)


STRANGE: list[Any] = [
    *(b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"Items": [', b"null", b"5", b"[]", b"{}", b'"text"'),
    {"subsonic-response": 5, "MediaContainer": [], "result": "x", "Items": {}},
    {"subsonic-response": [], "MediaContainer": None, "result": [1], "Items": "x"},
    Reply(b"{}", 200, length=5000),
    Reply(b"{}", 500),
    Reply(b"{}", 999),
]


@every_kind
@pytest.mark.parametrize("said", STRANGE, ids=lambda said: repr(said)[:30])
def test_answers_of_something_else(kind: str, said: Any) -> None:
    with serving(lambda asked: said) as url, pytest.raises(SongspaceError) as told:
        items_of(MAKE[kind](url))
    assert url in str(told.value) and "\n" not in str(told.value) and hidden(told.value)


ODD: list[Any] = [None, 5, -1.5, 10**400, [], {}, True, "", "\0", "\ud800", "x" * 2000, [None], {"a": 1}, float("nan")]


def everything(value: Any) -> dict[str, Any]:
    """A song of any kind with an odd value in all places but its id."""
    names = (
        "title",
        "artist",
        "album",
        "duration",
        "path",
        "musicBrainzId",
        "artistId",
        "url",
        "artist_id",
        "Name",
        "Path",
    )
    more = (
        "Artists",
        "ArtistItems",
        "AlbumArtist",
        "Album",
        "ProviderIds",
        "RunTimeTicks",
        "Media",
        "grandparentTitle",
    )
    return dict.fromkeys((*names, *more, "grandparentRatingKey", "originalTitle", "parentTitle"), value)


def page(songs: list[Any], asked: Asked) -> Any:
    """The same page for all kinds, again and again."""
    if asked.path == "/library/sections":
        return {"MediaContainer": {"Directory": [5, {"type": "artist"}, {"type": "artist", "key": "../../x?y=z#"}]}}
    return {
        "subsonic-response": {"status": "ok", "searchResult3": {"song": songs}},
        "Items": songs,
        "result": {"count": "many", "titles_loop": songs},
        "MediaContainer": {"Metadata": songs},
    }


@every_kind
def test_songs_that_are_odd(kind: str, home: Home) -> None:
    ids = ("id", "Id", "ratingKey")
    songs: list[Any] = [everything(value) | dict.fromkeys(ids, f"odd {n}") for n, value in enumerate(ODD)]
    songs += [dict.fromkeys(ids, value) for value in ODD if value not in (5,)]
    real = Library(home.folder).songs()[3]
    file = {"path": real.path, "Path": real.path, "url": Path(real.path).as_uri()}
    songs += [*ODD, {**file, "Media": [{"Part": [{"file": real.path}]}], **dict.fromkeys(ids, "real")}]
    seen: list[str] = []

    def answer(asked: Asked) -> Any:
        seen.append(asked.path)
        return page(songs, asked)

    with serving(answer) as url:
        done = link(home, MAKE[kind](url))
        found = linked(home, MAKE[kind](url))
    assert found == {"real": (real.id, None)}
    assert done.items == len(ODD) + (0 if kind == "Lyrion" else 1)  # which takes "xxx…" for an address of a service
    assert all(".." not in path.split("/") for path in seen) and len(seen) < 6  # it gives the same page for ever


@every_kind
def test_a_server_that_counts_without_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "MOST", 50)
    number = iter(range(10**6))

    def answer(asked: Asked) -> Any:
        return page([dict.fromkeys(("id", "Id", "ratingKey"), f"{next(number)}") for _ in range(10)], asked)

    with serving(answer) as url, pytest.raises(SongspaceError, match="more than 50 songs"):
        items_of(MAKE[kind](url))


@pytest.mark.parametrize("make", [Jellyfin, Emby, Plex])
def test_what_is_no_key(make: type[Jellyfin] | type[Plex]) -> None:
    for wrong in ("", "two words", "line\nbreak", 'quo"te', "ключ", "\0"):
        with pytest.raises(SongspaceError, match="no API key") as told:
            make("http://localhost", wrong)
        assert not wrong or wrong not in str(told.value)
    for address in ("", "file:///etc/passwd", "http://host/a b", "http://ho\nst/", "http://host/ä"):
        with pytest.raises(SongspaceError, match="no address"):
            make(address, KEY)
    assert make("http://Müsik.example:5/x/", KEY).url == "http://xn--msik-0ra.example:5/x"
    assert KEY not in repr(make("localhost:1", KEY))
    assert SECRET not in repr(Lyrion("localhost:1", "ann", SECRET))


def test_a_password_of_any_letters_reaches_lyrion() -> None:
    with serving(lyrion([{"id": 1}], user="änn")) as url:
        assert [*items_of(Lyrion(url, "änn", SECRET))] == ["1"]
