"""Mixes that a person asks for: the library cut into a handful of playlists with names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.request import ListRequest
from songspace.answers.view import View
from songspace.library import Song
from songspace.playlists.steps import Smoothness
from songspace.reporter import Reporter

if TYPE_CHECKING:
    from songspace.playlists.mixes import Mix


@answer
class MixAnswer:
    """A mix: the songs of a region of the library, under a name."""

    name: str
    songs: list[SongFacts]
    artists: int
    seconds: float = described(places=3)
    region: int
    coherence: float
    smoothness: Smoothness
    file: str | None = None


@answer
class Mixes:
    """The library as a handful of mixes."""

    mixes: list[MixAnswer]
    seed: int


@dataclass(frozen=True)
class NamedMix:
    """A mix: its name, its songs in the order of playing, whether some stand nearer than was asked, and by how many."""

    name: str
    songs: list[Song]
    mix: Mix
    crowded: bool
    artists: int

    @property
    def seconds(self) -> float:
        return sum(song.duration for song in self.songs)

    def answer(self, file: str | None = None) -> MixAnswer:
        """Return the answer, with the file that was written."""
        songs, mix = [SongFacts.of(song) for song in self.songs], self.mix
        return MixAnswer(self.name, songs, self.artists, self.seconds, mix.region, mix.coherence, mix.smoothness, file)


def make_mixes(
    view: View,
    request: ListRequest,
    *,
    count: int | None,
    reporter: Reporter | None = None,
) -> list[NamedMix]:
    """Make mixes, ``count`` of them or as many as the library falls into; the request is for each."""
    from songspace.playlists import mixes as cutting
    from songspace.playlists.mixes.naming import name_lists

    space, songs = view.space, view.songs
    length = request.length
    if length is None and request.minutes is not None:
        mean = sum(song.duration for song in songs) / len(songs)
        length = max(1, round(request.minutes * 60 / max(1.0, mean)))
    rules = request.rules.rules(view, songs, space, reporter=reporter)
    cut = cutting.mixes(
        space,
        count=count,
        length=length or cutting.LENGTH,
        variety=request.variety,
        seed=request.seed,
        rules=rules,
    )
    names = name_lists([[songs[row] for row in mix.core] for mix in cut], songs)
    return [
        NamedMix(
            name,
            [songs[row] for row in mix.rows],
            mix,
            not rules.gaps_kept(mix.rows),
            len({artist for row in mix.rows for artist in view.credits.of(songs[row])}),
        )
        for name, mix in zip(names, cut, strict=True)
    ]
