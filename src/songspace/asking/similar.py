"""The songs that sound most like some, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from songspace.asking.facts import song_facts
from songspace.asking.view import Asked
from songspace.library import Song

if TYPE_CHECKING:
    from songspace.playlists.explain import Explainer, Reason


@dataclass(frozen=True)
class Similar:
    """What sounds most like the songs that were asked for.

    Attributes
    ----------
    asked : Asked
    rows : list of int
        The most similar first.
    songs : list of Song
    distances : list of float
    reasons : list of Reason or None
        Why, if that was asked for.
    """

    asked: Asked
    rows: list[int]
    songs: list[Song]
    distances: list[float]
    reasons: list[Reason] | None

    def facts(self) -> list[dict[str, Any]]:
        """The songs found as JSON knows them."""
        answers = [
            song_facts(song) | {"distance": round(d, 6), "similarity": round(1 - d**2 / 2, 6)}
            for song, d in zip(self.songs, self.distances, strict=True)
        ]
        for answer, reason in zip(answers, self.reasons or (), strict=False):
            answer |= reason.as_dict(self.asked.space)
        return answers


def find_similar(asked: Asked, count: int, *, explain: bool = False) -> Similar:
    """The songs most like the ones asked for."""
    rows, distances = asked.space.neighbors(asked.center(), count, exclude=asked.rows)
    listed = rows.tolist()
    reasons = explainer(asked).similar(asked.rows, listed) if explain else None
    return Similar(asked, listed, asked.songs(rows), distances.tolist(), reasons)


def explainer(asked: Asked) -> Explainer:
    """Who says why a song is in a list."""
    from songspace.playlists.explain import Explainer

    return Explainer(asked.space, asked.segments_of, lambda row: asked.songs([row])[0].name)
