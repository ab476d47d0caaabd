"""OpenSubsonic: what players need beside the sound of a song: its loudness, cover and lyrics, and places to seek to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace.library import Home
from songspace.library.names import plain
from songspace.library.tags import Tags, read_tags
from songspace.server.app import create_app
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
