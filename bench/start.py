"""What the contrastive network knows before it hears music: learnt from sound that this script renders, nothing else.

    python bench/start.py -o FILE.safetensors [--pieces 8000] [--steps 1500] [--workers 2]

`src/songspace/encoders/start.safetensors` was made so, in about half an hour of one core.

A piece is five seconds of a random synthesiser: some layers of tones on a random scale, perhaps drums, a room, noise.
Each is rendered twice; the second time every number of every sound is a little other, and the notes are drawn anew.
The network learns to find each piece's other rendering among all (M. Cherep and N. Singh, "Contrastive learning from
synthetic audio doppelgängers", ICLR 2025). No recording is touched. The same numbers come out on the same kind of
processor.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
from scipy.signal import fftconvolve, lfilter

from machine import about
from songspace.encoders.contrastive import Contrastive
from songspace.encoders.convnet import write_start
from songspace.encoders.training import TrainingProgress
from songspace.frontends import Codes, LogMel

RATE = LogMel().rate
SECONDS = 5
LENGTH = RATE * SECONDS
CHANGE = 0.12
"""The deviation of the logarithm of what a number is multiplied by, from one rendering to the other."""


@dataclass(frozen=True)
class Varied:
    """Numbers of a sound; the other rendering has others."""

    def varied(self, random: np.random.Generator) -> Self:
        changed = {
            field.name: getattr(self, field.name) * float(np.exp(random.normal(0, CHANGE)))
            for field in fields(self)
            if isinstance(getattr(self, field.name), float)
        }
        return replace(self, **changed)


@dataclass(frozen=True)
class Layer(Varied):
    """A synthesiser's patch, and how it plays."""

    kind: str
    harmonics: int
    slope: float
    even: float
    stiffness: float
    detune: float
    modulator: float
    modulation: float
    cutoff: float
    attack: float
    decay: float
    sustain: float
    release: float
    vibrato: float
    vibrato_rate: float
    tremolo: float
    drive: float
    gain: float
    lowest: float
    span: int
    density: float
    chord: int
    note: float
    swing: float

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Layer:
        return cls(
            kind=str(random.choice(["additive", "fm", "noise", "plucked", "square"], p=[0.3, 0.2, 0.1, 0.2, 0.2])),
            harmonics=int(random.integers(1, 14)),
            slope=random.uniform(0.5, 3),
            even=random.uniform(0, 1),
            stiffness=random.exponential(3e-4),
            detune=random.exponential(0.004),
            modulator=float(random.choice([0.5, 1, 1.414, 2, 2.76, 3, 3.5])),
            modulation=random.uniform(0.3, 8),
            cutoff=10 ** random.uniform(2.3, 4),
            attack=10 ** random.uniform(-2.7, -0.3),
            decay=10 ** random.uniform(-1.5, 0.5),
            sustain=random.uniform(0, 0.9),
            release=10 ** random.uniform(-2, -0.3),
            vibrato=random.exponential(0.004),
            vibrato_rate=random.uniform(3, 8),
            tremolo=random.uniform(0, 0.6) * (random.random() < 0.4),
            drive=random.uniform(0, 6) * (random.random() < 0.3),
            gain=random.uniform(0.2, 1),
            lowest=random.uniform(30, 76),
            span=int(random.integers(5, 20)),
            density=random.uniform(0.1, 0.8),
            chord=int(random.choice([1, 1, 2, 3, 4])),
            note=10 ** random.uniform(-1, 0.3),
            swing=random.uniform(0, 0.2),
        )

    def tone(self, random: np.random.Generator, frequency: float) -> np.ndarray:
        """One note."""
        time = np.arange(int(min(self.note + self.release, 1.8) * RATE)) / RATE
        wobble = self.vibrato * np.sin(2 * np.pi * self.vibrato_rate * time) / self.vibrato_rate
        phase = 2 * np.pi * frequency * (time + wobble)
        if self.kind == "fm":
            depth = self.modulation * np.exp(-time / max(self.decay, 0.02))
            sound = np.sin(phase + depth * np.sin(self.modulator * phase))
        elif self.kind == "noise":
            angle = 2 * np.pi * min(4 * frequency, 9000) / RATE
            sound = 6 * lfilter([0.01], [1, -1.98 * np.cos(angle), 0.99**2], random.normal(size=len(time)))
        else:
            sound = self._partials(time, phase, frequency)
            if self.kind == "square":
                pole = np.exp(-2 * np.pi * self.cutoff / RATE)
                sound = lfilter([1 - pole], [1, -pole], (np.sign(sound) + sound) / 2)
        sound = sound * self._envelope(time)
        sound *= 1 - self.tremolo * (0.5 + 0.5 * np.sin(2 * np.pi * self.vibrato_rate * time))
        return np.tanh(sound * (1 + self.drive)) if self.drive else sound

    def _partials(self, time: np.ndarray, phase: np.ndarray, frequency: float) -> np.ndarray:
        sound = np.zeros(len(time))
        for number in range(1, self.harmonics + 1):
            stretched = number * np.sqrt(1 + self.stiffness * number**2)
            if stretched * frequency > 10_000:
                break
            level = number**-self.slope * (1 - self.even * (number % 2 == 0))
            fading = np.exp(-0.7 * number * time / self.decay) if self.kind == "plucked" else 1.0
            sound += level * np.sin(stretched * phase + number) * fading
            sound += 0.6 * level * np.sin(stretched * phase * (1 + self.detune)) * (self.detune > 0.002)
        return sound

    def _envelope(self, time: np.ndarray) -> np.ndarray:
        rising = np.minimum(time / self.attack, 1)
        after = np.maximum(time - self.attack, 0)
        falling = self.sustain + (1 - min(self.sustain, 1)) * np.exp(-after / self.decay)
        return rising * falling * np.minimum((time[-1] - time) / self.release, 1)


