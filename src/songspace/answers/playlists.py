"""Playlists that a person asks for: a radio, a path, songs put into order, and lists that are drawn on the map."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.request import ListRequest
from songspace.answers.similar import explainer
from songspace.answers.view import Asked, View
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.playlists.explain import Explainer, Reason
from songspace.playlists.rules import Rules
from songspace.playlists.steps import Smoothness, smoothness
from songspace.reporter import Reporter
from songspace.space import Space

DEFAULT_LENGTH = 20
BACK: Literal["back"] = "back"
"""The choice to take the last song off again; see :func:`choose_radio`."""

Choice = Song | Literal["back"] | None
_NEARER = "These songs are by so few artists that some stand nearer to each other than was asked for."


@answer
class ListedSong(SongFacts):
    """A song of a list, and perhaps why it is there."""

    why: str | None = None


@answer
class PlaylistAnswer:
    """A list of songs, and how smoothly it flows."""

    title: str
    songs: list[ListedSong]
    steps: list[float] = described("The distance of each song from the one before it.")
    smoothness: Smoothness


@answer
class RemarkedPlaylist(PlaylistAnswer):
    """A list that was made from songs which a person chose, and what had to give way."""

    remarks: list[str] = described("What was left out, and which gaps became smaller.")


@dataclass(frozen=True)
class Playlist:
    """A playlist, and what it was made of.

    Attributes
    ----------
    explained : function of an Explainer and the rows, giving the reason for each song
        By default a song is there because it resembles the one before it.
    """

    title: str
    asked: Asked
    rows: list[int]
    explained: Callable[[Explainer, list[int]], list[Reason]] = Explainer.order

    @property
    def space(self) -> Space:
        return self.asked.space

    @cached_property
    def songs(self) -> list[Song]:
        return self.asked.songs(self.rows)

    @cached_property
    def steps(self) -> list[float]:
        """The distance of each song from the one before it."""
        return [self.space.distance(a, b) for a, b in pairwise(self.rows)]

    def similarity(self) -> list[float]:
        """Return how alike each song is to the one that the list begins with, 0 to 1."""
        return np.maximum(0, 1 - self.space.distances(self.rows[0], self.rows) ** 2 / 2).clip(max=1).tolist()

    def reasons(self) -> list[str]:
        """Return a sentence per song: why it is there."""
        return [reason.sentence for reason in self.explained(explainer(self.asked), self.rows)]

    def answer(self, *, explain: bool = False) -> PlaylistAnswer:
        """Return the answer: with the reason why each song is there, if they are asked for."""
        return PlaylistAnswer(*self._facts(explain))

    def remarked(self, remarks: list[str], *, explain: bool = False) -> RemarkedPlaylist:
        """Return the answer, with remarks on how the list was made."""
        return RemarkedPlaylist(*self._facts(explain), remarks)

    def _facts(self, explain: bool) -> tuple[str, list[ListedSong], list[float], Smoothness]:
        reasons = self.reasons() if explain else [None] * len(self.rows)
        songs = [ListedSong.of(song, why=why) for song, why in zip(self.songs, reasons, strict=True)]
        return self.title, songs, self.steps, smoothness(self.space, self.rows)


def make_radio(
    view: View,
    names: Sequence[str | Song],
    minus: Sequence[str | Song],
    request: ListRequest,
    *,
    reporter: Reporter | None = None,
) -> Playlist:
    """Make a radio from some songs that steers away from others."""
    from songspace.playlists.radio import radio

    asked = Asked(view, [*names, *minus])
    songs = asked.everyone()
    rules = request.rules.rules(view, songs, asked.space, reporter=reporter)
    seeds, away = asked.rows[: len(names)], asked.rows[len(names) :]

    def make(count: int) -> list[int]:
        return radio(asked.space, seeds, length=count, minus=away, rules=rules, **request.taste)

    rows = of_length(make, songs, rules, [*seeds], request, away=len(away))
    title = "Radio: " + ", ".join(song.name for song in asked.asked[: len(names)])
    return Playlist(title, asked, rows, lambda explain, rows: explain.radio(rows, seeds, minus=away))


def choose_radio(
    view: View,
    names: Sequence[str | Song],
    request: ListRequest,
    choose: Callable[[list[Song], Iterator[Song]], Choice],
    *,
    reporter: Reporter | None = None,
) -> Playlist:
    """Make a radio of songs that a person chooses one by one.

    Parameters
    ----------
    view : View
    names : sequence of str or Song
        The songs that it begins with.
    request : ListRequest
    choose : callable
        Is given the songs so far, and those that may be next, the most similar to the last one first. Returns the
        chosen one; or :data:`BACK` to take the last one off again, or None to end the list.
    reporter : Reporter, optional
    """
    from songspace.playlists.radio import next_songs

    asked = Asked(view, names)
    songs = asked.everyone()
    rules = request.rules.rules(view, songs, asked.space, reporter=reporter)
    row_of = {song.id: row for row, song in enumerate(songs)}
    rows = list(dict.fromkeys(asked.rows))
    first, most = len(rows), request.length or len(songs)
    while len(rows) < most:
        following = next_songs(asked.space, rows, rules=rules, transition=request.transition)
        choice = choose([songs[row] for row in rows], (songs[row] for row in following))
        if choice is None:
            break
        if isinstance(choice, Song):
            rows.append(row_of[choice.id])
        elif len(rows) > first:
            rows.pop()
    return Playlist("Radio: " + ", ".join(song.name for song in asked.asked), asked, rows)


def make_path(
    view: View,
    names: Sequence[str | Song],
    request: ListRequest,
    *,
    reporter: Reporter | None = None,
) -> Playlist:
    """Make a path through some songs, in their order."""
    from songspace.playlists.path import path

    asked = Asked(view, names)
    songs = asked.everyone()
    rules = request.rules.rules(view, songs, asked.space, reporter=reporter)
    start, *via, end = asked.rows

    def make(count: int) -> list[int]:
        return path(asked.space, start, end, length=count, via=via, rules=rules, **request.taste)

    rows = of_length(make, songs, rules, asked.rows, request)
    title = f"From {asked.asked[0].name} to {asked.asked[-1].name}"
    return Playlist(title, asked, rows, lambda explain, rows: explain.path(rows, via=via))


def arrange(
    view: View,
    listed: Callable[[list[Song]], list[int]],
    request: ListRequest,
    *,
    title: str,
    of: str,
    first: str | Song | None = None,
    last: str | Song | None = None,
    loosen: bool = True,
    reporter: Reporter | None = None,
) -> Playlist:
    """Put the songs of a list into order.

    Parameters
    ----------
    view : View
    listed : function of the song of each row, giving rows
        The list.
    request : ListRequest
        Of which a list that is there already has no use for length, variety and seed.
    title, of : str
        The playlist's title, and what to call the list in messages.
    first, last : str or Song, optional
        The songs that open and close it.
    loosen : bool
        Whether gaps that these songs cannot keep become smaller.
    reporter : Reporter, optional
        Receives messages: what was left out, which gaps became smaller.
    """
    from songspace.playlists.order import order

    reporter = reporter or Reporter()
    asked = Asked(view, [name for name in (first, last) if name is not None])
    ends = iter(asked.rows)
    opening = next(ends) if first is not None else None
    closing = next(ends) if last is not None else None
    songs = asked.everyone()
    ruling = replace(request.rules, heeds_likes=False)  # the person has chosen these songs
    rules = ruling.rules(view, songs, asked.space, reporter=reporter)
    given = listed(songs)
    rows = [row for row in dict.fromkeys([*given, *asked.rows]) if not rules.barred[row] or row in asked.rows]
    if not rows:
        raise SongspaceError(f"No song of {of} is left by the filters.")
    if len(rows) < len(given):
        reporter.say(f"{len(given) - len(rows)} songs of {of} are left out, by the filters or because they come twice.")
    rules = rules.gaps_only()
    if loosen:
        asked_for, rules = rules, rules.loosened(rows, first=opening, last=closing)
        gaps = [(rule.gap, was.gap, rule.what) for rule, was in zip(rules.spacings, asked_for.spacings, strict=True)]
        for gap, before, what in gaps:
            if gap < before:
                reporter.say(f"These songs cannot keep {before} others between two of one {what}: they keep {gap}.")
    rows = order(asked.space, rows, first=opening, last=closing, rules=rules, transition=request.transition)
    return Playlist(title, asked, rows)


def make_line(
    view: View,
    points: np.ndarray,
    drawn: Sequence[Sequence[float]],
    request: ListRequest,
    *,
    among: Sequence[int] | None = None,
    reporter: Reporter | None = None,
) -> Playlist:
    """List the songs along a line.

    Parameters
    ----------
    view : View
    points : array of shape (n, 2)
        The map that the line was drawn on.
    drawn : sequence of pairs of floats
        The line's corners.
    request : ListRequest
    among : sequence of int, optional
        The rows to choose from; by default all.
    reporter : Reporter, optional
        Receives a message if gaps became smaller: who plays along a drawn line is not known beforehand.

    Raises
    ------
    SongspaceError
        If even without gaps there is no such list.
    """
    from songspace.playlists.line import line

    rules = request.rules.rules(view, view.songs, view.space, reporter=reporter)
    if among is not None:
        rules = _only(rules, among)
    refused: SongspaceError | None = None
    for narrower in range(1 + max((rule.gap for rule in rules.spacings), default=0)):
        looser = replace(
            rules, spacings=tuple(replace(rule, gap=max(0, rule.gap - narrower)) for rule in rules.spacings)
        )

        def make(count: int) -> list[int]:
            return line(view.space, points, drawn, length=count, rules=looser, **request.taste)  # noqa: B023  (of this turn)

        try:
            rows = of_length(make, view.songs, looser, [], request)
        except SongspaceError as error:
            refused = refused or error
            continue
        if narrower and reporter is not None:
            reporter.say(_NEARER)
        return Playlist("Along a line", Asked(view, []), rows)
    assert refused is not None
    raise refused


def make_mix(
    view: View,
    rows: Sequence[int],
    request: ListRequest,
    *,
    reporter: Reporter | None = None,
) -> Playlist:
    """Make a mix of some songs, named after what is in it.

    Parameters
    ----------
    view : View
    rows : sequence of int
        The songs to choose from.
    request : ListRequest
    reporter : Reporter, optional
        Receives a message if the list is shorter than asked for, or gaps became smaller.

    Raises
    ------
    SongspaceError
        If the filters leave none of the songs.
    """
    from songspace.playlists.mixes import mix_within, name_lists

    reporter = reporter or Reporter()
    space, songs = view.space, view.songs
    rules = request.rules.rules(view, songs, space, reporter=reporter)
    rules = _only(rules, rows)

    def make(count: int) -> list[int]:
        return mix_within(space, rows, length=count, rules=rules, **request.taste)

    mix = of_length(make, songs, rules, [], request)
    if request.length is not None and len(mix) < min(request.length, int((~rules.barred).sum())):
        reporter.say(f"The rules leave a mix of {len(mix)} of these songs.")
    if not rules.gaps_kept(mix):
        reporter.say(_NEARER)
    middle = space.vectors[mix].mean(axis=0)
    typical = [mix[place] for place in np.argsort(-(space.vectors[mix] @ middle), kind="stable")]
    (name,) = name_lists([[songs[row] for row in typical]], songs)
    return Playlist(name, Asked(view, []), mix)


def _only(rules: Rules, rows: Sequence[int]) -> Rules:
    """Return the rules for lists of some songs only."""
    rules = rules.without(~np.isin(np.arange(len(rules)), rows))
    if rules.barred.all():
        raise SongspaceError("No song that was chosen is left by the filters.")
    return rules


def of_length(
    make: Callable[[int], list[int]],
    songs: Sequence[Song],
    rules: Rules,
    named: Sequence[int],
    request: ListRequest,
    *,
    away: int = 0,
) -> list[int]:
    """Make a list of the length that was asked for, or of the usual one as far as there are songs."""
    if request.length is not None:
        return make(request.length)
    free = ~rules.barred
    free[list(named)] = True
    there = int(free.sum()) - away
    if request.minutes is None:
        return make(max(len(set(named)), min(DEFAULT_LENGTH, there)))
    seconds = np.array([song.duration for song in songs])
    return of_minutes(make, seconds, request.minutes, fewest=len(set(named)), most=there)


_TRIES = 5


def of_minutes(
    make: Callable[[int], list[int]], seconds: np.ndarray, minutes: float, *, fewest: int, most: int
) -> list[int]:
    """Make lists of different lengths, and return the one nearest to the wanted minutes.

    Parameters
    ----------
    make : function of a number of songs, giving a list of rows
    seconds : array of shape (n,)
        How long the song of each row lasts.
    minutes : float
    fewest, most : int
        Of songs in a list.

    Returns
    -------
    list of int
        The one of those tried that comes nearest.

    Examples
    --------
    >>> of_minutes(lambda n: list(range(n)), np.array([60.0, 60, 300, 60]), 7.2, fewest=1, most=4)
    [0, 1, 2]
    """
    wanted = 60 * minutes
    tried: dict[int, list[int]] = {}
    count = wanted / max(1.0, float(np.median(seconds)))
    while len(tried) < _TRIES:
        guesses = (min(max(fewest, guess), most) for guess in (round(count), math.floor(count), math.ceil(count)))
        length = next((guess for guess in guesses if guess not in tried), None)
        if length is None:
            break
        tried[length] = make(length)
        count = length * wanted / max(1.0, float(seconds[tried[length]].sum()))
    return min(tried.values(), key=lambda rows: abs(float(seconds[rows].sum()) - wanted))
