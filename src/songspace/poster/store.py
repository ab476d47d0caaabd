"""The folder in which an experiment keeps what it has worked out, so that it goes on where it was stopped.

Every result stands under a key, a digest of all that it depends on. It is written beside its place and renamed into
it, so that it is whole or is not there; a result under another key is worked out anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from songspace.errors import SongspaceError


def digest(*parts: Any) -> str:
    """Return 32 hexadecimal digits that change with anything in ``parts``, which must be plain values for JSON.

    Examples
    --------
    >>> digest("rock", 1) == digest("rock", 1), digest("rock", 1) == digest("rock", 2)
    (True, False)
    """
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


class Store:
    """Results by name in one folder.

    Parameters
    ----------
    folder : Path
        Made when it is locked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to work in this folder; the system frees it when the process ends, however it ends.

        Raises
        ------
        SongspaceError
            If another run holds it, or the folder cannot be written, now or later.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise SongspaceError(f"Another run is working in {self.folder.parent}: wait for it.") from None
        except OSError as error:
            raise self.refused(error) from error
        try:
            yield
        except OSError as error:
            if error.filename and str(error.filename).startswith(str(self.folder.parent)):
                raise self.refused(error) from error
            raise
        finally:
            lock.release()

    def refused(self, error: OSError) -> SongspaceError:
        """Return the error to raise where the file system refuses."""
        return SongspaceError(f"The experiment's folder {self.folder.parent} cannot be written: {error.strerror}.")

    def facts(self, name: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the plain values kept under ``key``, or make and keep them."""
        path = self.folder / f"{name}.json"
        with suppress(OSError, ValueError, TypeError, KeyError):
            held = json.loads(path.read_text(encoding="utf-8"))
            if held["key"] == key:
                value: dict[str, Any] = held["value"]
                return value
        # What is returned now must not differ from what is read later: floats do not change in JSON, tuples do.
        value = json.loads(json.dumps(make()))
        self.write(path, json.dumps({"key": key, "value": value}).encode())
        return value

    def arrays(self, name: str, key: str, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the arrays kept under ``key``, or make and keep them."""
        path = self.folder / f"{name}.npz"
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), np.load(path) as held:
            if str(held["key"]) == key:
                return {name: held[name] for name in held.files if name != "key"}
        made = {name: np.asarray(array) for name, array in make().items()}
        with self._written(path) as file:
            np.savez(file, key=np.array(key), **made)  # type: ignore[arg-type]  # NumPy takes arrays for flags
        return made

    def forget(self, name: str) -> None:
        """Delete a result of plain values."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all."""
        with self._written(path) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _written(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file beside ``path``, and rename it into place after the block."""
        beside = path.with_name(path.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                yield file
            beside.replace(path)
        except OSError as error:
            raise self.refused(error) from error
