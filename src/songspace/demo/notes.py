"""Scores without sound: notes, chords, melodies and drum patterns.

Time is in beats from the start of the song, pitch in MIDI numbers (60 is middle C, 12 to the octave), harmony in
degrees of a seven-note scale (0 is the tonic, 7 the tonic an octave higher).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Tone = Callable[[float, float, np.random.Generator], np.ndarray]
"""An instrument: ``(frequency in Hz, seconds, rng)`` to samples ``(n,)`` or, in stereo, ``(2, n)``."""

Effect = Callable[[np.ndarray], np.ndarray]
"""An effect on the ``(2, n)`` sound of a whole part."""

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}


class Note(NamedTuple):
    """One note (the pitch of a drum does not matter)."""

    beat: float
    length: float
    pitch: int
    velocity: float = 1.0


@dataclass(frozen=True)
class Voice:
    """The notes of one player, the instrument, and the place in the mix."""

    name: str
    notes: Sequence[Note]
    tone: Tone
    level: float
    """Level of its loud moments, in decibels of the mix."""
    pan: float = 0.0
    """Position from -1, left, to 1, right."""
    send: float = 0.2
    """Share sent to the room."""
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Composition:
    """The score of a song."""

    tempo: float
    """Beats per minute."""
    beats: int
    """Length in beats, without the reverberation after the end."""
    parts: Sequence[Voice]
    swing: float = 0.5
    """Place of the second note of a pair: 0.5 is straight, 0.67 a triplet."""
    pair: float = 1.0
    """Length of such a pair in beats."""

    def seconds(self, beat: float) -> float:
        """Return the time of a beat in seconds, with swing."""
        pairs, within = divmod(beat / self.pair, 1.0)
        swung = 2 * within * self.swing if within < 0.5 else self.swing + (2 * within - 1) * (1 - self.swing)
        return float((pairs + swung) * self.pair * 60 / self.tempo)


@dataclass(frozen=True)
class Harmony:
    """A key and a progression with one chord for each bar, repeated as often as needed.

    From bar ``change[0]`` on, all notes are ``change[1]`` semitones higher: the key may change within a song.

    Examples
    --------
    >>> harmony = Harmony(60, "major", (0, 3, 4, 0))
    >>> harmony.chord(1, near=60)
    (57, 60, 65)
    >>> harmony.root(5, near=40)
    41
    """

    key: int
    scale: str
    degrees: tuple[int, ...]
    change: tuple[int, int] = (0, 0)

    def degree(self, bar: int) -> int:
        """Return the degree of the root of a bar's chord."""
        return self.degrees[bar % len(self.degrees)]

    def pitch(self, degree: int, bar: int) -> int:
        """Return the pitch of a degree, in any octave, in the key of a bar."""
        octave, step = divmod(degree, 7)
        lift = self.change[1] if bar >= self.change[0] else 0
        return self.key + lift + 12 * octave + SCALES[self.scale][step]

    def chord(self, bar: int, *, near: int, size: int = 3) -> tuple[int, ...]:
        """Return stacked thirds, each in the octave around ``near``, so that voices move little between chords."""
        stack = (self.pitch(self.degree(bar) + 2 * third, bar) for third in range(size))
        return tuple(sorted(fold(pitch, near) for pitch in stack))

    def root(self, bar: int, *, near: int) -> int:
        """Return the root of a bar's chord in the octave around ``near``."""
        return fold(self.pitch(self.degree(bar), bar), near)


def fold(pitch: int, near: int) -> int:
    """Return the same note in the octave from six semitones below ``near`` to five above it."""
    return near - 6 + (pitch - near + 6) % 12


def steps(pattern: str, *, bars: Iterable[int], meter: int = 4, pitch: int = 60) -> list[Note]:
    """Convert a step pattern to notes: ``X`` accented, ``x`` plain, ``o`` soft, other characters are rests.

    The steps of a pattern divide one bar of ``meter`` beats evenly.

    Examples
    --------
    >>> [note.beat for note in steps("X.x.", bars=range(2))]
    [0.0, 2.0, 4.0, 6.0]
    """
    grid = meter / len(pattern)
    loudness = {"X": 1.0, "x": 0.75, "o": 0.4}
    return [
        Note(bar * meter + step * grid, grid, pitch, loudness[mark])
        for bar in bars
        for step, mark in enumerate(pattern)
        if mark in loudness
    ]


def chords(
    pattern: str, harmony: Harmony, *, bars: Iterable[int], near: int, size: int = 3, hold: float = 1.0
) -> list[Note]:
    """Write the chord of each bar at the notes of a step pattern, each held for ``hold`` steps."""
    return [
        Note(note.beat, note.length * hold, pitch, note.velocity)
        for bar in bars
        for note in steps(pattern, bars=[bar])
        for pitch in harmony.chord(bar, near=near, size=size)
    ]


