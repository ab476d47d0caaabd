"""What a person likes, as lists of songs, and as a taste for suggestions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from songspace.answers.answer import SongFacts, answer, described
from songspace.answers.view import View
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.likes import History, Record

FORGOTTEN = 90 * 86_400.0
"""Seconds after which a liked song that was not played is forgotten: a season."""


class Listing(StrEnum):
    """Lists of what a person likes and plays."""

    liked = "liked"
    starred = "starred"
    highest = "highest"
    frequent = "frequent"
    recent = "recent"
    skipped = "skipped"
    forgotten = "forgotten"


@answer
class LikedSong(SongFacts):
    """A song, and what a person did with it."""

    starred: float | None = described("Time of the star, in seconds since 1970; null without one.", places=3)
    rating: int = described("From 1 to 5; 0 without one.")
    plays: int
    played: float | None = described("Time of the last play, in seconds since 1970.", places=3)
    skips: int

    @classmethod
    def told(cls, song: Song, record: Record) -> LikedSong:
        """Return the answer about a song."""
        names = ("starred", "rating", "plays", "played", "skips")
        return cls.of(song, **{name: getattr(record, name) for name in names})


@answer
class LikedSongs:
    """A list of what a person likes and plays."""

    songs: list[LikedSong]
    total: int


def listed(history: History, songs: Iterable[Song], which: Listing, now: float) -> list[Song]:
    """Return the songs of a list, in its order.

    Parameters
    ----------
    history : History
    songs : iterable of Song
        Songs to choose from.
    which : Listing
        liked: all that count as liked, the last play, star or rating first; starred: the newest star first; highest:
        the highest rating first; frequent: the most plays first; recent: the last play first; skipped: those that are
        left out of new lists; forgotten: liked songs that were not played for a season, the longest ago first.
    now : float
        Seconds since 1970.
    """
    known = [(song, record) for song in songs if (record := history.songs.get(song.identity)) is not None]
    if which is Listing.skipped:
        unwanted = history.unwanted()
        return [song for song, _ in known if song.identity in unwanted]
    if which in (Listing.liked, Listing.forgotten):
        liked = history.liked()
        known = [pair for pair in known if pair[0].identity in liked]
        if which is Listing.liked:
            return [song for song, _ in sorted(known, key=lambda pair: (-_latest(pair[1]), pair[0].id))]
        known = [pair for pair in known if now - pair[1].touched > FORGOTTEN]
        return [song for song, _ in sorted(known, key=lambda pair: (pair[1].touched, pair[0].id))]
    rank: dict[Listing, Callable[[Record], float]] = {
        Listing.starred: lambda record: record.starred or 0.0,
        Listing.highest: lambda record: record.rating,
        Listing.frequent: lambda record: record.plays,
        Listing.recent: lambda record: record.played or 0.0,
    }
    ranked = [(rank[which](record), song) for song, record in known]
    return [song for value, song in sorted(ranked, key=lambda pair: (-pair[0], pair[1].id)) if value]


def _latest(record: Record) -> float:
    """Return the time of the last play, star or rating."""
    return max(record.touched, record.starred or 0.0)


def taste_with(view: View, disliked: Iterable[int] = ()) -> tuple[list[int], list[int]]:
    """Return the rows of the songs that a person likes, and of those that they dislike.

    Parameters
    ----------
    view : View
    disliked : iterable of int
        Rows of more songs that they dislike; these count even if they are starred.

    Raises
    ------
    SongspaceError
        If no song is liked yet.
    """
    liked, away = view.history.liked(), view.history.disliked()
    bad = {*disliked} | {row for row, song in enumerate(view.songs) if song.identity in away}
    rows = [row for row, song in enumerate(view.songs) if song.identity in liked and row not in bad]
    if not rows:
        raise SongspaceError(
            "No song is liked or played often yet: name some with `songspace like SONG`, or a playlist of them with "
            "--like FILE; players tell of stars and plays by themselves."
        )
    return rows, sorted(bad)
