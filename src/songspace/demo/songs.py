"""The songs of the demo library: styles, artists, and names, albums, years and versions from one seed.

Styles share instruments and rooms on purpose: they differ in the music that is played, and not in a timbre that a
single number could describe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from songspace.demo import styles
from songspace.demo.mixing import Room, mix
from songspace.demo.notes import Composition
from songspace.demo.styles import Habits


@dataclass(frozen=True)
class Style:
    """A style, its artists, and the ranges of their settings."""

    name: str
    compose: Callable[[np.random.Generator, Habits, float], Composition]
    artists: tuple[str, str, str]
    tempo: tuple[float, float]
    comps: tuple[str, str, str]
    leads: tuple[str, str, str]
    reverb: tuple[float, float]
    drive: tuple[float, float]
    years: tuple[int, int]
    first_words: str
    second_words: str
    """The words of titles."""


STYLES = (
    Style(
        "Ambient", styles.ambient, ("Hollow Tide", "Marrow Glass", "The Slow Weather"), (56, 76),
        ("bell", "guitar", "electric piano"), ("flute", "bell", "lead"), (3.0, 5.0), (1.0, 2.0), (1978, 2021),
        "Pale Distant Drifting Inland Frozen Quiet Endless",
        "Harbour Lichen Orbit Glacier Dusk Meridian Snowfield Estuary Aurora",
    ),
    Style(
        "Chiptune", styles.chiptune, ("Coin-Op Orchard", "Kilobyte Kid", "Sprite Parade"), (126, 166),
        ("pulse", "square", "electric piano"), ("square", "pulse", "lead"), (0.4, 1.2), (1.2, 3.5), (1987, 2016),
        "Turbo Pixel Secret Lava Final Coral Bonus",
        "Castle Rocket Level Cavern Dungeon Sprint Boss Island Continue",
    ),
    Style(
        "Dub", styles.dub, ("Basement Lantern", "Echo Mango", "Salt Harbour Sound"), (64, 84),
        ("organ", "guitar", "electric piano"), ("reed", "square", "organ"), (1.5, 3.0), (1.5, 3.0), (1974, 2012),
        "Zinc Heavy Lion Market Lazy Copper Hill",
        "Version Rocker Steppers Gate Thunder Corner Dispatch Signal Chapter",
    ),
    Style(
        "Folk", styles.folk, ("Ada Fenwick", "Juniper & Rook", "The Mill Road Pickers"), (88, 132),
        ("guitar", "clean guitar", "vibraphone"), ("flute", "reed", "guitar"), (0.6, 1.8), (1.0, 2.0), (1966, 2019),
        "Hazel Winter Old Ferry Barley Mary's Crooked",
        "Lane Window Farewell Orchard Reel Kettle Morning Lantern Thistle",
    ),
    Style(
        "House", styles.house, ("Mira Sol Adeyo", "Neon Quay", "Velvet Turnstile"), (116, 130),
        ("stab", "organ", "electric piano"), ("bell", "square", "lead"), (1.0, 2.5), (2.0, 4.0), (1989, 2023),
        "Velour Midnight Mirror Sunday Glass Warm Second",
        "Motion Terrace Signal Avenue Body Ritual Hours Arcade Pressure",
    ),
    Style(
        "Jazz", styles.jazz, ("Blue Corridor", "Lila Marchetta Quartet", "Pym & Daughters"), (124, 196),
        ("electric piano", "guitar", "organ"), ("reed", "vibraphone", "flute"), (0.7, 1.8), (1.0, 2.2), (1956, 2010),
        "Blues Waltz Stroll Letter Detour Song Ballad",
        "Downtown Uptown Tonight Revisited Again Alone Abroad Anyway Indoors",
    ),
    Style(
        "Lo-Fi", styles.lofi, ("Nap Club", "Paper Kettle", "Rainy Tuesday"), (68, 92),
        ("electric piano", "guitar", "vibraphone"), ("flute", "bell", "guitar"), (0.8, 2.0), (1.5, 3.0), (2009, 2024),
        "Sleepy Soft Leftover Foggy Borrowed Window Late",
        "Noodles Homework Umbrella Balcony Bus Cat Pages Slippers Radio",
    ),
    Style(
        "Metal", styles.metal, ("Cinderhelm", "Grave Meridian", "Wolfram Choir"), (136, 188),
        ("clean guitar", "choir", "organ"), ("lead", "square", "reed"), (0.6, 1.6), (2.5, 4.5), (1983, 2018),
        "Iron Burning Black Thousand Crowned Hollow Last",
        "Winter Serpent Gallows Furnace Oath Ruin Legion Tide Cathedral",
    ),
)  # fmt: skip


def habits_of(style: Style, artist: int, *, album: int, seed: int) -> Habits:
    """Draw the habits of an artist of a style; no two artists share an instrument or a range of tempos.

    Balance, colour and noise are drawn for each album.
    """
    index = STYLES.index(style)
    order = np.random.default_rng([seed, index]).permuted(np.tile(np.arange(3), (3, 1)), axis=1)[:, artist]
    rng = np.random.default_rng([seed, index, artist])
    cut = np.random.default_rng([seed, index, artist, album, 2000])
    third = (style.tempo[1] - style.tempo[0]) / 3
    slowest = style.tempo[0] + third * order[0]
    room = Room(
        reverb=float(rng.uniform(*style.reverb)),
        wet=float(rng.uniform(0.3, 1.0)),
        drive=float(rng.uniform(*style.drive)),
        tilt=float(cut.uniform(-9, 7)),
        color=(float(200 * 20 ** cut.random()), float(cut.uniform(-8, 8))),
        hiss=float(cut.uniform(-80, -64)),
    )
    return Habits(
        tempo=(slowest, slowest + third),
        register=int(rng.integers(-4, 5)),
        detune=float(rng.uniform(2, 14)),
        swing=float(rng.random()),
        comp=style.comps[order[1]],
        lead=style.leads[order[2]],
        room=room,
    )


SUFFIXES = (".mp3", ".ogg", ".flac", ".ogg", ".wav", ".mp3", ".ogg", ".flac", ".ogg")
"""The formats of the albums, in turn: quick ones more often, large ones less often."""


@dataclass(frozen=True)
class DemoSong:
    """A song of the demo library: its tags, and the numbers that determine its sound."""

    title: str
    artist: str
    album: str
    style: str
    year: int
    track: int
    suffix: str
    version: str
    """Empty, ``"Live"`` or ``"Instrumental"``."""
    key: tuple[int, int, int, int]
    """Seed, style, artist and song; equal for versions of a song."""
    disc: int
    """Number of the album among those of its artist."""

    @property
    def path(self) -> Path:
        """The path of its file in the library."""
        return Path(self.artist) / self.album / f"{self.track:02d} {self.title}{self.suffix}"

    def samples(self, *, seconds: float = 30.0) -> np.ndarray:
        """Compose and mix the song: ``(2, n)`` float32 at 44.1 kHz, about ``seconds`` long (to a whole bar)."""
        seed, style, artist, _ = self.key
        habits = habits_of(STYLES[style], artist, album=self.disc, seed=seed)
        score = STYLES[style].compose(np.random.default_rng(self.key), habits, seconds)
        score, room = _VERSIONS[self.version](score, habits.room)
        rng = np.random.default_rng([*self.key, *self.version.encode()])
        return mix(score, room, seconds=score.seconds(score.beats) + 2, rng=rng)


def _plain(score: Composition, room: Room) -> tuple[Composition, Room]:
    return score, room


def _instrumental(score: Composition, room: Room) -> tuple[Composition, Room]:
    parts = [part for part in score.parts if part.name != "lead"]
    return replace(score, parts=parts), replace(room, drive=0.8 * room.drive, tilt=room.tilt + 1)


def _live(score: Composition, room: Room) -> tuple[Composition, Room]:
    hall = replace(room, reverb=room.reverb + 1, wet=room.wet + 0.5, drive=1.3, hiss=-50, crowd=1.0)
    return replace(score, tempo=1.04 * score.tempo), hall


_VERSIONS = {"": _plain, "Instrumental": _instrumental, "Live": _live}


def plan(*, seed: int = 0) -> list[DemoSong]:
    """Return the songs of the demo library.

    Each artist has three songs on two albums; one artist in three has another version of one of them on the second
    album. The list goes through the styles in turn, so that its first songs are of all styles.

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
    # No title comes twice in a style: each artist has other second words.
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
