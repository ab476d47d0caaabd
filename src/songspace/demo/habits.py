"""What the songs of one artist have in common, whatever is played."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from songspace.demo import instruments
from songspace.demo.mixing import Room
from songspace.demo.score import Tone


@dataclass(frozen=True)
class Habits:
    """What is the same in all songs of one artist."""

    tempo: tuple[float, float]
    register: int
    """Semitones by which everything pitched lies higher than usual in the style."""
    detune: float
    """How far oscillators are apart, in cents."""
    swing: float
    """How strongly this artist swings, 0 to 1 of what the style allows."""
    comp: str
    """The instrument of the accompaniment."""
    lead: str
    room: Room

    def tone(self, instrument: str) -> Tone:
        """An instrument as this artist has it tuned."""
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
