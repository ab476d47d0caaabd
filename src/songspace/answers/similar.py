"""The songs that sound most like some, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.request import versions_of
from songspace.answers.view import Asked
from songspace.library import Song
from songspace.library.learnt import demand_sound
from songspace.space import Space

if TYPE_CHECKING:
    from songspace.playlists.explain import Explainer, Reason


@answer
class Beside:
    """The song that another is compared with, and how alike they are."""

    id: int
    similarity: float | None


@answer
class MatchedSeconds:
    """Two parts of songs that sound alike: each from and to, in seconds."""

    here: tuple[float, float] = described("From and to, in seconds.", places=3)
    there: tuple[float, float] = described(places=3)
    similarity: float


@answer
class BestMatch(MatchedSeconds):
    """The parts that sound most alike, and whether that says anything."""

    kind: str
    stronger_than: float | None
    also: list[MatchedSeconds]


@answer
class SimilarSong(SongFacts):
    """A song that sounds like those that were asked for, and perhaps why."""

    distance: float
    similarity: float = described("The cosine, -1 to 1: 1 - distance² / 2.")
    why: str | None = None
    beside: Beside | None = None
    match: BestMatch | None = None
    clips: list[str] | None = None


@answer
class SimilarSongs:
    """Songs that were asked for, and those that sound like them, the most similar first."""

    of: list[SongFacts]
    similar: list[SimilarSong]


@dataclass(frozen=True)
class Similar:
    """Songs that sound most like the given songs.

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

    def answer(self, clips: Sequence[list[str] | None] = ()) -> SimilarSongs:
        """Return the answer, with the files of clips that were written for each song, if there are any."""
        space = self.asked.space
        similar = []
        for place, (song, distance) in enumerate(zip(self.songs, self.distances, strict=True)):
            why = _explained(self.reasons[place], space) if self.reasons is not None else {}
            files = clips[place] if clips else None
            alike = 1 - distance**2 / 2
            similar.append(SimilarSong.of(song, distance=distance, similarity=alike, clips=files, **why))
        return SimilarSongs([SongFacts.of(song) for song in self.asked.asked], similar)


def _explained(reason: Reason, space: Space) -> dict[str, Any]:
    """Return the fields of a :class:`SimilarSong` that a reason fills."""
    beside = match = None
    if reason.beside is not None:
        beside = Beside(int(space.ids[reason.beside]), reason.similarity)
    if (alike := reason.resemblance) is not None:
        first, *others = alike.matches
        also = [MatchedSeconds(each.here, each.there, each.similarity) for each in others]
        match = BestMatch(first.here, first.there, first.similarity, alike.kind, alike.stronger_than, also)
    return {"why": reason.sentence, "beside": beside, "match": match}


def find_similar(asked: Asked, count: int, *, explain: bool = False, versions: bool = False) -> Similar:
    """Return the songs most like the ones asked for.

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
        nearest, apart = asked.space.neighbors(asked.center(), count, exclude=asked.rows)
        rows, distances = nearest.tolist(), apart.tolist()
    else:
        rows, distances = one_of_each(asked, count)
    reasons = explainer(asked).similar(asked.rows, rows) if explain else None
    songs = asked.songs(rows)
    if reasons is not None and asked.view.words is not None:
        heard = {word for song in asked.songs(asked.rows) for word in song.words}
        reasons = [_in_words(reason, song, heard) for reason, song in zip(reasons, songs, strict=True)]
    return Similar(asked, rows, songs, distances, reasons)


def _in_words(reason: Reason, song: Song, heard: set[str]) -> Reason:
    """Return a reason that names the words which an ear has for both sides."""
    common = [word for word in song.words if word in heard]
    return replace(reason, sentence=f"{reason.sentence} Both: {', '.join(common)}.") if common else reason


def one_of_each(asked: Asked, count: int, *, own: bool = False) -> tuple[list[int], list[float]]:
    """Return the rows most like the songs asked for, and how far they are, with one version of each song.

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
        nearest, apart = space.neighbors(asked.center(), look, exclude=() if own else asked.rows)
        seen: set[int] = set() if own else set(numbers[asked.rows].tolist())
        rows: list[int] = []
        distances: list[float] = []
        for row, distance in zip(nearest.tolist(), apart.tolist(), strict=True):
            if (version := int(numbers[row])) not in seen and len(rows) < count:
                seen.add(version)
                rows.append(row)
                distances.append(distance)
        if len(rows) == count or len(nearest) < look:
            return rows, distances
        look *= 4


def explainer(asked: Asked) -> Explainer:
    """Return who says why a song is in a list."""
    from songspace.playlists.explain import Explainer

    demand_sound(asked.view.library.catalog, "there are no seconds of them to explain anything by, or to cut out")
    return Explainer(asked.space, asked.segments_of, lambda row: asked.songs([row])[0].name)
