"""The songs that sound most like some, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from songspace.answers.facts import song_facts
from songspace.answers.ruling import versions_of
from songspace.answers.view import Asked
from songspace.library import Song
from songspace.library.learnt import demand_sound

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


def find_similar(asked: Asked, count: int, *, explain: bool = False, versions: bool = False) -> Similar:
    """The songs most like the ones asked for.

    Parameters
    ----------
    asked : Asked
    count : int
    explain : bool
        Whether to say why.
    versions : bool
        Whether the versions of a song count as songs; by default there is one of each, and none of those asked for.
    """
    if versions:
        found, apart = asked.space.neighbors(asked.center(), count, exclude=asked.rows)
        rows, distances = found.tolist(), apart.tolist()
    else:
        rows, distances = one_of_each(asked, count)
    reasons = explainer(asked).similar(asked.rows, rows) if explain else None
    songs = asked.songs(rows)
    if reasons is not None and asked.view.words is not None:
        heard = {word for song in asked.songs(asked.rows) for word in song.words}
        reasons = [_in_words(reason, song, heard) for reason, song in zip(reasons, songs, strict=True)]
    return Similar(asked, rows, songs, distances, reasons)


def _in_words(reason: Reason, song: Song, heard: set[str]) -> Reason:
    """A reason that names the words which an ear has for both sides."""
    common = [word for word in song.words if word in heard]
    return replace(reason, sentence=f"{reason.sentence} Both: {', '.join(common)}.") if common else reason


def one_of_each(asked: Asked, count: int, *, own: bool = False) -> tuple[list[int], list[float]]:
    """The rows most like the songs asked for, and how far they are, with one version of each song.

    Parameters
    ----------
    asked : Asked
    count : int
    own : bool
        Whether the songs asked for are among them.
    """
    space = asked.space
    numbers = versions_of(space, asked.songs)
    look = 2 * count
    while True:
        found, apart = space.neighbors(asked.center(), look, exclude=() if own else asked.rows)
        seen: set[int] = set() if own else set(numbers[asked.rows].tolist())
        rows: list[int] = []
        distances: list[float] = []
        for row, distance in zip(found.tolist(), apart.tolist(), strict=True):
            if (version := int(numbers[row])) not in seen and len(rows) < count:
                seen.add(version)
                rows.append(row)
                distances.append(distance)
        if len(rows) == count or len(found) < look:
            return rows, distances
        look *= 4


def explainer(asked: Asked) -> Explainer:
    """Who says why a song is in a list."""
    from songspace.playlists.explain import Explainer

    demand_sound(asked.view.library.catalog, "there are no seconds of them to explain anything by, or to cut out")
    return Explainer(asked.space, asked.segments_of, lambda row: asked.songs([row])[0].name)
