"""The home of a library on disk: one folder with everything that songspace knows, and nothing of the music."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from songspace.errors import SongspaceError

_PATIENCE = 0.5  # seconds: somebody who only looks whether the lock is held, has it for an instant


@dataclass(frozen=True)
class Home:
    """The places in a library's folder.

    Examples
    --------
    >>> Home(Path("somewhere")).catalog.name
    'catalog.sqlite'
    """

    folder: Path

    @classmethod
    def default(cls) -> Home:
        """Return ``$SONGSPACE_HOME``, or ``songspace`` in the user's data folder."""
        if given := os.environ.get("SONGSPACE_HOME"):
            return cls(Path(given).expanduser().absolute())
        from platformdirs import user_data_path

        return cls(user_data_path("songspace"))

    @property
    def catalog(self) -> Path:
        """The SQLite file of the catalog."""
        return self.folder / "catalog.sqlite"

    @property
    def cache(self) -> Path:
        """The 8-bit spectrograms: may be deleted at any time."""
        return self.folder / "spectrograms.u8"

    @property
    def space(self) -> Path:
        """The snapshot that answers queries."""
        return self.folder / "space.safetensors"

    @property
    def words(self) -> Path:
        """The words of a trained ear for the songs: a snapshot, as the space is."""
        return self.folder / "words.safetensors"

    @property
    def progress(self) -> Path:
        """The progress of the run that holds the lock: see :mod:`songspace.library.progress`."""
        return self.folder / "progress.json"

    @property
    def log(self) -> Path:
        """The log of ``learn`` and ``update``: see :mod:`songspace.library.log`."""
        return self.folder / "log.txt"

    @property
    def user(self) -> Path:
        """The name and password for players; only its owner can read it."""
        return self.folder / "user.json"

    @property
    def cookies(self) -> Path:
        """The secret of which the cookies of browsers are made; only its owner can read it."""
        return self.folder / "cookies.key"

    @property
    def encoders(self) -> Path:
        """The folder of the learnt encoders, a folder each."""
        return self.folder / "encoders"

    def encoder(self, name: str, fingerprint: str) -> Path:
        """Return the folder of a learnt encoder: a new one never writes over an old one that is still in use."""
        return self.encoders / f"{name}-{fingerprint}"

    def checkpoint(self, name: str) -> Path:
        """Return the file in which a training run of that encoder keeps its state."""
        return self.folder / "training" / f"{name}.safetensors"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to write into this home; the system frees it when the process ends, however it ends.

        Raises
        ------
        SongspaceError
            If another run holds it, or the home cannot be written.
        """
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "lock", timeout=_PATIENCE)
            lock.acquire()
        except Timeout:
            raise SongspaceError(f"Another run is working on the library in {self.folder}: wait for it.") from None
        except OSError as error:
            raise SongspaceError(f"The library's home {self.folder} cannot be written: {error.strerror}.") from error
        try:
            self._forget_progress()  # of a run that was killed
            yield
        finally:
            self._forget_progress()
            lock.release()

    def is_locked(self) -> bool:
        """Return whether some process holds the lock of this home."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a home that cannot be written
            return False

    def _forget_progress(self) -> None:
        with suppress(OSError):
            self.progress.unlink(missing_ok=True)
