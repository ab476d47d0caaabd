"""MusiCNN, a network trained on tags of 200,000 songs: the encoder, and the forward pass in NumPy.

`songspace ears get musicnn` downloads the weights.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from songspace.encoders import PIPELINE
from songspace.encoders.base import check_spectrograms
from songspace.encoders.ears import MUSICNN
from songspace.encoders.pretrained import Pretrained
from songspace.errors import SongspaceError
from songspace.frontends import MelSpectrogram

TAGS = (
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock"),
    *("jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "Mellow"),
    *("electronica", "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient"),
    *("acoustic", "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening"),
    *("sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad"),
    *("House", "happy"),
)
"""Tags as listeners of Last.fm wrote them, in the order of the network's outputs."""


class MusiCNN(Pretrained):
    """The last layer but one of MusiCNN, 200 numbers for three seconds of sound.

    Attributes
    ----------
    checksum_ : str
        Checksum of the weights.

    References
    ----------
    .. [1] J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging",
       arXiv 1909.06654.
    """

    name: ClassVar[str] = "musicnn"
    batch_rows: ClassVar[int] = 10
    seconds_to_encode: ClassVar[float] = 0.2
    words: ClassVar[tuple[str, ...]] = TAGS

    network_: Network

    def get_frontend(self) -> MelSpectrogram:
        return MelSpectrogram(
            rate=16000, seconds=3.0, n_fft=512, hop=256, n_mels=96, log="log10", scale=10000, offset=1, frames=187
        )

    def fit(self, X: Any = None, y: None = None, *, groups: Any = None) -> Self:
        """Open the weights.

        Parameters
        ----------
        X : array of shape (n, 96, 187), optional
            Only its shape is checked.
        y, groups
            Not used.

        Raises
        ------
        SongspaceError
            If they are missing or damaged.
        """
        self._set_shape(self.get_frontend().shape)
        if X is not None and tuple(check_spectrograms(X).shape[1:]) != self.shape_:
            raise ValueError(f"X has spectrograms of {X.shape[1:]}, but MusiCNN takes {self.shape_}")
        self.network_ = Network(MUSICNN.open())
        self.checksum_ = MUSICNN.checksum
        return self

    def likeness(self, kept: np.ndarray) -> np.ndarray:
        """Compute the tags before the sigmoid: (n, 50)."""
        check_is_fitted(self)
        return self.network_.logits(kept)

    def _own(self, batch: np.ndarray) -> np.ndarray:
        # One thread for each patch: its products of matrices are too small for several threads.
        with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            pooled = np.stack(list(pool.map(self.network_.pooled, batch)))
        return np.concatenate([self.network_.penultimate(each[None]) for each in pooled])

    def _description(self) -> dict[str, Any]:
        return {
            "encoder": self.name,
            "pipeline": PIPELINE,
            "shape": list(self.shape_),
            "params": {},
            "weights": self.checksum_,
        }

    def _restore_files(self, folder: Path, description: dict[str, Any], *, check: bool) -> None:
        self.fit()
        if description["weights"] != self.checksum_:
            raise SongspaceError("This library was heard with other weights of MusiCNN: learn again.")


# The network. Nearly all of the work is in two layers of timbral filters, 204 of 7 frames by 38 bands and 204 of 7
# frames by 67 bands. Only the maximum of their responses over all positions in frequency is kept. A convolution over a
# circle of the 96 bands is a product in their discrete Fourier transform, and no valid position crosses the end of the
# circle. The inverse transform is one product with cosines and one with sines, which the positions on either side of
# the middle share. This takes a quarter of the multiplications, in products of matrices that fit in a processor's
# cache, and only the rounding differs.
#
# The ReLU and the batch norm after a filter keep the order of their inputs, unless the factor of the norm is negative:
# then the filter is taken with the other sign, and its maximum is the minimum. Both therefore come after the maximum
# over all positions, and process hundreds of numbers instead of ten thousands.

FRAMES, BANDS = 187, 96
POOLED, PENULTIMATE = 1506, 200
"""Numbers of the layers that :class:`Network` returns."""

_BINS = BANDS // 2 + 1
_TIMBRAL = (38, 67)
_TEMPORAL = (128, 64, 32)
_EPSILON = 1e-3
_CHANNELS = 8  # timbral filters computed at a time, so that they stay in a cache of 1 MB
_BANDS = 8  # bands for which temporal filters are computed at a time, for the same reason


