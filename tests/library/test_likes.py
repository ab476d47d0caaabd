"""Likes: what is kept is never lost, and the state is that of the events, in whatever order they were written."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.library.likes import Event, EventKind, History, Likes, Record, Thing
from songspace.library.records import Song

SONGS = [Song(n, f"/{n}.mp3", 60.0, f"Song {n}", "Ann", identity=bytes([n] * 16)) for n in range(1, 5)]

events_of_songs = st.builds(
    lambda kind, song, time, value, player: Event.of(
        kind, song, float(time), value=value if kind is EventKind.rate else None, player=player
    ),
    st.sampled_from(EventKind),
    st.sampled_from(SONGS),
    st.integers(0, 10**6),
    st.integers(0, 5),
    st.sampled_from(["", "phone", "desk"]),
)


def state_of(events: list[Event]) -> dict[bytes, tuple[float | None, int, int, int, float | None]]:
    """The state, told from the events in the order of their times."""
    state: dict[bytes, list] = {}
    for event in sorted(events, key=lambda event: event.time):
        of = state.setdefault(event.songs[0], [None, 0, 0, 0, None])
        if event.kind is EventKind.star:
            of[0] = event.time
        elif event.kind is EventKind.unstar:
            of[0] = None
        elif event.kind is EventKind.rate:
            of[1] = event.value
        elif event.kind is EventKind.play:
            of[2], of[4] = of[2] + 1, event.time
        else:
            of[3] += 1
    return {identity: tuple(of) for identity, of in state.items()}


def facts(record: Record) -> tuple[float | None, int, int, int, float | None]:
    return record.starred, record.rating, record.plays, record.skips, record.played


@given(st.lists(events_of_songs, max_size=30, unique_by=lambda event: event.time), st.randoms(), st.integers(1, 5))
def test_the_state_depends_on_times_and_not_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], rng: random.Random, parts: int
) -> None:
    likes = Likes(tmp_path_factory.mktemp("likes") / "likes.sqlite")
    shuffled = [*events]
    rng.shuffle(shuffled)
    for part in range(parts):  # the state is read in between, and what is new is added to it
        assert likes.add(shuffled[part::parts]) == len(shuffled[part::parts])
        likes.history()
    assert likes.add(events) == 0  # an event that comes twice is one
    for reader in (likes, Likes(likes.path)):
        told = {identity: facts(record) for identity, record in reader.history().songs.items()}
        assert told == state_of(events)
    assert [*likes.events()] == sorted(events, key=lambda event: event.time)


def history(*events: tuple[EventKind, int, int | None]) -> History:
    records: dict[bytes, Record] = {}
    for number, (kind, song, value) in enumerate(events):
        event = Event.of(kind, SONGS[song], float(number), value=value)
        records.setdefault(event.songs[0], Record()).add(event, number)
    return History("", records)


def twice(song: int) -> list[tuple[EventKind, int, None]]:
    return [(EventKind.skip, song, None)] * 2


def test_what_is_liked_and_what_is_not_wanted() -> None:
    known = history(
        (EventKind.star, 0, None), (EventKind.rate, 1, 5), *[(EventKind.play, 2, None)] * 3, (EventKind.rate, 3, 2)
    )  # fmt: skip
    ids = [song.identity for song in SONGS]
    assert known.liked() == {*ids[:3]} and known.disliked() == known.unwanted() == {ids[3]}
    skipped = history(
        *[(EventKind.skip, 0, None)] * 2,
        (EventKind.skip, 1, None),
        (EventKind.star, 2, None),
        *[(EventKind.skip, 2, None)] * 2,
    )
    assert skipped.unwanted() == {ids[0]} and skipped.liked() == {ids[2]}
    often = history(
        *[(EventKind.play, 0, None)] * 3, *[(EventKind.skip, 0, None)] * 2, *[(EventKind.play, 1, None)] * 20
    )
    assert often.liked() == {ids[1]} and often.unwanted() == {ids[0]}  # skipped more often than heard to the end
    assert history((EventKind.star, 0, None), (EventKind.rate, 0, 1)).liked() == set()


def test_albums_and_artists_keep_their_songs(tmp_path: Path) -> None:
    likes = Likes(tmp_path / "likes.sqlite")
    each = tuple(song.identity for song in SONGS[:2])
    album = Event(EventKind.star, "al-1", each, 5.0, Thing.album, "phone", title="Blue", artist="Ann")
    likes.add(
        [
            album,
            Event(EventKind.star, "ar-1", each, 6.0, Thing.artist),
            Event(EventKind.rate, "al-1", each, 7.0, Thing.album, value=4),
        ]
    )
    known = likes.history()
    assert (known.albums["al-1"].starred, known.albums["al-1"].rating, known.albums["al-1"].songs) == (5.0, 4, each)
    assert known.artists["ar-1"].starred == 6.0 and not known.songs and album in [*likes.events()]


def test_the_file_is_private_and_nothing_is_made_by_reading(tmp_path: Path) -> None:
    likes = Likes(tmp_path / "home" / "likes.sqlite")
    assert likes.history() == History() and [*likes.events()] == [] and likes.forget() == 0
    assert likes.add([]) == 0 and not likes.path.parent.exists()
    likes.add([Event.of(EventKind.star, SONGS[0], 1.0)])
    assert os.name == "nt" or stat.S_IMODE(likes.path.stat().st_mode) == 0o600
    assert likes.forget() == 1 and not likes.path.exists() and likes.history() == History()
    likes.add([Event.of(EventKind.star, SONGS[1], 1.0)])
    assert {*likes.history().songs} == {SONGS[1].identity}


def test_other_files_are_refused_in_a_sentence_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "likes.sqlite"
    event = Event.of(EventKind.star, SONGS[0], 1.0)

    def refused(match: str) -> None:
        before = path.read_bytes()
        for act in (Likes(path).history, lambda: Likes(path).add([event]), lambda: [*Likes(path).events()]):
            with pytest.raises(SongspaceError, match=match):
                act()
        assert path.read_bytes() == before

    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    refused("cannot be (read|written): file is not a database")
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (id INTEGER)")
    db.close()
    refused("put it aside")
    path.unlink()
    Likes(path).add([event])
    with sqlite3.connect(path) as db:
        db.execute("CREATE TRIGGER evil AFTER INSERT ON events BEGIN DELETE FROM events; END")
    db.close()
    refused("put it aside")
    path.unlink()
    Likes(path).add([event])
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    refused("newer songspace")
    path.unlink()
    path.touch()  # a process was killed before it wrote the first event
    assert Likes(path).history() == History() and Likes(path).add([event]) == 1


WRITER = """
import sys
from songspace.library.likes import Event, EventKind, Likes
from songspace.library.records import Song
path, player, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
song, likes = Song(1, "/a", 60.0, identity=bytes(16)), Likes(path)
for number in range(count):
    likes.add([Event.of(EventKind.play, song, float(number), player=player)])
    print(number, flush=True)
