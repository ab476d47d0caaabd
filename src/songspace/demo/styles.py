"""Eight ways of writing a score: what the songs of one style have in common.

Each function takes a song's random numbers, its artist's habits and a length in seconds, and answers with
a score. Levels and patterns were set by listening for the style; everything that may differ between two
songs is drawn.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from songspace.demo import drums, instruments, mixing
from songspace.demo.habits import Habits
from songspace.demo.score import (
    Harmony,
    Note,
    Part,
    Score,
    arpeggio,
    bass,
    chords,
    melody,
    steps,
    walking_bass,
)


def _length(rng: np.random.Generator, habits: Habits, seconds: float, meter: int = 4) -> tuple[float, int]:
    """A tempo of the artist's, and how many bars of it fill the time but for two seconds of ringing on."""
    tempo = float(rng.uniform(*habits.tempo))
    return tempo, max(4, round((seconds - 2) * tempo / 60 / meter))


def _harmony(
    rng: np.random.Generator, bars: int, scales: tuple[str, ...], progressions: tuple[tuple[int, ...], ...]
) -> Harmony:
    """Some key, and in its second half often another."""
    key, degrees = 57 + int(rng.integers(-6, 6)), progressions[int(rng.integers(len(progressions)))]
    change = (bars // 2, int(rng.choice([-3, 0, 2, 3, 5])))
    return Harmony(key, str(rng.choice(scales)), degrees, change)


def ambient(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """No drums: long chords, a drone, wind, and now and then a note that hangs in the air."""
    tempo, bars = _length(rng, habits, seconds)
    harmony = _harmony(
        rng, bars, ("lydian", "dorian", "major"), ((0, 0, 3, 3), (0, 4, 5, 3), (0, 0, 5, 1), (0, 2, 3, 3))
    )
    near = 60 + habits.register
    rhythms = ("x.......x.......", "....x.......x...", "x.........x.....", "..x...x.........")
    tune = melody(rng, harmony, bars=range(1, bars), rhythms=rhythms, near=near + 14)
    broken = arpeggio((0, 2, 4, 1), harmony, bars=range(bars // 3, bars), near=near + 12, hold=2)
    echo = partial(mixing.echo, seconds=45 / tempo)
    return Score(
        tempo,
        bars * 4,
        [
            Part("pad", chords("x", harmony, bars=range(bars), near=near, size=4), habits.tone("choir"), -17, send=0.7),
            Part("drone", bass("x", harmony, bars=range(bars), near=38, hold=1.1), instruments.sub_bass, -22),
            Part("comp", broken, habits.tone(habits.comp), -27, 0.4, 0.8, (echo,)),
            Part("lead", tune, habits.tone(habits.lead), -22, -0.3, 0.9, (echo,)),
            Part("wind", [Note(0, bars * 4, int(rng.integers(76, 92)))], instruments.wind, -30, send=0.4),
        ],
    )


def chiptune(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """Four voices of an old games console: fast broken chords, a tune, a triangle, noise."""
    tempo, bars = _length(rng, habits, seconds)
    harmony = _harmony(
        rng, bars, ("major", "minor", "mixolydian"), ((0, 5, 3, 4), (0, 6, 5, 6), (0, 3, 0, 4), (0, 4, 5, 3))
    )
    near = 64 + habits.register
    order = [(0, 1, 2, 3), (0, 2, 1, 2), (3, 2, 1, 0)][rng.integers(3)]
    rhythms = ("x.xxx.x.", "x..x..x.", "xxx.x.xx", "x.x.xxxx")
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 12, hold=0.7)
    low = bass("x.8.x.8." if rng.random() < 0.6 else "xx8xxx58", harmony, bars=range(bars), near=43, hold=0.8)
    beat = "x...x...x.x.x..." if rng.random() < 0.5 else "x.....x.x....x.."
    crush = partial(mixing.crush, levels=int(rng.integers(10, 28)))
    console = partial(instruments.pulse, shape="triangle")
    return Score(
        tempo,
        bars * 4,
        [
            Part(
                "arpeggio",
                arpeggio(order * 4, harmony, bars=range(bars), near=near),
                habits.tone(habits.comp),
                -24,
                0.3,
                0.05,
                (crush,),
            ),
            Part("bass", low, console, -17, send=0.0),
            Part("lead", tune, habits.tone(habits.lead), -19, -0.2, 0.1, (crush,)),
            Part("kick", steps(beat, bars=range(1, bars)), partial(drums.kick, tone=62, decay=0.06), -18, send=0.0),
            Part(
                "snare", steps("....X.......X..o", bars=range(1, bars)), partial(drums.zap, decay=0.05), -25, send=0.05
            ),
            Part("hat", steps("x.o.x.o.x.o.x.oo", bars=range(1, bars)), partial(drums.zap, decay=0.015), -34, send=0.0),
        ],
    )


def dub(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """Slow and hollow: a bass that sings, chords on the off-beat that echo away, the drum on three."""
    tempo, bars = _length(rng, habits, seconds)
    harmony = _harmony(rng, bars, ("minor", "dorian"), ((0, 0, 3, 3), (0, 6, 0, 6), (0, 3, 0, 4), (0, 0, 0, 6)))
    near = 62 + habits.register
    line = ["x..x8...5..xx...", "x.....x.5.x.....", "..x.x.5.8...x..."][rng.integers(3)]
    rhythms = ("x...x.x.........", "....x..x..x.....", "x.....x...x.....")
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 8)
    echo = partial(mixing.echo, seconds=45 / tempo, feedback=0.7)
    skank = chords("....x.......x...", harmony, bars=range(bars), near=near, hold=0.8)
    return Score(
        tempo,
        bars * 4,
        [
            Part("bass", bass(line, harmony, bars=range(1, bars), near=36), instruments.sub_bass, -13, send=0.02),
            Part("skank", skank, habits.tone(habits.comp), -22, 0.3, 0.4, (echo,)),
            Part("lead", tune, habits.tone(habits.lead), -21, -0.3, 0.5, (echo,)),
            Part("kick", steps("........X.......", bars=range(1, bars)), partial(drums.kick, tone=50), -15, send=0.1),
            Part("rim", steps("........x.....o.", bars=range(1, bars)), drums.rim, -22, 0.1, 0.5, (echo,)),
            Part("hat", steps("x.o.x.o.x.o.x.oo", bars=range(1, bars)), drums.hat, -31, -0.4, 0.1),
            Part("tom", steps("............x.xx", bars=range(3, bars, 4), pitch=45), drums.tom, -19, 0.4, 0.5),
        ],
        swing=0.5 + 0.12 * habits.swing,
        pair=0.5,
    )


def folk(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """Picked strings in three or four, simple chords, and a tune that one could whistle."""
    meter = int(rng.choice([3, 4]))
    tempo, bars = _length(rng, habits, seconds, meter)
    harmony = _harmony(
        rng, bars, ("major", "mixolydian", "minor"), ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4), (0, 0, 3, 4))
    )
    near = 60 + habits.register
    picking = (
        [(0, 2, 1, 3, 2, 1), (0, 1, 2, 3, 1, 2)] if meter == 3 else [(0, 2, 1, 3, 0, 2, 1, 2), (0, 1, 2, 1, 3, 1, 2, 1)]
    )
    rhythms = (
        ("x..x.x", "x.x.x.", "x....x", "xx.x..") if meter == 3 else ("x..xx.x.", "x.x.x...", "x...x.xx", "x.xxx...")
    )
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 12, meter=meter)
    strings = arpeggio(picking[rng.integers(2)], harmony, bars=range(bars), near=near, meter=meter, hold=2)
    low = bass("x" if meter == 3 else "x.5.", harmony, bars=range(1, bars), near=43, meter=meter)
    shake = "x.o.o." if meter == 3 else "x.o.x.o."
    return Score(
        tempo,
        bars * meter,
        [
            Part("strings", strings, habits.tone(habits.comp), -18, -0.3, 0.3),
            Part("bass", low, partial(instruments.pluck, bright=0.3, ring=1.8), -19, 0.1, 0.1),
            Part("lead", tune, habits.tone(habits.lead), -19, 0.25, 0.4),
            Part("shaker", steps(shake, bars=range(bars // 4, bars), meter=meter), drums.shaker, -33, 0.4, 0.2),
        ],
        swing=0.5 + 0.06 * habits.swing,
    )


def house(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """Four to the floor, a hat between the beats, and chords that breathe with the kick."""
    tempo, bars = _length(rng, habits, seconds)
    harmony = _harmony(rng, bars, ("minor", "dorian"), ((0, 5, 2, 6), (0, 0, 3, 3), (0, 3, 5, 4), (0, 6, 5, 5)))
    near = 60 + habits.register
    pattern = ["..x...x..x....x.", "x..x..x...x..x..", "..x..x....x..x.."][rng.integers(3)]
    stabs = chords(pattern, harmony, bars=range(bars // 4, bars), near=near, size=4, hold=0.9)
    low = bass(
        ["..x...x...x...x.", "..xx..x...x8..x."][rng.integers(2)],
        harmony,
        bars=range(bars // 4, bars),
        near=38,
        hold=0.7,
    )
    rhythms = ("x..x..x.........", "..x...x..x......", "x.....x.x.......")
    tune = melody(rng, harmony, bars=range(bars // 2, bars), rhythms=rhythms, near=near + 12)
    pump = partial(mixing.pump, beat=60 / tempo)
    opening = partial(mixing.sweep, period=seconds * 0.7)
    return Score(
        tempo,
        bars * 4,
        [
            Part(
                "kick",
                steps("X...X...X...X...", bars=range(bars)),
                partial(drums.kick, tone=46, decay=0.15),
                -14,
                send=0.02,
            ),
            Part("hat", steps("..x...x...x...x.", bars=range(2, bars)), partial(drums.hat, decay=0.09), -27, 0.2, 0.1),
            Part("shaker", steps("x.ox.xo.x.ox.xo.", bars=range(bars // 4, bars)), drums.shaker, -32, -0.3, 0.1),
            Part("clap", steps("....x.......x...", bars=range(2, bars)), drums.clap, -23, send=0.3),
            Part("bass", low, partial(instruments.synth, decay=0.15, sustain=0.4), -17, send=0.02, effects=(pump,)),
            Part("stabs", stabs, habits.tone(habits.comp), -21, -0.2, 0.3, (opening, pump)),
            Part(
                "pad",
                chords("x", harmony, bars=range(bars), near=near),
                habits.tone("choir"),
                -26,
                send=0.4,
                effects=(pump,),
            ),
            Part("lead", tune, habits.tone(habits.lead), -22, 0.3, 0.5, (partial(mixing.echo, seconds=45 / tempo),)),
        ],
        swing=0.5 + 0.06 * habits.swing,
        pair=0.5,
    )


def jazz(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """A small combo: the bass walks, the cymbal swings, and somebody takes the solo."""
    tempo, bars = _length(rng, habits, seconds)
    harmony = _harmony(
        rng, bars, ("major", "dorian", "mixolydian"), ((1, 4, 0, 5), (0, 5, 1, 4), (2, 5, 1, 4), (0, 3, 1, 4))
    )
    near = 60 + habits.register
    comping = ["x..x....", "...x..x.", ".x...x..", "x.....x."]
    comp = [
        note
        for bar in range(bars)
        for note in chords(str(rng.choice(comping)), harmony, bars=[bar], near=near, size=4, hold=0.8)
    ]
    rhythms = ("xxxx.xx.", "x.xxxxxx", ".xxx.x.x", "x.x.xxx.", "..xxxxx.")
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 12, reach=7)
    ghosts = [note for note in steps("...o..o..o.o..o.", bars=range(2, bars)) if rng.random() < 0.5]
    return Score(
        tempo,
        bars * 4,
        [
            Part(
                "bass",
                walking_bass(rng, harmony, bars=range(bars), near=40),
                partial(instruments.pluck, bright=0.25, ring=0.9),
                -17,
                send=0.1,
            ),
            Part("ride", steps("x.xox.xo", bars=range(bars)), drums.ride, -28, 0.3, 0.2),
            Part("hat", steps("..x...x.", bars=range(bars)), drums.hat, -32, -0.3, 0.1),
            Part("brush", ghosts, drums.brush, -29, 0.1, 0.2),
            Part("comp", comp, habits.tone(habits.comp), -22, -0.4, 0.3),
            Part("lead", tune, habits.tone(habits.lead), -18, 0.15, 0.4),
        ],
        swing=0.58 + 0.1 * habits.swing,
    )


def lofi(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """Dusty drums behind the beat, soft sevenths, and a record that has been played too often."""
    tempo, bars = _length(rng, habits, seconds)
    harmony = _harmony(
        rng, bars, ("dorian", "major", "minor"), ((3, 2, 1, 0), (0, 5, 1, 4), (1, 4, 0, 0), (3, 4, 2, 5))
    )
    near = 60 + habits.register
    beat = ["X.......X.X.....", "X..x......X.....", "X.....x..xX....."][rng.integers(3)]
    rhythms = ("x..x..x.........", "......x.x..x....", "x.....x.........")
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 12)
    dull = partial(mixing.passband, low=60, high=float(rng.uniform(3000, 5500)))
    keys = chords(str(rng.choice(["x.....x.", "x...x...", "x......."])), harmony, bars=range(bars), near=near, size=4)
    return Score(
        tempo,
        bars * 4,
        [
            Part("keys", keys, habits.tone(habits.comp), -18, 0.1, 0.3, (mixing.wow, dull)),
            Part(
                "bass",
                bass("x.....x.5.......", harmony, bars=range(1, bars), near=38),
                instruments.sub_bass,
                -18,
                send=0.0,
            ),
            Part("lead", tune, habits.tone(habits.lead), -22, -0.25, 0.5, (mixing.wow, dull)),
            Part(
                "kick", steps(beat, bars=range(1, bars)), partial(drums.kick, tone=55), -16, send=0.05, effects=(dull,)
            ),
            Part(
                "snare",
                steps("....X.......X..o", bars=range(1, bars)),
                partial(drums.snare, decay=0.07),
                -20,
                send=0.2,
                effects=(dull,),
            ),
            Part("hat", steps("x.o.x.o.x.o.xoo.", bars=range(1, bars)), drums.hat, -31, 0.3, 0.1),
            Part("dust", [Note(0, bars * 4, 60)], instruments.crackle, -38, send=0.0),
        ],
        swing=0.56 + 0.08 * habits.swing,
        pair=0.5,
    )


def metal(rng: np.random.Generator, habits: Habits, seconds: float) -> Score:
    """Damped power chords, two bass drums, and cymbals; half as fast in the middle."""
    tempo, bars = _length(rng, habits, seconds)
    harmony = _harmony(rng, bars, ("phrygian", "minor"), ((0, 0, 5, 6), (0, 1, 0, 6), (0, 5, 3, 4), (0, 0, 1, 0)))
    riff = ["x.xxx.xxx.xxx.xx", "xxx.xxx.xxx.x.x.", "x..x..x.xxxxx..."][rng.integers(3)]
    near, heavy = 40 + min(habits.register, 2), bars // 2
    riffs = bass(riff, harmony, bars=range(1, heavy), near=near, hold=0.6)
    riffs += bass("x.......x...x...", harmony, bars=range(heavy, bars), near=near)
    power = riffs + [Note(beat, length, pitch + 7, velocity) for beat, length, pitch, velocity in riffs]
    rhythms = ("xxxxxxxx", "x.xxxxxx", "x...x.xx", "xxxxx...")
    tune = melody(rng, harmony, bars=range(heavy, bars), rhythms=rhythms, near=70 + habits.register)
    calm = arpeggio((0, 1, 2, 3, 2, 1, 2, 1), harmony, bars=[0, *range(heavy, bars)], near=60, hold=2)
    guitar = partial(instruments.synth, detune=habits.detune, decay=0.25, sustain=0.35, release=0.03)
    slow, drive = range(heavy, bars), range(1, heavy)
    kicks = steps(riff, bars=drive) + steps("X.....x.X.......", bars=slow)
    snares = steps("....X.......X...", bars=drive) + steps("........X.......", bars=slow)
    return Score(
        tempo,
        bars * 4,
        [
            Part("left guitar", power, guitar, -16, -0.8, 0.05, (mixing.distort,)),
            Part("right guitar", power, guitar, -16, 0.8, 0.05, (mixing.distort,)),
            Part("bass", riffs, partial(instruments.pluck, bright=0.8, ring=0.6), -18, send=0.0),
            Part("kick", kicks, partial(drums.kick, tone=52, decay=0.07), -16, send=0.02),
            Part("snare", snares, partial(drums.snare, tone=210), -18, send=0.25),
            Part("crash", steps("X", bars=range(1, bars, 4)), partial(drums.ride, decay=0.9), -24, -0.4, 0.3),
            Part("cymbal", steps("x.x.x.x.", bars=range(1, bars)), partial(drums.ride, decay=0.15), -27, 0.4, 0.1),
            Part("comp", calm, habits.tone(habits.comp), -25, 0.3, 0.3),
            Part("lead", tune, habits.tone(habits.lead), -19, 0.1, 0.4, (partial(mixing.distort, gain=5),)),
        ],
    )
