"""The styles, and who plays them: names, bounds, and how an artist's habits are drawn from these.

Instruments and rooms are shared between styles on purpose: what tells styles apart is what is played, not
a colour that one number could name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from songspace.demo import styles
from songspace.demo.habits import Habits
from songspace.demo.mixing import Room
from songspace.demo.score import Score


@dataclass(frozen=True)
class Style:
    """A style, who plays it, and between what bounds they move."""

    name: str
    compose: Callable[[np.random.Generator, Habits, float], Score]
    artists: tuple[str, str, str]
    tempo: tuple[float, float]
    comps: tuple[str, str, str]
    leads: tuple[str, str, str]
    reverb: tuple[float, float]
    drive: tuple[float, float]
    years: tuple[int, int]
    first_words: str
    second_words: str
    """What titles are made of."""


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
    """The habits of one of a style's artists: no two of them share an instrument or a range of tempos.

    The last word on the sound is spoken by whoever cuts the album: its balance, its colour, its noise.
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
