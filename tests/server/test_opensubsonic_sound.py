"""OpenSubsonic: what players need beside the sound of a song: its loudness, cover and lyrics, and places to seek to."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from songspace.audio.transcoding import Frames
from songspace.library import Catalog, Home, schema
from songspace.library.names import plain
from songspace.library.tags import Tags, read_tags
from songspace.server.app import create_app
from songspace.server.snapshot import Snapshots
from songspace.server.streams import Streams
from songspace.server.user import User

OWN = {"u": "ann", "p": "open sesame", "v": "1.16.1", "c": "tests"}


class Player:
    """A player at the server of a home."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, call: str, *, headers: dict[str, str] | None = None, **given: Any) -> Any:
        return self.client.get(f"/rest/{call}", params=OWN | given, headers=headers)

    def ask(self, call: str, **given: Any) -> Any:
        told = self.get(call, f="json", **given).json()["subsonic-response"]
        return told["error"]["code"] if told["status"] == "failed" else told

    def songs(self) -> dict[str, dict[str, Any]]:
        return {song["title"]: song for song in self.ask("search3", query="")["searchResult3"]["song"]}


@pytest.fixture
def player_of(clients: Callable[..., TestClient]) -> Callable[[Path], Player]:
    def make(home: Path) -> Player:
        User("ann", "open sesame").save(Home(home).user)
        return Player(clients(create_app(home, page=home / "no-page")))

    return make


def test_the_loudness_of_songs(
    made_up: Callable[..., Path], player_of: Callable[[Path], Player], tmp_path: Path
) -> None:
    loud = {"track_gain": -6.5, "track_peak": 0.5, "album_gain": 0.0, "album_peak": 1.25}
    player = player_of(made_up(tmp_path, [Tags("all", **loud), Tags("some", track_gain=1.0), Tags("none")]))
    told = {title: song["replayGain"] for title, song in player.songs().items()}
    assert told == {
        "all": {"trackGain": -6.5, "trackPeak": 0.5, "albumGain": 0.0, "albumPeak": 1.25},
        "some": {"trackGain": 1.0},
        "none": {},
    }
    id = player.songs()["all"]["id"]
    assert b'<replayGain trackGain="-6.5" trackPeak="0.5" albumGain="0.0"' in player.get("getSong", id=id).content


# Lyrics


@pytest.fixture
def sung(
    song: Callable[..., Path], made_up: Callable[..., Path], player_of: Callable[[Path], Player], tmp_path: Path
) -> Player:
    """A player at a library of songs with lyrics in tags, beside the file, in both, and nowhere."""
    music = tmp_path / "music"
    paths = []
    for number, (title, tags) in enumerate(
        {
            "Tagged": {"LYRICS": "Oh yes\nOh no"},
            "Beside": {},
            "Both": {"LYRICS": "[00:01.00]One"},
            "Silent": {},
            "Linked": {},
        }.items()
    ):
        paths.append(str(song(music / f"{title}.flac", number, seconds=1.0, artist="Ann", title=title, **tags)))
    (music / "Beside.LRC").write_text("[offset:100]\n[la:en]\n[00:01.00]One\n[00:02.50]Two & three", "utf-8")
    (music / "Both.lrc").write_text("Plain", "utf-8")
    (tmp_path / "secret").write_text("root:x:0:0")
    (music / "Linked.lrc").symlink_to(tmp_path / "secret")
    return player_of(made_up(tmp_path / "home", [read_tags(path) for path in paths], paths, root=str(music)))


