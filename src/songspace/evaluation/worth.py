"""The check of a learnt space on held-out songs: its scores, and the sentences about them.

:mod:`songspace.pipeline.check` computes it. `status` shows it, too, so this module imports nothing that takes long.
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
"""The spaces that the learnt one is compared with."""

OTHERS = {
    BY_HAND: "the hand-made space",
    "untrained": "the untrained network",
    "no-network": "no network",
    "from-songs": "the same without artists",
    "unmapped": "the model's own vectors",
}
"""The spaces that differences are taken to, as sentences name them."""


@dataclass(frozen=True)
class Question:
    """One question to several spaces: how early the right items stand in the lists of held-out songs.

    Attributes
    ----------
    asked : {"song", "artist"}
        For the other parts of a song, or for the other songs of its artist.
    queries : int
        Number of queries: segments, or songs.
    other_albums : int
        Number of queries that look for other albums.
    chance : float
    scores : dict of str to float
        Mean average precision, 0 to 1: of "learnt", of those controls of :data:`NAMES` that there are, of "timbre".
    differences : dict of str to dict
        Of "learnt" to each of the others: ``value``, ``interval`` (95 %, None of too few artists), ``p_holm`` (the
        p-value, corrected for all differences of the check), ``sure``.
    """

    asked: str
    queries: int
    other_albums: int
    chance: float
    scores: dict[str, float]
    differences: dict[str, dict[str, Any]]

    @property
    def what(self) -> str:
        """Name what is looked for."""
        if self.asked == "song":
            return "other parts of the song"
        return "songs on its artist's other albums" if self.other_albums == self.queries else "its artist's other songs"

    @property
    def figures(self) -> str:
        """List the scores of all spaces."""
        others = ", ".join(f"{NAMES[name]} {value:.2f}" for name, value in self.scores.items() if name != "learnt")
        return f"mean average precision {self.scores['learnt']:.2f}; {others} (chance {self.chance:.2f})"


@dataclass(frozen=True)
class Check:
    """The scores of a learnt space on songs that it was not learnt from.

    Attributes
    ----------
    songs, artists : int
        Held out; songs of unknown artists count as one artist's if they share a folder, as that above their albums.
    whole_artists : bool
        Whether no artist is on both sides.
    questions : tuple of Question
        That for the song is missing where all segments of a song overlap, that for the artist where no two held-out
        songs have one artist.
    folders : int
        How many of the artists are such folders.
    taught : bool
        Whether songs taught the space anything: they do not, if it is a model's own, made elsewhere.
    """

    songs: int
    artists: int
    whole_artists: bool
    questions: tuple[Question, ...]
    folders: int = 0
    taught: bool = True

    @property
    def judged(self) -> Question:
        """Return the question that decides: that for the artist's songs, if there are artists enough."""
        last = self.questions[-1]
        return last if last.differences[BY_HAND]["interval"] is not None else self.questions[0]

    @property
    def better(self) -> bool:
        """Return whether the learnt space is better than the hand-made one."""
        return bool(self.judged.differences[BY_HAND]["value"] > 0)

    def behind(self, other: str) -> bool:
        """Return whether the learnt space is no better than another one, and nothing says that this may be chance."""
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
        """Return the check that :meth:`as_dict` gave; None if another version of songspace wrote it in another form."""
        try:
            return cls(**{**values, "questions": tuple(Question(**question) for question in values["questions"])})
        except (KeyError, TypeError):
            return None

    def sentences(self, name: str) -> list[str]:
        """Return the result in sentences."""
        whose = f"{self._whose} held out of training" if self.taught else self._whose.removesuffix(",")
        lines = [f"On {self.songs} songs {whose}, the {name} space finds"]
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
    def _whose(self) -> str:
        """Say by whom the songs are, as far as that is known."""
        named = self.artists - self.folders
        if not self.whole_artists:
            return "by artists whom it was learnt from, too," if named else "in folders that it was learnt from, too,"
        folders = "1 folder" if self.folders == 1 else f"{self.folders} folders"
        artists = "1 artist" if named == 1 else f"{named} artists"
        if not self.folders:
            return f"by {artists}"
        return f"by {artists}, and in {folders} that name none," if named else f"in {folders} that name no artist,"


def _verdict(difference: Mapping[str, Any]) -> str:
    """Say how sure a difference is, gain or loss."""
    if difference["interval"] is None:
        return " (too few artists to say whether that is chance)"
    if not difference["sure"]:
        return " (it may be chance)"
    return " (worse)" if difference["value"] < 0 else ""


def _signed(difference: Mapping[str, Any]) -> str:
    value, *bounds = (f"{round(each, 2) + 0.0:+.2f}" for each in (difference["value"], *(difference["interval"] or ())))
    return value + (f" [{', '.join(bounds)}]" if bounds else "")  # and never -0.00
