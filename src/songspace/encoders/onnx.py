"""Pretrained networks as ONNX files, with or without a text tower."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from songspace.encoders import PIPELINE
from songspace.encoders.base import check_spectrograms
from songspace.encoders.onnx_session import INSTALL, Session
from songspace.encoders.onnx_settings import MOST_NUMBERS, Settings, Text, read_settings, settings_of
from songspace.encoders.pretrained import Pretrained
from songspace.errors import SongspaceError
from songspace.frontends import Frontend
from songspace.plainfiles import characters, open_plain

MODEL, TEXT, TOKENIZER = "model.onnx", "text.onnx", "tokenizer.json"
"""Names of the copies in a saved encoder."""


class ONNX(Pretrained):
    """A model from sound or a mel spectrogram to vectors; a library may learn a map of them.

    Beside ``NAME.onnx`` lies ``NAME.json``, which describes inputs and outputs of the model: see docs/encoders.md. The
    model is run by ONNX Runtime, which is installed by ``pip install "songspace[onnx]"``. A saved encoder has copies of
    all files, and needs the originals no more.

    Parameters
    ----------
    model : path
        The model. (A loaded encoder uses its own copies instead.)
    device : {"auto", "cpu", "cuda"}
        Device to run it on.

    Attributes
    ----------
    settings_ : Settings
        The contents of the JSON.
    sha256_ : dict of str to str
        SHA-256 of the files, by the names of their copies.
    """

    name: ClassVar[str] = "onnx"
    batch_rows: ClassVar[int] = 8
    seconds_to_encode: ClassVar[float] = 0.5

    _opened: tuple[Session, int | None] | None
    _words: TextTower | None

    def __init__(self, model: str | os.PathLike[str] | None = None, device: str = "auto") -> None:
        self.model = model
        self.device = device

    def get_frontend(self) -> Frontend:
        """Return the frontend that the JSON describes; before ``fit`` it is read from the file."""
        settings = self.settings_ if hasattr(self, "settings_") else read_settings(self._json())
        return settings.frontend

    def fit(self, X: Any = None, y: None = None, *, groups: Any = None) -> Self:
        """Open the model, and check its inputs and outputs against the JSON.

        Parameters
        ----------
        X : array of shape (n, bands, frames), optional
            Only its shape is checked.
        y, groups
            Not used.

        Raises
        ------
        SongspaceError
            If a file is missing or damaged, a field of the JSON is wrong, or the model differs from it.
        """
        if self.model is not None and not Path(self.model).exists():
            raise SongspaceError(f"There is no file {self.model}.")
        settings = read_settings(self._json())
        model = self._json().with_suffix(".onnx")
        files = {MODEL: model if self.model is None else Path(self.model)}
        if settings.text is not None:
            files |= {TEXT: model.parent / settings.text.model, TOKENIZER: model.parent / settings.text.tokenizer}
        self._take(settings, files, {name: _sha256(path) for name, path in files.items()})
        if X is not None and tuple(check_spectrograms(X).shape[1:]) != self.shape_:
            raise ValueError(f"X has spectrograms of {X.shape[1:]}, but the model takes {self.shape_}")
        vectors = self._own(np.random.default_rng(0).normal(0, 0.1, (2, *self.shape_)).astype(np.float32))
        if settings.text is not None and (words := len(self.encode_text("music"))) != vectors.shape[1]:
            raise SongspaceError(
                f"{files[TEXT]} gives {words} numbers and {files[MODEL]} {vectors.shape[1]}: they are no pair."
            )
        return self

    @property
    def patches(self) -> int:
        return self.settings_.patches

    def keep_song(self, X: Any) -> np.ndarray:
        vectors = super().keep_song(X)
        vectors = vectors.reshape(-1, self.patches, vectors.shape[1])
        pooled: np.ndarray = vectors.max(axis=1) if self.settings_.pooling == "max" else vectors.mean(axis=1)
        return pooled

    @property
    def has_words(self) -> bool:
        return self.settings_.text is not None

    def encode_text(self, text: str) -> np.ndarray:
        check_is_fitted(self)
        if self.settings_.text is None:
            return super().encode_text(text)
        if self._words is None:
            self._words = TextTower(self.settings_.text, self._files[TEXT], self._files[TOKENIZER])
        return self._words(text)

    def _json(self) -> Path:
        if self.model is None:
            raise SongspaceError("The onnx encoder needs a model: --model FILE.onnx, with FILE.json beside it.")
        if not Path(self.model).name:
            raise SongspaceError(f"{os.fspath(self.model) or 'An empty name'} is no file of a model.")
        return Path(self.model).with_suffix(".json")

    def _take(self, settings: Settings, files: dict[str, Path], sums: dict[str, str]) -> None:
        self.settings_, self._files, self.sha256_ = settings, files, sums
        self._set_shape(settings.frontend.shape)
        self._opened, self._words = None, None

    def _session(self) -> tuple[Session, int | None]:
        """Return the model, opened at the first call, and its batch size if that is fixed."""
        if self._opened is None:
            session = Session(self._files[MODEL], self.device)
            bands, frames = self.shape_
            sides = {"bands": bands, "frames": frames, "samples": frames}
            fixed = session.check_input(self.settings_.input, sides)
            if fixed and fixed * bands * frames > MOST_NUMBERS:
                raise SongspaceError(f"{self._files[MODEL]} takes {fixed} inputs at once: that is too much.")
            self._opened = session, fixed
        return self._opened

    def _own(self, batch: np.ndarray) -> np.ndarray:
        session, fixed = self._session()
        port = self.settings_.input
        own = ["batch", *(["samples"] if "samples" in port.axes else ["bands", "frames"])]
        rows = batch.reshape(len(batch), -1) if "samples" in port.axes else batch
        vectors = []
        size = fixed or self.batch_rows
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            count = len(part)
            if fixed and count < fixed:
                part = np.concatenate([part, np.zeros((fixed - count, *part.shape[1:]), np.float32)])
            part = part.transpose([own.index(axis) for axis in port.axes if axis != "channel"])
            for place, axis in enumerate(port.axes):
                if axis == "channel":
                    part = np.expand_dims(part, place)
            feeds = {session.input(port).name: np.ascontiguousarray(part)}
            vectors.append(session.run(feeds, self.settings_.output, size if fixed else count)[:count])
        return np.concatenate(vectors)

    def _description(self) -> dict[str, Any]:
        return {
            "encoder": self.name,
            "pipeline": PIPELINE,
            "shape": list(self.shape_),
            "params": {},
            "settings": self.settings_.document,
            "sha256": self.sha256_,
        }

    def _copies(self) -> dict[str, Path]:
        return self._files

    def _restore_files(self, folder: Path, description: dict[str, Any], *, check: bool) -> None:
        settings, sums = settings_of(description["settings"]), dict(description["sha256"])
        if set(sums) != {MODEL, *((TEXT, TOKENIZER) if settings.text is not None else ())}:
            raise ValueError("its files are not those of its settings")
        files = {name: folder / name for name in sums}
        for name, path in files.items():
            if check and _sha256(path) != sums[name]:
                raise ValueError(f"{name} is not the file that was taken")
        self._take(settings, files, sums)

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        return {key: None if key in ("_opened", "_words") else value for key, value in state.items()}


def _sha256(path: Path) -> str:
    try:
        with open_plain(path, links=True) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise SongspaceError(f"There is no file {path}.") from None
    except OSError as error:
        raise SongspaceError(f"{path} cannot be read: {error.strerror}.") from error


class TextTower:
    """A tokenizer and a model from texts to vectors, opened.

    Parameters
    ----------
    settings : Text
    model, tokenizer : Path

    Raises
    ------
    SongspaceError
        If the libraries are not installed, or the files do not match the settings.
    """

    def __init__(self, settings: Text, model: Path, tokenizer: Path) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise SongspaceError(f"A model's text tower needs tokenizers: {INSTALL}.") from None
        self._settings = settings
        self._file = tokenizer
        with self._errors_translated():
            self._tokenizer = Tokenizer.from_file(os.fspath(tokenizer))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(settings.max_length)
        self._session = Session(model)  # on the processor: a sentence takes milliseconds
        wanted = {name for name in (settings.ids, settings.mask, settings.types) if name}
        if wanted != set(self._session.inputs):
            raise SongspaceError(
                f"{model} has the inputs {', '.join(self._session.inputs)}, and text.inputs names "
                f"{', '.join(sorted(wanted))}."
            )
        for name in wanted:
            kind, shape = self._session.inputs[name].type, self._session.inputs[name].shape
            if kind not in ("tensor(int64)", "tensor(int32)") or len(shape) != 2:
                raise SongspaceError(f"The input {name} of {model} takes no tokens: it is {kind} of the shape {shape}.")
            if isinstance(shape[1], int) and (settings.pad is None or shape[1] != settings.max_length):
                raise SongspaceError(
                    f"{model} takes {shape[1]} tokens: text.max_length must say so, and pad what fills up."
                )

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        """Turn errors of the tokenizers library into a SongspaceError."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # it has no exceptions of its own, and a panic is not even an Exception
            line = str(error).partition("\n")[0]
            raise SongspaceError(f"{self._file} is no file that the tokenizers library can use ({line}).") from error

    def __call__(self, text: str) -> np.ndarray:
        """Return the vector of a text, (d,)."""
        with self._errors_translated():
            ids = self._tokenizer.encode(characters(text)).ids
        if not ids:
            raise SongspaceError("Nothing of these words is known to the model.")
        if len(ids) > self._settings.max_length:  # the tokenizer adds tokens around any text
            raise SongspaceError(f"{self._file} makes {len(ids)} tokens, and text.max_length is less.")
        length = len(ids) if self._settings.pad is None else self._settings.max_length
        row = np.full((1, length), self._settings.pad or 0, np.int64)
        row[0, : len(ids)] = ids
        feeds = {self._settings.ids: row}
        if self._settings.mask:
            feeds[self._settings.mask] = (np.arange(length) < len(ids)).astype(np.int64)[None]
        if self._settings.types:
            feeds[self._settings.types] = np.zeros_like(row)
        return self._session.run(feeds, self._settings.output, 1)[0]
