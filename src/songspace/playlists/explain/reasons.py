"""The reason for each song in a list, as a sentence and in numbers.

The sentences state measured facts only: similar seconds of two songs, or that there are none in particular; the
distances of a song from its neighbours in the list, beside the usual distance of two songs of the library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songspace.library.learnt import Segments
from songspace.playlists.explain.matching import Resemblance, SegmentMatcher, Transition, clock
from songspace.playlists.steps import typical_distance
from songspace.space import Space

_MUCH, _HARDLY = 0.95, 0.5  # shares of random pairs above and below which a transition is mentioned


@dataclass(frozen=True)
class Reason:
    """The reason why a song is in a list.

    Attributes
    ----------
    row : int
        The song.
    sentence : str
    beside : int or None
        Row of the song that it is compared with: a given song, or the one before it in the list.
    similarity : float or None
        Similarity to ``beside``, -1 to 1.
    resemblance : Resemblance or None
        Similar seconds of the song (``here``) and of ``beside`` (``there``).
    transition : Transition or None
        End of the song before it in the list, and its beginning.
    position : float or None
        Progress along a path, 0 to 1.
    before, after : float or None
        Distances to the songs before and after it in the list.
    away : float or None
        Similarity to the nearest of the songs to avoid.
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
    """Explains why songs are in a list.

    Parameters
    ----------
    space : Space
    segments_of : callable
        Returns the segments of songs by id, as :meth:`songspace.library.Library.segments_of`.
    name : callable
        Returns the name of the song in a row.

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
        """Explain songs that are similar to one or several given ones, each by the nearest of these."""
        matcher = SegmentMatcher(self._space, self._segments_of, [*asked, *rows])
        reasons = []
        for row in rows:
            beside = self._nearest(row, asked)
            alike, resemblance = self._alike(row, beside), matcher.match(row, beside)
            of = "the song asked for" if len(asked) == 1 else "that song"
            sentence = _sentence(resemblance, of) or "Which of its parts are alike is not known."
            if len(asked) > 1:
                nearest = f"Of the songs asked for, it is nearest to {self._name(beside)} (similarity {alike:.2f})."
                sentence = _joined(nearest, sentence)
            reasons.append(Reason(row, sentence, beside, alike, resemblance))
        return reasons

    def radio(self, rows: Sequence[int], seeds: Sequence[int], *, minus: Sequence[int] = ()) -> list[Reason]:
        """Explain the songs of a radio, by the nearest seed and the nearest song to avoid."""
        matcher = SegmentMatcher(self._space, self._segments_of, [*seeds, *rows])
        reasons = []
        for place, row in enumerate(rows):
            facts = self._in_list(matcher, rows, place)
            flow = _flow(facts["transition"])
            if row in seeds:
                sentence = "The song asked for." if len(seeds) == 1 else "One of the songs asked for."
                reasons.append(Reason(row, _joined(sentence, flow), **facts))
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
            reasons.append(Reason(row, _joined(sentence, flow), beside, alike, resemblance, **facts))
        return reasons

    def path(self, rows: Sequence[int], *, via: Sequence[int] = ()) -> list[Reason]:
        """Explain the songs of a path from the first to the last via others, by their positions on the way."""
        matcher = SegmentMatcher(self._space, self._segments_of, rows)
        end = len(rows) - 1
        stops = [0, *(place for place in range(1, end) if rows[place] in via), end]
        reasons = []
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
            reasons.append(self._beside_the_one_before(matcher, rows, place, sentence, position))
        return reasons

    def order(self, rows: Sequence[int]) -> list[Reason]:
        """Explain the order of a list, by the song before each."""
        matcher = SegmentMatcher(self._space, self._segments_of, rows)
        return [
            self._beside_the_one_before(matcher, rows, place, "The list begins here" if place == 0 else "", None)
            for place in range(len(rows))
        ]

    def _beside_the_one_before(
        self, matcher: SegmentMatcher, rows: Sequence[int], place: int, sentence: str, position: float | None
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

    def _in_list(self, matcher: SegmentMatcher, rows: Sequence[int], place: int) -> dict[str, Any]:
        """Return the distances of a song to those beside it, and the transition to it."""
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
        """Return the position, 0 to 1, of the foot of the perpendicular from a song on the line between two others."""
        to_start, to_end = self._space.distances(row, [start, end]) ** 2
        apart = self._space.distance(start, end) ** 2
        return min(1.0, max(0.0, (to_start - to_end + apart) / (2 * apart))) if apart else 0.0


def _flow(transition: Transition | None) -> str:
    """Return a sentence about a transition; empty if it is usual or unknown."""
    if transition is None or transition.stronger_than is None:
        return ""
    if transition.stronger_than >= _MUCH:
        return "It begins much as the song before ends."
    return "It begins otherwise than the song before ends." if transition.stronger_than <= _HARDLY else ""


def _sentence(resemblance: Resemblance | None, of: str) -> str:
    """Return a sentence about the similar parts of two songs; empty if they are unknown."""
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
