"""The base class of encoders: an estimator of spectrograms that can be saved, loaded and identified.

An encoder takes a stack of spectrograms ``(n, bands, frames)`` from its own frontend and returns vectors ``(n, d)``.
It is saved as one folder with two files, ``weights.safetensors`` and ``encoder.json``. They hold numbers and text only,
so that opening a stranger's encoder runs no code.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
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
from songspace.encoders.registry import REGISTRY as REGISTRY
from songspace.encoders.registry import Plan
from songspace.encoders.registry import encoder_class as encoder_class
from songspace.errors import SongspaceError
from songspace.plainfiles import open_plain, read_json
from songspace.tensorfile import write_whole

_LONGEST_DESCRIPTION = 1 << 24


class Encoder(TransformerMixin, BaseEstimator):
    """Base class of all encoders: validation, batching, saving, identity.

    A subclass sets ``name``, learns in ``fit`` after calling :meth:`_start_fit`, turns a float batch into vectors in
    ``_embed``, and returns and restores its arrays in ``_arrays`` and ``_restore``.

    The class attributes below describe a kind of encoder. Seconds are those of two idle cores; they serve to forecast
    the length of a run.

    Attributes
    ----------
    name : str
        Its name on the command line and in the catalog.
    batch_rows : int
        Spectrograms that are encoded in one batch.
    plan : Plan or None
        Steps of training by default; None if it does not learn step by step. An encoder with a plan has the
        parameters ``steps`` and ``minutes``, and its ``fit`` takes ``checkpoint`` and ``on_progress``.
    seconds_to_fit : float
        For each song, without a plan.
    seconds_to_encode : float
        For each song, from its spectrograms.
    encoded_twice : int
        The most songs that ``fit`` encodes after its last step.
    pretrained : bool
        True if it was trained elsewhere and ``fit`` needs no songs.
    takes_artists : bool
        True if ``fit`` takes ``artists``, the artist of each row, and learns from them.
    taught_by : str
        Name of the pretrained encoder whose vectors are the ``y`` of ``fit``; "" without one.
    taught_on : int
        The most songs that the pretrained encoder encodes for it.
    words : tuple of str
        Tags that :meth:`likeness` rates.
    """

    name: ClassVar[str]
    batch_rows: ClassVar[int] = 32
    plan: ClassVar[Plan | None] = None
    seconds_to_fit: ClassVar[float] = 0.0
    seconds_to_encode: ClassVar[float] = 0.005
    encoded_twice: ClassVar[int] = 0
    pretrained: ClassVar[bool] = False
    takes_artists: ClassVar[bool] = False
    taught_by: ClassVar[str] = ""
    taught_on: ClassVar[int] = 0
    words: ClassVar[tuple[str, ...]] = ()
    frontend: frontends.Frontend | None
    shape_: tuple[int, int]

    def get_frontend(self) -> frontends.Frontend:
        """Return the frontend whose spectrograms this encoder takes (``LogMel()`` by default)."""
        return self.frontend if self.frontend is not None else frontends.LogMel()

    def transform(self, X: Any) -> Any:
        """Encode spectrograms.

        Parameters
        ----------
        X : array or tensor of shape (n, bands, frames)
            Spectrograms from :meth:`get_frontend`: floats, or :class:`~songspace.frontends.Codes` as the frontend
            quantises them. Any object with ``shape``, ``dtype`` and row indexing, so that it need not fit in memory.

        Returns
        -------
        ndarray or tensor of shape (n, d), float32
            A tensor on the same device if ``X`` is a tensor; a table if ``set_output`` asks for one.
        """
        vectors = self.encode(X)
        return sys.modules["torch"].from_numpy(vectors).to(X.device) if frontends.is_tensor(X) else vectors

    def encode(self, X: Any) -> np.ndarray:
        """Encode spectrograms as :meth:`transform` does; always return an array."""
        X = self._checked(X)
        return np.concatenate([self._embed(batch) for batch in self._batches(X)]).astype(np.float32, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names for the numbers of a vector: the encoder's name with 0, 1, 2 and so on.

        Parameters
        ----------
        input_features : sequence of str, optional
            Not used; if given, one name for each pixel.
        """
        check_is_fitted(self)
        if input_features is not None and len(input_features) != self.n_features_in_:
            raise ValueError(
                f"input_features should have length equal to number of features ({self.n_features_in_}), "
                f"got {len(input_features)}"
            )
        count = self._embed(np.zeros((1, *self.shape_), np.float32)).shape[1]
        return np.array([f"{self.name}{number}" for number in range(count)], dtype=object)

    def transform_described(self, X: Any, described: np.ndarray) -> np.ndarray:
        """Encode spectrograms whose descriptors are known.

        The vectors are those of :meth:`transform`. An encoder that needs the descriptors does not compute them again.

        Parameters
        ----------
        X : array of shape (n, bands, frames)
        described : ndarray of shape (n, 124)
            The output of :func:`songspace.encoders.descriptors.descriptors` for ``X``.

        Returns
        -------
        ndarray of shape (n, d), float32

        Raises
        ------
        ValueError
            If an encoder that needs them gets descriptors of another shape.
        """
        return self.encode(X)

    def transform_each(self, songs: Iterable[Any]) -> Iterator[np.ndarray]:
        """Yield the vectors of each song in order, from the spectrograms of each."""
        return map(self.encode, songs)

    @property
    def patches(self) -> int:
        """Spectrograms that :meth:`keep_song` takes for each segment of a song."""
        return 1

    def keep_song(self, X: Any) -> np.ndarray:
        """Return the rows that a library stores of one song, (segments, d), from its spectrograms.

        Parameters
        ----------
        X : array of shape (segments * patches, bands, frames)
            The :attr:`patches` of the first segment, then those of the next.
        """
        return self.encode(X)

    @property
    def kept_as_(self) -> str:
        """Fingerprint of the stored rows: vectors, or the numbers from which :meth:`placed` computes them."""
        return self.fingerprint_

    def placed(self, kept: np.ndarray) -> np.ndarray:
        """Return the vectors (n, d) of stored rows; the same rows unless there is a map."""
        return kept

    def likeness(self, kept: np.ndarray) -> np.ndarray:
        """Rate the likeness of segments, from their stored rows, to each of :attr:`words`: (n, words).

        The unit is any that grows with the likeness.
        """
        return np.zeros((len(kept), len(self.words)), np.float32)

    @property
    def has_words(self) -> bool:
        """True if this encoder has vectors for texts, too."""
        return False

    def encode_text(self, text: str) -> np.ndarray:
        """Return the vector (d,) of a text; its cosine to vectors of segments says how well they match.

        Raises
        ------
        SongspaceError
            If this encoder has no vectors for texts.
        """
        raise SongspaceError(
            f"The {self.name} encoder knows no words: to search by meaning takes an onnx encoder with a text tower "
            "(see docs/encoders.md)."
        )

    def controls(self) -> dict[str, Encoder]:
        """Return the controls that show the worth of its training, by what each lacks; none if it is not trained.

        Returns
        -------
        dict of str to Encoder
            Not fitted. "untrained": with its network as it was drawn. "no-network": without the network.
            "from-songs": without artists.
        """
        return {}

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write this fitted encoder into ``folder``; ``encoder.json``, written last, makes it complete.

        Raises
        ------
        SongspaceError
            If it cannot be written, with the reason.
        """
        check_is_fitted(self)
        if not frontends.is_registered(frontend := self.get_frontend()):
            raise SongspaceError(
                f"The encoder cannot be saved: its frontend {type(frontend).__name__} could not be found by its name "
                "later (register it with songspace.frontends.register)."
            )
        folder = Path(folder)
        arrays = {key: np.ascontiguousarray(value) for key, value in self._arrays().items()}
        description = self._description() | {"facts": self._facts(), "fingerprint": self.fingerprint_}
        description |= {"made_with": getattr(self, "made_with_", None) or provenance.made_with()}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, source in self._copies().items():
                if not (folder / name).exists() or not os.path.samefile(source, folder / name):
                    with open_plain(source, links=True) as file:
                        write_whole(folder / name, iter(partial(file.read, 1 << 20), b""))
            write_whole(folder / "weights.safetensors", [to_bytes(arrays)])
            write_whole(folder / "encoder.json", [(json.dumps(description, indent=2) + "\n").encode()])
        except OSError as error:
            raise SongspaceError(f"The encoder cannot be written to {folder} ({error.strerror}).") from error
        return folder

    @property
    def fingerprint_(self) -> str:
        """16 hexadecimal digits that change whenever the vectors of ``transform`` do."""
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
            if key != "device"  # it does not change the vectors
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
        self._set_shape(X.shape[1:])
        return X

    def _set_shape(self, shape: Sequence[int]) -> None:
        bands, frames = map(int, shape)
        self.shape_, self.n_features_in_ = (bands, frames), bands * frames

    def _rows(self, X: Any, rows: Any) -> np.ndarray:
        """Return some rows of ``X`` as float32 in the frontend's unit, checked to be finite."""
        batch = X[rows]
        if frontends.are_codes(batch):
            batch = self.get_frontend().dequantize(batch)
        else:
            check_kind(batch := np.asarray(batch))
            batch = batch.astype(np.float32)
        if not np.isfinite(batch).all():
            raise ValueError("Input X contains NaN or infinity.")
        return batch

    def _batches(self, X: Any) -> Iterator[np.ndarray]:
        for start in range(0, X.shape[0], self.batch_rows):
            yield self._rows(X, slice(start, min(start + self.batch_rows, X.shape[0])))

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return everything learnt, as the arrays of ``weights.safetensors``."""
        raise NotImplementedError

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        raise NotImplementedError

    def _copies(self) -> dict[str, Path]:
        """Return the files that a saved encoder keeps copies of, by the names of the copies."""
        return {}

    def _restore_files(self, folder: Path, description: dict[str, Any], *, check: bool) -> None:
        """Restore the copies of files from a folder; raise ValueError if ``check`` shows that one has changed."""

    def _facts(self) -> dict[str, Any]:
        """Return facts that are saved with the weights and do not change the vectors (history, versions)."""
        return {}

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def spread(count: int, size: int) -> np.ndarray:
    """Return at most ``size`` of the numbers from 0 to ``count`` - 1, spread evenly.

    Examples
    --------
    >>> spread(9, 3).tolist(), spread(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, count - 1, size).round().astype(int))


