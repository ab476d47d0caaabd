"""OpenSubsonic: what players need beside the sound of a song: its loudness, cover and lyrics, and places to seek to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace.library import Home
from songspace.library.tags import Tags
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
