"""Hand-made numbers that say what moves together in five seconds of music, and how fast.

Beside the averages of :mod:`.descriptors` stand second-order statistics: correlations between cepstra, between their
changes and between the attacks of bands, how strongly cepstra fluctuate, and how levels are distributed. By such
statistics people recognise sound textures (J. McDermott and E. Simoncelli, Neuron 71, 2011); in music they carry what
averages leave out (M. Mandel and D. Ellis, ISMIR 2005; K. Seyerlehner et al., "Using block-level features for genre
classification, tag classification and music similarity estimation", MIREX 2010). NumPy and SciPy's transforms are all
that is needed, and none of the numbers was chosen by its score on anyone's labels.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import fft

from songspace.encoders.descriptors import EDGE, N_CEPSTRA, RANGE_DB, cosines

LAG = 2
"""Frames over which a cepstrum's change is taken."""

ATTACK = 3
"""Frames over which a rise of the level is an attack."""

ATTACK_GROUPS, LEVEL_GROUPS = 16, 32
"""Groups of neighbouring bands, in which attacks and levels are looked at."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

RATES = np.geomspace(0.3, 25.0, 10)
"""Edges of the ranges of fluctuation rates, in Hz: from slow phrases to roughness."""

_PAIRS = N_CEPSTRA * (N_CEPSTRA - 1) // 2

FAMILIES = {
    "cepstra together": _PAIRS + N_CEPSTRA,
    "changes together": _PAIRS + N_CEPSTRA,
    "attacks together": ATTACK_GROUPS * (ATTACK_GROUPS - 1) // 2,
    "levels": LEVEL_GROUPS * len(QUANTILES),
    "fluctuations": N_CEPSTRA * (len(RATES) - 1),
}
"""How many numbers there are of each family, in their order."""

N_TEXTURES = sum(FAMILIES.values())


def textures(log_mel: np.ndarray, *, frame_rate: float) -> list[np.ndarray]:
    """Describe segments by second-order statistics of their log-mel spectrograms.

    ================  ===  ===================================================================================
    cepstra together  210  correlations of 20 mel-frequency cepstral coefficients, and the logarithms of their
                           deviations
    changes together  210  the same of their changes over two frames
    attacks together  120  correlations of the rises of 16 groups of bands
    levels            160  five quantiles of the levels of 32 groups of bands, relative to the segment's mean
    fluctuations      180  how strongly each coefficient fluctuates in nine ranges of rates, logarithm
    ================  ===  ===================================================================================

    Parameters
    ----------
    log_mel : ndarray of shape (n, bands, frames)
        Mel spectrograms in decibels: at least 21 bands and 9 frames.
    frame_rate : float
        Frames a second.

    Returns
    -------
    list of ndarray of shape (n, numbers), float32
        One array for each of :data:`FAMILIES`. Finite for any finite input. Adding a constant to a spectrogram does
        not change them, and what lies more than 80 dB below its highest value does not count.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(-30, 5, (2, 64, 251)).astype(np.float32)
    >>> [family.shape for family in textures(noise, frame_rate=50)]
    [(2, 210), (2, 210), (2, 120), (2, 160), (2, 180)]
    """
    level = np.asarray(log_mel[:, :, EDGE:-EDGE], np.float32)
    level = np.maximum(level - level.max(axis=(1, 2), keepdims=True), -RANGE_DB)
    cepstra = cosines(level.shape[1]) @ level
    attacks = np.maximum(level[:, :, ATTACK:] - level[:, :, :-ATTACK], 0)
    described = [
        _together(cepstra),
        _together(cepstra[:, :, LAG:] - cepstra[:, :, :-LAG]),
        _together(_grouped(attacks, ATTACK_GROUPS))[:, :-ATTACK_GROUPS],
        _levels(_grouped(level, LEVEL_GROUPS)),
        _fluctuations(cepstra, frame_rate),
    ]
    return [np.ascontiguousarray(family, np.float32) for family in described]


def _together(curves: np.ndarray) -> np.ndarray:
    """How each of some curves (n, k, frames) correlates with every other, and the logarithms of their deviations."""
    curves = curves - curves.mean(axis=2, keepdims=True)
    scatter = curves @ curves.transpose(0, 2, 1) / curves.shape[2]
    # A curve that never moves correlates with nothing: the constant is far below what any sound does.
    deviation = np.sqrt(np.einsum("nii->ni", scatter) + 1e-3)
    above = np.triu_indices(curves.shape[1], 1)
    correlations = (scatter / (deviation[:, :, None] * deviation[:, None, :]))[:, above[0], above[1]]
    return np.concatenate([correlations, np.log(deviation)], axis=1)


def _grouped(bands: np.ndarray, groups: int) -> np.ndarray:
    """The means (n, groups, frames) of neighbouring bands; of fewer bands some make two groups."""
    edges = np.linspace(0, bands.shape[1], groups + 1)
    first = np.minimum(np.floor(edges[:-1]).astype(int), bands.shape[1] - 1)
    after = np.maximum(np.floor(edges[1:]).astype(int), first + 1)
    return np.stack([bands[:, low:high].mean(axis=1) for low, high in zip(first, after, strict=True)], axis=1)


def _levels(groups: np.ndarray) -> np.ndarray:
    """Quantiles of the levels of groups (n, k, frames), relative to the mean of all."""
    places = [round(q * (groups.shape[2] - 1)) for q in QUANTILES]
    # NumPy sorts rows of a few hundred faster than it parts them.
    found = np.sort(groups, axis=2)[:, :, places].reshape(len(groups), -1)
    return found - found.mean(axis=1, keepdims=True)


def _fluctuations(curves: np.ndarray, frame_rate: float) -> np.ndarray:
    """The logarithm of the mean amplitude of each curve in each range of rates."""
    frames = curves.shape[2]
    window = np.hanning(frames).astype(np.float32)
    amplitude = np.abs(fft.rfft((curves - curves.mean(axis=2, keepdims=True)) * window, axis=2))
    rates = np.fft.rfftfreq(frames, 1 / frame_rate)
    ranges = []
    for low, high in pairwise(RATES):
        inside = np.flatnonzero((rates >= low) & (rates < high))
        if not len(inside):  # a range between two rates takes the nearer one
            inside = np.array([np.abs(rates - np.sqrt(low * high)).argmin()])
        ranges.append(np.log(amplitude[:, :, inside].mean(axis=2) + 0.01))
    return np.concatenate(ranges, axis=1)
