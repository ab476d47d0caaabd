"""Drums: instruments that, with few exceptions, take no notice of the note they are asked for."""

from __future__ import annotations

import numpy as np

from songspace.demo.instruments import RATE, band, envelope, noise, oscillator


def _fall(high: float, low: float, speed: float, seconds: float) -> np.ndarray:
    """A sine that drops from one frequency to another: the skin of a drum."""
    time = np.arange(round(seconds * RATE), dtype=np.float32) / RATE
    cycles = low * time + (high - low) * speed * (1 - np.exp(-time / speed))
    return np.sin((2 * np.pi * cycles).astype(np.float32))


def _hit(samples: np.ndarray, decay: float) -> np.ndarray:
    return samples * envelope(len(samples), attack=0.0008, decay=decay, release=0.01)


def kick(
    frequency: float, seconds: float, rng: np.random.Generator, *, tone: float = 48.0, decay: float = 0.12
) -> np.ndarray:
    """A bass drum with a click in front."""
    click = _hit(band(noise(rng, 0.03), 2000, 8000), 0.003)
    drum = _hit(_fall(6 * tone, tone, 0.022, 5 * decay), decay)
    drum[: len(click)] += 0.4 * click
    return drum


def snare(
    frequency: float, seconds: float, rng: np.random.Generator, *, tone: float = 185.0, decay: float = 0.1
) -> np.ndarray:
    """A skin and the wires below it."""
    wires = _hit(band(noise(rng, 5 * decay), 1200, 11000), decay)
    return wires + 0.6 * _hit(_fall(1.6 * tone, tone, 0.02, 5 * decay), 0.6 * decay)


def brush(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A brush drawn over the skin."""
    sweep = band(noise(rng, 0.3), 1500, 7000)
    return sweep * envelope(len(sweep), attack=0.03, decay=0.07, release=0.05)


def clap(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Many hands that are not quite together."""
    hands = band(noise(rng, 0.3), 800, 5000) * 0
    for late in (0.0, 0.011, 0.021, 0.03):
        start = round(late * RATE)
        hand = _hit(band(noise(rng, 0.25), 800, 5000), 0.06 if late == 0.03 else 0.005)
        hands[start : start + len(hand)] += hand[: len(hands) - start]
    return hands


def hat(frequency: float, seconds: float, rng: np.random.Generator, *, decay: float = 0.03) -> np.ndarray:
    """A hi-hat: closed, or open with a longer decay."""
    return _hit(band(noise(rng, 5 * decay), 6500, 17000), decay)


def shaker(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Seeds in a gourd."""
    seeds = band(noise(rng, 0.12), 4000, 10000)
    return seeds * envelope(len(seeds), attack=0.02, decay=0.03, release=0.03)


def ride(
    frequency: float, seconds: float, rng: np.random.Generator, *, tone: float = 430.0, decay: float = 0.5
) -> np.ndarray:
    """A cymbal: six waves that have no common period, and their noise; a crash with a longer decay."""
    length = 3 * decay
    metal = sum(oscillator("square", tone * ratio, length) for ratio in (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523))
    return _hit(band(metal + 2 * noise(rng, length), 4000, 15000), decay)


def rim(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A stick across the rim."""
    return _hit(_fall(1900, 1600, 0.01, 0.08), 0.012) + _hit(band(noise(rng, 0.08), 1500, 5000), 0.006)


def tom(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A tuned drum."""
    return _hit(_fall(1.7 * frequency, frequency, 0.05, 0.6), 0.16)


def zap(frequency: float, seconds: float, rng: np.random.Generator, *, decay: float = 0.06) -> np.ndarray:
    """Noise that is held for several samples at a time: the drum of an old games console."""
    held = np.repeat(noise(rng, 4 * decay / 6), 6)
    return _hit(np.sign(held), decay)
