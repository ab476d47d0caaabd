"""Which songs the demo library has: names, albums, years, versions, all drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from songspace.demo.artists import STYLES, habits_of
from songspace.demo.mixing import Room, mix
from songspace.demo.score import Score

SUFFIXES = (".mp3", ".ogg", ".flac", ".ogg", ".wav", ".mp3", ".ogg", ".flac", ".ogg")
"""The formats of the albums, in turn: what is quick to write more often, what takes space less often."""


@dataclass(frozen=True)
class DemoSong:
    """A song of the demo library: its tags, and the numbers from which its sound follows."""

    title: str
    artist: str
    album: str
    style: str
    year: int
    track: int
    suffix: str
    version: str
    """Empty, or what is different about this one: ``"Live"`` or ``"Instrumental"``."""
    key: tuple[int, int, int, int]
    """Seed, style, artist, song: two versions of a song share it."""
    disc: int
    """Which of its artist's albums this is on."""

    @property
    def path(self) -> Path:
        """Where it lies in the library."""
        return Path(self.artist) / self.album / f"{self.track:02d} {self.title}{self.suffix}"

    def samples(self, *, seconds: float = 30.0) -> np.ndarray:
        """Compose and mix it: ``(2, n)`` float32 at 44.1 kHz, about ``seconds`` long (to a whole bar)."""
        seed, style, artist, _ = self.key
        habits = habits_of(STYLES[style], artist, album=self.disc, seed=seed)
        score = STYLES[style].compose(np.random.default_rng(self.key), habits, seconds)
        score, room = _VERSIONS[self.version](score, habits.room)
        rng = np.random.default_rng([*self.key, *self.version.encode()])
        return mix(score, room, seconds=score.seconds(score.beats) + 2, rng=rng)


def _plain(score: Score, room: Room) -> tuple[Score, Room]:
    return score, room


def _instrumental(score: Score, room: Room) -> tuple[Score, Room]:
    parts = [part for part in score.parts if part.name != "lead"]
    return replace(score, parts=parts), replace(room, drive=0.8 * room.drive, tilt=room.tilt + 1)


def _live(score: Score, room: Room) -> tuple[Score, Room]:
    hall = replace(room, reverb=room.reverb + 1, wet=room.wet + 0.5, drive=1.3, hiss=-50, crowd=1.0)
    return replace(score, tempo=1.04 * score.tempo), hall


_VERSIONS = {"": _plain, "Instrumental": _instrumental, "Live": _live}


def plan(*, seed: int = 0) -> list[DemoSong]:
    """The songs of the demo library.

    Each artist has three songs on two albums; one artist in three has another version of one of them on the
    second album. The list goes through the styles in turn, so that its first songs are of all styles.

    Examples
    --------
    >>> songs = plan()
    >>> len(songs), len({song.style for song in songs}), len({song.artist for song in songs})
    (80, 8, 24)
    """
    by_artist = [[_songs_of(style, artist, seed) for style in range(len(STYLES))] for artist in range(3)]
    most = max(len(songs) for styles in by_artist for songs in styles)
    return [songs[turn] for turn in range(most) for styles in by_artist for songs in styles if turn < len(songs)]


def _songs_of(index: int, artist: int, seed: int) -> list[DemoSong]:
    style = STYLES[index]
    rng = np.random.default_rng([seed, index, artist, 1000])
    first = int(rng.integers(style.years[0], style.years[1] - 4))
    years = (first, first + int(rng.integers(1, 5)))
    # No title comes twice in a style: each artist has second words of its own.
    openings, closings = style.first_words.split(), style.second_words.split()[artist::3]
    names = [
        f"{opening} {closings[turn % len(closings)]}" for turn, opening in enumerate(rng.permutation(openings)[:5])
    ]
    albums = (names[3], names[4])

    def song(number: int, album: int, track: int, version: str = "") -> DemoSong:
        return DemoSong(
            title=names[number] + (f" ({version})" if version else ""),
            artist=style.artists[artist],
            album=albums[album],
            style=style.name,
            year=years[album],
            track=track,
            suffix=SUFFIXES[(6 * index + 2 * artist + album) % len(SUFFIXES)],
            version=version,
            key=(seed, index, artist, number),
            disc=album,
        )

    songs = [song(0, 0, 1), song(1, 0, 2), song(2, 1, 1)]
    if (index + artist) % 3 == 0:
        songs.append(song(0, 1, 2, "Live" if index % 2 else "Instrumental"))
    return songs
