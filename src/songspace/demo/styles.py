"""The eight styles: functions that write scores.

Each function takes a random generator, the habits of an artist and a length in seconds, and returns a score. Levels and
patterns were set by listening; all properties that may differ between two songs of a style are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from songspace.demo import instruments, mixing
from songspace.demo.instruments import brush, clap, hat, kick, ride, rim, shaker, snare, tom, zap
from songspace.demo.mixing import Room
from songspace.demo.notes import (
    Composition,
    Harmony,
    Note,
    Tone,
    Voice,
    arpeggio,
    bass,
    chords,
    melody,
    steps,
    walking_bass,
)


@dataclass(frozen=True)
class Habits:
    """The common settings of all songs of an artist."""

    tempo: tuple[float, float]
    register: int
    """Semitones by which all pitched parts are higher than usual in the style."""
    detune: float
    """Distance of oscillators, in cents."""
    swing: float
    """Strength of the swing, as a share of the most in the style, 0 to 1."""
    comp: str
    """The instrument of the accompaniment."""
    lead: str
    room: Room

    def tone(self, instrument: str) -> Tone:
        """Return an instrument with the tuning of this artist."""
        tones: dict[str, Tone] = {
            "bell": instruments.bell,
            "choir": partial(instruments.pad, detune=self.detune),
            "clean guitar": partial(instruments.pluck, bright=0.75, ring=1.8),
            "electric piano": partial(instruments.electric_piano, detune=self.detune),
            "flute": instruments.flute,
            "guitar": partial(instruments.pluck, bright=0.55),
            "lead": partial(instruments.synth, detune=self.detune, sustain=0.7, vibrato=16),
            "organ": partial(instruments.organ, detune=self.detune),
            "pulse": instruments.pulse,
            "reed": instruments.reed,
            "square": partial(instruments.pulse, shape="square"),
            "stab": partial(instruments.synth, detune=self.detune, decay=0.12, sustain=0.25),
            "vibraphone": partial(instruments.bell, ratio=4.0, ring=0.7),
        }
        return tones[instrument]


def _outline(
    rng: np.random.Generator, habits: Habits, seconds: float, scales: str, progressions: str, *, meter: int = 4
) -> tuple[float, int, Harmony]:
    """Draw a tempo of the artist, the number of bars that leaves two seconds for the reverberation, and a harmony.

    The progression is one of the words in ``progressions``; the key often changes in the second half.
    """
    tempo = float(rng.uniform(*habits.tempo))
    bars = max(4, round((seconds - 2) * tempo / 60 / meter))
    key, words = 57 + int(rng.integers(-6, 6)), progressions.split()
    degrees = tuple(map(int, words[int(rng.integers(len(words)))]))
    change = (bars // 2, int(rng.choice([-3, 0, 2, 3, 5])))
    return tempo, bars, Harmony(key, str(rng.choice(scales.split())), degrees, change)


def ambient(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose ambient: no drums, long chords, a drone, wind, and sparse long notes."""
    tempo, bars, harmony = _outline(rng, habits, seconds, "lydian dorian major", "0033 0453 0051 0233")
    near = 60 + habits.register
    rhythms = ("x.......x.......", "....x.......x...", "x.........x.....", "..x...x.........")
    tune = melody(rng, harmony, bars=range(1, bars), rhythms=rhythms, near=near + 14)
    broken = arpeggio((0, 2, 4, 1), harmony, bars=range(bars // 3, bars), near=near + 12, hold=2)
    echo = partial(mixing.echo, seconds=45 / tempo)
    parts = [
        Voice("pad", chords("x", harmony, bars=range(bars), near=near, size=4), habits.tone("choir"), -17, send=0.7),
        Voice("drone", bass("x", harmony, bars=range(bars), near=38, hold=1.1), instruments.sub_bass, -22),
        Voice("comp", broken, habits.tone(habits.comp), -27, 0.4, 0.8, (echo,)),
        Voice("lead", tune, habits.tone(habits.lead), -22, -0.3, 0.9, (echo,)),
        Voice("wind", [Note(0, bars * 4, int(rng.integers(76, 92)))], instruments.wind, -30, send=0.4),
    ]
    return Composition(tempo, bars * 4, parts)


def chiptune(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose chiptune: the voices of an old games console, fast broken chords, a tune, a triangle, noise."""
    tempo, bars, harmony = _outline(rng, habits, seconds, "major minor mixolydian", "0534 0656 0304 0453")
    near = 64 + habits.register
    order = [(0, 1, 2, 3), (0, 2, 1, 2), (3, 2, 1, 0)][rng.integers(3)]
    rhythms = ("x.xxx.x.", "x..x..x.", "xxx.x.xx", "x.x.xxxx")
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 12, hold=0.7)
    broken = arpeggio(order * 4, harmony, bars=range(bars), near=near)
    low = bass("x.8.x.8." if rng.random() < 0.6 else "xx8xxx58", harmony, bars=range(bars), near=43, hold=0.8)
    beat = "x...x...x.x.x..." if rng.random() < 0.5 else "x.....x.x....x.."
    crush = partial(mixing.crush, levels=int(rng.integers(10, 28)))
    console = partial(instruments.pulse, shape="triangle")
    parts = [
        Voice("arpeggio", broken, habits.tone(habits.comp), -24, 0.3, 0.05, (crush,)),
        Voice("bass", low, console, -17, send=0.0),
        Voice("lead", tune, habits.tone(habits.lead), -19, -0.2, 0.1, (crush,)),
        Voice("kick", steps(beat, bars=range(1, bars)), partial(kick, tone=62, decay=0.06), -18, send=0.0),
        Voice("snare", steps("....X.......X..o", bars=range(1, bars)), partial(zap, decay=0.05), -25, send=0.05),
        Voice("hat", steps("x.o.x.o.x.o.x.oo", bars=range(1, bars)), partial(zap, decay=0.015), -34, send=0.0),
    ]
    return Composition(tempo, bars * 4, parts)


def dub(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose dub: slow, a melodic bass, off-beat chords with echo, the drum on three."""
    tempo, bars, harmony = _outline(rng, habits, seconds, "minor dorian", "0033 0606 0304 0006")
    near = 62 + habits.register
    line = ["x..x8...5..xx...", "x.....x.5.x.....", "..x.x.5.8...x..."][rng.integers(3)]
    rhythms = ("x...x.x.........", "....x..x..x.....", "x.....x...x.....")
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 8)
    echo = partial(mixing.echo, seconds=45 / tempo, feedback=0.7)
    skank = chords("....x.......x...", harmony, bars=range(bars), near=near, hold=0.8)
    parts = [
        Voice("bass", bass(line, harmony, bars=range(1, bars), near=36), instruments.sub_bass, -13, send=0.02),
        Voice("skank", skank, habits.tone(habits.comp), -22, 0.3, 0.4, (echo,)),
        Voice("lead", tune, habits.tone(habits.lead), -21, -0.3, 0.5, (echo,)),
        Voice("kick", steps("........X.......", bars=range(1, bars)), partial(kick, tone=50), -15, send=0.1),
        Voice("rim", steps("........x.....o.", bars=range(1, bars)), rim, -22, 0.1, 0.5, (echo,)),
        Voice("hat", steps("x.o.x.o.x.o.x.oo", bars=range(1, bars)), hat, -31, -0.4, 0.1),
        Voice("tom", steps("............x.xx", bars=range(3, bars, 4), pitch=45), tom, -19, 0.4, 0.5),
    ]
    return Composition(tempo, bars * 4, parts, swing=0.5 + 0.12 * habits.swing, pair=0.5)


def folk(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose folk: picked strings in three or four beats, simple chords, and a simple tune."""
    meter = int(rng.choice([3, 4]))
    tempo, bars, harmony = _outline(rng, habits, seconds, "major mixolydian minor", "0453 0340 0534 0034", meter=meter)
    near = 60 + habits.register
    if meter == 3:
        picking: tuple[tuple[int, ...], ...] = ((0, 2, 1, 3, 2, 1), (0, 1, 2, 3, 1, 2))
        rhythms, low_pattern, shake = ("x..x.x", "x.x.x.", "x....x", "xx.x.."), "x", "x.o.o."
    else:
        picking = ((0, 2, 1, 3, 0, 2, 1, 2), (0, 1, 2, 1, 3, 1, 2, 1))
        rhythms, low_pattern, shake = ("x..xx.x.", "x.x.x...", "x...x.xx", "x.xxx..."), "x.5.", "x.o.x.o."
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 12, meter=meter)
    strings = arpeggio(picking[rng.integers(2)], harmony, bars=range(bars), near=near, meter=meter, hold=2)
    low = bass(low_pattern, harmony, bars=range(1, bars), near=43, meter=meter)
    parts = [
        Voice("strings", strings, habits.tone(habits.comp), -18, -0.3, 0.3),
        Voice("bass", low, partial(instruments.pluck, bright=0.3, ring=1.8), -19, 0.1, 0.1),
        Voice("lead", tune, habits.tone(habits.lead), -19, 0.25, 0.4),
        Voice("shaker", steps(shake, bars=range(bars // 4, bars), meter=meter), shaker, -33, 0.4, 0.2),
    ]
    return Composition(tempo, bars * meter, parts, swing=0.5 + 0.06 * habits.swing)


def house(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose house: a kick on every beat, a hat between the beats, and chords that duck under the kick."""
    tempo, bars, harmony = _outline(rng, habits, seconds, "minor dorian", "0526 0033 0354 0655")
    near = 60 + habits.register
    pattern = ["..x...x..x....x.", "x..x..x...x..x..", "..x..x....x..x.."][rng.integers(3)]
    stabs = chords(pattern, harmony, bars=range(bars // 4, bars), near=near, size=4, hold=0.9)
    line = ["..x...x...x...x.", "..xx..x...x8..x."][rng.integers(2)]
    low = bass(line, harmony, bars=range(bars // 4, bars), near=38, hold=0.7)
    rhythms = ("x..x..x.........", "..x...x..x......", "x.....x.x.......")
    tune = melody(rng, harmony, bars=range(bars // 2, bars), rhythms=rhythms, near=near + 12)
    held = chords("x", harmony, bars=range(bars), near=near)
    beat = steps("X...X...X...X...", bars=range(bars))
    pump = partial(mixing.pump, beat=60 / tempo)
    opening = partial(mixing.sweep, period=seconds * 0.7)
    parts = [
        Voice("kick", beat, partial(kick, tone=46, decay=0.15), -14, send=0.02),
        Voice("hat", steps("..x...x...x...x.", bars=range(2, bars)), partial(hat, decay=0.09), -27, 0.2, 0.1),
        Voice("shaker", steps("x.ox.xo.x.ox.xo.", bars=range(bars // 4, bars)), shaker, -32, -0.3, 0.1),
        Voice("clap", steps("....x.......x...", bars=range(2, bars)), clap, -23, send=0.3),
        Voice("bass", low, partial(instruments.synth, decay=0.15, sustain=0.4), -17, send=0.02, effects=(pump,)),
        Voice("stabs", stabs, habits.tone(habits.comp), -21, -0.2, 0.3, (opening, pump)),
        Voice("pad", held, habits.tone("choir"), -26, send=0.4, effects=(pump,)),
        Voice("lead", tune, habits.tone(habits.lead), -22, 0.3, 0.5, (partial(mixing.echo, seconds=45 / tempo),)),
    ]
    return Composition(tempo, bars * 4, parts, swing=0.5 + 0.06 * habits.swing, pair=0.5)


def jazz(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose jazz: a small combo with a walking bass, a swinging cymbal and a soloist."""
    tempo, bars, harmony = _outline(rng, habits, seconds, "major dorian mixolydian", "1405 0514 2514 0314")
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
    low = walking_bass(rng, harmony, bars=range(bars), near=40)
    parts = [
        Voice("bass", low, partial(instruments.pluck, bright=0.25, ring=0.9), -17, send=0.1),
        Voice("ride", steps("x.xox.xo", bars=range(bars)), ride, -28, 0.3, 0.2),
        Voice("hat", steps("..x...x.", bars=range(bars)), hat, -32, -0.3, 0.1),
        Voice("brush", ghosts, brush, -29, 0.1, 0.2),
        Voice("comp", comp, habits.tone(habits.comp), -22, -0.4, 0.3),
        Voice("lead", tune, habits.tone(habits.lead), -18, 0.15, 0.4),
    ]
    return Composition(tempo, bars * 4, parts, swing=0.58 + 0.1 * habits.swing)


def lofi(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose lo-fi: dull drums behind the beat, soft sevenths, and the noise of a worn record."""
    tempo, bars, harmony = _outline(rng, habits, seconds, "dorian major minor", "3210 0514 1400 3425")
    near = 60 + habits.register
    beat = ["X.......X.X.....", "X..x......X.....", "X.....x..xX....."][rng.integers(3)]
    rhythms = ("x..x..x.........", "......x.x..x....", "x.....x.........")
    tune = melody(rng, harmony, bars=range(2, bars), rhythms=rhythms, near=near + 12)
    dull = partial(instruments.band, low=60, high=float(rng.uniform(3000, 5500)))
    keys = chords(str(rng.choice(["x.....x.", "x...x...", "x......."])), harmony, bars=range(bars), near=near, size=4)
    low = bass("x.....x.5.......", harmony, bars=range(1, bars), near=38)
    kicks, snares = (steps(pattern, bars=range(1, bars)) for pattern in (beat, "....X.......X..o"))
    parts = [
        Voice("keys", keys, habits.tone(habits.comp), -18, 0.1, 0.3, (mixing.wow, dull)),
        Voice("bass", low, instruments.sub_bass, -18, send=0.0),
        Voice("lead", tune, habits.tone(habits.lead), -22, -0.25, 0.5, (mixing.wow, dull)),
        Voice("kick", kicks, partial(kick, tone=55), -16, send=0.05, effects=(dull,)),
        Voice("snare", snares, partial(snare, decay=0.07), -20, send=0.2, effects=(dull,)),
        Voice("hat", steps("x.o.x.o.x.o.xoo.", bars=range(1, bars)), hat, -31, 0.3, 0.1),
        Voice("dust", [Note(0, bars * 4, 60)], instruments.crackle, -38, send=0.0),
    ]
    return Composition(tempo, bars * 4, parts, swing=0.56 + 0.08 * habits.swing, pair=0.5)


def metal(rng: np.random.Generator, habits: Habits, seconds: float) -> Composition:
    """Compose metal: damped power chords, two bass drums, and cymbals; half as fast in the second half."""
    tempo, bars, harmony = _outline(rng, habits, seconds, "phrygian minor", "0056 0106 0534 0010")
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
    parts = [
        Voice("left guitar", power, guitar, -16, -0.8, 0.05, (mixing.distort,)),
        Voice("right guitar", power, guitar, -16, 0.8, 0.05, (mixing.distort,)),
        Voice("bass", riffs, partial(instruments.pluck, bright=0.8, ring=0.6), -18, send=0.0),
        Voice("kick", kicks, partial(kick, tone=52, decay=0.07), -16, send=0.02),
        Voice("snare", snares, partial(snare, tone=210), -18, send=0.25),
        Voice("crash", steps("X", bars=range(1, bars, 4)), partial(ride, decay=0.9), -24, -0.4, 0.3),
        Voice("cymbal", steps("x.x.x.x.", bars=range(1, bars)), partial(ride, decay=0.15), -27, 0.4, 0.1),
        Voice("comp", calm, habits.tone(habits.comp), -25, 0.3, 0.3),
        Voice("lead", tune, habits.tone(habits.lead), -19, 0.1, 0.4, (partial(mixing.distort, gain=5),)),
    ]
    return Composition(tempo, bars * 4, parts)
