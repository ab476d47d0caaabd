"""Instruments and drums: functions from a frequency and a length to samples at 44.1 kHz.

The methods are standard: band-limited wavetable oscillators, two-operator frequency modulation (Chowning 1973), plucked
strings (Karplus and Strong 1983), filtered noise. All of them work on whole NumPy arrays, so that a library is rendered
in half a minute.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.signal import butter, sosfilt

RATE = 44100
TABLE = 4096
"""Points of a period: a power of two, so that a mask wraps the phase."""


@cache
def _cycle(shape: str, harmonics: int) -> np.ndarray:
    """Compute one period of a wave as a sum of sines, with peak 1."""
    k = np.arange(1, harmonics + 1)
    drawbars = np.isin(k, (1, 2, 3, 4, 6, 8))
    amplitudes = {
        "sine": k == 1,
        "triangle": (k % 2) * np.where(k % 4 == 1, 1, -1) / k**2,
        "saw": 1 / k,
        "square": (k % 2) / k,
        "pulse": np.sin(np.pi * k / 8) / k,
        "warm": 1 / k**1.8,
        "organ": drawbars / k**0.7,
        "reed": 1 / (1 + ((k - 3) / 2.2) ** 2),
        "flute": 0.16 ** (k - 1) + 0.05 * (k == 3),
    }[shape]
    spectrum = np.zeros(TABLE // 2 + 1, dtype=complex)
    spectrum[1 : harmonics + 1] = -1j * amplitudes
    wave = np.fft.irfft(spectrum, TABLE)
    return (wave / np.abs(wave).max()).astype(np.float32)


def oscillator(
    shape: str, frequency: float, seconds: float, *, cents: float = 0.0, vibrato: float = 0.0, phase: float = 0.0
) -> np.ndarray:
    """Compute a periodic wave without aliasing; ``vibrato`` is a depth in cents that begins after the attack."""
    frequency *= 2 ** (cents / 1200)
    time = np.arange(round(seconds * RATE)) / RATE
    cycles = frequency * time + phase
    if vibrato:
        depth = frequency * (2 ** (vibrato / 1200) - 1) / (2 * np.pi * 5.3)
        cycles += depth * np.minimum(time / 0.3, 1) * np.sin(2 * np.pi * 5.3 * time)
    harmonics = int(np.clip(0.45 * RATE / frequency, 1, 60))
    return _cycle(shape, harmonics)[(cycles * TABLE).astype(np.int64) & (TABLE - 1)]


def envelope(count: int, *, attack: float, decay: float, release: float, sustain: float = 0.0) -> np.ndarray:
    """Compute attack, exponential decay to ``sustain``, and a release up to the last sample; times in seconds."""
    time = np.arange(count, dtype=np.float32) / RATE
    rise = np.minimum(time / attack, 1)
    fall = sustain + (1 - sustain) * np.exp(-np.maximum(time - attack, 0) / decay)
    return rise * fall * np.minimum((count / RATE - time) / release, 1)


def noise(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Draw white noise."""
    return rng.standard_normal(round(seconds * RATE), dtype=np.float32)