def _shapes() -> dict[str, tuple[int, ...]]:
    kernels = [(7, bands, 1, 204) for bands in _TIMBRAL]
    kernels += [(frames, 1, 1, 51) for frames in _TEMPORAL]
    kernels += [(7, numbers, 1, 64) for numbers in (561, 64, 64)]
    shapes: dict[str, tuple[int, ...]] = {}
    for number, kernel in enumerate(kernels):
        name = f"conv2d_{number}" if number else "conv2d"
        shapes |= {f"{name}/kernel": kernel, f"{name}/bias": kernel[-1:]}
    sizes = (1, *(kernel[-1] for kernel in kernels), POOLED, PENULTIMATE)
    for number, size in enumerate(sizes):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        shapes |= {f"{name}/{part}": (size,) for part in ("gamma", "beta", "moving_mean", "moving_variance")}
    for name, (rows, columns) in {"dense": (POOLED, PENULTIMATE), "dense_1": (PENULTIMATE, len(TAGS))}.items():
        shapes |= {f"{name}/kernel": (rows, columns), f"{name}/bias": (columns,)}
    return shapes


SHAPES = _shapes()
"""Shapes of the tensors of a forward pass, by their published names; channels are last."""


class Network:
    """The forward pass of MusiCNN with its weights: from patches of a mel spectrogram to tags.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        Tensors by their names in :data:`SHAPES`.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        norms = [_norm(tensors, number) for number in range(11)]
        filters = [_filters(tensors, number) for number in range(8)]
        self._scale, self._shift = norms[0]
        self._timbral = [_Timbral(*filters[number], *norms[number + 1]) for number in (0, 1)]
        self._temporal = [_Temporal(*filters[number], *norms[number + 1]) for number in (2, 3, 4)]
        self._middle = [_Middle(*filters[number], *norms[number + 1]) for number in (5, 6, 7)]
        self._back = norms[9], (tensors["dense/kernel"], tensors["dense/bias"]), norms[10]
        self.tags = tensors["dense_1/kernel"], tensors["dense_1/bias"]

    def pooled(self, patch: np.ndarray) -> np.ndarray:
        """Compute the maximum and the mean over time of each number of a patch.

        Parameters
        ----------
        patch : ndarray of shape (96, 187), float32
            log10(10000 x + 1) of the power x of mel bands at 16 kHz.

        Returns
        -------
        ndarray of shape (1506,), float32
            (number, [maximum, mean]) in one row.
        """
        patch = patch * self._scale + self._shift
        spectra = _spectra(patch)
        front = [filters(spectra) for filters in self._timbral]
        front += _temporal(patch, self._temporal)
        layers = [np.concatenate(front)]
        answers = self._middle[0](layers[0])
        layers.append(answers)
        for layer in self._middle[1:]:
            answers = answers + layer(answers)
            layers.append(answers)
        numbers = np.concatenate(layers)
        return np.stack([numbers.max(axis=1), numbers.mean(axis=1)], axis=1).reshape(-1)

    def penultimate(self, pooled: np.ndarray) -> np.ndarray:
        """Compute the last layer but one, (n, 200), from the output of :meth:`pooled`, (n, 1506)."""
        (scale, shift), (kernel, bias), (last_scale, last_shift) = self._back
        layer: np.ndarray = np.maximum((pooled * scale + shift) @ kernel + bias, 0) * last_scale + last_shift
        return layer

    def logits(self, penultimate: np.ndarray) -> np.ndarray:
        """Compute the tags, (n, 50), before the sigmoid, from the output of :meth:`penultimate`, (n, 200)."""
        return logits(penultimate, self.tags)


def logits(penultimate: np.ndarray, tags: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Compute the last layer, with its kernel and bias, from the last but one."""
    kernel, bias = tags
    values: np.ndarray = penultimate @ kernel + bias
    return values