def test_lyrics_of_a_song(sung: Player) -> None:
    ids = {title: song["id"] for title, song in sung.songs().items()}

    def told(title: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = sung.ask("getLyricsBySongId", id=ids[title])["lyricsList"]["structuredLyrics"]
        for lyrics in found:
            assert (lyrics.pop("displayArtist"), lyrics.pop("displayTitle")) == ("Ann", title)
        return found

    assert told("Tagged") == [{"lang": "und", "synced": False, "line": [{"value": "Oh yes"}, {"value": "Oh no"}]}]
    timed = [{"start": 1000, "value": "One"}, {"start": 2500, "value": "Two & three"}]
    assert told("Beside") == [{"lang": "en", "synced": True, "offset": 100, "line": timed}]
    assert [lyrics["synced"] for lyrics in told("Both")] == [False, True]
    assert told("Silent") == told("Linked") == []
    assert sung.ask("getLyricsBySongId", id="999") == 70
    xml = sung.get("getLyricsBySongId", id=ids["Beside"]).text
    assert 'lang="en" offset="100" synced="true"><line start="1000">One</line>' in xml and "Two &amp; three" in xml


@pytest.mark.parametrize(
    ("artist", "title", "value"),
    [
        ("Ann", "Tagged", "Oh yes\nOh no"),
        ("ANN", "tagged!", "Oh yes\nOh no"),
        ("", "Beside", "One\nTwo & three"),
        ("Ann", "Both", "Plain"),
        ("Bea", "Tagged", ""),
        ("Ann", "Silent", ""),
        ("Ann", "Nothing", ""),
        ("Ann", "", ""),
        ("", "!", ""),
    ],
)
def test_lyrics_by_name(sung: Player, artist: str, title: str, value: str) -> None:
    told = sung.ask("getLyrics", artist=artist, title=title)["lyrics"]
    assert told["value"] == value
    assert (told.get("artist"), plain(told.get("title", ""))) == (("Ann", plain(title)) if value else (None, ""))


def test_lyrics_of_nothing(sung: Player) -> None:
    assert sung.ask("getLyrics")["lyrics"] == {"value": ""}
    extensions = sung.ask("getOpenSubsonicExtensions")["openSubsonicExtensions"]
    assert {"name": "songLyrics", "versions": [1]} in extensions


# Places to seek to


@pytest.fixture(scope="module")
def tones(audio_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs of twelve seconds in several formats."""
    folder = tmp_path_factory.mktemp("tones")
    for kind in ("wma", "opus", "flac 16", "mp3 constant"):
        audio_files.write(folder / f"{kind}{audio_files.KINDS[kind].suffix}", kind, rate=48_000)
    return Path(folder)


@pytest.fixture
def seeking(
    tones: Path, made_up: Callable[..., Path], player_of: Callable[[Path], Player], tmp_path: Path
) -> tuple[Player, dict[str, str]]:
    """A player, and the ids of these songs, all of 12 s."""
    paths = [str(path) for path in sorted(tones.iterdir())]
    home = made_up(tmp_path / "home", [Tags(Path(path).stem) for path in paths], paths, root=str(tones))
    with Catalog(Home(home).catalog, write=True) as catalog:
        schema.change(catalog._db, "songs", "duration = 12.0")
    player = player_of(home)
    return player, {title: song["id"] for title, song in player.songs().items()}


Seeking = tuple[Player, dict[str, str]]


@pytest.mark.parametrize("title", ["wma", "flac 16", "opus"])
def test_an_mp3_has_its_length_and_any_part(seeking: Seeking, title: str) -> None:
    player, ids = seeking
    asked = {"id": ids[title], "format": "mp3", "maxBitRate": 128}
    whole = player.get("stream", **asked)
    size = Frames(48_000, 128, 12.0).size
    assert (whole.status_code, len(whole.content), whole.headers["content-length"]) == (200, size, str(size))
    assert whole.headers["accept-ranges"] == "bytes" and "etag" not in whole.headers
    head = player.client.head("/rest/stream", params=OWN | asked)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    parts = [
        ("bytes=0-", 0, size),
        ("bytes=100000-100999", 100_000, 1000),
        ("bytes=0-99", 0, 100),
        (f"bytes={size // 2}-", size // 2, size - size // 2),
        ("bytes=-128", size - 128, 128),
        (f"bytes={size - 1}-{2 * size}", size - 1, 1),
    ]
    for header, begin, length in parts if title == "flac 16" else parts[:2]:
        got = player.get("stream", headers={"Range": header}, **asked)
        assert (got.status_code, len(got.content), got.headers["content-length"]) == (206, length, str(length)), header
        assert got.headers["content-range"] == f"bytes {begin}-{begin + length - 1}/{size}"
        if begin == 0:
            assert got.content == whole.content[:length]
    beyond = player.get("stream", headers={"Range": f"bytes={size}-"}, **asked)
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    # There is no version that a part could be of.
    again = player.get("stream", headers={"Range": "bytes=5-9", "If-Range": '"x"'}, **asked)
    assert (again.status_code, again.content) == (200, whole.content)


@pytest.mark.parametrize("estimate", ["true", "false"])
def test_a_length_is_told_exactly_or_not_at_all(seeking: Seeking, estimate: str) -> None:
    player, ids = seeking
    asked = {"id": ids["flac 16"], "estimateContentLength": estimate, "timeOffset": 4.5}
    got = player.get("stream", format="mp3", **asked)
    assert got.headers["content-length"] == str(len(got.content)) == str(Frames(48_000, 192, 7.5).size)
    for format in ("opus", "webm"):
        got = player.get("stream", format=format, headers={"Range": "bytes=5-9"}, **asked)
        assert got.status_code == 200 and "content-length" not in got.headers
        assert got.headers["accept-ranges"] == "none"


@pytest.mark.parametrize(
    ("title", "format", "type"),
    [
        ("opus", None, "audio/ogg"),
        ("opus", "mp3", "audio/mpeg"),
        ("opus", "webm", "audio/webm"),
        ("mp3 constant", None, "audio/mpeg"),
        ("mp3 constant", "opus", "audio/ogg"),
        ("flac 16", None, "audio/mpeg"),
        ("flac 16", "flac", "audio/flac"),
        ("wma", "ogg", "audio/ogg"),
    ],
)
def test_from_some_second_on_it_is_in_the_format_that_was_asked_for(
    seeking: Seeking, audio_files: ModuleType, tmp_path: Path, title: str, format: str | None, type: str
) -> None:
    player, ids = seeking
    got = player.get("stream", id=ids[title], timeOffset=8, **({"format": format} if format else {}))
    assert (got.status_code, got.headers["content-type"]) == (200, type)
    (tmp_path / "sent").write_bytes(got.content)
    samples, rate = audio_files.decode(tmp_path / "sent")
    assert len(samples) / rate == pytest.approx(4.0, abs=0.1)


def test_what_cannot_be_decoded_is_told_as_before(seeking: Seeking) -> None:
    player, ids = seeking
    assert player.ask("stream", id=ids["wma"], timeOffset=12, format="mp3") == 0
    assert player.ask("stream", id=ids["wma"], timeOffset=13, format="opus") == 0


def test_whoever_is_ended_is_told_that_it_is_not_the_whole(
    seeking: Seeking, serving: Callable[[Any], AbstractContextManager[int]]
) -> None:
    """One place, and somebody in it who takes nothing of a long song."""
    player, ids = seeking
    app: Any = player.client.app
    app.app.state.service.streams = Streams(1, patience=0.05)
    with Catalog(app.app.state.service.home.catalog, write=True) as catalog:
        schema.change(catalog._db, "songs", "duration = 3600.0")
    app.app.state.service.snapshots = Snapshots(app.app.state.service.home)
    with serving(app) as port, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        slow.settimeout(60)
        slow.connect(("127.0.0.1", port))
        query = urlencode(OWN | {"id": ids["wma"], "format": "mp3"})
        slow.sendall(f"GET /rest/stream?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        got, waited = slow.recv(4096), time.monotonic() + 60
        [told] = re.findall(rb"content-length: (\d+)", got.lower())
        assert int(told) == Frames(44_100, 192, 3600.0).size or int(told) == Frames(48_000, 192, 3600.0).size
        while (other := player.get("stream", id=ids["flac 16"], format="opus")).status_code == 503:
            assert time.monotonic() < waited
            got += slow.recv(10)
        assert other.status_code == 200
        while piece := slow.recv(2**16):
            got += piece
        assert len(got) < int(told)