def band(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """Keep the band between two frequencies."""
    sections = butter(2, (low, high), btype="bandpass", fs=RATE, output="sos")
    return sosfilt(sections, samples).astype(np.float32)


# Pitched instruments. Those that ring are longer than their notes.


def synth(
    frequency: float,
    seconds: float,
    rng: np.random.Generator,
    *,
    detune: float = 7.0,
    decay: float = 0.3,
    sustain: float = 0.5,
    release: float = 0.08,
    vibrato: float = 0.0,
) -> np.ndarray:
    """Play two detuned oscillators whose overtones decay faster than the note."""
    seconds += release
    tuned = [
        oscillator("saw", frequency, seconds, cents=side * detune, vibrato=vibrato, phase=float(rng.random()))
        for side in (-1, 1)
    ]
    soft = oscillator("triangle", frequency, seconds, vibrato=vibrato)
    bright = np.exp(-np.arange(len(soft), dtype=np.float32) / (2 * decay * RATE))
    wave = soft + (0.5 * (tuned[0] + tuned[1]) - soft) * (0.35 + 0.65 * bright)
    return wave * envelope(len(wave), attack=0.005, decay=decay, sustain=sustain, release=release)


def pulse(frequency: float, seconds: float, rng: np.random.Generator, *, shape: str = "pulse") -> np.ndarray:
    """Play the voice of an old games console: a plain wave, switched on and off."""
    wave = oscillator(shape, frequency, seconds, vibrato=18 if seconds > 0.2 else 0)
    return wave * envelope(len(wave), attack=0.002, decay=0.4, sustain=0.6, release=0.01)


def pad(frequency: float, seconds: float, rng: np.random.Generator, *, detune: float = 9.0) -> np.ndarray:
    """Play a slow choir of warm oscillators, different on the left and the right."""
    seconds += 1.2
    sides = [
        oscillator("warm", frequency, seconds, cents=side * detune, phase=float(rng.random()))
        + oscillator("warm", frequency, seconds, cents=-side * detune / 3, phase=float(rng.random()))
        for side in (-1, 1)
    ]
    return np.stack(sides) * envelope(len(sides[0]), attack=0.7, decay=4.0, sustain=0.7, release=1.2)


def organ(frequency: float, seconds: float, rng: np.random.Generator, *, detune: float = 3.0) -> np.ndarray:
    """Play drawbars through a slowly rotating speaker."""
    seconds += 0.05
    wave = oscillator("organ", frequency, seconds, vibrato=detune, phase=float(rng.random()))
    return wave * envelope(len(wave), attack=0.004, decay=1.0, sustain=0.8, release=0.05)


def flute(frequency: float, seconds: float, rng: np.random.Generator, *, breath: float = 0.15) -> np.ndarray:
    """Play few overtones with vibrato and breath noise."""
    seconds += 0.08
    wave = oscillator("flute", frequency, seconds, vibrato=22)
    wave = wave + breath * band(noise(rng, seconds), frequency, min(4 * frequency, 18000))
    return wave * envelope(len(wave), attack=0.06, decay=1.5, sustain=0.7, release=0.08)


def reed(frequency: float, seconds: float, rng: np.random.Generator, *, breath: float = 0.05) -> np.ndarray:
    """Play a sound between a clarinet and a saxophone."""
    seconds += 0.06
    wave = oscillator("reed", frequency, seconds, vibrato=14) * 0.7
    wave = wave + breath * band(noise(rng, seconds), 800, 6000)
    return wave * envelope(len(wave), attack=0.03, decay=0.8, sustain=0.65, release=0.06)


def electric_piano(frequency: float, seconds: float, rng: np.random.Generator, *, detune: float = 3.0) -> np.ndarray:
    """Play frequency modulation: a body at the frequency of the note, and a tine at fourteen times that."""
    seconds += 0.25
    time = np.arange(round(seconds * RATE), dtype=np.float32) / RATE
    angle = (2 * np.pi * frequency * 2 ** (detune / 4800) * time).astype(np.float32)
    body = np.sin(angle + 1.4 * np.exp(-time / 0.5) * np.sin(angle))
    tine = np.sin(angle + 0.5 * np.exp(-time / 0.06) * np.sin(14 * angle))
    return (body + 0.5 * tine) * envelope(len(time), attack=0.003, decay=0.9, release=0.2)


def bell(
    frequency: float, seconds: float, rng: np.random.Generator, *, ratio: float = 3.51, ring: float = 1.6
) -> np.ndarray:
    """Play frequency modulation with an inharmonic ratio, as a bell; with ratio 4, as a vibraphone."""
    time = np.arange(round(2.2 * ring * RATE), dtype=np.float32) / RATE
    angle = (2 * np.pi * frequency * time).astype(np.float32)
    wave = np.sin(angle + 1.8 * np.exp(-time / (0.25 * ring)) * np.sin(ratio * angle))
    return wave * envelope(len(time), attack=0.002, decay=ring / 2, release=0.3)


def pluck(
    frequency: float, seconds: float, rng: np.random.Generator, *, bright: float = 0.6, ring: float = 1.4
) -> np.ndarray:
    """Play a string that starts as noise and is averaged with itself in each period.

    The loop has a whole number of samples; the result is resampled slightly, so that high strings are in tune, too.
    """
    ring = max(ring, seconds)
    period = int(RATE / frequency)
    burst = rng.uniform(-1, 1, period)
    burst -= burst.mean()  # a constant part would not decay
    for _ in range(round(6 * (1 - bright))):
        burst = (burst + np.roll(burst, 1)) / 2
    loss = np.float32(0.5 * 0.001 ** (1 / (frequency * ring * 1.6)))
    turns = int(ring * frequency) + 2
    string = np.empty((turns, period), dtype=np.float32)
    string[0] = burst / np.abs(burst).max()
    for turn in range(1, turns):
        before = string[turn - 1]
        string[turn, 1:] = loss * (before[1:] + before[:-1])
        string[turn, 0] = loss * (before[0] + string[turn - 2, -1] if turn > 1 else before[0])
    speed = frequency * (period + 0.5) / RATE
    positions = np.arange(int(ring * RATE)) * speed
    wave = np.interp(positions, np.arange(string.size), string.ravel()).astype(np.float32)
    return wave * envelope(len(wave), attack=0.001, decay=ring, release=0.1)


def sub_bass(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play a very low sine with a weak overtone."""
    seconds += 0.05
    wave = oscillator("sine", frequency, seconds) + 0.25 * oscillator("triangle", 2 * frequency, seconds)
    return wave * envelope(len(wave), attack=0.008, decay=0.8, sustain=0.6, release=0.05)


def wind(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play band-limited noise that swells, different on both sides."""
    sides = []
    for side in range(2):
        air = noise(rng, seconds)
        swell = np.sin(np.arange(len(air), dtype=np.float32) * (0.7 / RATE) + 2 * side) * 0.5 + 0.5
        low = band(air, 150, 400)
        sides.append(band(air, frequency, 2 * frequency) * swell + 0.5 * low * (1 - swell))
    return np.stack(sides) * envelope(len(sides[0]), attack=2.0, decay=60, sustain=1, release=2.0)


def crackle(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play the surface noise of an old record: clicks and hiss."""
    dust = 0.02 * noise(rng, seconds)
    clicks = rng.integers(len(dust), size=round(14 * seconds))
    dust[clicks] += rng.uniform(-1, 1, len(clicks)).astype(np.float32)
    return band(dust, 300, 7000)


def _fall(high: float, low: float, speed: float, seconds: float) -> np.ndarray:
    """Compute a sine that falls from one frequency to another, for the skin of a drum."""
    time = np.arange(round(seconds * RATE), dtype=np.float32) / RATE
    cycles = low * time + (high - low) * speed * (1 - np.exp(-time / speed))
    return np.sin((2 * np.pi * cycles).astype(np.float32))


def _hit(samples: np.ndarray, decay: float) -> np.ndarray:
    return samples * envelope(len(samples), attack=0.0008, decay=decay, release=0.01)


def kick(
    frequency: float, seconds: float, rng: np.random.Generator, *, tone: float = 48.0, decay: float = 0.12
) -> np.ndarray:
    """Play a bass drum with a click at its start."""
    click = _hit(band(noise(rng, 0.03), 2000, 8000), 0.003)
    drum = _hit(_fall(6 * tone, tone, 0.022, 5 * decay), decay)
    drum[: len(click)] += 0.4 * click
    return drum


def snare(
    frequency: float, seconds: float, rng: np.random.Generator, *, tone: float = 185.0, decay: float = 0.1
) -> np.ndarray:
    """Play a snare drum: a skin and the wires below it."""
    wires = _hit(band(noise(rng, 5 * decay), 1200, 11000), decay)
    return wires + 0.6 * _hit(_fall(1.6 * tone, tone, 0.02, 5 * decay), 0.6 * decay)


def brush(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play a brush drawn over the skin."""
    sweep = band(noise(rng, 0.3), 1500, 7000)
    return sweep * envelope(len(sweep), attack=0.03, decay=0.07, release=0.05)


def clap(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play many hands that clap not quite together."""
    hands = band(noise(rng, 0.3), 800, 5000) * 0
    for late in (0.0, 0.011, 0.021, 0.03):
        start = round(late * RATE)
        hand = _hit(band(noise(rng, 0.25), 800, 5000), 0.06 if late == 0.03 else 0.005)
        hands[start : start + len(hand)] += hand[: len(hands) - start]
    return hands


def hat(frequency: float, seconds: float, rng: np.random.Generator, *, decay: float = 0.03) -> np.ndarray:
    """Play a hi-hat: closed, or open with a longer decay."""
    return _hit(band(noise(rng, 5 * decay), 6500, 17000), decay)


def shaker(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play seeds in a gourd."""
    seeds = band(noise(rng, 0.12), 4000, 10000)
    return seeds * envelope(len(seeds), attack=0.02, decay=0.03, release=0.03)


def ride(frequency: float, seconds: float, rng: np.random.Generator, *, decay: float = 0.5) -> np.ndarray:
    """Play a cymbal: six waves without a common period, and noise; a crash with a longer decay."""
    length = 3 * decay
    metal = sum(oscillator("square", 430 * ratio, length) for ratio in (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523))
    return _hit(band(metal + 2 * noise(rng, length), 4000, 15000), decay)


def rim(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play a stick across the rim."""
    return _hit(_fall(1900, 1600, 0.01, 0.08), 0.012) + _hit(band(noise(rng, 0.08), 1500, 5000), 0.006)


def tom(frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play a tuned drum."""
    return _hit(_fall(1.7 * frequency, frequency, 0.05, 0.6), 0.16)


def zap(frequency: float, seconds: float, rng: np.random.Generator, *, decay: float = 0.06) -> np.ndarray:
    """Play noise held for several samples, as the drum of an old games console."""
    held = np.repeat(noise(rng, 4 * decay / 6), 6)
    return _hit(np.sign(held), decay)
