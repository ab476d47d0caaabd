"""What an encoder is: an estimator of spectrograms that can be saved, loaded and told apart.

An encoder takes a stack of spectrograms ``(n, bands, frames)`` from *its* frontend and gives ``(n, d)``
vectors. It is written to disk as one folder, ``weights.safetensors`` and ``encoder.json``: numbers and
text only, so that opening a stranger's encoder can run no code.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from songspace import frontends, provenance
from songspace.encoders import PIPELINE
from songspace.errors import SongspaceError
from songspace.plainfiles import open_plain, read_json
from songspace.tensorfile import write_whole

REGISTRY = {
    "raw": "songspace.encoders.baselines:Raw",
    "pca": "songspace.encoders.baselines:PCA",
    "timbre": "songspace.encoders.baselines:Timbre",
    "random": "songspace.encoders.random_conv:RandomConv",
    "ali": "songspace.encoders.ali:ALI",
    "contrastive": "songspace.encoders.contrastive:Contrastive",
}
"""Every encoder by the name that the command line knows: one file and one line here make a new one."""

_LONGEST_DESCRIPTION = 1 << 24

_NOT_PART_OF_THE_MAPPING = {"device"}


def encoder_class(name: str) -> type[Encoder]:
    """The encoder class of a registered name; its module (and torch, if it needs it) loads now.

    Raises
    ------
    SongspaceError
        If there is no encoder of that name.
    """
    if name not in REGISTRY:
        raise SongspaceError(f"There is no encoder called {name!r}: choose from {', '.join(REGISTRY)}.")
    module, _, attribute = REGISTRY[name].partition(":")
    found: type[Encoder] = getattr(import_module(module), attribute)
    return found


class Encoder(TransformerMixin, BaseEstimator):
    """The part that all encoders share: validation, batching, saving, identity.

    A subclass sets ``name``, learns in ``fit`` after calling :meth:`_start_fit`, and says in ``_embed`` how a
    float batch becomes vectors, in ``_arrays`` and ``_restore`` which arrays it is made of.
    """

    name: ClassVar[str]
    batch_rows: ClassVar[int] = 32
    frontend: frontends.Frontend | None

    def get_frontend(self) -> frontends.Frontend:
        """The frontend whose spectrograms this encoder takes (``LogMel()`` unless another was given)."""
        return self.frontend if self.frontend is not None else frontends.LogMel()

    def transform(self, X: Any) -> np.ndarray:
        """Encode spectrograms.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
            Spectrograms from :meth:`get_frontend`: floats, or ``uint8`` as the frontend quantises them. Anything
            with ``shape``, ``dtype`` and row indexing will do, so that it need not fit in memory.

        Returns
        -------
        ndarray of shape (n, d), float32
        """
        X = self._checked(X)
        return np.concatenate([self._embed(batch) for batch in self._batches(X)]).astype(np.float32, copy=False)

    def transform_described(self, X: Any, described: np.ndarray) -> np.ndarray:
        """Do as :meth:`transform` does, where the descriptors of ``X`` are known already.

        It answers the same, sooner if the encoder would work them out itself.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
        described : ndarray of shape (n, 124)
            What :func:`songspace.encoders.descriptors.descriptors` gives for ``X``.

        Returns
        -------
        ndarray of shape (n, d), float32

        Raises
        ------
        ValueError
            If an encoder that needs them gets descriptors of another shape.
        """
        return self.transform(X)

    def transform_each(self, songs: Iterable[Any]) -> Iterator[np.ndarray]:
        """Do as :meth:`transform` does with the spectrograms of one song after the other, in order."""
        return map(self.transform, songs)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write this fitted encoder into ``folder``; ``encoder.json``, written last, makes it complete.

        Raises
        ------
        SongspaceError
            If it cannot be written, with the reason.
        """
        check_is_fitted(self)
        folder = Path(folder)
        arrays = {key: np.ascontiguousarray(value) for key, value in self._arrays().items()}
        description = self._description() | {"facts": self._facts(), "fingerprint": self.fingerprint_}
        description |= {"made_with": getattr(self, "made_with_", None) or provenance.made_with()}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / "weights.safetensors", [to_bytes(arrays)])
            write_whole(folder / "encoder.json", [(json.dumps(description, indent=2) + "\n").encode()])
        except OSError as error:
            raise SongspaceError(f"The encoder cannot be written to {folder} ({error.strerror}).") from error
        return folder

    @property
    def fingerprint_(self) -> str:
        """16 hexadecimal digits that change with anything that changes what ``transform`` answers."""
        check_is_fitted(self)
        digest = hashlib.blake2b(json.dumps(self._description(), sort_keys=True).encode(), digest_size=8)
        for key, value in sorted(self._arrays().items()):
            digest.update(f"{key}{value.dtype}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    def _description(self) -> dict[str, Any]:
        params = {
            key: value.item() if isinstance(value, np.generic) else value
            for key, value in self.get_params(deep=False).items()
            if key not in _NOT_PART_OF_THE_MAPPING
        }
        params["frontend"] = frontends.describe(self.get_frontend())
        return {"encoder": self.name, "pipeline": PIPELINE, "shape": list(self.shape_), "params": params}

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        X = check_spectrograms(X)
        if tuple(X.shape[1:]) != self.shape_:
            expected = "x".join(map(str, self.shape_))
            raise ValueError(
                f"X has spectrograms of {'x'.join(map(str, X.shape[1:]))}, but {type(self).__name__} "
                f"was fitted on {expected}"
            )
        return X

    def _start_fit(self, X: Any) -> Any:
        X = check_spectrograms(X)
        self.made_with_ = provenance.made_with()  # no part of the fingerprint
        self.shape_: tuple[int, int] = (int(X.shape[1]), int(X.shape[2]))
        self.n_features_in_ = self.shape_[0] * self.shape_[1]
        return X

    def _rows(self, X: Any, rows: Any) -> np.ndarray:
        """Some rows of ``X`` as float32 decibels (or whatever unit the frontend has), checked to be finite."""
        batch = np.asarray(X[rows])
        batch = self.get_frontend().dequantize(batch) if batch.dtype == np.uint8 else batch.astype(np.float32)
        if not np.isfinite(batch).all():
            raise ValueError("Input X contains NaN or infinity.")
        return batch

    def _batches(self, X: Any, size: int | None = None) -> Iterator[np.ndarray]:
        size = size or self.batch_rows
        for start in range(0, X.shape[0], size):
            yield self._rows(X, slice(start, min(start + size, X.shape[0])))

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _arrays(self) -> dict[str, np.ndarray]:
        """Everything learnt, as arrays: what ``weights.safetensors`` holds."""
        raise NotImplementedError

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        """What is worth keeping beside the weights but does not change the mapping (history, versions)."""
        return {}

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def check_spectrograms(X: Any) -> Any:
    """Return ``X`` if it is a stack of spectrograms, as an array if it was a list.

    Raises
    ------
    ValueError
        If it is empty, not three-dimensional or not real numbers.
    """
    if not (hasattr(X, "shape") and hasattr(X, "dtype")):
        X = np.asarray(X)
    if len(X.shape) != 3:
        raise ValueError(f"Expected spectrograms of shape (n, bands, frames), got an array of shape {X.shape}")
    if 0 in X.shape:
        raise ValueError(f"Expected at least one spectrogram, got an array of shape {X.shape}")
    if np.dtype(X.dtype).kind not in "fiub":
        raise ValueError(f"Expected spectrograms of real numbers, got dtype {X.dtype}")
    return X


def load(folder: str | os.PathLike[str]) -> Encoder:
    """Open an encoder that :meth:`Encoder.save` wrote.

    Raises
    ------
    SongspaceError
        If there is none, if it was made by another pipeline, or if its files do not belong together.
    """
    folder = Path(folder)
    try:
        description = read_json(folder / "encoder.json", _LONGEST_DESCRIPTION, links=True, finite=False)
        open_plain(folder / "weights.safetensors", links=True).close()  # nobody waits for a pipe
        arrays = load_file(folder / "weights.safetensors")
        if description["pipeline"] != PIPELINE:
            raise SongspaceError(f"The encoder in {folder} was made by another version of songspace: learn again.")
        params = dict(description["params"])
        params["frontend"] = frontends.build(params["frontend"])
        encoder = encoder_class(description["encoder"])(**params)
        encoder.shape_ = tuple(description["shape"])
        encoder.n_features_in_ = encoder.shape_[0] * encoder.shape_[1]
        encoder.made_with_ = dict(description.get("made_with", {}))
        encoder._restore(arrays, description["facts"])
        whole = encoder.fingerprint_ == description["fingerprint"]
    except FileNotFoundError:
        raise SongspaceError(f"There is no encoder in {folder}.") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        raise SongspaceError(f"The encoder in {folder} cannot be read ({error}): learn again.") from error
    if not whole:
        raise SongspaceError(f"The encoder in {folder} is damaged (its fingerprint differs): learn again.")
    return encoder
