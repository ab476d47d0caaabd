"""The request for a list: its rules, length, variety and smoothness."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from songspace import interchange
from songspace.answers.view import View
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.library.words import Words
from songspace.playlists.rules import Rules
from songspace.playlists.steps import TRANSITION
from songspace.reporter import Reporter
from songspace.space import Space

if TYPE_CHECKING:
    from songspace.library.conditions import Where

DEFAULT_GAP = 2
"""Default for the least number of songs between two of one artist."""

_NEAR = 50  # songs of the library among which one from outside may have its versions


@dataclass(frozen=True)
class Ruling:
    """The rules that a list keeps.

    Attributes
    ----------
    artist_gap, album_gap : int
        Least songs between two of one artist, and of one album.
    most_of_artist : int or None
        Most songs of one artist.
    versions : bool
        Whether several versions of one song may be in it.
    shortest, longest : float or None
        Seconds of a song.
    where : str or None
        A filter, in the language of :mod:`songspace.library.where`.
    played : sequence of Path
        Playlists whose songs are left out.
    without : sequence of int
        Ids of songs that are left out.
    heeds_likes : bool
        Whether songs are left out that the person dislikes or has skipped twice.
    """

    artist_gap: int = DEFAULT_GAP
    album_gap: int = 0
    most_of_artist: int | None = None
    versions: bool = False
    shortest: float | None = None
    longest: float | None = None
    where: str | None = None
    played: Sequence[Path] = ()
    without: Sequence[int] = ()
    heeds_likes: bool = True

    def rules(self, view: View, songs: Sequence[Song], space: Space, *, reporter: Reporter | None = None) -> Rules:
        """Return the rules for the songs of a space, one for each row: the view's, or more.

        Raises
        ------
        SongspaceError
            If a filter or a list of played songs cannot be read, or no song is left.
        """
        barred = self._barred(view, songs, reporter)
        if barred.all():
            raise SongspaceError(f"No song of the library is left by {self._filters()}.")
        return Rules.of(
            len(songs),
            artists=[view.credits.of(song) for song in songs],
            artist_gap=self.artist_gap,
            most_of_artist=self.most_of_artist,
            albums=[_album(song) for song in songs],
            album_gap=self.album_gap,
            versions=None if self.versions else versions_of(space, lambda rows: [songs[row] for row in rows]),
            barred=barred,
        )

    def _barred(self, view: View, songs: Sequence[Song], reporter: Reporter | None) -> np.ndarray:
        barred = np.zeros(len(songs), bool)
        if self.shortest is not None or self.longest is not None:
            seconds = np.array([song.duration for song in songs])
            barred |= (seconds < (self.shortest or 0)) | (seconds > (self.longest or np.inf))
        if self.where is not None:
            barred |= ~condition(self.where, lambda: view.words).mask(songs)
        if self.played:
            for file in self.played:
                barred[rows_of(view.library, file, songs, reporter=reporter)] = True
        if self.without:
            out = {*self.without}
            barred |= np.array([song.id in out for song in songs], bool)
        if self.heeds_likes and (unwanted := view.history.unwanted()):
            barred |= np.array([song.identity in unwanted for song in songs], bool)
        return barred

    def _filters(self) -> str:
        """Name what leaves songs out."""
        named = [f"--where “{self.where}”"] if self.where is not None else []
        named += [f"--{name}" for name in ("shortest", "longest", "played", "without") if getattr(self, name)]
        return ", ".join(named) or "what you dislike or have skipped twice"


@dataclass(frozen=True)
class ListRequest:
    """A list that a person asks for.

    Attributes
    ----------
    rules : Ruling
    length : int or None
        Songs.
    minutes : float or None
        Wanted minutes, if no length is given.
    variety : float
        0: the best list; 1: the most varied.
    seed : int
        Of the variety.
    transition : float
        How much a song's end and the next one's beginning weigh in a step, 0 to 1.
    """

    rules: Ruling = Ruling()
    length: int | None = None
    minutes: float | None = None
    variety: float = 0.0
    seed: int = 0
    transition: float = TRANSITION

    @property
    def taste(self) -> dict[str, Any]:
        """Keyword arguments of the functions that make lists."""
        return {"variety": self.variety, "seed": self.seed, "transition": self.transition}


def condition(text: str, words_of_ear: Callable[[], Words | None]) -> Where:
    """Return the condition that a filter describes, in a library whose ear may have words for its songs.

    Raises
    ------
    SongspaceError
        If it cannot be read, or asks for tags where there are none, or for one that the ear does not know.
    """
    from songspace.library.where import parse

    where = parse(text)
    for comparison in where.comparisons():
        if comparison.field != "tags":
            continue
        if (words := words_of_ear()) is None:
            raise SongspaceError(
                "The filter asks for tags: they are words of a trained ear (`songspace ears`), and the encoder in use "
                "knows none."
            )
        wanted = replace(comparison, operator=comparison.operator.replace("!", "").replace("not ", ""))
        each = [Song(0, "", 0.0, words=(name,)) for name in words.names]
        if not wanted.mask(each).any():
            raise SongspaceError(f"The ear knows no such word as in “{comparison}”. {words.sentence()}")
    return where


def versions_of(space: Space, songs_of: Callable[[list[int]], Sequence[Song]]) -> np.ndarray:
    """Return the versions that the space knows of, and whether a song from outside is a version of what is near it."""
    from songspace.space.versions import reach, versions

    numbers = space.versions.copy()
    foreign = np.flatnonzero(space.ids < 0).tolist()
    within = reach(space) if foreign else None
    for row in foreign:
        near = [row, *space.neighbors(row, _NEAR)[0].tolist()]
        same = versions(songs_of(near), space.only(near), within=within)
        if (same[1:] == same[0]).any():
            numbers[row] = numbers[near[1 + int((same[1:] == same[0]).argmax())]]
    return numbers


def _album(song: Song) -> str | None:
    """Return what tells albums of one name apart: whose they are, or the folder that they lie in."""
    if song.release_mbid:
        return song.release_mbid
    return f"{song.album}\n{song.albumartist or os.path.dirname(song.path)}" if song.album else None


_NAMED = 5  # entries that are named when they are unknown


def rows_of(
    library: Library,
    file: Path,
    songs: Sequence[Song],
    *,
    prefixes: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
) -> list[int]:
    """Return the rows of the songs that a playlist names, in its order; report those that are away or unknown.

    Raises
    ------
    SongspaceError
        If the file cannot be read, or the library has none of its songs.
    """
    at = library.catalog.song_at
    entries = interchange.understood(interchange.entries(file), songs, prefixes=prefixes, at=at)
    matches = interchange.match(entries, songs, prefixes=prefixes, at=at)
    missing = [entry for entry, song in zip(entries, matches, strict=True) if song is None]
    elsewhere = interchange.match(missing, library.catalog.away(), prefixes=prefixes) if missing else []
    away = [song.name for song in elsewhere if song is not None]
    unknown = [entry.label for entry, song in zip(missing, elsewhere, strict=True) if song is None]
    row_of = {song.id: row for row, song in enumerate(songs)}
    rows = [row_of[song.id] for song in matches if song is not None and song.id in row_of]
    if not entries:
        raise SongspaceError(f"{file} names no songs.")
    if not rows and away:
        raise SongspaceError(f"Of the {len(entries)} songs of {file} none is here; away: {_listed(away)}.")
    if not rows:
        raise SongspaceError(f"The library has none of the {len(entries)} songs of {file}, as {unknown[0]}.")
    if reporter is not None:
        for names, where in ((away, "away"), (unknown, "not in the library")):
            if names:
                reporter.say(f"{len(names)} of {len(entries)} are {where}: {_listed(names)}.")
    return rows


def _listed(names: Sequence[str]) -> str:
    more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more
