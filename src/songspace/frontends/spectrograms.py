"""The spectrograms of songspace: log-mels, and the poster's.

:class:`LogMel` is small and near to human hearing: mel bands in decibels, with an 8-bit form for storage.
:class:`PowerSpectrogram` is that of the 2017 poster: linear frequency, plain power. Both take NumPy arrays or torch
tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import fft

from songspace.frontends.base import Codes, Frontend, check, check_whole, from_codes, register

SCALES = ("slaney", "htk")
NORMS = ("slaney", None)
WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08), "ones": (1.0,)}
"""Windows as sums of cosines: their weights, with alternating signs."""


@lru_cache(maxsize=8)
def mel_filters(
    rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float, scale: str = "slaney", norm: str | None = "slaney"
) -> np.ndarray:
    """Compute triangular filters, float32 of shape (n_mels, n_fft // 2 + 1).

    Parameters
    ----------
    scale : {"slaney", "htk"}
        Slaney's is linear below 1 kHz and logarithmic above (M. Slaney, "Auditory Toolbox", Interval Research
        Corporation, technical report 1998-010); HTK's is 2595 log10(1 + f / 700).
    norm : {"slaney", None}
        Triangles of equal area, or with a peak of 1.
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
    """Compute a periodic window by its name in :data:`WINDOWS`, float64."""
    angle = 2 * np.pi * np.arange(length) / length
    terms = (weight * (-1) ** k * np.cos(k * angle) for k, weight in enumerate(WINDOWS[name]))
    return np.sum(list(terms), axis=0)


FLOOR = 1e-10
"""The least power for decibels: -100 dB."""


class _Framed(Frontend):
    """Base class of frontends with frames."""

    n_fft: int
    hop: int

    def __post_init__(self) -> None:
        for field, least in {"n_fft": 2, "hop": 1}.items():
            check_whole(field, getattr(self, field), least)
        super().__post_init__()
        check(self.samples >= self.n_fft, "a window must be at least one frame (n_fft) long", self)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.rate / self.hop


