"""What players play now, and what of it counts as a play or as a skip.

A player tells which song begins (``scrobble`` with ``submission=false``, or ``reportPlayback``), and what was played
(``scrobble``). Nobody tells a skip: a song was skipped if another one began after at least two seconds and before the
song counted as played. By Last.fm's rule, it does after half of it or four minutes. A song that plays once counts once
at most, as a play or as a skip, however often and in whichever way the player tells of it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from songspace.library import Song
from songspace.library.likes import Event, EventKind

LONG = 240.0
"""Seconds after which a song counts as played, even if that is less than half of it."""

SHORT = 2.0
"""Fewest seconds of a skip: what a player leaves sooner, nobody heard."""

_PLAYERS, _SONGS, _TIMES = 256, 200, 20  # the most players, songs of each, and listens of each song to remember
_LATE = 60.0  # seconds after its end in which a song is still shown as playing
_PAUSE = 3600.0  # seconds for which a song is shown that is paused
_SLACK = 5.0  # seconds by which times may differ that mean the same

Key = TypeVar("Key")
Value = TypeVar("Value")


class State(StrEnum):
    """States of a player, as in ``reportPlayback``."""

    starting = "starting"
    playing = "playing"
    paused = "paused"
    stopped = "stopped"


@dataclass(frozen=True, slots=True)
class Player:
    """A player: its user, the name of the program, and its address."""

    user: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report of ``reportPlayback``.

    Attributes
    ----------
    song : Song
    state : State
    position : float
        Seconds.
    rate : float
        Speed; 1 is that of the record.
    ignored : bool
        True if nothing may be counted by reports: the player tells by ``scrobble`` what is played, or nothing.
    """

    song: Song
    state: State
    position: float
    rate: float = 1.0
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Playing:
    """What a player plays now.

    Attributes
    ----------
    player : Player
    number : int
        Number of the player, as long as this server runs.
    song : Song
    seconds : float
        Time since the player told of it last.
    report : Report or None
        Its latest report, if it sends reports.
    """

    player: Player
    number: int
    song: Song
    seconds: float
    report: Report | None


@dataclass(slots=True)
class _Listen:
    """A song that plays, or has played, once."""

    song: Song
    began: float
    told: float  # time of the latest news of it
    counted: EventKind | None = None
    submitted: float | None = None  # time by a scrobble
    report: Report | None = None
    heard: float = 0.0  # seconds of the song, by reports
    is_ignored: bool = False
    is_scrobbled: bool = False  # a scrobble told that it began
    is_again: bool = False  # the song before was the same, or a player says again and again what it plays

    @property
    def enough(self) -> float:
        """Seconds after which the song counts as played."""
        return min(self.song.duration / 2, LONG)

    @property
    def earliest(self) -> float:
        """Time until which an earlier play of the song could have begun, to be played for long enough."""
        return self.began - max(self.enough, _SLACK)

    @property
    def latest(self) -> float:
        """Time from which on a later play of the song can have been played for long enough."""
        return self.told + max(self.enough, _SLACK)

    def seconds(self, now: float) -> float:
        """Return how many seconds were heard."""
        if self.report is None:
            return now - self.began
        is_playing = self.report.state is State.playing
        return self.heard + (max(0.0, now - self.told) * self.report.rate if is_playing else 0.0)

    def is_over(self, now: float) -> bool:
        """Return True if it can play no more, although the player told of no end."""
        if self.report is not None and self.report.state is State.paused:
            return now - self.told > _PAUSE
        done = self.report.position if self.report is not None else 0.0
        return now - self.told > max(0.0, self.song.duration - done) / self.rate + _LATE

    def could_begin_again(self, now: float) -> bool:
        """Return True if the song may have come to its end; a player that sends reports says so itself."""
        return self.report is None and now - self.began >= 0.9 * self.song.duration

    def could_repeat(self, when: float) -> bool:
        """Return True if by then the song could have been played once, and again for long enough."""
        return when - self.began >= self.song.duration + 0.9 * self.enough

    @property
    def rate(self) -> float:
        """Speed."""
        return self.report.rate if self.report is not None else 1.0

    def take(self, report: Report, now: float) -> None:
        """Take a report: between two of them, as much was heard as both the clock and the position have moved."""
        if self.report is not None and self.report.state is State.playing:
            moved = max(0.0, report.position - self.report.position)
            self.heard += min(moved, max(0.0, now - self.told) * self.report.rate)
        self.report, self.told = report, now
        self.is_ignored = self.is_ignored or report.ignored


@dataclass(slots=True)
class _Deck:
    """What one player plays and has played."""

    number: int
    now: _Listen | None
    before: OrderedDict[bytes, list[_Listen]]  # the latest listens of each song that are over

    def put_away(self, listen: _Listen) -> None:
        """Remember a listen that is over."""
        listens = [*self.before.get(listen.song.identity, ())[1 - _TIMES :], listen]
        _put(self.before, listen.song.identity, listens, _SONGS)

    def listen_at(self, song: Song, when: float) -> _Listen | None:
        """Return the listen of a song to which a time belongs."""
        if self.is_now(song) and self.now is not None and when > self.now.earliest:
            return self.now
        listens = self.before.get(song.identity, ())
        return next((one for one in reversed(listens) if one.earliest < when < one.latest), None)

    def is_now(self, song: Song) -> bool:
        """Return True if this song plays now."""
        return self.now is not None and self.now.song.identity == song.identity


