"""From a score to stereo sound: instruments, effects, the room, and mastering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import lfilter

from songspace.demo.instruments import RATE, band, noise
from songspace.demo.notes import Composition, Voice

PEAK = 10 ** (-1 / 20)


@dataclass(frozen=True)
class Room:
    """The settings of a mix, common to the productions of an artist."""

    reverb: float
    """Length of the reverberation in seconds (to -60 dB)."""
    wet: float
    """Level of the reverberation."""
    tilt: float
    """Decibels by which the high half of the spectrum is raised over the low half."""
    drive: float
    """Saturation of the mix: 1 is weak, 4 is loud and flat."""
    hiss: float
    """The level of the noise floor, in decibels of full scale."""
    color: tuple[float, float]
    """A band of about an octave that is raised or lowered: its centre in Hz, and the decibels."""
    crowd: float = 0.0
    """Level of the audience, 0 to 1."""


def mix(score: Composition, room: Room, *, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Play a score in a room.

    Returns
    -------
    ndarray of shape (2, n), float32
        Samples at 44.1 kHz with a peak of -1 dB of full scale.
    """
    count = round(seconds * RATE)
    dry = np.zeros((2, count), dtype=np.float32)
    sent = np.zeros(count, dtype=np.float32)
    for part in score.parts:
        bus = _play(part, score, count, rng)
        for effect in part.effects:
            bus = effect(bus)
        bus *= _gain(bus, part.level)
        dry += bus
        sent += part.send * 0.5 * (bus[0] + bus[1])
    mixed = dry + room.wet * reverberate(sent, seconds=room.reverb, rng=rng)
    if room.crowd:
        mixed += room.crowd * _audience(count, rng)
    return _master(mixed, room, rng)


def _play(part: Voice, score: Composition, count: int, rng: np.random.Generator) -> np.ndarray:
    """Render the notes of a part as sound ``(2, count)``. A repeated note has the same sound."""
    bus = np.zeros((2, count), dtype=np.float32)
    angle = (part.pan + 1) * np.pi / 4
    sides = np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]], dtype=np.float32)
    sounds: dict[tuple[int, float], np.ndarray] = {}
    for note in part.notes:
        start = round((score.seconds(note.beat) + float(rng.uniform(0, 0.006))) * RATE)
        key = (note.pitch, round(note.length, 3))
        if key not in sounds:
            length = max(note.length * 60 / score.tempo, 0.03)
            sounds[key] = sides * part.tone(frequency(note.pitch), length, rng).astype(np.float32)
        sound = sounds[key][:, : max(count - start, 0)]
        bus[:, start : start + sound.shape[1]] += np.float32(note.velocity) * sound
    return bus


def frequency(pitch: float) -> float:
    """Return the frequency in Hz of a MIDI pitch, equally tempered.

    Examples
    --------
    >>> frequency(69), round(frequency(60), 2)
    (440.0, 261.63)
    """
    return float(440 * 2 ** ((pitch - 69) / 12))


