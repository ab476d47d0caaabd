"""Stars, ratings, plays and what plays now, as players tell and ask of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from songspace.library import Home, Song
from songspace.library.likes import Event, EventKind, Likes, Thing
from songspace.library.tags import Tags
from songspace.server.app import create_app
from songspace.server.heard import Heard
from songspace.server.user import User

OWN = {"u": "ann", "p": "open sesame", "v": "1.16.1", "c": "tests", "f": "json"}


class Room:
    """A server with a clock that a test turns, and its player."""

    def __init__(self, home: Home, clients: Callable[..., TestClient], **more: Any) -> None:
        User("ann", "open sesame").save(home.user)
        app = create_app(home, **more)
        self.client, self.now, self.likes = clients(app), 1e9, Likes(home.likes)
        app.app.state.service.heard = Heard(lambda: self.now)

    def ask(self, call: str, **parameters: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.client.post(f"/rest/{call}", data=OWN | parameters).json()["subsonic-response"]
        return told

    def done(self, call: str, **parameters: Any) -> None:
        assert self.ask(call, **parameters)["status"] == "ok", (call, parameters)

    def error(self, call: str, **parameters: Any) -> int:
        return int(self.ask(call, **parameters)["error"]["code"])

    def albums(self, kind: str, **more: Any) -> list[str]:
        told = self.ask("getAlbumList2", type=kind, **more)["albumList2"]["album"]
        assert [one["id"] for one in self.ask("getAlbumList", type=kind, **more)["albumList"]["album"]] == [
            one["id"] for one in told
        ]
        return [album["id"] for album in told]

    def song(self, id: object) -> dict[str, Any]:
        told: dict[str, Any] = self.ask("getSong", id=id)["song"]
        return told


@pytest.fixture
def room(learnt_home: Path, tmp_path: Path, clients: Callable[..., TestClient]) -> Room:
    return Room(Home(Path(shutil.copytree(learnt_home, tmp_path / "home"))), clients)


def test_stars_of_songs_albums_and_artists(room: Room, songs: list[Song]) -> None:
    first, second = room.song(songs[0].id), room.song(songs[9].id)
    assert room.ask("getStarred2")["starred2"] == {"artist": [], "album": [], "song": []}
    room.done("star", id=[first["id"], second["id"]], albumId=first["albumId"], artistId=second["artistId"])
    room.done("star", id=second["albumId"])  # players that browse by folders name everything by id
    told = room.ask("getStarred2")["starred2"]
    assert {song["id"] for song in told["song"]} == {first["id"], second["id"]}
    assert [album["id"] for album in told["album"]] == [second["albumId"], first["albumId"]]  # the latest first
    assert [artist["id"] for artist in told["artist"]] == [second["artistId"]]
    for thing in (*told["song"], *told["album"], *told["artist"]):
        assert thing["starred"][:2] == "20" and thing["starred"].endswith("Z")
    older = room.ask("getStarred")["starred"]
    assert (older["song"], older["artist"]) == (told["song"], told["artist"])
    assert [album["isDir"] for album in older["album"]] == [True, True]
    assert room.albums("starred") == [second["albumId"], first["albumId"]]
    assert room.ask("getStarred2", musicFolderId=1)["starred2"] == told
    assert "starred" in room.ask("getArtist", id=second["artistId"])["artist"]
    assert "starred" in room.ask("getAlbum", id=first["albumId"])["album"]
    room.done("unstar", id=[second["id"], second["albumId"], second["artistId"]])
    left = room.ask("getStarred2")["starred2"]
    assert [song["id"] for song in left["song"]] == [first["id"]] and left["artist"] == []
    assert [album["id"] for album in left["album"]] == [first["albumId"]]
    assert "starred" not in room.song(second["id"])
    assert room.error("star", id=[first["id"], "999"]) == 70 and room.error("star", albumId="al-0") == 70
    assert {event.player for event in room.likes.events()} == {"tests"}


def test_ratings(room: Room, songs: list[Song]) -> None:
    song = room.song(songs[0].id)
    other = room.song(songs[9].id)["albumId"]
    for id, rating in ((song["id"], 4), (song["albumId"], 2), (other, 5), (song["artistId"], 3)):
        room.done("setRating", id=id, rating=rating)
    assert room.song(song["id"])["userRating"] == 4
    assert room.albums("highest") == [other, song["albumId"]]
    assert room.ask("getArtist", id=song["artistId"])["artist"]["userRating"] == 3
    for id in (song["id"], other):
        room.done("setRating", id=id, rating=0)
    assert "userRating" not in room.song(song["id"]) and room.albums("highest") == [song["albumId"]]
    for wrong in ("6", "-1", "x", "4.5"):
        assert room.error("setRating", id=song["id"], rating=wrong) == 0


def test_what_was_played_is_counted_and_listed(room: Room, songs: list[Song]) -> None:
    first, second = room.song(songs[0].id), room.song(songs[9].id)
    assert first["albumId"] != second["albumId"]
    hour = 3600 * 1000
    times = [(800_000 * 1000 + number) * 1000 for number in (0, 10_000, 20_000)]
    room.done("scrobble", id=[first["id"], first["id"], "999", second["id"]], time=[*times[:2], 1, times[2] + hour])
    told = room.song(first["id"])
    assert (told["playCount"], told["played"]) == (2, "1995-05-09T09:00:00Z")
    assert room.albums("frequent") == [first["albumId"], second["albumId"]]
    assert room.albums("recent") == [second["albumId"], first["albumId"]]
    assert room.albums("frequent", size=1, offset=1) == [second["albumId"]]
    assert room.ask("getAlbum", id=first["albumId"])["album"]["playCount"] == 2
    room.done("scrobble", id=[first["id"], second["id"]], time=[times[0], times[2] + hour])  # once more, the same
    assert room.song(first["id"])["playCount"] == 2 and room.song(second["id"])["playCount"] == 1
    assert room.error("scrobble", id="999") == 70
    kept = [(event.kind, event.time) for event in room.likes.events()]
    assert kept == [(EventKind.play, t / 1000) for t in (*times[:2], times[2] + hour)]


def test_what_plays_now_and_what_is_skipped(room: Room, songs: list[Song]) -> None:
    assert room.ask("getNowPlaying")["nowPlaying"] == {"entry": []}
    room.done("scrobble", id=songs[0].id, submission="false")
    room.now += 1
    room.done("scrobble", id=songs[4].id, submission="false", c="desk")
    [second, first] = room.ask("getNowPlaying")["nowPlaying"]["entry"]
    assert (first["id"], first["username"], first["playerName"]) == (str(songs[0].id), "ann", "tests")
    assert (first["minutesAgo"], second["playerName"]) == (0, "desk") and first["playerId"] != second["playerId"]
    room.now += 2  # of 8 seconds
    room.done("scrobble", id=songs[1].id, submission="false")
    room.now += 6
    room.done("scrobble", id=songs[1].id, submission="true")
    room.done("scrobble", id=songs[1].id)
    kept = [(event.kind.value, event.key, event.player) for event in room.likes.events()]
    assert kept == [
        ("skip", songs[0].identity.hex(), "tests"),
        ("play", songs[1].identity.hex(), "tests"),
    ]


def test_reports_of_a_player(room: Room, songs: list[Song]) -> None:
    def report(state: str, seconds: float, **more: Any) -> None:
        told = {"mediaId": songs[2].id, "mediaType": "song", "positionMs": round(1000 * seconds), "state": state}
        room.done("reportPlayback", **told | more)

    report("starting", 0)
    report("playing", 0)
    room.now += 3
    report("paused", 3)
    [entry] = room.ask("getNowPlaying")["nowPlaying"]["entry"]
    assert (entry["state"], entry["positionMs"], entry["playbackRate"]) == ("paused", 3000, 1.0)
    report("playing", 3, playbackRate="1.0")
    room.now += 2
    assert room.ask("getNowPlaying")["nowPlaying"]["entry"][0]["positionMs"] == 5000
    report("playing", 5)
    report("stopped", 8)
    room.done("scrobble", id=songs[2].id)  # the same play
    assert room.song(songs[2].id)["playCount"] == 1
    assert room.ask("getNowPlaying")["nowPlaying"] == {"entry": []}
    good = {"mediaId": songs[2].id, "mediaType": "song", "positionMs": 0, "state": "playing"}
    for wrong, code in (
        ({"state": "dancing"}, 0),
        ({"playbackRate": "fast"}, 0),
        ({"positionMs": "x"}, 0),
        ({"mediaType": "podcast"}, 70),
        ({"mediaId": "999"}, 70),
    ):
        assert room.error("reportPlayback", **good | wrong) == code, wrong
    for name in good:
        assert room.error("reportPlayback", **{key: value for key, value in good.items() if key != name}) == 10


def test_a_server_without_a_history_shows_what_plays_and_keeps_nothing(
    learnt_home: Path, tmp_path: Path, clients: Callable[..., TestClient], songs: list[Song]
) -> None:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    room = Room(home, clients, keeps_history=False)
    assert room.error("star", id=songs[0].id) == room.error("setRating", id=songs[0].id, rating=3) == 50
    room.done("scrobble", id=songs[0].id, submission="false")
    assert len(room.ask("getNowPlaying")["nowPlaying"]["entry"]) == 1
    room.done("scrobble", id=songs[0].id)
    assert not home.likes.exists() and room.ask("getUser")["user"]["scrobblingEnabled"] is False


def test_a_play_that_cannot_be_written_is_written_when_it_can(room: Room, songs: list[Song]) -> None:
    """A full disk, for one: the player tells again, and no play is lost or counted twice."""
    room.likes.path.mkdir()
    assert room.error("scrobble", id=songs[0].id, time=10**11) == 0
    assert room.error("scrobble", id=songs[0].id, time=10**11) == 0
    assert room.error("scrobble", id=songs[1].id, time=10**11 + 10**6) == 0
    room.likes.path.rmdir()
    room.done("scrobble", id=songs[0].id, time=10**11)
    room.done("scrobble", id=songs[0].id, time=10**11)
    played = [(event.key, event.time) for event in room.likes.events()]
    assert played == [(songs[0].identity.hex(), 1e8), (songs[1].identity.hex(), 1e8 + 1e3)]


def test_an_album_that_is_named_anew_keeps_its_star(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    tags = [Tags(title=f"{n}", artist="Ann", albumartist="Ann", album="Blue" if n < 3 else "Red") for n in range(6)]
    room = Room(Home(made_up(tmp_path / "old", tags)), clients)
    blue, red = room.albums("alphabeticalByName")
    artist = room.song(room.ask("getAlbum", id=blue)["album"]["song"][0]["id"])["artistId"]
    room.done("star", albumId=[blue, red], artistId=artist)
    renamed = [Tags(title=tag.title, artist="Anna", albumartist="Anna", album=f"{tag.album} 2") for tag in tags[:4]]
    home = Home(made_up(tmp_path / "new", renamed))
    shutil.copy(tmp_path / "old" / "likes.sqlite", home.likes)
    later = Room(home, clients)
    told = later.ask("getStarred2")["starred2"]
    assert {album["name"] for album in told["album"]} == {"Blue 2", "Red 2"}  # Red has one of its songs here
    assert [one["name"] for one in told["artist"]] == ["Anna"] and told["artist"][0]["id"] != artist
    later.done("unstar", albumId=told["album"][0]["id"])
    assert [album["name"] for album in later.ask("getStarred2")["starred2"]["album"]] == [told["album"][1]["name"]]


def test_an_artist_without_songs_of_their_own_can_be_starred(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> None:
    tags = [Tags(title="1", artist="Ann", albumartist="Bea", album="Hits")]
    room = Room(Home(made_up(tmp_path / "home", tags)), clients)
    [album] = room.ask("getAlbumList2", type="newest")["albumList2"]["album"]
    room.done("star", artistId=album["artistId"])
    assert [one["name"] for one in room.ask("getStarred2")["starred2"]["artist"]] == ["Bea"]


def test_likes_from_elsewhere_are_shown_at_once(room: Room, songs: list[Song]) -> None:
    assert "starred" not in room.song(songs[0].id)
    other = Likes(room.likes.path)
    other.add([Event.of(EventKind.star, songs[0], time.time()), Event.of(EventKind.play, songs[0], 5.0)])
    told = room.song(songs[0].id)
    assert told["playCount"] == 1 and told["played"] == "1970-01-01T00:00:05Z" and "starred" in told
    other.add([Event(EventKind.star, "al-gone", (b"x" * 16,), 6.0, Thing.album)])  # nothing of it is here
    assert room.ask("getStarred2")["starred2"]["album"] == []
