"""The base class of encoders: an estimator of spectrograms that can be saved, loaded and identified.

An encoder takes a stack of spectrograms ``(n, bands, frames)`` from *its* frontend and gives ``(n, d)``
vectors. It is written to disk as one folder, ``weights.safetensors`` and ``encoder.json``: numbers and
text only, so that opening a stranger's encoder can run no code.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
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

_NOT_PART_OF_THE_MAPPING = {"device"}


class Encoder(TransformerMixin, BaseEstimator):
    """Base class of all encoders: validation, batching, saving, identity.

    A subclass sets ``name``, learns in ``fit`` after calling :meth:`_start_fit`, turns a float batch into vectors in
    ``_embed``, and returns and restores its arrays in ``_arrays`` and ``_restore``.

    The class attributes below describe a kind of encoder. Seconds are those of two idle cores; they only forecast how
    long a run will take.

    Attributes
    ----------
    name : str
        Its name on the command line and in the catalog.
    batch_rows : int
        Spectrograms that are encoded at once.
    plan : Plan or None
        How long it is trained by default; None if it does not learn step by step. One with a plan has the
        parameters ``steps`` and ``minutes``, and ``fit`` takes ``checkpoint`` and ``on_progress``.
    seconds_to_fit : float
        For each song, of one without a plan.
    seconds_to_encode : float
        For each song whose spectrograms are there.
    encoded_twice : int
        The most songs that ``fit`` encodes after its last step.
    pretrained : bool
        True if it was trained elsewhere and ``fit`` needs no songs.
    takes_artists : bool
        Whether ``fit`` takes ``artists``, the artist of each row, and learns from them.
    taught_by : str
        Name of the pretrained encoder whose vectors are the ``y`` of ``fit``; "" if there is none.
    taught_on : int
        The most songs that the pretrained encoder encodes for it.
    words : tuple of str
        Tags whose likeness it returns.
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

    def get_frontend(self) -> frontends.Frontend:
        """Return the frontend whose spectrograms this encoder takes (``LogMel()`` by default)."""
        return self.frontend if self.frontend is not None else frontends.LogMel()

    def transform(self, X: Any) -> Any:
        """Encode spectrograms.

        Parameters
        ----------
        X : array or tensor of shape (n, bands, frames)
            Spectrograms from :meth:`get_frontend`: floats, or :class:`~songspace.frontends.Codes` as the frontend
            quantises them. Anything with ``shape``, ``dtype`` and row indexing will do, so that it need not fit in
            memory.

        Returns
        -------
        ndarray or tensor of shape (n, d), float32
            Of the kind that went in, and on the same device; a table, where ``set_output`` asks for one.
        """
        vectors = self.encode(X)
        return sys.modules["torch"].from_numpy(vectors).to(X.device) if frontends.is_tensor(X) else vectors

    def encode(self, X: Any) -> np.ndarray:
        """Do as :meth:`transform` does, but always return an array."""
        X = self._checked(X)
        return np.concatenate([self._embed(batch) for batch in self._batches(X)]).astype(np.float32, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names for the numbers of a vector: the encoder's name with 0, 1, 2 and so on.

        Parameters
        ----------
        input_features : sequence of str, optional
            Not used; one name for each pixel, if it is given.
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
        """Do as :meth:`transform` does, where the descriptors of ``X`` are known already.

        It answers the same, sooner if the encoder would work them out itself.

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
        """Do as :meth:`transform` does with the spectrograms of one song after the other, in order."""
        return map(self.encode, songs)

    @property
    def patches(self) -> int:
        """Spectrograms that :meth:`keep_song` takes for each segment of a song."""
        return 1

    def keep_song(self, X: Any) -> np.ndarray:
        """Return what a library stores of one song, (segments, d), from spectrograms of this encoder's frontend.

        Parameters
        ----------
        X : array of shape (segments * patches, bands, frames)
            The :attr:`patches` of the first segment, then those of the next.
        """
        return self.encode(X)

    @property
    def kept_as_(self) -> str:
        """The fingerprint of what a library keeps: vectors, or that from which :meth:`placed` makes them."""
        return self.fingerprint_

    def placed(self, kept: np.ndarray) -> np.ndarray:
        """Return the vectors (n, d) of segments from what a library stored of them; the same unless there is a map."""
        return kept

    def likeness(self, kept: np.ndarray) -> np.ndarray:
        """Return how much segments, from what a library stored of them, sound like each of :attr:`words`: (n, words).

        In any unit that grows with the likeness.
        """
        return np.zeros((len(kept), len(self.words)), np.float32)

    @property
    def has_words(self) -> bool:
        """True if this encoder gives words a place beside the sounds."""
        return False

    def encode_text(self, text: str) -> np.ndarray:
        """Return the vector (d,) of a text, to be compared with those of segments by the cosine.

        Raises
        ------
        SongspaceError
            If this encoder knows no words.
        """
        raise SongspaceError(
            f"The {self.name} encoder knows no words: to search by meaning takes an onnx encoder with a text tower "
            "(see docs/encoders.md)."
        )

    def controls(self) -> dict[str, Encoder]:
        """Return the controls that show what its training is worth, by what each lacks; none if it is not trained.

        Returns
        -------
        dict of str to Encoder
            Not fitted. "untrained", the same with its network as it was drawn; "no-network", the same without it;
            "from-songs", the same without artists.
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
                f"The encoder cannot be saved: whoever loads it would not find its frontend {type(frontend).__name__} "
                "(register it with songspace.frontends.register)."
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

    def _batches(self, X: Any, size: int | None = None) -> Iterator[np.ndarray]:
        size = size or self.batch_rows
        for start in range(0, X.shape[0], size):
            yield self._rows(X, slice(start, min(start + size, X.shape[0])))

    def _embed(self, batch: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return everything learnt, as arrays: what ``weights.safetensors`` holds."""
        raise NotImplementedError

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        raise NotImplementedError

    def _copies(self) -> dict[str, Path]:
        """Return the files that a saved encoder keeps copies of, by the copies' names; their sums are described."""
        return {}

    def _restore_files(self, folder: Path, description: dict[str, Any], *, check: bool) -> None:
        """Take the copies in a folder; a ValueError if they are not those that were saved, where that is checked."""

    def _facts(self) -> dict[str, Any]:
        """Return what is saved beside the weights but does not change the mapping (history, versions)."""
        return {}

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


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
    if isinstance(X, np.ndarray) or np.dtype(X.dtype).kind not in "fu":  # of others, the rows say it
        check_kind(X)
    return X


def check_kind(X: Any) -> None:
    """Check that numbers can only be read in one way.

    Raises
    ------
    ValueError
        If they are whole, which may be a picture's, or something else's, and are not marked as codes; or not real.
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
        Whether to check the copies of files that it keeps, which takes a second for each gigabyte. Its own arrays are
        always checked.

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
        encoder.shape_ = tuple(description["shape"])
        encoder.n_features_in_ = encoder.shape_[0] * encoder.shape_[1]
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
