"""The queue of songs to play and bookmarks: through the protocol of players, through the API, and in their files."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from songspace.errors import SongspaceError
from songspace.library import Home, Song
from songspace.server.app import create_app
from songspace.server.problems import UnknownError
from songspace.server.queue import LATEST, LONGEST_QUEUE, Queue, Queues
from songspace.server.user import User

OWN = {"u": "ann", "p": "open sesame", "v": "1.16.1", "c": "tests", "f": "json"}

SONGS = [Song(number, f"/m/{number}.mp3", 100.0, identity=bytes([number]) * 16) for number in range(1, 7)]
KNOWN = {song.identity: song for song in SONGS}


@pytest.fixture
def queue_home(learnt_home: Path, tmp_path: Path) -> Home:
    home = Home(Path(shutil.copytree(learnt_home, tmp_path / "home")))
    User("ann", "open sesame").save(home.user)
    return home


@pytest.fixture
def player(queue_home: Home, clients: Callable[..., TestClient]) -> TestClient:
    return clients(create_app(queue_home), **{"X-Songspace": "1"})


def ask(player: TestClient, call: str, **parameters: Any) -> dict[str, Any]:
    told: dict[str, Any] = player.post(f"/rest/{call}", data=OWN | parameters).json()["subsonic-response"]
    return told


def test_a_queue_is_taken_from_one_player_to_another(player: TestClient, songs: list[Song]) -> None:
    empty = ask(player, "getPlayQueue")["playQueue"]
    assert (empty["entry"], empty["username"], empty["changedBy"]) == ([], "ann", "") and "current" not in empty
    ids = [str(songs[place].id) for place in (3, 1, 3, 9)]
    assert ask(player, "savePlayQueue", id=ids, current=ids[1], position=61_500, c="phone")["status"] == "ok"
    told = ask(player, "getPlayQueue")["playQueue"]
    assert [entry["id"] for entry in told["entry"]] == ids
    assert (told["current"], told["position"], told["changedBy"]) == (ids[1], 61_500, "phone")
    by_index = ask(player, "getPlayQueueByIndex")["playQueueByIndex"]
    assert by_index["currentIndex"] == 1 and "current" not in by_index
    assert {k: v for k, v in told.items() if k != "current"} == {
        k: v for k, v in by_index.items() if k != "currentIndex"
    }
    # By its place, the second of two equal songs can be the current one.
    assert ask(player, "savePlayQueueByIndex", id=ids, currentIndex=2, position=5)["status"] == "ok"
    assert ask(player, "getPlayQueueByIndex")["playQueueByIndex"]["currentIndex"] == 2
    assert ask(player, "getPlayQueue")["playQueue"]["current"] == ids[2]
    api = player.get("/api/v1/queue").json()
    assert api["songs"] == [int(id) for id in ids] and (api["current"], api["position"]) == (2, 0.005)
    assert ask(player, "savePlayQueue")["status"] == "ok"
    assert ask(player, "getPlayQueue")["playQueue"]["entry"] == []
    put = player.put("/api/v1/queue", json={"songs": api["songs"], "current": 3, "position": 1.5, "player": "page"})
    assert put.json() == player.get("/api/v1/queue").json() and put.json()["by"] == "page"
    assert ask(player, "getPlayQueue")["playQueue"]["position"] == 1500
    assert player.put("/api/v1/queue", json={}).json()["songs"] == []


def test_what_no_queue_can_be(player: TestClient, songs: list[Song]) -> None:
    id = str(songs[0].id)
    ask(player, "savePlayQueue", id=[id, "999"], current="999", position=7)  # one is gone: the next one, if any
    told = ask(player, "getPlayQueue")["playQueue"]
    assert [entry["id"] for entry in told["entry"]] == [id] and "current" not in told
    ask(player, "savePlayQueueByIndex", id=["999", id], currentIndex=1, position=7)
    assert ask(player, "getPlayQueueByIndex")["playQueueByIndex"]["currentIndex"] == 0
    ask(player, "savePlayQueue", id=id, current="5555", position=7)
    assert ask(player, "getPlayQueue")["playQueue"]["current"] == id
    for wrong, code in (
        ({"id": "999"}, 70),
        ({"id": id, "position": "x"}, 0),
        ({"id": [id] * (LONGEST_QUEUE + 1)}, 0),
    ):
        assert ask(player, "savePlayQueue", **wrong)["error"]["code"] == code, wrong
    for place, code in (("1", 10), ("-1", 10), ("", 0)):
        assert ask(player, "savePlayQueueByIndex", id=id, currentIndex=place)["error"]["code"] == code
    assert ask(player, "savePlayQueueByIndex", id=id)["error"]["code"] == 10
    assert ask(player, "getPlayQueueByIndex")["playQueueByIndex"]["position"] == 7  # and the last good one stays
    for body in ({"songs": [999]}, {"songs": [int(id)], "current": 1}, {"position": -1}, {"songs": [0]}):
        assert player.put("/api/v1/queue", json=body).status_code in (400, 404, 422), body


def test_bookmarks_are_set_changed_and_deleted(player: TestClient, songs: list[Song]) -> None:
    ids = [str(song.id) for song in songs[:3]]
    assert ask(player, "getBookmarks")["bookmarks"] == {"bookmark": []}
    for place, id in enumerate(ids):
        assert ask(player, "createBookmark", id=id, position=1000 * place, comment=f"<{place}>")["status"] == "ok"
    ask(player, "createBookmark", id=ids[0], position=42)
    told = ask(player, "getBookmarks")["bookmarks"]["bookmark"]
    assert [(one["entry"]["id"], one["position"], one["comment"]) for one in told] == [
        (ids[0], 42, ""),
        (ids[1], 1000, "<1>"),
        (ids[2], 2000, "<2>"),
    ]
    for one in told:
        assert one["username"] == "ann" and one["created"] <= one["changed"]
        assert one["entry"]["bookmarkPosition"] == one["position"]
    assert ask(player, "deleteBookmark", id=ids[1])["status"] == "ok"
    assert ask(player, "deleteBookmark", id=ids[1])["error"]["code"] == 70
    assert [one["entry"]["id"] for one in ask(player, "getBookmarks")["bookmarks"]["bookmark"]] == [ids[0], ids[2]]
    assert ask(player, "createBookmark", id=ids[1])["error"]["code"] == 10
    assert ask(player, "createBookmark", id="999", position=1)["error"]["code"] == 70


def test_without_a_history_all_is_accepted_and_nothing_is_written(
    queue_home: Home, clients: Callable[..., TestClient], songs: list[Song]
) -> None:
    player = clients(create_app(queue_home, keeps_history=False))
    before = sorted(path.name for path in queue_home.folder.iterdir())
    for call in ("savePlayQueue", "createBookmark"):
        assert ask(player, call, id=songs[0].id, position=5)["status"] == "ok"
    assert ask(player, "getPlayQueue")["playQueue"]["entry"] == []
    assert sorted(path.name for path in queue_home.folder.iterdir()) == before


def test_a_queue_outlives_songs_that_are_away(tmp_path: Path) -> None:
    queues = Queues(tmp_path)
    queues.put(SONGS, 2, 9000, at=5.0, by="phone")
    for gone, left, current, position in (
        (set(), [1, 2, 3, 4, 5, 6], 2, 9000),
        ({1, 6}, [2, 3, 4, 5], 1, 9000),
        ({3}, [1, 2, 4, 5, 6], 2, 0),  # the current one is away: the next one, from its beginning
        ({3, 4, 5, 6}, [1, 2], None, 0),
    ):
        known = {song.identity: song for song in SONGS if song.id not in gone}
        songs, place, at = queues.queue().here(known)
        assert ([song.id for song in songs], place, at) == (left, current, position)
    assert (tmp_path / "queue.json").stat().st_mode & 0o077 == 0


@settings(max_examples=30)
@given(
    places=st.lists(st.integers(0, 5), max_size=8),
    current=st.integers(0, 7),
    position=st.integers(-5, 2 * LATEST),
    by=st.text(max_size=30),
    gone=st.sets(st.integers(0, 5)),
)
def test_what_is_put_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, places: list[int], current: int, position: int, by: str, gone: set[int]
) -> None:
    queues = Queues(tmp_path_factory.mktemp("home"))
    songs = [SONGS[place] for place in places]
    place = current if current < len(songs) else None
    queues.put(songs, place, position, at=1.5, by=by)
    assert queues.queue().here(KNOWN) == (songs, place, 0 if place is None else min(max(position, 0), LATEST))
    known = {song.identity: song for number, song in enumerate(SONGS) if number not in gone}
    left, now, _ = queues.queue().here(known)
    assert left == [song for song in songs if song.identity in known]
    if place is not None and songs[place].identity in known:
        assert now is not None and left[now] is songs[place]


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "{",
        "[]",
        "5",
        '{"songs": 5}',
        '{"songs": ["zz"], "current": 0, "position": 0, "changed": 0, "by": ""}',
        '{"songs": ["00"], "current": 1, "position": 0, "changed": 0, "by": ""}',
        '{"songs": [], "current": null, "position": -1, "changed": 0, "by": ""}',
        '{"songs": [], "current": null, "position": true, "changed": 0, "by": ""}',
        '{"bookmarks": {"a": 1}}',
        '{"bookmarks": [{"song": 5, "position": 0, "comment": "", "created": 0, "changed": 0}]}',
        '{"bookmarks": [{"song": "00", "position": 0, "comment": 7, "created": 0, "changed": 0}]}',
        "[" * 10_000,
    ],
)
def test_a_damaged_queue_is_replaced_by_the_next_one_and_damaged_bookmarks_are_left_alone(
    tmp_path: Path, damaged: str
) -> None:
    queues = Queues(tmp_path)
    for name in ("queue.json", "bookmarks.json"):
        (tmp_path / name).write_text(damaged)
    assert queues.queue() == Queue() and queues.bookmarks() == []
    queues.put(SONGS[:1], 0, 1, at=1.0)
    assert queues.queue().position == 1
    for change in (lambda: queues.mark(SONGS[0], 2, "", at=1.0), lambda: queues.unmark(SONGS[0])):
        with pytest.raises(SongspaceError, match=r"bookmarks.json is damaged: put it aside"):
            change()
    assert (tmp_path / "bookmarks.json").read_text() == damaged


def test_limits(tmp_path: Path) -> None:
    queues = Queues(tmp_path)
    for songs, current in (([], 0), (SONGS, 6), (SONGS, -1), (SONGS * 1000, 0)):
        with pytest.raises(SongspaceError):
            queues.put(songs, current, 0, at=1.0)
    with pytest.raises(UnknownError):
        queues.unmark(SONGS[0])
    queues.mark(SONGS[0], 10**15, "x" * 5000, at=1.0)
    [mark] = queues.bookmarks()
    assert mark.position == LATEST and len(mark.comment) == 1000
    with pytest.raises(SongspaceError, match="cannot be written"):
        Queues(tmp_path / "nowhere").put(SONGS, 0, 0, at=1.0)


def test_two_players_at_once_leave_one_whole_queue_and_all_bookmarks(tmp_path: Path) -> None:
    queues = Queues(tmp_path)

    def play(song: Song) -> None:
        for turn in range(20):
            queues.put([song] * song.id, song.id - 1, turn, at=float(turn), by=str(song.id))
            queues.mark(song, turn, str(turn), at=float(turn))

    threads = [threading.Thread(target=play, args=(song,)) for song in SONGS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = queues.queue()
    assert left.songs == (SONGS[int(left.by) - 1].identity.hex(),) * int(left.by) and left.current == int(left.by) - 1
    assert {mark.song for mark in queues.bookmarks()} == {song.identity.hex() for song in SONGS}
    assert all(mark.position == 19 and mark.created == 0.0 for mark in queues.bookmarks())
    assert json.loads((tmp_path / "queue.json").read_text())["by"] == left.by