def check_spectrograms(X: Any) -> Any:
    """Return ``X`` if it is a stack of spectrograms, as an array if it was a list or a tensor.

    Raises
    ------
    ValueError
        If it is empty, not three-dimensional or not real numbers.
    """
    if frontends.is_tensor(X):
        X = X.detach().cpu()
        X = (X.float() if X.is_floating_point() else X).numpy()
    if not (hasattr(X, "shape") and hasattr(X, "dtype")):
        X = np.asarray(X)
        X = X.astype(np.float32) if X.dtype.kind in "iu" else X  # of a list, 1 is as good as 1.0
    if len(X.shape) != 3:
        raise ValueError(f"Expected spectrograms of shape (n, bands, frames), got an array of shape {X.shape}")
    if 0 in X.shape:
        raise ValueError(f"Expected at least one spectrogram, got an array of shape {X.shape}")
    if isinstance(X, np.ndarray) or np.dtype(X.dtype).kind not in "fu":  # other objects: when rows are read
        check_kind(X)
    return X


def check_kind(X: Any) -> None:
    """Check that the unit of numbers is clear.

    Raises
    ------
    ValueError
        If they are whole numbers that are not marked as codes, or not real.
    """
    if frontends.are_codes(X) or np.dtype(X.dtype).kind == "f":
        return
    if np.dtype(X.dtype).kind not in "iub":
        raise ValueError(f"Expected spectrograms of real numbers, got dtype {X.dtype}")
    raise ValueError(
        f"Expected spectrograms as floats in their frontend's unit, or as songspace.frontends.Codes, got {X.dtype}: "
        "whole numbers may mean anything"
    )


def load(folder: str | os.PathLike[str], *, check_files: bool = True) -> Encoder:
    """Open an encoder that :meth:`Encoder.save` wrote.

    Parameters
    ----------
    folder : path
    check_files : bool
        Check the copies of files that it keeps; that takes a second for each gigabyte. Its own arrays are always
        checked.

    Raises
    ------
    SongspaceError
        If there is none, if it was made by another pipeline, or if its files do not belong together.
    """
    folder = Path(folder)
    try:
        description = read_json(folder / "encoder.json", _LONGEST_DESCRIPTION, links=True, finite=False)
        open_plain(folder / "weights.safetensors", links=True).close()  # refuses a pipe, which would block
        arrays = load_file(folder / "weights.safetensors")
        if description["pipeline"] != PIPELINE:
            raise SongspaceError(f"The encoder in {folder} was made by another version of songspace: learn again.")
        kind, params = encoder_class(description["encoder"]), dict(description["params"])
        if "frontend" in kind._get_param_names():
            params["frontend"] = frontends.build(params["frontend"])
        encoder = kind(**params)
        encoder._set_shape(description["shape"])
        encoder._restore_files(folder, description, check=check_files)
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
