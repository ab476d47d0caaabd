"""Why each song is in a list, in a sentence and in numbers.

The sentences say no more than is known: which seconds of a song resemble which of another, and when none do in
particular; how far a song lies from its neighbours, beside how far two songs of the library usually lie apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songspace.library.learnt import Segments
from songspace.playlists.explain.matching import Matcher, Resemblance, Transition, clock
from songspace.playlists.steps import typical_distance
from songspace.space import Space

_MUCH, _HARDLY = 0.95, 0.5  # shares of random pairs of songs, from and to which a transition is worth a word


@dataclass(frozen=True)
class Reason:
    """Why a song is in a list.

    Attributes
    ----------
    row : int
        The song.
    sentence : str
    beside : int or None
        The row that it is compared with: a song asked for, or the one before it in the list.
    similarity : float or None
        Of these two songs, -1 to 1.
    resemblance : Resemblance or None
        Which of its seconds (``here``) resemble which of that one's (``there``).
    transition : Transition or None
        How the song before it in the list ends, and it begins.
    position : float or None
        How far along its way a path has come: 0 where it begins, 1 where it ends.
    before, after : float or None
        The distance from the song before it in the list, and to the one after it.
    away : float or None
        Its similarity to the nearest of the songs to steer away from.
    """

    row: int
    sentence: str
    beside: int | None = None
    similarity: float | None = None
    resemblance: Resemblance | None = None
    transition: Transition | None = None
    position: float | None = None
    before: float | None = None
    after: float | None = None
    away: float | None = None


class Explainer:
    """Says why songs are in a list.

    Parameters
    ----------
    space : Space
    segments_of : callable
        Gives the segments of the songs of some ids, as :meth:`songspace.library.Library.segments_of` does.
    name : callable
        What to call the song of a row.

    Examples
    --------
    >>> space = Space.from_vectors([[1, 0], [0.8, 0.4], [0.2, 0.9], [-1, 0.1]])
    >>> explain = Explainer(space, lambda ids: {}, lambda row: "ABCD"[row])
    >>> for reason in explain.path([0, 1, 2]):
    ...     print(reason.sentence)
    The path begins here.
    21% of the way, 0.52 from the song before and 1.41 from the next (usual: 1.61).
    The path ends here, 1.41 from the song before (usual: 1.61).
    """

    def __init__(
        self,
        space: Space,
        segments_of: Callable[[list[int]], Mapping[int, Segments]],
        name: Callable[[int], str],
    ) -> None:
        self._space, self._segments_of = space, segments_of
        self._name = lambda row: f"“{name(row)}”"
        self._typical = typical_distance(space)

    def similar(self, asked: Sequence[int], rows: Sequence[int]) -> list[Reason]:
        """Why songs were found for one that was asked for, or for several: beside the nearest of them."""
        matcher = Matcher(self._space, self._segments_of, [*asked, *rows])
        found = []
        for row in rows:
            beside = self._nearest(row, asked)
            alike, resemblance = self._alike(row, beside), matcher.match(row, beside)
            of = "the song asked for" if len(asked) == 1 else "that song"
            sentence = _sentence(resemblance, of) or "Which of its parts are alike is not known."
            if len(asked) > 1:
                nearest = f"Of the songs asked for, it is nearest to {self._name(beside)} (similarity {alike:.2f})."
                sentence = _joined(nearest, sentence)
            found.append(Reason(row, sentence, beside, alike, resemblance))
        return found

    def radio(self, rows: Sequence[int], seeds: Sequence[int], *, minus: Sequence[int] = ()) -> list[Reason]:
        """Why songs are in a radio: beside the nearest of its seeds, away from the songs to steer away from."""
        matcher = Matcher(self._space, self._segments_of, [*seeds, *rows])
        found = []
        for place, row in enumerate(rows):
            facts = self._in_list(matcher, rows, place)
            flow = _flow(facts["transition"])
            if row in seeds:
                sentence = "The song asked for." if len(seeds) == 1 else "One of the songs asked for."
                found.append(Reason(row, _joined(sentence, flow), **facts))
                continue
            beside = self._nearest(row, seeds)
            alike = self._alike(row, beside)
            of = "the song asked for" if len(seeds) == 1 else self._name(beside)
            resemblance = matcher.match(row, beside)
            sentence = _joined(f"Similarity {alike:.2f} to {of}.", _sentence(resemblance, "that song"))
            if minus:
                avoided = self._nearest(row, minus)
                facts["away"] = self._alike(row, avoided)
                steered = f"To {self._name(avoided)}, from which the list steers away, it is {facts['away']:.2f}."
                sentence = _joined(sentence, steered)
            found.append(Reason(row, _joined(sentence, flow), beside, alike, resemblance, **facts))
        return found

    def path(self, rows: Sequence[int], *, via: Sequence[int] = ()) -> list[Reason]:
        """Why songs are on a path from the first to the last, through those of ``via``: where they lie on the way."""
        matcher = Matcher(self._space, self._segments_of, rows)
        end = len(rows) - 1
        stops = [0, *(place for place in range(1, end) if rows[place] in via), end]
        found = []
        for place, row in enumerate(rows):
            leg = sum(stop <= place for stop in stops[1:-1])
            start, goal = rows[stops[leg]], rows[stops[leg + 1]]
            share = self._along(row, start, goal)
            position = min(1.0, (leg + share) / (len(stops) - 1))  # legs count alike
            if place == 0:
                sentence, position = "The path begins here", 0.0
            elif place == end:
                sentence, position = "The path ends here", 1.0
            elif place in stops:
                sentence = "Asked for on the way"
            elif len(stops) > 2:
                sentence = f"{share:.0%} of the way from {self._name(start)} to {self._name(goal)}"
            else:
                sentence = f"{share:.0%} of the way"
            found.append(self._beside_the_one_before(matcher, rows, place, sentence, position))
        return found

    def order(self, rows: Sequence[int]) -> list[Reason]:
        """Why songs stand where they do in a list that was put into order: how they go on from the one before."""
        matcher = Matcher(self._space, self._segments_of, rows)
        return [
            self._beside_the_one_before(matcher, rows, place, "The list begins here" if place == 0 else "", None)
            for place in range(len(rows))
        ]

    def _beside_the_one_before(
        self, matcher: Matcher, rows: Sequence[int], place: int, sentence: str, position: float | None
    ) -> Reason:
        row, facts = rows[place], self._in_list(matcher, rows, place)
        if place == 0:
            return Reason(row, f"{sentence}.", position=position, **facts)
        before, after = facts["before"], facts["after"]
        steps = f"{before:.2f} from the song before" + (f" and {after:.2f} from the next" if after is not None else "")
        steps += f" (usual: {self._typical:.2f})."
        beside = rows[place - 1]
        resemblance = matcher.match(row, beside)
        sentence = _joined(
            f"{sentence}, {steps}" if sentence else f"It is {steps}",
            _sentence(resemblance, "the song before"),
            _flow(facts["transition"]),
        )
        return Reason(row, sentence, beside, self._alike(row, beside), resemblance, position=position, **facts)

    def _in_list(self, matcher: Matcher, rows: Sequence[int], place: int) -> dict[str, Any]:
        """Return how a song stands to those beside it."""
        row = rows[place]
        return {
            "before": self._space.distance(rows[place - 1], row) if place else None,
            "after": self._space.distance(row, rows[place + 1]) if place + 1 < len(rows) else None,
            "transition": matcher.transition(rows[place - 1], row) if place else None,
        }

    def _nearest(self, row: int, others: Sequence[int]) -> int:
        return others[int(np.argmin(self._space.distances(row, others)))]

    def _alike(self, row: int, other: int) -> float:
        return 1 - self._space.distance(row, other) ** 2 / 2

    def _along(self, row: int, start: int, end: int) -> float:
        """Return the foot of the perpendicular from a song on the straight line from one to another, 0 to 1."""
        to_start, to_end = self._space.distances(row, [start, end]) ** 2
        apart = self._space.distance(start, end) ** 2
        return min(1.0, max(0.0, (to_start - to_end + apart) / (2 * apart))) if apart else 0.0


def _flow(transition: Transition | None) -> str:
    """Return a sentence on how the song before ends and this one begins, if there is anything to say."""
    if transition is None or transition.stronger_than is None:
        return ""
    if transition.stronger_than >= _MUCH:
        return "It begins much as the song before ends."
    return "It begins otherwise than the song before ends." if transition.stronger_than <= _HARDLY else ""


def _sentence(resemblance: Resemblance | None, of: str) -> str:
    """Return which parts of a song resemble those of another."""
    if resemblance is None:
        return ""
    first, *others = resemblance.matches
    here, there = clock(first.here), clock(first.there)
    if resemblance.kind == "unknown":
        return f"Nearest are its {here} and {there} of {of}."
    assert resemblance.stronger_than is not None
    if resemblance.kind == "little":
        return f"No part of it matches {of} particularly; nearest are its {here} and {there} there."
    if resemblance.kind == "whole":
        return f"It resembles {of} as a whole rather than in any part; nearest are its {here} and {there} there."
    also = " and ".join(f"{clock(match.here)} like {clock(match.there)}" for match in others)
    among = min(99, int(100 * resemblance.stronger_than))
    return (
        f"Its {here} sounds like {there} of {of}" + (f", and {also}" if also else "") + ": "
        f"closer than any parts of {among} in 100 random pairs of songs."
    )


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
