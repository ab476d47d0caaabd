"""The folder in which an experiment stores its results, so that a stopped run can be resumed.

Each result has a key, a digest of all that it depends on. It is written under another name and renamed, so that it is
either complete or absent. A result under another key is computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from songspace.errors import SongspaceError
from songspace.tensorfile import write_whole


def digest(*parts: Any) -> str:
    """Return 32 hexadecimal digits that change with ``parts``, which must be plain values for JSON.

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
        It is created by :meth:`lock`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock this folder for one run; the system removes the lock when the process ends, also after a kill.

        Raises
        ------
        SongspaceError
            If another run has the lock, or the folder cannot be written, now or in the block.
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
        """Return the error for a folder that cannot be written."""
        return SongspaceError(f"The experiment's folder {self.folder.parent} cannot be written: {error.strerror}.")

    def facts(self, name: str, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the plain values stored under ``key``; otherwise compute and store them."""
        path = self.folder / f"{name}.json"
        with suppress(OSError, ValueError, TypeError, KeyError):
            held = json.loads(path.read_text(encoding="utf-8"))
            if held["key"] == key:
                value: dict[str, Any] = held["value"]
                return value
        # The values must equal those that are read later: floats do not change in JSON, tuples do.
        value = json.loads(json.dumps(make()))
        self.write(path, json.dumps({"key": key, "value": value}).encode())
        return value

    def arrays(self, name: str, key: str, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the arrays stored under ``key``; otherwise compute and store them."""
        path = self.folder / f"{name}.npz"
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), np.load(path) as held:
            if str(held["key"]) == key:
                return {name: held[name] for name in held.files if name != "key"}
        made = {name: np.asarray(array) for name, array in make().items()}
        file = io.BytesIO()
        np.savez(file, key=np.array(key), **made)  # type: ignore[arg-type]  # NumPy takes arrays for flags
        self.write(path, file.getvalue())
        return made

    def forget(self, name: str) -> None:
        """Delete a result of plain values."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file atomically."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, [content])
        except OSError as error:
            raise self.refused(error) from error
