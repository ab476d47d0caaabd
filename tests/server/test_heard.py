"""What counts as a play and as a skip: Last.fm's rule, and no sequence of reports that counts anything twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.library import Song
from songspace.library.likes import Event
from songspace.server.heard import Heard, Player, Report, State

LENGTH = 200.0
PHONE, DESK = Player("ann", "phone", "::1"), Player("ann", "desk", "::1")


def tune(number: int, length: float = LENGTH) -> Song:
    return Song(number, f"/m/{number}.mp3", length, f"Tune {number}", identity=number.to_bytes(16, "big"))


BLUE, RED, LONG = tune(1), tune(2), tune(3, 3600.0)


@dataclass
class Room:
    """Players with a clock that a test turns."""

    now: float = 1000.0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heard = Heard(lambda: self.now)

    def at(self, now: float) -> Room:
        self.now = 1000.0 + now
        return self

    def begin(self, song: Song, player: Player = PHONE) -> Room:
        self.events += self.heard.begin(player, song)
        return self

    def submit(self, song: Song, when: float | None = None, player: Player = PHONE) -> Room:
        self.events += self.heard.submit(player, song, None if when is None else 1000.0 + when)
        return self

    def report(self, song: Song, state: str, position: float, *, ignored: bool = False, rate: float = 1.0) -> Room:
        self.events += self.heard.report(PHONE, Report(song, State(state), position, rate, ignored))
        return self

    @property
    def told(self) -> list[tuple[str, int, float]]:
        return [(event.kind.value, int(event.key, 16), event.time - 1000.0) for event in self.events]


@pytest.mark.parametrize(
    ("seconds", "song", "skipped"),
    [
        (0.0, BLUE, False),
        (1.9, BLUE, False),
        (2.0, BLUE, True),
        (99.0, BLUE, True),
        (100.0, BLUE, False),
        (500.0, BLUE, False),
        (239.0, LONG, True),
        (240.0, LONG, False),
    ],
)
def test_a_skip_is_what_another_song_supersedes_early(seconds: float, song: Song, skipped: bool) -> None:
    skip = [("skip", song.id, 0.0)] if skipped else []
    assert Room().begin(song).at(seconds).begin(RED).told == skip
    assert Room().begin(song).at(seconds).begin(RED, DESK).told == []  # of another player
    assert Room().begin(song).at(seconds).begin(song).told == []  # from its beginning
    stopped = Room().report(song, "playing", 0).at(seconds).report(song, "stopped", seconds).told
    played = [("play", song.id, 0.0)] if seconds >= min(song.duration / 2, 240.0) else []
    assert stopped == skip + played


def test_a_play_is_submitted_once() -> None:
    room = Room().begin(BLUE).at(150).submit(BLUE).submit(BLUE).at(199).submit(BLUE).at(200).begin(RED).submit(BLUE)
    assert room.told == [("play", 1, 150.0)]
    assert Room().begin(BLUE).at(5).submit(BLUE).at(9).begin(RED).told == [("play", 1, 5.0)]  # one that submits early
    assert Room().begin(BLUE).at(9).begin(RED).at(10).submit(BLUE).told == [("skip", 1, 0.0)]
    assert Room().submit(BLUE).submit(BLUE).at(90).submit(BLUE).told == [("play", 1, 0.0)]  # no song begins here
    assert Room().begin(BLUE).at(100).begin(RED).at(101).submit(BLUE, 0.0).told == [("play", 1, 0.0)]
    two = Room().begin(BLUE).at(150).submit(BLUE).submit(BLUE, player=DESK)
    assert [event.player for event in two.events] == ["phone", "desk"]


def test_a_song_that_is_repeated_is_played_again() -> None:
    told = Room().begin(BLUE).at(100).submit(BLUE).at(200).begin(BLUE).at(300).submit(BLUE).told
    assert told == [("play", 1, 100.0), ("play", 1, 300.0)]
    # Some players do not say that it begins again.
    quiet = Room().begin(BLUE)
    for turn in range(4):
        quiet.at(200.0 * turn + 110).submit(BLUE)
    assert [time for _, _, time in quiet.told] == [110.0, 310.0, 510.0, 710.0]


def test_a_player_may_say_again_and_again_what_it_plays() -> None:
    room = Room()
    for seconds in range(0, 200, 15):
        room.at(seconds).begin(BLUE)
        if seconds == 105:
            room.submit(BLUE)
    assert room.at(205).begin(RED).told == [("play", 1, 105.0)]  # and it was not skipped at its end


def test_plays_from_a_time_without_a_network_come_later() -> None:
    room = Room().at(5000).begin(BLUE)
    for when in (200, 800, 200, 1400):
        room.submit(BLUE, when)
    assert room.at(5150).submit(BLUE).told == [("play", 1, time) for time in (200.0, 800.0, 1400.0, 5150.0)]
    assert Room().at(50).submit(BLUE, 10**8).told == [("play", 1, 50.0)]  # nothing is played in the future


def test_reports_count_what_was_heard() -> None:
    room = Room().report(BLUE, "starting", 0).at(3).report(BLUE, "playing", 0)
    assert room.at(60).report(BLUE, "paused", 57).at(900).report(BLUE, "playing", 57).told == []
    assert room.at(942).report(BLUE, "playing", 99).told == []
    room.at(944).report(BLUE, "playing", 101)
    assert room.told == [("play", 1, 0.0)]
    assert room.at(990).report(BLUE, "stopped", 147).submit(BLUE).told == [("play", 1, 0.0)]
    # A jump is not heard, and neither are hours in which the position stood still.
    jump = Room().report(BLUE, "playing", 0).at(5).report(BLUE, "playing", 190).at(10).report(BLUE, "stopped", 195)
    assert jump.told == [("skip", 1, 0.0)]
    assert Room().report(BLUE, "playing", 0).at(9000).report(BLUE, "playing", 20).told == []
    fast = Room().report(BLUE, "playing", 0, rate=2.0).at(51).report(BLUE, "playing", 102, rate=2.0)
    assert fast.told == [("play", 1, 0.0)]
    assert Room().report(BLUE, "stopped", 0).told == []
    quiet = Room().report(BLUE, "playing", 0, ignored=True).at(150).report(BLUE, "playing", 150, ignored=True)
    assert quiet.told == [] and quiet.submit(BLUE).told == [("play", 1, 150.0)]
    assert Room().report(BLUE, "playing", 0, ignored=True).at(9).report(BLUE, "stopped", 9, ignored=True).told == []


def test_a_player_may_report_where_it_is_and_scrobble_what_it_plays() -> None:
    """As Supersonic does: its reports are only shown."""
    room = Room().report(BLUE, "starting", 0, ignored=True).begin(BLUE).report(BLUE, "playing", 0, ignored=True)
    assert room.at(120).report(BLUE, "playing", 120, ignored=True).told == []
    assert room.at(130).submit(BLUE).at(190).report(RED, "starting", 0, ignored=True).begin(RED).told == [
        ("play", 1, 130.0)
    ]
    room.report(RED, "playing", 0, ignored=True).at(220).report(BLUE, "starting", 0, ignored=True).begin(BLUE)
    assert room.told == [("play", 1, 130.0), ("skip", 2, 190.0)]


def test_a_song_that_starts_again_is_played_again_and_not_before() -> None:
    room = Room().report(BLUE, "starting", 0).report(BLUE, "playing", 0).at(120).report(BLUE, "playing", 120)
    room.report(BLUE, "starting", 0).report(BLUE, "playing", 0).at(210).report(BLUE, "playing", 90)
    assert room.told == [("play", 1, 0.0)]
    assert room.at(225).report(BLUE, "playing", 105).told == [("play", 1, 0.0), ("play", 1, 120.0)]


def test_what_plays_now_is_shown_until_it_can_play_no_more() -> None:
    def shown(room: Room) -> list[tuple[int, str, int]]:
        return [(one.song.id, one.player.name, int(one.seconds)) for one in room.heard.playing()]

    room = Room().begin(BLUE).at(30).begin(RED, DESK)
    assert shown(room.at(50)) == [(2, "desk", 20), (1, "phone", 50)]
    assert {one.number for one in room.heard.playing()} == {1, 2}
    assert shown(room.at(265)) == [(2, "desk", 235)] and shown(room.at(300)) == []
    paused = Room().report(BLUE, "playing", 100).at(10).report(BLUE, "paused", 110)
    assert shown(paused.at(1000)) == [(1, "phone", 990)] and shown(paused.at(9000)) == []
    assert shown(Room().report(BLUE, "playing", 0).at(1).report(BLUE, "stopped", 1)) == []
    assert shown(Room().submit(BLUE)) == []


def test_only_so_many_players_and_songs_are_remembered() -> None:
    room = Room()
    for number in range(2000):
        room.at(float(number)).submit(tune(number)).begin(BLUE, Player("ann", str(number), "::1"))
    assert len(room.heard.playing()) <= 256
    deck = room.heard._decks.get(PHONE)
    assert deck is None or len(deck.before) <= 200


CALLS = st.sampled_from(["begin", "submit", "playing", "paused", "late", "late report"])
TURNS = st.lists(  # songs one after another: for each, calls at moments before its end
    st.tuples(
        st.sampled_from([LENGTH, 20.0, 900.0]),
        st.sampled_from(["begin", "starting", "playing"]),
        st.lists(st.tuples(CALLS, st.floats(0, 1)), max_size=8),
    ),
    max_size=8,
)


@given(turns=TURNS, again=st.booleans())
def test_no_sequence_of_reports_counts_one_play_twice_or_as_a_skip_as_well(
    turns: list[tuple[float, str, list[tuple[str, float]]]], again: bool
) -> None:
    """Each song plays once, one after another; each call may come twice; the song before may be told of late."""
    room, began, before = Room(), 0.0, None
    for number, (length, first, calls) in enumerate(turns, 1):
        song = tune(number, length)
        for call, part in [(first, 0.0), *sorted(calls, key=lambda one: one[1])]:
            room.at(began + part * length)
            for _ in range(1 + again):
                if call == "begin" and part < 0.9:  # later it would be a repetition
                    room.begin(song)
                elif call == "submit":
                    room.submit(song)
                elif call == "late" and before is not None and part * length < min(before.duration / 2, 240.0):
                    room.submit(before)
                elif call == "late report" and before is not None:
                    room.report(before, "stopped", before.duration)
                elif call in State.__members__:
                    room.report(song, call, part * length)
        before, began = song, began + length
    counted = Counter(event.key for event in room.events)
    assert all(count == 1 for count in counted.values()), room.told
    assert all(0 <= time <= began for _, _, time in room.told)


@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["begin", "submit", *State.__members__]), st.integers(0, 1), st.floats(0, 300)),
        max_size=30,
    )
)
def test_no_more_is_counted_than_was_told(moves: list[tuple[str, int, float]]) -> None:
    """Two songs in any order at any moments: what is counted was submitted or had its time, a skip was left."""
    room, now, submits, others = Room(), 0.0, 0, 0
    for call, which, pause in moves:
        now += pause
        room.at(now)
        song = (BLUE, RED)[which]
        if call == "begin":
            room.begin(song)
        elif call == "submit":
            room.submit(song)
        else:
            room.report(song, call, now % LENGTH)
        submits, others = submits + (call == "submit"), others + (call != "submit")
    plays, skips = ([one for one in room.told if one[0] == kind] for kind in ("play", "skip"))
    assert len(plays) <= submits + now / (LENGTH / 2) and len(skips) <= others
    assert len({*skips}) == len(skips)
