"""Hand-made numbers that describe five seconds of music: descriptors (averages) and textures (second-order statistics).

All numbers come from the literature of music information retrieval of 2000 to 2011. They are computed from a log-mel
spectrogram alone, with NumPy and SciPy's transforms, so that a decoding worker can compute them. None depends on the
loudness of the whole segment, which is a matter of mastering rather than of music. None was chosen by its score on
labels.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import fft

FAMILIES = {"cepstrum": 60, "shape": 18, "dynamics": 5, "modulation": 32, "pulse": 9}
"""Number of descriptors of each family, in their order."""

N_DESCRIPTORS = sum(FAMILIES.values())

SOUND = slice(0, FAMILIES["cepstrum"] + FAMILIES["shape"])
"""Descriptors of the sound at a moment: timbre."""

MOTION = slice(SOUND.stop, N_DESCRIPTORS)
"""Descriptors of the changes between moments: dynamics and rhythm."""

N_CEPSTRA = 20
N_REGIONS = 8
RANGE_DB = 80.0
EDGE = 2
"""Frames left out at either end: half of their window is padding, which would look like an onset."""

MODULATION_HZ = (1.0, 2.0, 4.0, 8.0, 16.0)
BEAT_SECONDS = 0.25 * 2 ** (np.arange(7) / 2)


def descriptors(log_mel: np.ndarray, *, frame_rate: float) -> np.ndarray:
    """Describe segments by statistics of their log-mel spectrograms.

    ==========  ==  =========================================================================
    cepstrum    60  mean, deviation and deviation of the slope of 20 mel-frequency cepstral
                    coefficients (Logan 2000; Mandel & Ellis 2005), without the coefficient of
                    the level
    shape       18  mean and deviation of centroid, spread, roll-off, flatness and flux (Tzanetakis
                    & Cook 2002; Peeters 2004); contrast of peaks and valleys in eight regions
                    (Jiang et al. 2002)
    dynamics     5  deviation, range, mean step and crest of the level; share of frames below the
                    mean power (Tzanetakis & Cook 2002)
    modulation  32  how strongly eight regions fluctuate at 1-2, 2-4, 4-8 and 8-16 Hz, in dB
                    (Pampalk et al. 2002; McKinney & Breebaart 2003)
    pulse        9  mean and deviation of the onset strength; its autocorrelation at lags of 0.25
                    to 2 s in six half octaves (Tzanetakis & Cook 2002; Ellis 2007), and its
                    highest value, the clarity of the pulse (Lartillot et al. 2008)
    ==========  ==  =========================================================================

    Parameters
    ----------
    log_mel : ndarray of shape (n, bands, frames)
        Mel spectrograms in decibels: at least 21 bands and 9 frames. Rounding to 0.5 dB changes little.
    frame_rate : float
        Frames per second.

    Returns
    -------
    ndarray of shape (n, 124), float32
        Finite for any finite input. A constant added to a spectrogram does not change them. Values more than 80 dB
        below the highest one count as 80 dB below it.

    Raises
    ------
    ValueError
        If ``log_mel`` is not three-dimensional or too small.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(-30, 5, (2, 64, 251)).astype(np.float32)
    >>> described = descriptors(noise, frame_rate=50)
    >>> described.shape
    (2, 124)
    >>> np.allclose(described, descriptors(noise + 6, frame_rate=50), atol=1e-3)
    True
    """
    if log_mel.ndim != 3 or not is_describable(log_mel.shape[1:]):
        raise ValueError(
            f"Expected log-mel spectrograms of shape (n, bands, frames) with at least "
            f"{N_CEPSTRA + 1} bands and {4 * EDGE + 1} frames, got {log_mel.shape}"
        )
    level = np.asarray(log_mel[:, :, EDGE:-EDGE], np.float32)
    level = np.maximum(level - level.max(axis=(1, 2), keepdims=True), -RANGE_DB)
    power = np.exp(level * np.float32(np.log(10) / 10))
    regions = _regions(level)
    described = [
        *_cepstrum(level),
        *_shape(level, power),
        _contrast(level),
        _dynamics(power),
        _modulation(regions, frame_rate),
        _pulse(level, frame_rate),
    ]
    return np.concatenate(described, axis=1)


def check_descriptors(described: Any) -> np.ndarray:
    """Return descriptors (n, 124) as float32.

    Raises
    ------
    ValueError
        If they have another shape.
    """
    described = np.asarray(described, np.float32)
    if described.ndim != 2 or described.shape[1] != N_DESCRIPTORS:
        raise ValueError(f"Expected descriptors of shape (n, {N_DESCRIPTORS}), got {described.shape}")
    return described


def is_describable(shape: tuple[int, ...]) -> bool:
    """Return True if spectrograms of (bands, frames) are large enough for :func:`descriptors`."""
    return shape[0] > N_CEPSTRA and shape[1] > 4 * EDGE


def _cepstrum(level: np.ndarray) -> list[np.ndarray]:
    cepstra = cosines(level.shape[1]) @ level
    # The slope is that of a line fitted to five frames.
    padded = np.pad(cepstra, ((0, 0), (0, 0), (2, 2)), mode="edge")
    slope = (2 * (padded[..., 4:] - padded[..., :-4]) + padded[..., 3:-1] - padded[..., 1:-3]) / 10
    return [cepstra.mean(axis=2), cepstra.std(axis=2), slope.std(axis=2)]


@lru_cache(maxsize=4)
def cosines(bands: int) -> np.ndarray:
    """Return rows 1 to 20 of the orthonormal DCT-II; row 0, the level, is left out."""
    transform: np.ndarray = fft.dct(np.eye(bands), axis=0, norm="ortho")[1 : N_CEPSTRA + 1]
    return transform.astype(np.float32)


def _shape(level: np.ndarray, power: np.ndarray) -> list[np.ndarray]:
    bands = level.shape[1]
    position = np.linspace(0, 1, bands, dtype=np.float32)
    total = power.sum(axis=1, keepdims=True)
    share = power / total
    centroid = position @ share
    spread = np.sqrt(np.maximum(position**2 @ share - centroid**2, 0))
    rolloff = _bands_below(share, 0.85) / bands
    flatness = level.mean(axis=1) - 10 * np.log10(total[:, 0] / bands)
    flux = np.linalg.norm(np.diff(share, axis=2, prepend=share[..., :1]), axis=1)
    curves = np.stack([centroid, spread, rolloff, flatness, flux], axis=1)
    return [curves.mean(axis=2), curves.std(axis=2)]


def _bands_below(share: np.ndarray, part: float) -> np.ndarray:
    """Count the lowest bands that hold less than a share of the power, float32 (n, frames).

    The sum is added up band by band: ``np.cumsum`` takes five times as long along an axis that is not the last one.
    """
    below = np.zeros((share.shape[0], share.shape[2]), np.float32)
    so_far = np.zeros_like(below)
    for band in range(share.shape[1]):
        so_far += share[:, band]
        below += so_far < part
    return below


def _split(level: np.ndarray) -> list[np.ndarray]:
    edges = np.linspace(0, level.shape[1], N_REGIONS + 1).astype(int)
    return [level[:, low:high] for low, high in pairwise(edges)]


def _regions(level: np.ndarray) -> np.ndarray:
    """Compute the mean level of eight equal parts of the mel scale, (n, 8, frames)."""
    return np.stack([part.mean(axis=1) for part in _split(level)], axis=1)


def _contrast(level: np.ndarray) -> np.ndarray:
    """Compute the level of the highest quarter of a region's bands above that of its lowest quarter."""
    contrasts = []
    for part in _split(level):
        valleys, peaks = _extremes(part, max(1, part.shape[1] // 4))
        contrasts.append(peaks.mean(axis=(1, 2)) - valleys.mean(axis=(1, 2)))
    return np.stack(contrasts, axis=1)


def _extremes(part: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``count`` lowest and highest values over the bands, each (n, count, frames), ascending.

    This is a bubble sort of whole rows that stops once both ends are in order: it takes half the time of ``np.sort``.
    """
    rows = [part[:, band] for band in range(part.shape[1])]
    last = len(rows) - 1
    for done in range(min(count, last)):
        for high in range(1, len(rows) - done):
            rows[high - 1], rows[high] = np.minimum(*rows[high - 1 : high + 1]), np.maximum(*rows[high - 1 : high + 1])
    for done in range(min(count, last)):
        for high in range(last - count, done, -1):
            rows[high - 1], rows[high] = np.minimum(*rows[high - 1 : high + 1]), np.maximum(*rows[high - 1 : high + 1])
    return np.stack(rows[:count], axis=1), np.stack(rows[-count:], axis=1)


def _dynamics(power: np.ndarray) -> np.ndarray:
    power = power.mean(axis=1)
    level = 10 * np.log10(power)
    mean = power.mean(axis=1)
    low, high = np.percentile(level, [5, 95], axis=1)
    step = np.abs(np.diff(level, axis=1, prepend=level[:, :1])).mean(axis=1)
    crest = level.max(axis=1) - 10 * np.log10(mean)
    quiet = (power < mean[:, None]).mean(axis=1)
    columns = [level.std(axis=1), high - low, step, crest, quiet]
    return np.stack(columns, axis=1).astype(np.float32)


def _modulation(regions: np.ndarray, frame_rate: float) -> np.ndarray:
    """Compute the effective value, in dB, of each region's level in each octave of rates."""
    frames = regions.shape[2]
    spectrum = np.abs(fft.rfft(regions - regions.mean(axis=2, keepdims=True), axis=2))
    octave = np.digitize(np.fft.rfftfreq(frames, 1 / frame_rate), MODULATION_HZ)
    power = 2 * np.square(spectrum / frames)
    in_octave = [power[..., octave == k].sum(axis=2) for k in range(1, len(MODULATION_HZ))]
    return np.sqrt(np.concatenate(in_octave, axis=1))


def _pulse(level: np.ndarray, frame_rate: float) -> np.ndarray:
    rises = np.maximum(np.diff(level, axis=2, prepend=level[..., :1]), 0)
    onsets = rises.mean(axis=1)
    mean, deviation = onsets.mean(axis=1), onsets.std(axis=1)
    correlation = _autocorrelation(onsets - mean[:, None])
    columns = [mean, deviation]
    edges = np.rint(BEAT_SECONDS * frame_rate).astype(int)
    for first, after in pairwise(edges):
        lags = correlation[:, first:after]
        columns.append(lags.max(axis=1, initial=0))
    columns.append(np.max(columns[2:], axis=0))
    return np.stack(columns, axis=1)


def _autocorrelation(onsets: np.ndarray) -> np.ndarray:
    """Compute the autocorrelation from lag 0, where it is 1; all 0 if there are no onsets."""
    frames = onsets.shape[1]
    length = fft.next_fast_len(2 * frames, real=True)
    spectrum = fft.rfft(onsets, length, axis=1)
    products: np.ndarray = fft.irfft(np.square(np.abs(spectrum)), length, axis=1)[:, :frames]
    # Music has an energy of hundreds here; the constant keeps rounding errors from looking like rhythm.
    return products / (products[:, :1] + 1e-2)


LAG = 2
"""Frames over which a cepstrum's change is taken."""

ATTACK = 3
"""Frames over which a rise of the level is an attack."""

ATTACK_GROUPS, LEVEL_GROUPS = 16, 32
"""Numbers of groups of neighbouring bands, for attacks and for levels."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

RATES = np.geomspace(0.3, 25.0, 10)
"""Edges of the ranges of fluctuation rates, in Hz: from slow phrases to roughness."""

_PAIRS = N_CEPSTRA * (N_CEPSTRA - 1) // 2

TEXTURE_FAMILIES = {
    "cepstra together": _PAIRS + N_CEPSTRA,
    "changes together": _PAIRS + N_CEPSTRA,
    "attacks together": ATTACK_GROUPS * (ATTACK_GROUPS - 1) // 2,
    "levels": LEVEL_GROUPS * len(QUANTILES),
    "fluctuations": N_CEPSTRA * (len(RATES) - 1),
}
"""Number of textures of each family, in their order."""

N_TEXTURES = sum(TEXTURE_FAMILIES.values())


def textures(log_mel: np.ndarray, *, frame_rate: float) -> list[np.ndarray]:
    """Describe segments by second-order statistics of their log-mel spectrograms.

    People recognise sound textures by such statistics (J. McDermott and E. Simoncelli, Neuron 71, 2011). In music they
    add to averages (M. Mandel and D. Ellis, ISMIR 2005; K. Seyerlehner et al., "Using block-level features for genre
    classification, tag classification and music similarity estimation", MIREX 2010).

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
        Frames per second.

    Returns
    -------
    list of ndarray of shape (n, numbers), float32
        One array for each of :data:`TEXTURE_FAMILIES`. Finite for any finite input. A constant added to a spectrogram
        does not change them. Values more than 80 dB below the highest one count as 80 dB below it.

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
    """Compute the correlations between curves (n, k, frames), and the logarithms of their deviations."""
    curves = curves - curves.mean(axis=2, keepdims=True)
    scatter = curves @ curves.transpose(0, 2, 1) / curves.shape[2]
    # A constant curve correlates with no other. The added constant is far below the variance of any sound.
    deviation = np.sqrt(np.einsum("nii->ni", scatter) + 1e-3)
    above = np.triu_indices(curves.shape[1], 1)
    correlations = (scatter / (deviation[:, :, None] * deviation[:, None, :]))[:, above[0], above[1]]
    return np.concatenate([correlations, np.log(deviation)], axis=1)


def _grouped(bands: np.ndarray, groups: int) -> np.ndarray:
    """Compute the means (n, groups, frames) of neighbouring bands; with fewer bands than groups, some stand twice."""
    edges = np.linspace(0, bands.shape[1], groups + 1)
    first = np.minimum(np.floor(edges[:-1]).astype(int), bands.shape[1] - 1)
    after = np.maximum(np.floor(edges[1:]).astype(int), first + 1)
    return np.stack([bands[:, low:high].mean(axis=1) for low, high in zip(first, after, strict=True)], axis=1)


def _levels(groups: np.ndarray) -> np.ndarray:
    """Compute quantiles of the levels of groups (n, k, frames), relative to the mean of all."""
    places = [round(q * (groups.shape[2] - 1)) for q in QUANTILES]
    # NumPy sorts rows of a few hundred faster than it partitions them.
    quantiles = np.sort(groups, axis=2)[:, :, places].reshape(len(groups), -1)
    return quantiles - quantiles.mean(axis=1, keepdims=True)


def _fluctuations(curves: np.ndarray, frame_rate: float) -> np.ndarray:
    """Compute the logarithm of the mean amplitude of each curve in each range of rates."""
    frames = curves.shape[2]
    window = np.hanning(frames).astype(np.float32)
    amplitude = np.abs(fft.rfft((curves - curves.mean(axis=2, keepdims=True)) * window, axis=2))
    rates = np.fft.rfftfreq(frames, 1 / frame_rate)
    ranges = []
    for low, high in pairwise(RATES):
        inside = np.flatnonzero((rates >= low) & (rates < high))
        if not len(inside):  # no rate lies in this range: take the nearest one
            inside = np.array([np.abs(rates - np.sqrt(low * high)).argmin()])
        ranges.append(np.log(amplitude[:, :, inside].mean(axis=2) + 0.01))
    return np.concatenate(ranges, axis=1)