def _gain(bus: np.ndarray, level: float) -> np.float32:
    """Return the factor that brings the louder half of the 50-ms frames of a part to ``level`` decibels."""
    frame = RATE // 20
    frames = bus[:, : bus.shape[1] // frame * frame].reshape(2, -1, frame)
    power = np.sort(np.einsum("cft,cft->f", frames, frames) / (2 * frame))
    power = power[power > 1e-9]
    loud = power[len(power) // 2 :].mean() if len(power) else 1.0
    return np.float32(10 ** (level / 20) / np.sqrt(loud))


def reverberate(samples: np.ndarray, *, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Render the reverberation ``(2, n)`` of a sound ``(n,)``: decaying noise, faster at high frequencies."""
    length = round(seconds * RATE)
    size = next_fast_len(len(samples) + length, real=True)
    fading = 10 ** (-3 * np.arange(length, dtype=np.float32) / length)
    spectrum = rfft(samples, size)
    wet = []
    for _ in range(2):
        echo = noise(rng, seconds)[:length] * fading
        echo = 0.6 * lfilter([0.25], [1, -0.75], echo * fading) + 0.4 * lfilter([0.08], [1, -0.92], echo)
        echo = echo.astype(np.float32)
        echo[: RATE // 80] = 0
        wet.append(irfft(spectrum * rfft(echo / np.linalg.norm(echo), size), size)[: len(samples)])
    return np.stack(wet)


def _audience(count: int, rng: np.random.Generator) -> np.ndarray:
    """Render murmur throughout, and applause at the end."""
    time = np.arange(count, dtype=np.float32) / RATE
    applause = 0.004 + 0.09 / (1 + np.exp(-3 * (time - time[-1] + 3)))
    return np.stack([band(noise(rng, count / RATE)[:count], 400, 4500) * applause for _ in range(2)])


def _master(mixed: np.ndarray, room: Room, rng: np.random.Generator) -> np.ndarray:
    low = lfilter([0.1], [1, -0.9], mixed).astype(np.float32)  # splits at about 700 Hz
    mixed = low * 10 ** (-room.tilt / 40) + (mixed - low) * 10 ** (room.tilt / 40)
    center, gain = room.color
    mixed += np.float32(10 ** (gain / 20) - 1) * band(mixed, center / 1.5, center * 1.5)
    loud = np.quantile(np.abs(mixed[:, ::8]), 0.99)
    mixed = np.tanh(mixed * np.float32(0.35 * room.drive / max(loud, 1e-6)))
    mixed += np.float32(10 ** (room.hiss / 20)) * noise(rng, mixed.shape[1] / RATE)[: mixed.shape[1]]
    fade = np.minimum(np.arange(mixed.shape[1])[::-1] / RATE, 1).astype(np.float32)
    mixed *= fade
    return (mixed * np.float32(PEAK / np.abs(mixed).max())).astype(np.float32)


# Effects on a part.


def echo(bus: np.ndarray, *, seconds: float, feedback: float = 0.5) -> np.ndarray:
    """Add a tape echo: each repeat is quieter, duller and on the other side."""
    delay, count = round(seconds * RATE), bus.shape[1]
    dry, wet, tape = bus.mean(axis=0), np.zeros_like(bus), np.zeros((2, 1))
    for start in range(delay, count, delay):
        stop = min(start + delay, count)
        played = slice(start - delay, stop - delay)
        recorded = np.stack([wet[1, played], dry[played] + wet[0, played]])
        wet[:, start:stop], tape = lfilter([0.35 * feedback], [1, -0.65], recorded, zi=tape)
    return bus + wet


def distort(bus: np.ndarray, *, gain: float = 12.0) -> np.ndarray:
    """Play a part through an overdriven amplifier and a loudspeaker."""
    level = _gain(bus, -12.0)
    return band(np.tanh(bus * level * np.float32(gain)), 80, 5000)


def crush(bus: np.ndarray, *, levels: int = 24) -> np.ndarray:
    """Round to few amplitudes, audibly."""
    scale = np.float32(levels / max(float(np.abs(bus).max()), 1e-6))
    return np.round(bus * scale) / scale


def pump(bus: np.ndarray, *, beat: float) -> np.ndarray:
    """Duck a part on every beat (its length in seconds), as a compressor does under a kick drum."""
    phase = np.arange(bus.shape[1]) / RATE / beat % 1
    return bus * (1 - 0.75 * np.exp(-phase * 5)).astype(np.float32)


def sweep(bus: np.ndarray, *, period: float) -> np.ndarray:
    """Apply a filter that opens and closes once in ``period`` seconds."""
    dull = band(bus, 30, 600)
    opening = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(bus.shape[1]) / RATE / period)
    return dull + (bus - dull) * opening.astype(np.float32)


def wow(bus: np.ndarray, *, depth: float = 0.0012, rate: float = 0.7) -> np.ndarray:
    """Vary the speed like a worn record; ``depth`` is the largest shift in seconds."""
    positions = np.arange(bus.shape[1], dtype=np.float64)
    shifted = positions + depth * RATE * np.sin(2 * np.pi * rate * positions / RATE)
    return np.stack([np.interp(shifted, positions, side) for side in bus]).astype(np.float32)
