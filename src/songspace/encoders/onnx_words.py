"""The text tower of a model: words to a vector in the space of the sounds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from songspace.encoders.onnx_session import INSTALL, Session
from songspace.encoders.onnx_settings import Text
from songspace.errors import SongspaceError
from songspace.plainfiles import characters


class Words:
    """A tokenizer and a model, opened.

    Parameters
    ----------
    settings : Text
    model, tokenizer : Path

    Raises
    ------
    SongspaceError
        If the libraries are not installed, or the files do not fit to the settings.
    """

    def __init__(self, settings: Text, model: Path, tokenizer: Path) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise SongspaceError(f"A model's text tower needs tokenizers: {INSTALL}.") from None
        self._settings = settings
        self._file = tokenizer
        with self._told():
            self._tokenizer = Tokenizer.from_file(os.fspath(tokenizer))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(settings.max_length)
        self._session = Session(model)  # a sentence takes a processor milliseconds
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
    def _told(self) -> Iterator[None]:
        """Whatever the tokenizers library finds wrong with its file, in a sentence."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # it raises nothing more particular, and where it panics not even an Exception
            line = str(error).partition("\n")[0]
            raise SongspaceError(f"{self._file} is no file that the tokenizers library can use ({line}).") from error

    def __call__(self, text: str) -> np.ndarray:
        """The vector of a text, (d,)."""
        with self._told():
            ids = self._tokenizer.encode(characters(text)).ids
        if not ids:
            raise SongspaceError("Nothing of these words is known to the model.")
        if len(ids) > self._settings.max_length:  # more than that are put around any words
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