@register
@dataclass(frozen=True)
class LogMel(_Framed):
    """Log-mel spectrogram: power in mel bands, in decibels relative to 1.

    The numbers equal those of librosa's ``power_to_db(melspectrogram(y))`` with its defaults (Slaney's mel scale,
    triangles of equal area, periodic Hann window, frames centred on zero-padded sound) and without ``top_db``. 48 to 64
    bands are enough for music [1]_.

    Parameters
    ----------
    rate : int
        Samples per second of the windows.
    n_fft, hop : int
        Length of a frame and distance between two, in samples.
    n_mels : int
        Number of mel bands.
    fmin, fmax : float
        Lowest and highest frequency in Hz; ``fmax=None`` is half the rate.
    seconds : float
        Length of a window.

    References
    ----------
    .. [1] A. Ferraro et al., "How low can you go? Reducing frequency and time resolution in current CNN
       architectures for music auto-tagging", EUSIPCO 2020.

    Examples
    --------
    >>> import numpy as np
    >>> frontend = LogMel()
    >>> frontend.shape
    (64, 251)
    >>> decibels = frontend(np.zeros((2, 110250), np.float32))
    >>> decibels.shape, float(decibels.max())
    ((2, 64, 251), -100.0)
    """

    rate: int = 22050
    n_fft: int = 1024
    hop: int = 441
    n_mels: int = 64
    fmin: float = 0.0
    fmax: float | None = None
    seconds: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("n_mels", self.n_mels, 1)
        fmin, fmax = self._mel_scale[-2:]
        check(0 <= fmin < fmax <= self.rate / 2, "0 <= fmin < fmax <= rate / 2 must hold", self)

    @property
    def _mel_scale(self) -> tuple[int, int, int, float, float]:
        fmax = self.rate / 2 if self.fmax is None else self.fmax
        return self.rate, self.n_fft, self.n_mels, self.fmin, fmax

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_mels, 1 + (self.samples + 2 * (self.n_fft // 2) - self.n_fft) // self.hop

    def quantize(self, spectrograms: Any) -> Codes:
        """Round decibels to 8 bits: a code q stands for -80 + q / 2 dB, from -80 to 47.5.

        Examples
        --------
        >>> LogMel().quantize(np.array([-100.0, -79.4, 0.0, 90.0]))
        Codes([  0,   1, 160, 255], dtype=uint8)
        """
        return Codes.of(spectrograms)

    def dequantize(self, codes: Any) -> np.ndarray:
        """Convert codes, marked or not, to float32 decibels; the error of quantisation is at most 0.25 dB."""
        return from_codes(codes)

    def compute(self, windows: np.ndarray) -> np.ndarray:
        window = window_of("hann", self.n_fft).astype(np.float32)
        blocks = _mel_blocks(*self._mel_scale)
        edge = self.n_fft // 2
        padded = np.zeros(self.samples + 2 * edge, np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft)[:: self.hop]
        mel = np.empty((len(windows), *self.shape), np.float32)
        # One window at a time fits in the processor's caches, and does not depend on other windows.
        for sound, bands in zip(windows, mel, strict=True):
            padded[edge : edge + self.samples] = sound
            power = _squared_magnitude(fft.rfft(frames * window))
            for rows, bins, weights in blocks:
                np.matmul(weights, power[:, bins].T, out=bands[rows])
        return _decibels(mel)

    def compute_tensor(self, windows: Any, torch: Any) -> Any:
        windows = windows.to(torch.float32)
        window = torch.from_numpy(window_of("hann", self.n_fft))
        weights = torch.from_numpy(mel_filters(*self._mel_scale))
        framing = {"center": True, "pad_mode": "constant", "return_complex": True}
        spectrum = torch.stft(windows, self.n_fft, self.hop, window=window.to(windows), **framing)
        mel = weights.to(windows) @ (spectrum.real.square() + spectrum.imag.square())
        return 10 * torch.log10(mel.clamp_min(FLOOR))


@register
@dataclass(frozen=True)
class PowerSpectrogram(_Framed):
    """The poster's spectrogram: linear frequency, plain power, frames that do not overlap.

    The numbers equal those of ``scipy.signal.spectrogram`` (``window="hann"``, ``detrend=False``,
    ``scaling="spectrum"``, ``mode="psd"``) of samples scaled to 16-bit integers: 257 x 430 for five seconds at 44.1
    kHz. They are computed in float64, because the range of power exceeds the precision of a float32 transform.

    Parameters
    ----------
    rate, n_fft, hop, seconds
        As in :class:`LogMel`.
    full_scale : float
        Value of a sample of 1.0.
    log, standardize : bool
        Return decibels, at least -100, instead of power; bring each spectrogram to zero mean and unit variance. (The
        poster did neither.)

    Examples
    --------
    A full-scale sine has its power in its own bin and the two next to it.

    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 86 * np.arange(220500) / 512)
    >>> power = PowerSpectrogram(full_scale=1.0, n_fft=512)(sine[None])
    >>> power.shape, power[0, 84:89, 0].round(3).tolist()
    ((1, 257, 430), [0.0, 0.125, 0.5, 0.125, 0.0])
    """

    rate: int = 44100
    n_fft: int = 512
    hop: int = 512
    full_scale: float = 32768.0
    log: bool = False
    standardize: bool = False
    seconds: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.full_scale > 0, "full_scale must be positive", self.full_scale)

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_fft // 2 + 1, 1 + (self.samples - self.n_fft) // self.hop

    @property
    def _window(self) -> np.ndarray:
        # The window includes SciPy's "spectrum" scaling and the factor to integers.
        return window_of("hann", self.n_fft) * (self.full_scale / window_of("hann", self.n_fft).sum())

    @property
    def _paired(self) -> slice:
        """Bins that stand for a negative frequency, too: all except 0 Hz and half the rate."""
        return slice(1, (self.n_fft + 1) // 2)

    def compute(self, windows: np.ndarray) -> np.ndarray:
        window = self._window
        spectrograms = np.empty((len(windows), *self.shape), np.float32)
        for sound, spectrogram in zip(windows, spectrograms, strict=True):
            frames = np.lib.stride_tricks.sliding_window_view(sound, self.n_fft)[:: self.hop]
            power = _squared_magnitude(fft.rfft(frames * window)).T
            power[self._paired] *= 2
            if self.log:
                power = _decibels(power)
            if self.standardize:
                power -= power.mean()
                power /= power.std() or 1.0
            spectrogram[:] = power
        return spectrograms

    def compute_tensor(self, windows: Any, torch: Any) -> Any:
        frames = windows.to(torch.float64).unfold(-1, self.n_fft, self.hop)
        spectrum = torch.fft.rfft(frames * torch.from_numpy(self._window).to(windows.device))
        power = (spectrum.real.square() + spectrum.imag.square()).transpose(1, 2)
        power[:, self._paired] *= 2
        if self.log:
            power = 10 * torch.log10(power.clamp_min(FLOOR))
        if self.standardize:
            power -= power.mean((1, 2), keepdim=True)
            deviation = power.square().mean((1, 2), keepdim=True).sqrt()
            power /= torch.where(deviation > 0, deviation, 1.0)
        return power.to(torch.float32)


@lru_cache(maxsize=8)
def _mel_blocks(*mel_scale: Any) -> list[tuple[slice, slice, np.ndarray]]:
    """Return the filters in blocks of eight, cut to their bins: it takes half the time of all at once."""
    filters = mel_filters(*mel_scale)
    blocks = []
    for start in range(0, len(filters), 8):
        rows = slice(start, start + 8)
        touched = np.flatnonzero(filters[rows].any(axis=0))
        bins = slice(touched[0], touched[-1] + 1) if len(touched) else slice(0, 1)
        blocks.append((rows, bins, np.ascontiguousarray(filters[rows, bins])))
    return blocks


def _squared_magnitude(spectrum: np.ndarray) -> np.ndarray:
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    return power


def _decibels(power: np.ndarray) -> np.ndarray:
    """Convert power to decibels in place (by the natural logarithm, which NumPy vectorises)."""
    np.maximum(power, FLOOR, out=power)
    np.log(power, out=power)
    power *= 10 / np.log(10)
    return power