"""


def writer(path: Path, player: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), player, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_players_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "likes.sqlite"
    writers = [writer(path, player, 60) for player in ("phone", "desk", "tablet")]
    for one in writers:
        one.communicate()
        assert one.returncode == 0
    likes = Likes(path)
    assert likes.history().songs[bytes(16)].plays == 180 and len([*likes.events()]) == 180


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is Unix's")
def test_a_kill_loses_at_most_the_event_in_flight(tmp_path: Path) -> None:
    for lines in (1, 7, 20):
        path = tmp_path / f"{lines}.sqlite"
        with writer(path, "phone", 10**6) as process:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(lines)]
            process.kill()
            said += process.stdout.readlines()
        told = [int(line) for line in said if line.endswith("\n")]
        times = [event.time for event in Likes(path).events()]
        assert times == [float(number) for number in range(len(times))]
        assert len(told) <= len(times) <= len(told) + 1
        assert Likes(path).add([Event.of(EventKind.skip, SONGS[0], 1e9)]) == 1


def test_a_full_disk_is_one_sentence_and_what_was_there_stays(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits are set as Unix has them")
    likes = Likes(tmp_path / "likes.sqlite")
    likes.add([Event.of(EventKind.star, SONGS[0], 1.0)])
    many = [Event.of(EventKind.play, SONGS[1], float(number)) for number in range(20_000)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(SongspaceError, match=r"likes, .*, cannot be written: "):
            likes.add(many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)
    assert [event.kind for event in Likes(likes.path).events()] == [EventKind.star]
    assert likes.add(many) == len(many) and likes.history().of(SONGS[1]).plays == len(many)