@dataclass(frozen=True)
class Drums(Varied):
    """A kick, a snare and a hat, and the sixteenths on which they are struck."""

    kick: float
    kick_decay: float
    snare: float
    snare_decay: float
    hat: float
    hat_decay: float
    brightness: float
    gain: float
    struck: np.ndarray

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Drums:
        shares = [random.uniform(0.1, 0.5), random.uniform(0.05, 0.35), random.uniform(0.2, 1)]
        return cls(
            kick=random.uniform(40, 90),
            kick_decay=10 ** random.uniform(-1.3, -0.4),
            snare=random.uniform(0.2, 1),
            snare_decay=10 ** random.uniform(-1.5, -0.5),
            hat=random.uniform(0.1, 0.8),
            hat_decay=10 ** random.uniform(-2, -0.8),
            brightness=random.uniform(0.3, 0.97),
            gain=random.uniform(0.3, 1.2),
            struck=random.random((3, 16)) < np.array(shares)[:, None],
        )

    def sounds(self, random: np.random.Generator) -> list[np.ndarray]:
        time = np.arange(RATE // 2) / RATE
        noise = random.normal(size=len(time))
        falling = time + 0.03 * (1 - np.exp(-time / 0.02))
        return [
            np.sin(2 * np.pi * self.kick * falling) * np.exp(-time / self.kick_decay),
            self.snare * noise * np.exp(-time / self.snare_decay),
            self.hat * lfilter([1, -min(self.brightness, 0.99)], [1], noise) * np.exp(-time / self.hat_decay),
        ]


@dataclass(frozen=True)
class Piece:
    """What the two renderings have in common."""

    tempo: float
    scale: np.ndarray
    layers: list[Layer]
    drums: Drums | None
    room: float
    echo: float
    noise: float

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Piece:
        return cls(
            tempo=random.uniform(60, 180),
            scale=np.sort(random.choice(12, size=random.integers(4, 8), replace=False)),
            layers=[Layer.drawn(random) for _ in range(random.integers(1, 5))],
            drums=Drums.drawn(random) if random.random() < 0.6 else None,
            room=random.uniform(0, 0.6) * (random.random() < 0.6),
            echo=10 ** random.uniform(-1, 0),
            noise=10 ** random.uniform(-5, -2),
        )

    def render(self, random: np.random.Generator) -> np.ndarray:
        """One rendering, at about -20 dB."""
        sound = np.zeros(LENGTH + 2 * RATE)
        sixteenth = 15 / self.tempo
        steps = int(SECONDS / sixteenth)
        for layer in (layer.varied(random) for layer in self.layers):
            self._play(sound, layer, random, sixteenth, steps)
        if self.drums is not None:
            drums = self.drums.varied(random)
            for struck, hit in zip(drums.struck, drums.sounds(random), strict=True):
                for step in range(steps):
                    if struck[step % 16] and random.random() < 0.92:
                        at = int(step * sixteenth * RATE)
                        sound[at : at + len(hit)] += drums.gain * hit * random.uniform(0.7, 1)
        if self.room:
            tail = int(self.echo * RATE)
            response = random.normal(size=tail) * np.exp(-6 * np.arange(tail) / tail)
            sound += 0.1 * self.room * fftconvolve(sound, response)[: len(sound)]
        sound = sound[:LENGTH]
        sound = 0.1 * sound / (np.sqrt(np.mean(sound**2)) + 1e-9) + self.noise * random.normal(size=LENGTH)
        return np.clip(sound * 10 ** (random.uniform(-6, 6) / 20), -1, 1).astype(np.float32)

    def _play(self, sound: np.ndarray, layer: Layer, random: np.random.Generator, sixteenth: float, steps: int) -> None:
        pitches = [12 * octave + step for octave in range(3) for step in self.scale]
        within = [pitch for pitch in pitches if pitch < layer.span] or [0]
        chosen = random.choice(within, size=min(len(within), 5), replace=False)
        notes = {pitch: layer.tone(random, 440 * 2 ** ((layer.lowest + pitch - 69) / 12)) for pitch in chosen}
        for step in range(steps):
            if random.random() < layer.density:
                at = int((step + layer.swing * (step % 2)) * sixteenth * RATE)
                for pitch in random.choice(chosen, size=min(layer.chord, len(chosen)), replace=False):
                    note = notes[pitch][: len(sound) - at]
                    sound[at : at + len(note)] += layer.gain * random.uniform(0.6, 1) * note


def rendered(seed: int) -> np.ndarray:
    """The spectrograms of a piece's two renderings, in 8 bits."""
    random = np.random.default_rng([7, seed])
    piece, frontend = Piece.drawn(random), LogMel()
    return np.asarray(frontend.quantize(frontend(np.stack([piece.render(random), piece.render(random)]))))


def learnt(X: Codes, steps: int) -> Contrastive:
    """A network that has found the two renderings of each piece, whose spectrograms stand side by side."""
    network = Contrastive(start="random", statistics=False, relation=0.0, steps=steps, device="cpu")
    return network.fit(X, groups=np.arange(len(X)) // 2, on_progress=told)


def told(progress: TrainingProgress) -> None:
    if progress.step % 100 == 0:
        print(f"{progress.step} steps, loss {progress.losses['loss']:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    print(about(), flush=True)
    with ProcessPoolExecutor(wanted.workers) as pool:
        X = np.concatenate(list(pool.map(rendered, range(wanted.pieces), chunksize=16)))
    print(f"{wanted.pieces} pieces are rendered.", flush=True)
    write_start(learnt(X.view(Codes), wanted.steps).network_, wanted.output)
    print(f"Wrote {wanted.output}, {wanted.output.stat().st_size / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
