"""How the sound of five seconds is distributed over time in every band: levels, attacks, fluctuations, correlations.

Block-level features after K. Seyerlehner et al., "Fusing block-level features for music similarity estimation" (DAFx
2010), and fluctuation patterns after E. Pampalk et al., "Content-based organization and visualization of music
archives" (ACM Multimedia 2002), from a log-mel spectrogram alone. They are many and correlated, too many to be compared
as they are: :mod:`.discriminants` finds what of them tells songs apart.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import fft

from songspace.encoders.descriptors import EDGE, RANGE_DB

GROUPS = 16
"""Groups of neighbouring bands, in which fluctuations and correlations are looked at."""

RATES = np.geomspace(0.4, 12.0, 15)
"""Edges of the ranges of fluctuation rates, in Hz: from slow phrases to tremolo."""

HIGH, LOW = 0.9, 0.1
"""Quantiles for loud and soft moments (Seyerlehner's too)."""

ATTACK = 3
"""Frames over which a rise of the level is an attack."""


def n_patterns(bands: int) -> int:
    """How many numbers :func:`patterns` gives for spectrograms of so many bands."""
    return 4 * bands + GROUPS * (len(RATES) - 1) + GROUPS * (GROUPS - 1) // 2


def patterns(log_mel: np.ndarray, *, frame_rate: float) -> np.ndarray:
    """Describe segments by the patterns of their log-mel spectrograms.

    For every band: the level of its loud moments relative to that of all bands, how far its soft moments lie below
    them, the strength of its strong attacks, and the spread of its attacks (logarithm). For 16 groups of bands: how
    strongly each fluctuates in 14 ranges of rates (logarithm), and how each correlates with every other.

    Parameters
    ----------
    log_mel : ndarray of shape (n, bands, frames)
        Mel spectrograms in decibels: at least 16 bands and 9 frames.
    frame_rate : float
        Frames a second.

    Returns
    -------
    ndarray of shape (n, 4 * bands + 344), float32
        Finite for any finite input. Adding a constant to a spectrogram does not change them, and what lies more than
        80 dB below its highest value does not count.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(-30, 5, (2, 64, 251)).astype(np.float32)
    >>> patterns(noise, frame_rate=50).shape
    (2, 600)
    """
    level = np.asarray(log_mel[:, :, EDGE:-EDGE], np.float32)
    level = np.maximum(level - level.max(axis=(1, 2), keepdims=True), -RANGE_DB)
    soft, loud = _quantiles(level, LOW, HIGH)
    attacks = np.maximum(level[:, :, ATTACK:] - level[:, :, :-ATTACK], 0)
    (strong,) = _quantiles(attacks, HIGH)
    groups = np.add.reduceat(level, _edges(level.shape[1])[:-1], axis=1)
    groups /= np.diff(_edges(level.shape[1]))[:, None]
    groups -= groups.mean(axis=2, keepdims=True)
    described = [
        loud - loud.mean(axis=1, keepdims=True),
        soft - loud,
        strong,
        np.log(attacks.std(axis=2) + 0.1),
        _fluctuations(groups, frame_rate),
        _correlations(groups),
    ]
    return np.concatenate(described, axis=1, dtype=np.float32)


def _quantiles(values: np.ndarray, *quantiles: float) -> list[np.ndarray]:
    """The nearest of the values over the last axis: no need to interpolate among hundreds."""
    places = [round(q * (values.shape[2] - 1)) for q in quantiles]
    ordered = np.sort(values, axis=2)  # NumPy sorts rows of a few hundred faster than it parts them
    return [ordered[:, :, place] for place in places]


@lru_cache(maxsize=4)
def _edges(bands: int) -> np.ndarray:
    return np.linspace(0, bands, GROUPS + 1).round().astype(int)


def _fluctuations(groups: np.ndarray, frame_rate: float) -> np.ndarray:
    """The logarithm of the largest amplitude in each range of rates."""
    frames = groups.shape[2]
    window = np.hanning(frames).astype(np.float32)
    amplitude = np.abs(fft.rfft(groups * window, axis=2)) / frames
    rates = np.fft.rfftfreq(frames, 1 / frame_rate)
    ranges = []
    for low, high in pairwise(RATES):
        inside = np.flatnonzero((rates >= low) & (rates < high))
        if not len(inside):  # a range between two rates takes the nearer one
            inside = np.array([np.abs(rates - np.sqrt(low * high)).argmin()])
        ranges.append(np.log(amplitude[:, :, inside].max(axis=2) + 0.01))
    return np.concatenate(ranges, axis=1)


def _correlations(groups: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(groups, axis=2, keepdims=True)
    direction = groups / (length + 1e-3)  # a group that never moves correlates with nothing
    above = np.triu_indices(GROUPS, 1)
    products: np.ndarray = (direction @ direction.transpose(0, 2, 1))[:, above[0], above[1]]
    return products
