"""Suggestions that a person asks for: songs that fit a taste, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from songspace.answers.answer import SongFacts, answer
from songspace.answers.request import Ruling
from songspace.answers.view import View
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.reporter import Reporter

if TYPE_CHECKING:
    from songspace.playlists.taste import Fitting


@answer
class Suggestion(SongFacts):
    """A song that fits a taste, and the liked song because of which it does."""

    similarity: float
    taste: int
    because: SongFacts
    others: int
    why: str


@answer
class Suggestions:
    """Songs that fit a taste, the best first."""

    suggestions: list[Suggestion]


@dataclass(frozen=True)
class Suggested:
    """A song, and why it fits."""

    song: Song
    because: Song
    fitting: Fitting

    @property
    def reason(self) -> str:
        """Why, in words."""
        others = {0: "", 1: " and 1 other"}.get(self.fitting.others, f" and {self.fitting.others} others")
        return f"because of {self.because.name}{others}"

    def answer(self) -> Suggestion:
        """Return the answer."""
        return Suggestion.of(
            self.song,
            similarity=self.fitting.similarity,
            taste=self.fitting.taste,
            because=SongFacts.of(self.because),
            others=self.fitting.others,
            why=self.reason,
        )


def make_suggestions(
    view: View,
    liked: Sequence[int],
    disliked: Sequence[int],
    ruling: Ruling,
    *,
    count: int,
    reporter: Reporter | None = None,
) -> list[Suggested]:
    """Return the suggestions that a person asked for, by the rows of what they like and what they do not.

    Raises
    ------
    SongspaceError
        If a song is liked and disliked, or nothing is left.
    """
    from songspace.playlists import taste

    songs = view.songs
    if both := [songs[row].name for row in liked if row in {*disliked}]:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise SongspaceError(f"{both[0]}{more} cannot be both liked and disliked: take it off one of the lists.")
    rules = ruling.rules(view, songs, view.space, reporter=reporter)
    fitting = taste.suggest(view.space, liked, disliked=disliked, count=count, rules=rules)
    if not fitting:
        raise SongspaceError("No song of the library is left that is on none of the lists and fits.")
    return [Suggested(songs[each.row], songs[each.because], each) for each in fitting]
