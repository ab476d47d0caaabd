"""Encoders that learn little or nothing: every trained encoder has to beat them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

import numpy as np
from scipy import linalg
from sklearn.utils.validation import check_is_fitted

from songspace.encoders.base import Encoder
from songspace.encoders.checks import check_number, check_seed
from songspace.encoders.descriptors import MOTION, N_DESCRIPTORS, SOUND, check_descriptors, descriptors
from songspace.errors import SongspaceError
from songspace.frontends import Frontend, LogMel


class Raw(Encoder):
    """The spectrogram itself, flattened: a baseline of the poster that was never scored.

    Parameters
    ----------
    frontend : Frontend, optional
        Maker of the spectrograms; ``LogMel()`` if not given.

    Examples
    --------
    >>> import numpy as np
    >>> Raw().fit_transform(np.zeros((2, 64, 251))).shape
    (2, 16064)
    """

    name: ClassVar[str] = "raw"

    def __init__(self, frontend: Frontend | None = None) -> None:
        self.frontend = frontend

    def fit(self, X: Any, y: None = None, *, groups: Any = None) -> Self:
        """Set the shape of the spectrograms; nothing is learnt."""
        self._start_fit(X)
        return self

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        return batch.reshape(len(batch), -1)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        pass


class PCA(Encoder):
    """The directions in which spectrograms vary most, computed in a few passes over them.

    The spectrograms need not fit in memory. A randomised subspace iteration [1]_ reads them in batches, once for their
    moments and four times for the subspace. The last pass makes a Nyström approximation of their covariance [2]_, which
    is worth one more pass. With 64 additional directions, the 64 directions kept of log-mels hold 99.99 % of the
    variance of the true ones.

    Parameters
    ----------
    n_components : int
        Numbers of a vector; fewer if there are fewer spectrograms.
    scale : bool
        Divide every pixel by its standard deviation first, as the poster did. Plain power needs it, because its few
        loud pixels would decide alone; decibels do not.
    frontend : Frontend, optional
        Maker of the spectrograms; ``LogMel()`` if not given.
    random_state : int
        Seed of the search.

    Attributes
    ----------
    components_ : ndarray of shape (k, bands * frames), float32
        Orthonormal directions by falling variance; the entry of the largest magnitude is positive.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (k,), float64
    mean_ : ndarray of shape (bands * frames,), float32
    scale_ : ndarray of shape (bands * frames,), float32
        Divisor of each pixel: 1 unless ``scale``, and where a pixel is constant.

    References
    ----------
    .. [1] N. Halko, P.-G. Martinsson, J. Tropp, "Finding structure with randomness", SIAM Review 53,
       2011.
    .. [2] J. Tropp, A. Yurtsever, M. Udell, V. Cevher, "Fixed-rank approximation of a
       positive-semidefinite matrix from streaming data", NIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(50, 4, 6))
    >>> PCA(n_components=3).fit_transform(X).shape
    (50, 3)
    """

    name: ClassVar[str] = "pca"
    seconds_to_fit: ClassVar[float] = 0.01
    batch_rows: ClassVar[int] = 128
    passes: ClassVar[int] = 4
    oversampling: ClassVar[int] = 64
    _LEARNT = ("mean_", "scale_", "components_", "explained_variance_", "explained_variance_ratio_")

    def __init__(
        self, n_components: int = 64, scale: bool = False, frontend: Frontend | None = None, random_state: int = 0
    ) -> None:
        self.n_components = n_components
        self.scale = scale
        self.frontend = frontend
        self.random_state = random_state

    def fit(self, X: Any, y: None = None, *, groups: Any = None) -> Self:
        """Compute the principal components of ``X``.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            At least two spectrograms; as in :meth:`transform`.
        y, groups
            Not used.

        Raises
        ------
        ValueError
            If a parameter or ``X`` is not valid.
        SongspaceError
            If there is only one spectrogram.
        """
        X = self._start_fit(X)
        n = X.shape[0]
        if n < 2:
            raise SongspaceError("PCA looks for differences: it needs at least 2 spectrograms.")
        check_number("n_components", self.n_components, least=1, whole=True)
        self.mean_, variance = self._moments(X)
        self.scale_ = np.ones_like(self.mean_)
        if self.scale:
            deviation = np.sqrt(variance).astype(np.float32)
            self.scale_ = np.where(deviation > 0, deviation, self.scale_)
        kept = min(self.n_components, n, self.n_features_in_)
        values, vectors = self._principal_axes(X, min(kept + self.oversampling, n, self.n_features_in_))
        vectors = vectors[:, :kept].T
        largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1, keepdims=True), axis=1)
        self.components_ = np.ascontiguousarray(vectors * np.sign(largest), np.float32)
        self.explained_variance_ = values[:kept] / (n - 1)
        total = (variance / np.square(self.scale_, dtype=np.float64)).sum() * n / (n - 1)
        self.explained_variance_ratio_ = self.explained_variance_ / (total or 1.0)
        return self

    def inverse_transform(self, vectors: np.ndarray) -> np.ndarray:
        """Reconstruct spectrograms (n, bands, frames) from vectors (n, k)."""
        check_is_fitted(self)
        flat = np.asarray(vectors, np.float32) @ self.components_ * self.scale_ + self.mean_
        return flat.reshape(-1, *self.shape_)

    def _moments(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Compute mean (float32) and variance (float64) of every pixel, in one pass."""
        # Sums of differences from one spectrogram, so that squares of large means do not cancel.
        origin = self._rows(X, slice(0, 1)).reshape(-1)
        total, squares = np.zeros(self.n_features_in_), np.zeros(self.n_features_in_)
        for batch in self._batches(X):
            offset = batch.reshape(len(batch), -1) - origin
            total += offset.sum(axis=0)
            squares += np.einsum("ij,ij->j", offset, offset)
        mean = total / X.shape[0]
        return (origin + mean).astype(np.float32), np.maximum(squares / X.shape[0] - mean**2, 0)

    def _principal_axes(self, X: Any, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Compute the largest eigenvalues and vectors of the scatter matrix of the standardised spectrograms."""
        random = np.random.default_rng(check_seed(self.random_state))
        image = random.standard_normal((self.n_features_in_, width), np.float32)
        for _ in range(self.passes):
            basis, _ = linalg.qr(image, mode="economic", overwrite_a=True, check_finite=False)
            image = np.zeros_like(basis)
            for batch in self._batches(X):
                flat = self._standardize(batch)
                image += flat.T @ (flat @ basis)
        # Nyström: image (basis' image)^-1 image', by its square root.
        values, rotation = np.linalg.eigh(basis.T.astype(np.float64) @ image)
        solid = values > np.finfo(np.float32).eps * values[-1]
        root = np.where(solid, rotation / np.sqrt(np.where(solid, values, 1)), 0).astype(np.float32)
        vectors, singular, _ = linalg.svd(image @ root, full_matrices=False, overwrite_a=True)
        return np.square(singular, dtype=np.float64), vectors

    def _standardize(self, batch: np.ndarray) -> np.ndarray:
        return (batch.reshape(len(batch), -1) - self.mean_) / self.scale_

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        return self._standardize(batch) @ self.components_.T

    def _arrays(self) -> dict[str, np.ndarray]:
        return {key: getattr(self, key) for key in self._LEARNT}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        for key in self._LEARNT:
            setattr(self, key, arrays[key])


class Timbre(Encoder):
    """Hand-made statistics of sound and motion, on a common scale (see :mod:`.descriptors`).

    Each descriptor is brought to zero mean and unit variance over the fitted segments. Then the descriptors are
    weighted so that those of sound and those of motion have equal shares of the mean squared distance (block scaling
    [1]_). Combining the two aspects keeps the quality of timbre alone and makes fewer songs hubs [2]_; equal shares
    need no labels.

    Parameters
    ----------
    frontend : LogMel, optional
        Maker of the spectrograms; ``LogMel()`` if not given.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (124,), float32
        Subtrahend and divisor of the descriptors.

    References
    ----------
    .. [1] J. Westerhuis, T. Kourti, J. MacGregor, "Analysis of multiblock and hierarchical PCA and PLS
       models", Journal of Chemometrics 12, 1998.
    .. [2] A. Flexer, D. Schnitzer, M. Gasser, T. Pohle, "Combining features reduces hubness in audio
       similarity", ISMIR 2010.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(-30, 5, (3, 64, 251))
    >>> Timbre().fit_transform(X).shape
    (3, 124)
    """

    name: ClassVar[str] = "timbre"

    def __init__(self, frontend: LogMel | None = None) -> None:
        self.frontend = frontend

    def fit(self, X: Any, y: None = None, *, groups: Any = None) -> Self:
        """Compute the mean and the deviation of every descriptor of spectrograms (n, bands, frames)."""
        X = self._start_fit(X)
        described = [self._describe(batch) for batch in self._batches(X)]
        return self._standardize_by(lambda: described)

    def fit_descriptors(self, described: np.ndarray | Callable[[], Iterable[np.ndarray]]) -> Self:
        """Fit to known descriptors (n, 124).

        If they do not fit in memory, ``described`` is a function that returns an iterable of parts; it is called twice.
        """
        self._set_shape(self.get_frontend().shape)
        parts = described if callable(described) else lambda: [described]
        return self._standardize_by(lambda: map(check_descriptors, parts()))

    def standardize(self, described: np.ndarray) -> np.ndarray:
        """Compute the vectors of known descriptors (n, 124)."""
        check_is_fitted(self)
        return (check_descriptors(described) - self.mean_) / self.scale_

    def placed(self, kept: np.ndarray) -> np.ndarray:
        return self.standardize(kept)

    def _standardize_by(self, described: Callable[[], Iterable[np.ndarray]]) -> Self:
        n, total, squares = 0, np.zeros(N_DESCRIPTORS), np.zeros(N_DESCRIPTORS)
        for rows in described():
            n, total = n + len(rows), _added(total, rows)
        if not n:
            raise ValueError("Expected the descriptors of at least one segment, got none")
        mean = total / n
        for rows in described():
            squares = _added(squares, np.square(rows - mean))
        deviation = np.sqrt(squares / n)
        block = np.empty(N_DESCRIPTORS)
        for part in (SOUND, MOTION):
            block[part] = np.sqrt(part.stop - part.start)
        constant = deviation <= 1e-6 * np.maximum(1, np.abs(mean))
        self.mean_ = mean.astype(np.float32)
        self.scale_ = np.where(constant, 1, deviation * block).astype(np.float32)
        return self

    def _describe(self, batch: np.ndarray) -> np.ndarray:
        frontend = self.get_frontend()
        if not isinstance(frontend, LogMel):
            raise ValueError(f"Timbre describes the spectrograms of a LogMel, not of a {type(frontend).__name__}")
        return descriptors(batch, frame_rate=frontend.frame_rate)

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        return self.standardize(self._describe(batch))

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean_, "scale": self.scale_}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.mean_, self.scale_ = arrays["mean"], arrays["scale"]


def _added(total: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Add rows to a sum, one after the other: the digits do not depend on the division into parts."""
    added: np.ndarray = np.concatenate([total[None], rows], dtype=np.float64).sum(axis=0)
    return added
