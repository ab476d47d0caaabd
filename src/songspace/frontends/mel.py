"""Mel filters and windows, as librosa and SciPy have them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SCALES = ("slaney", "htk")
NORMS = ("slaney", None)
WINDOWS = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "ones": (1.0,),
}
"""Sums of cosines: the weights, whose signs alternate."""


@lru_cache(maxsize=8)
def mel_filters(
    rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float, scale: str = "slaney", norm: str | None = "slaney"
) -> np.ndarray:
    """Triangular filters, float32 of shape (n_mels, n_fft // 2 + 1).

    Parameters
    ----------
    scale : {"slaney", "htk"}
        Slaney's is linear below 1 kHz and logarithmic above (M. Slaney, "Auditory Toolbox", Interval Research
        Corporation, technical report 1998-010); HTK's is 2595 log10(1 + f / 700).
    norm : {"slaney", None}
        All of equal area, or all with a peak of 1.
    """
    edges = _htk(n_mels + 2, fmin, fmax) if scale == "htk" else _slaney(n_mels + 2, fmin, fmax)
    bins = np.fft.rfftfreq(n_fft, 1 / rate)
    width = np.diff(edges)[:, None]
    rising = (bins - edges[:-2, None]) / width[:-1]
    falling = (edges[2:, None] - bins) / width[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    area = 2 / (width[:-1] + width[1:]) if norm == "slaney" else 1.0
    return (triangles * area).astype(np.float32)


def _slaney(count: int, fmin: float, fmax: float) -> np.ndarray:
    knee, hz_per_mel, mels_per_log = 1000.0, 200 / 3, 27 / np.log(6.4)
    mel_at_knee = knee / hz_per_mel

    def to_mel(hz: float) -> float:
        return hz / hz_per_mel if hz < knee else mel_at_knee + mels_per_log * np.log(hz / knee)

    mels = np.linspace(to_mel(fmin), to_mel(fmax), count)
    above = knee * np.exp((mels - mel_at_knee) / mels_per_log)
    return np.where(mels < mel_at_knee, mels * hz_per_mel, above)


def _htk(count: int, fmin: float, fmax: float) -> np.ndarray:
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (fmin, fmax))
    return 700 * (10 ** (np.linspace(low, high, count) / 2595) - 1)


@lru_cache(maxsize=8)
def window_of(name: str, length: int) -> np.ndarray:
    """A periodic window by its name in :data:`WINDOWS`, float64."""
    angle = 2 * np.pi * np.arange(length) / length
    terms = (weight * (-1) ** k * np.cos(k * angle) for k, weight in enumerate(WINDOWS[name]))
    return np.sum(list(terms), axis=0)
