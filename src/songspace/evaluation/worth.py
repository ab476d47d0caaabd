"""The check of a learnt space on held-out songs: its scores, and the sentences about them.

:mod:`songspace.pipeline.check` computes it. `status` shows it, so that this module must be quick to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from songspace.encoders.registry import BY_HAND

NAMES = {
    "untrained": "with its network untrained",
    "no-network": "without a network",
    "from-songs": "without artists",
    "unmapped": "as the model gives it",
    BY_HAND: "hand-made",
}
"""The spaces that the learnt one is compared with, in words."""

OTHERS = {
    BY_HAND: "the hand-made space",
    "untrained": "the untrained network",
    "no-network": "no network",
    "from-songs": "the same without artists",
    "unmapped": "the model's own vectors",
}
"""The same spaces as nouns, for sentences about differences."""


@dataclass(frozen=True)
class Question:
    """One retrieval task for several spaces: the places of the relevant items in the lists of held-out songs.

    Attributes
    ----------
    asked : {"song", "artist"}
        Relevant are the other parts of a song, or the other songs of its artist.
    queries : int
        Number of queries: segments, or songs.
    other_albums : int
        Number of queries for songs on other albums.
    chance : float
        Mean average precision of random lists.
    scores : dict of str to float
        Mean average precision, 0 to 1, of "learnt" and of the spaces in :data:`NAMES` that exist.
    differences : dict of str to dict
        Differences of "learnt" to each other space: ``value``, ``interval`` (95 %; None with too few artists),
        ``p_holm`` (the p-value, corrected for all differences of the check), ``sure``.
    """

    asked: str
    queries: int
    other_albums: int
    chance: float
    scores: dict[str, float]
    differences: dict[str, dict[str, Any]]

    @property
    def what(self) -> str:
        """The relevant items, in words."""
        if self.asked == "song":
            return "other parts of the song"
        return "songs on its artist's other albums" if self.other_albums == self.queries else "its artist's other songs"

    @property
    def figures(self) -> str:
        """The scores of all spaces, in words."""
        others = ", ".join(f"{NAMES[name]} {value:.2f}" for name, value in self.scores.items() if name != "learnt")
        return f"mean average precision {self.scores['learnt']:.2f}; {others} (chance {self.chance:.2f})"


@dataclass(frozen=True)
class Check:
    """The scores of a learnt space on songs that it was not learnt from.

    Attributes
    ----------
    songs, artists : int
        Numbers of held-out songs and artists. A folder of songs with unknown artists, such as that above their albums,
        counts as one artist.
    whole_artists : bool
        True if no artist has both held-out songs and songs that were learnt from.
    questions : tuple of Question
        The one for the song is missing if all segments of a song overlap; the one for the artist is missing if no two
        held-out songs have the same artist.
    folders : int
        Number of artists that are folders.
    taught : bool
        True if the space was learnt from songs; False for the vectors of a model that was trained elsewhere.
    """

    songs: int
    artists: int
    whole_artists: bool
    questions: tuple[Question, ...]
    folders: int = 0
    taught: bool = True

    @property
    def judged(self) -> Question:
        """The question that decides: the one for the artist's songs, if there are enough artists."""
        last = self.questions[-1]
        return last if last.differences[BY_HAND]["interval"] is not None else self.questions[0]

    @property
    def better(self) -> bool:
        """True if the learnt space is better than the hand-made one."""
        return bool(self.judged.differences[BY_HAND]["value"] > 0)

    def behind(self, other: str) -> bool:
        """Return True if the learnt space is no better than another one, unless the difference may be chance."""
        difference = self.judged.differences.get(other)
        return (
            difference is not None
            and difference["value"] <= 0
            and (difference["sure"] or difference["interval"] is None)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return this check as plain values for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Check | None:
        """Return a check from :meth:`as_dict`; None if another version of songspace wrote it in another form."""
        try:
            return cls(**{**values, "questions": tuple(Question(**question) for question in values["questions"])})
        except (KeyError, TypeError):
            return None

    def sentences(self, name: str) -> list[str]:
        """Return the result in sentences."""
        origin = f"{self._origin} held out of training" if self.taught else self._origin.removesuffix(",")
        lines = [f"On {self.songs} songs {origin}, the {name} space finds"]
        lines += [f"  {question.what}: {question.figures}." for question in self.questions]
        worth = [
            f"{_signed(difference)} over {others}{_verdict(difference)}"
            for other, others in OTHERS.items()
            if (difference := self.judged.differences.get(other)) is not None
        ]
        what = "What learning adds" if self.taught else "The difference"
        why = "" if self.judged is self.questions[-1] else " (the artists are too few to judge by)"
        return [*lines, f"{what} in finding {self.judged.what}{why}: {'; '.join(worth)}."]

    @property
    def _origin(self) -> str:
        """The number of artists or folders of the held-out songs, in words."""
        named = self.artists - self.folders
        if not self.whole_artists:
            return "by artists whom it was learnt from, too," if named else "in folders that it was learnt from, too,"
        folders = "1 folder" if self.folders == 1 else f"{self.folders} folders"
        artists = "1 artist" if named == 1 else f"{named} artists"
        if not self.folders:
            return f"by {artists}"
        return f"by {artists}, and in {folders} that name none," if named else f"in {folders} that name no artist,"


def _verdict(difference: Mapping[str, Any]) -> str:
    """Describe how sure a difference is."""
    if difference["interval"] is None:
        return " (too few artists to say whether that is chance)"
    if not difference["sure"]:
        return " (it may be chance)"
    return " (worse)" if difference["value"] < 0 else ""


def _signed(difference: Mapping[str, Any]) -> str:
    value, *bounds = (f"{round(each, 2) + 0.0:+.2f}" for each in (difference["value"], *(difference["interval"] or ())))
    return value + (f" [{', '.join(bounds)}]" if bounds else "")  # adding 0.0 avoids -0.00