class Heard:
    """All players of a server.

    Each method returns the events to keep. Times are seconds since 1970.

    Parameters
    ----------
    clock : callable
        Returns the time.

    Examples
    --------
    >>> times = iter([0.0, 30.0, 130.0])
    >>> heard, ann = Heard(lambda: next(times)), Player("ann", "phone", "::1")
    >>> blue, red = Song(1, "/1.mp3", 200.0, identity=b"b" * 16), Song(2, "/2.mp3", 200.0, identity=b"r" * 16)
    >>> heard.begin(ann, blue)
    []
    >>> [(event.kind.value, event.title) for event in heard.begin(ann, red)]
    [('skip', '1')]
    >>> [(event.kind.value, event.title) for event in heard.submit(ann, red)]
    [('play', '2')]
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._decks: OrderedDict[Player, _Deck] = OrderedDict()
        self._number = 0

    def begin(self, player: Player, song: Song) -> list[Event]:
        """Note that a song begins. The same news again, while it plays, is no news."""
        now = self._clock()
        with self._lock:
            deck = self._deck(player)
            events: list[Event] = []
            if deck.now is None or not deck.is_now(song) or deck.now.could_begin_again(now):
                is_again = deck.is_now(song)
                events = _leave(deck, player, now, song)
                deck.now = _Listen(song, now, now, is_again=is_again)
            deck.now.is_scrobbled = True
            return events

    def submit(self, player: Player, song: Song, when: float | None = None) -> list[Event]:
        """Note that a song was played, at a time that the player may name; it may have been offline then."""
        now = self._clock()
        when = now if when is None else min(when, now)
        with self._lock:
            deck = self._deck(player)
            listen = deck.listen_at(song, when)
            if listen is None:
                listen = _Listen(song, when, when)
                deck.put_away(listen)
            elif listen is deck.now and listen.submitted is not None and listen.could_repeat(when):
                began = max(listen.began + song.duration, when - song.duration)
                deck.put_away(listen)
                listen = deck.now = _Listen(song, began, now)  # a player that repeats a song, and does not say so
            is_new = listen.counted is None
            listen.submitted, listen.counted = when, listen.counted or EventKind.play
            return [_event(EventKind.play, listen, player)] if is_new else []

    def report(self, player: Player, report: Report) -> list[Event]:
        """Note a report of ``reportPlayback``."""
        now = self._clock()
        with self._lock:
            deck = self._deck(player)
            events: list[Event] = []
            is_now = deck.is_now(report.song)
            if not is_now and report.state is State.stopped:
                return []  # of a song that is over: another one plays, or none
            if not is_now or report.state is State.starting:
                events = _leave(deck, player, now, report.song)
                deck.now = _Listen(report.song, now, now)
            listen = deck.now
            assert listen is not None
            listen.take(report, now)
            if not listen.is_ignored and listen.counted is None and listen.heard >= listen.enough > 0:
                listen.counted = EventKind.play
                events.append(_event(EventKind.play, listen, player))
            if report.state is State.stopped:
                events += _leave(deck, player, now, None)
            return events

    def playing(self) -> list[Playing]:
        """Return what players play now, the latest first."""
        now = self._clock()
        with self._lock:
            decks = [(player, deck.number, deck.now) for player, deck in self._decks.items() if deck.now is not None]
        shown = [
            Playing(player, number, listen.song, max(0.0, now - listen.told), listen.report)
            for player, number, listen in decks
            if not listen.is_over(now)
        ]
        return sorted(shown, key=lambda one: one.seconds)

    def _deck(self, player: Player) -> _Deck:
        deck = self._decks.get(player)
        if deck is None:
            self._number += 1
            deck = _Deck(self._number, None, OrderedDict())
        _put(self._decks, player, deck, _PLAYERS)
        return deck


def _leave(deck: _Deck, player: Player, now: float, after: Song | None) -> list[Event]:
    """End what plays; return the skip, if it is one: the same song from its beginning is none."""
    listen, deck.now = deck.now, None
    if listen is None:
        return []
    seconds = listen.seconds(now)
    listen.told = min(now, listen.told + 2 * listen.song.duration)  # a player that is switched off says nothing
    deck.put_away(listen)
    is_same = after is not None and after.identity == listen.song.identity
    if is_same or listen.is_again or listen.counted is not None or (listen.is_ignored and not listen.is_scrobbled):
        return []
    if SHORT <= seconds < listen.enough:
        listen.counted = EventKind.skip
        return [_event(EventKind.skip, listen, player)]
    return []


def _event(kind: EventKind, listen: _Listen, player: Player) -> Event:
    when = listen.submitted if listen.submitted is not None else listen.began
    return Event.of(kind, listen.song, when, player=player.name)


def _put(kept: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
