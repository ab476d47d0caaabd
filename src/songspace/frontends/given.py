"""Frontends of networks that were trained elsewhere: the sound itself, or a mel spectrogram with all parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from songspace.frontends.base import Frontend, check, check_whole, register
from songspace.frontends.spectrograms import NORMS, SCALES, WINDOWS, mel_filters, window_of

LOGS = ("none", "log10", "ln", "db")
PADDINGS = ("constant", "reflect", "edge")


@register
@dataclass(frozen=True)
class Waveform(Frontend):
    """The sound itself, as a spectrogram of one band.

    Parameters
    ----------
    rate : int
        Samples per second.
    seconds : float
        Length of a window.

    Examples
    --------
    >>> Waveform(rate=100, seconds=2.0)(np.ones((3, 200))).shape
    (3, 1, 200)
    """

    rate: int = 48000
    seconds: float = 10.0

    @property
    def shape(self) -> tuple[int, int]:
        return 1, self.samples

    def compute(self, windows: np.ndarray) -> np.ndarray:
        return np.asarray(windows, np.float32)[:, None, :]

    def compute_tensor(self, windows: object, torch: object) -> object:
        return windows.float()[:, None, :]  # type: ignore[attr-defined]


@register
@dataclass(frozen=True)
class MelSpectrogram(Frontend):
    """A mel spectrogram with parameters for all choices in which common libraries differ.

    Each value is the logarithm of ``max(offset + scale * x, floor)``, with x the magnitude of a band to the ``power``.

    Parameters
    ----------
    rate, seconds
        As in :class:`Waveform`.
    n_fft, hop : int
        Length of a frame and distance between two, in samples.
    n_mels : int
        Number of mel bands.
    fmin, fmax : float
        Lowest and highest frequency in Hz; ``fmax=None`` is half the rate.
    mel : {"slaney", "htk"}
        The mel scale.
    norm : {"slaney", None}
        Triangles of equal area, or with a peak of 1.
    window : {"hann", "hamming", "blackman", "ones"}
        Periodic window.
    win_length : int, optional
        Length of the window, in the middle of the frame; by default ``n_fft``.
    center : bool
        Centre frames on their times, with half a frame of padding on either side.
    padding : {"constant", "reflect", "edge"}
        Contents of the padding.
    power : {1, 2}
        Magnitude or power.
    log : {"none", "log10", "ln", "db"}
        Logarithm; decibels are 10 log10 of power, or 20 log10 of magnitude.
    scale, offset, floor : float
        See above.
    frames : int, optional
        Number of frames to keep, the first ones; by default all.

    Examples
    --------
    The spectrograms of MusiCNN:

    >>> frontend = MelSpectrogram(
    ...     rate=16000, seconds=3.0, n_fft=512, hop=256, n_mels=96, log="log10", scale=10000, offset=1, frames=187
    ... )
    >>> frontend(np.zeros((2, 48000))).shape
    (2, 96, 187)
    """

    rate: int = 16000
    seconds: float = 3.0
    n_fft: int = 512
    hop: int = 256
    n_mels: int = 96
    fmin: float = 0.0
    fmax: float | None = None
    mel: str = "slaney"
    norm: str | None = "slaney"
    window: str = "hann"
    win_length: int | None = None
    center: bool = True
    padding: str = "constant"
    power: int = 2
    log: str = "db"
    scale: float = 1.0
    offset: float = 0.0
    floor: float = 0.0
    frames: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for field, least in {"n_fft": 2, "hop": 1, "n_mels": 1}.items():
            check_whole(field, getattr(self, field), least)
        choices = {"mel": SCALES, "norm": NORMS, "window": tuple(WINDOWS), "padding": PADDINGS, "log": LOGS}
        for field, choice in (choices | {"power": (1, 2), "center": (True, False)}).items():
            known = [type(value) for value in choice if value == getattr(self, field)]
            check(type(getattr(self, field)) in known, f"{field} must be one of {choice}", repr(getattr(self, field)))
        for field in ("fmin", "scale", "offset", "floor", *(["fmax"] if self.fmax is not None else [])):
            value = getattr(self, field)
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)
            check(number and value >= 0, f"{field} must be a number >= 0", value)
        check(self.fmin < self._fmax <= self.rate / 2, "0 <= fmin < fmax <= rate / 2 must hold", self)
        check(self.scale > 0, "scale must be a number > 0", self.scale)
        bottom = max(self.offset, self.floor)
        check(
            self.log == "none" or bottom > 0, "offset or floor must be above 0: silence has a logarithm, then", bottom
        )
        if self.win_length is not None:
            check_whole("win_length", self.win_length, 1)
            check(self.win_length <= self.n_fft, "win_length must be at most n_fft", self.win_length)
        inner = self.n_fft if not self.center else self.n_fft // 2 + 1
        check(self.samples >= inner, "a window must be long enough for a frame (n_fft)", self)
        if self.frames is not None:
            check_whole("frames", self.frames, 1)
            check(self.frames <= self._all_frames, f"frames must be at most {self._all_frames}", self.frames)

    @property
    def _fmax(self) -> float:
        return self.rate / 2 if self.fmax is None else self.fmax

    @property
    def _edge(self) -> int:
        return self.n_fft // 2 if self.center else 0

    @property
    def _all_frames(self) -> int:
        return 1 + (self.samples + 2 * self._edge - self.n_fft) // self.hop

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_mels, self.frames or self._all_frames

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.rate / self.hop

    def compute(self, windows: np.ndarray) -> np.ndarray:
        filters = mel_filters(self.rate, self.n_fft, self.n_mels, self.fmin, self._fmax, self.mel, self.norm)
        length = self.win_length or self.n_fft
        window = np.zeros(self.n_fft, np.float32)
        left = (self.n_fft - length) // 2
        window[left : left + length] = window_of(self.window, length)
        mel = np.empty((len(windows), *self.shape), np.float32)
        for sound, bands in zip(windows, mel, strict=True):
            padded = np.pad(sound.astype(np.float32), self._edge, mode=self.padding)  # type: ignore[call-overload]
            frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft)[:: self.hop][: self.shape[1]]
            spectrum = fft.rfft(frames * window)
            magnitude = np.square(spectrum.real) + np.square(spectrum.imag)
            np.matmul(filters, (np.sqrt(magnitude) if self.power == 1 else magnitude).T, out=bands)
        if self.log == "none":
            return mel
        level = np.maximum(self.offset + self.scale * mel, self.floor)
        if self.log == "ln":
            return np.log(level)
        decibels: np.ndarray = np.log10(level) * np.float32(1 if self.log == "log10" else 20 // self.power)
        return decibels