def _norm(tensors: Mapping[str, np.ndarray], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch norm as a factor and a summand."""
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    gamma, beta, mean, variance = (
        tensors[f"{name}/{part}"].astype(np.float64) for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    factor = gamma / np.sqrt(variance + _EPSILON)
    return factor.astype(np.float32), (beta - mean * factor).astype(np.float32)


def _filters(tensors: Mapping[str, np.ndarray], number: int) -> tuple[np.ndarray, np.ndarray]:
    name = f"conv2d_{number}" if number else "conv2d"
    return tensors[f"{name}/kernel"][:, :, 0], tensors[f"{name}/bias"]


class _Layer:
    """Filters with their ReLU and batch norm."""

    def __init__(self, bias: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> None:
        self.bias, self.scale, self.shift = bias[:, None], scale[:, None], shift[:, None]

    def finish(self, answers: np.ndarray) -> np.ndarray:
        """Add the bias to the responses of filters, (filters, frames), and apply ReLU and batch norm."""
        finished: np.ndarray = np.maximum(answers + self.bias, 0) * self.scale + self.shift
        return finished


class _Greatest(_Layer):
    """A layer that keeps the maximum of its responses after the batch norm."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> None:
        super().__init__(bias, scale, shift)
        self.sign = np.where(self.scale < 0, np.float32(-1), np.float32(1))
        self.kernel = kernel * self.sign[:, 0]

    def finish(self, answers: np.ndarray) -> np.ndarray:
        return super().finish(answers * self.sign)


class _Timbral(_Greatest):
    """Filters of 7 frames by many bands; the maximum over all positions in frequency is kept."""

    def __init__(self, kernel: np.ndarray, *rest: np.ndarray) -> None:
        super().__init__(kernel, *rest)
        positions = BANDS - kernel.shape[1] + 1
        self.below = (positions - 1) // 2  # positions below the middle one: as many as above it, or one less
        above = positions - 1 - self.below
        bins = np.arange(_BINS)
        spectrum = np.conj(np.fft.rfft(self.kernel.astype(np.float64), BANDS, axis=1))
        spectrum = spectrum * np.exp(2j * np.pi * bins * self.below / BANDS)[:, None]
        taps = spectrum.transpose(1, 2, 0)  # (bins, filters, frames)
        self.real = np.concatenate([taps.real, -taps.imag], axis=2).astype(np.float32)
        self.imaginary = np.concatenate([taps.imag, taps.real], axis=2).astype(np.float32)
        twice = np.where((bins == 0) | (bins == BANDS // 2), 1, 2) / BANDS
        angles = 2 * np.pi * np.arange(above + 1)[:, None] * bins / BANDS
        self.cosines = (twice * np.cos(angles)).astype(np.float32)
        self.sines = (-twice * np.sin(angles)).astype(np.float32)

    def __call__(self, spectra: np.ndarray) -> np.ndarray:
        """Compute (filters, frames) from (bins, 2 * 7, frames)."""
        frames = spectra.shape[2]
        real = np.matmul(self.real, spectra).reshape(_BINS, -1)
        imaginary = np.matmul(self.imaginary, spectra).reshape(_BINS, -1)
        greatest = np.empty(real.shape[1], np.float32)
        for start in range(0, len(greatest), _CHANNELS * frames):
            some = slice(start, start + _CHANNELS * frames)
            even, odd = self.cosines @ real[:, some], self.sines @ imaginary[:, some]
            above = (even + odd).max(axis=0)
            even -= odd
            greatest[some] = np.maximum(above, even[: self.below + 1].max(axis=0))
        return self.finish(greatest.reshape(-1, frames))


def _spectra(patch: np.ndarray) -> np.ndarray:
    """Compute the Fourier transform over bands, (bins, 2 * 7, frames): real and imaginary parts of 7 frames."""
    frames = patch.shape[1]
    padded = np.pad(patch, ((0, 0), (3, 3)))
    around = sliding_window_view(_DFT @ padded, 7, axis=1)  # (2 * bins, frames, 7)
    parts = around.reshape(2, _BINS, frames, 7).transpose(1, 0, 3, 2)
    return np.ascontiguousarray(parts.reshape(_BINS, 14, frames))


def _dft() -> np.ndarray:
    angles = 2 * np.pi * np.arange(_BINS)[:, None] * np.arange(BANDS) / BANDS
    return np.concatenate([np.cos(angles), -np.sin(angles)]).astype(np.float32)


_DFT = _dft()


class _Temporal(_Greatest):
    """Filters of many frames by one band; the maximum over all bands is kept."""

    def __init__(self, kernel: np.ndarray, *rest: np.ndarray) -> None:
        super().__init__(kernel, *rest)
        self.rows = np.ascontiguousarray(self.kernel[:, 0].T)  # (filters, frames of a filter)


def _temporal(patch: np.ndarray, layers: list[_Temporal]) -> list[np.ndarray]:
    """Compute several layers of temporal filters, each (filters, frames), in one pass."""
    longest = max(_TEMPORAL)
    before = (longest - 1) // 2
    frames = patch.shape[1]
    around = sliding_window_view(np.pad(patch, ((0, 0), (before, longest - 1 - before))), frames, axis=1)
    greatest = [np.full((len(layer.rows), frames), -np.inf, np.float32) for layer in layers]
    for start in range(0, len(patch), _BANDS):
        seen = np.ascontiguousarray(around[start : start + _BANDS].transpose(1, 0, 2))  # (longest, bands, frames)
        for layer, most in zip(layers, greatest, strict=True):
            length = layer.rows.shape[1]
            first = before - (length - 1) // 2
            answers = layer.rows @ seen[first : first + length].reshape(length, -1)
            np.maximum(most, answers.reshape(len(most), -1, frames).max(axis=1), out=most)
    return [layer.finish(most) for layer, most in zip(layers, greatest, strict=True)]


class _Middle(_Layer):
    """Filters of 7 frames by all numbers."""

    def __init__(self, kernel: np.ndarray, *rest: np.ndarray) -> None:
        super().__init__(*rest)
        self.rows = np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(kernel.shape[2], -1))

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """Compute (filters, frames) from (numbers, frames)."""
        frames = numbers.shape[1]
        around = sliding_window_view(np.pad(numbers, ((0, 0), (3, 3))), frames, axis=1)  # (numbers, 7, frames)
        return self.finish(self.rows @ around.reshape(-1, frames))