def bass(
    pattern: str, harmony: Harmony, *, bars: Iterable[int], near: int, meter: int = 4, hold: float = 0.9
) -> list[Note]:
    """Write a bass line from a step pattern: ``x`` the root of the chord, ``5`` its fifth, ``8`` its octave."""
    above = {"x": 0, "5": 7, "8": 12}
    grid = meter / len(pattern)
    notes = []
    for bar in bars:
        onsets = [step for step, mark in enumerate(pattern) if mark in above]
        for onset, following in zip(onsets, [*onsets[1:], len(pattern)], strict=True):
            pitch = harmony.root(bar, near=near) + above[pattern[onset]]
            velocity = 0.9 if onset == 0 else 0.75
            notes.append(Note(bar * meter + onset * grid, (following - onset) * grid * hold, pitch, velocity))
    return notes


def arpeggio(
    order: Sequence[int], harmony: Harmony, *, bars: Iterable[int], near: int, meter: int = 4, hold: float = 1.0
) -> list[Note]:
    """Write broken chords: in each bar the notes of the chord in ``order``, evenly spread (3 is an octave up)."""
    grid = meter / len(order)
    notes = []
    for bar in bars:
        chord = harmony.chord(bar, near=near)
        for step, voice in enumerate(order):
            octave, index = divmod(voice, len(chord))
            velocity = 0.9 if step * grid % 1 == 0 else 0.65
            notes.append(Note(bar * meter + step * grid, grid * hold, chord[index] + 12 * octave, velocity))
    return notes


def melody(
    rng: np.random.Generator,
    harmony: Harmony,
    *,
    bars: Iterable[int],
    rhythms: Sequence[str],
    near: int,
    meter: int = 4,
    reach: int = 5,
    hold: float = 0.9,
) -> list[Note]:
    """Write a tune of two motifs that return with the same rhythm and contour over the chord of each bar.

    Notes on the beat move to the nearest tone of the chord, and the tune stays within ``reach`` degrees of the pitch
    ``near``.
    """
    motifs = []
    for rhythm in rng.choice(list(rhythms), size=2, replace=len(rhythms) < 2):
        moves = rng.choice([-2, -1, -1, 1, 1, 2, 3, -3, 0], size=len(rhythm) - rhythm.count("."))
        motifs.append((str(rhythm), int(rng.integers(-2, 4)) + np.cumsum(moves)))
    form = rng.choice(["AABA", "ABAB", "AAAB", "ABBA"])
    middle = round((near - harmony.key) * 7 / 12)
    notes = []
    for bar in bars:
        rhythm, contour = motifs["AB".index(form[bar % 4])]
        grid = meter / len(rhythm)
        onsets = [step for step, mark in enumerate(rhythm) if mark != "."]
        for step, onset, following in zip(contour, onsets, [*onsets[1:], len(rhythm)], strict=True):
            degree = middle + _reflect(int(step), reach)
            if onset * grid % 1 == 0:
                degree = _nearest_chord_tone(degree, harmony.degree(bar))
            length = (following - onset) * grid * hold
            velocity = 0.95 if onset * grid % 2 == 0 else float(rng.uniform(0.65, 0.85))
            notes.append(Note(bar * meter + onset * grid, length, harmony.pitch(degree, bar), velocity))
    return notes


def walking_bass(rng: np.random.Generator, harmony: Harmony, *, bars: Sequence[int], near: int) -> list[Note]:
    """Write four quarter notes for each bar: the root, two tones of the chord, a step to the next root."""
    notes = []
    for bar in bars:
        root, target = harmony.root(bar, near=near), harmony.root(bar + 1, near=near)
        tones = [fold(pitch, near + 3) for pitch in harmony.chord(bar, near=near, size=4)]
        inner = rng.choice([tone for tone in tones if tone != root], size=2, replace=False)
        line = (root, int(inner[0]), int(inner[1]), target + int(rng.choice([-2, -1, 1, 2])))
        notes += [Note(bar * 4 + beat, 0.95, pitch, 0.9 - 0.1 * (beat % 2)) for beat, pitch in enumerate(line)]
    return notes


def _reflect(step: int, reach: int) -> int:
    """Reflect a walk at the ends of its range."""
    return reach - abs((step + reach) % (4 * reach) - 2 * reach)


def _nearest_chord_tone(degree: int, root: int) -> int:
    return next(degree + move for move in (0, -1, 1) if (degree + move - root) % 7 in (0, 2, 4))
