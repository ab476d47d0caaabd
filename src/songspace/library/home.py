"""The home of a library on disk: one folder with all data of songspace, and no music."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from songspace.errors import SongspaceError

_PATIENCE = 0.5  # seconds: a process that only checks the lock holds it for an instant


@dataclass(frozen=True)
class Home:
    """The files and folders of a library's home.

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
        """SQLite file of the catalog."""
        return self.folder / "catalog.sqlite"

    @property
    def cache(self) -> Path:
        """Cache of 8-bit spectrograms; it may be deleted at any time."""
        return self.folder / "spectrograms.u8"

    @property
    def space(self) -> Path:
        """Snapshot of the space, for queries."""
        return self.folder / "space.safetensors"

    @property
    def words(self) -> Path:
        """Words of a trained ear for the songs; a snapshot like the space."""
        return self.folder / "words.safetensors"

    @property
    def progress(self) -> Path:
        """Progress of the run that holds the lock; see :mod:`songspace.library.progress`."""
        return self.folder / "progress.json"

    @property
    def log(self) -> Path:
        """Log of ``learn`` and ``update``; see :mod:`songspace.library.log`."""
        return self.folder / "log.txt"

    @property
    def likes(self) -> Path:
        """Stars, ratings, plays and skips; see :mod:`songspace.library.likes`."""
        return self.folder / "likes.sqlite"

    @property
    def user(self) -> Path:
        """Name and password for players; only its owner can read it."""
        return self.folder / "user.json"

    @property
    def cookies(self) -> Path:
        """Secret for the cookies of browsers; only its owner can read it."""
        return self.folder / "cookies.key"

    @property
    def encoders(self) -> Path:
        """Folder with one folder for each learnt encoder."""
        return self.folder / "encoders"

    def encoder(self, name: str, fingerprint: str) -> Path:
        """Return the folder of a learnt encoder; no other encoder has the same folder."""
        return self.encoders / f"{name}-{fingerprint}"

    def checkpoint(self, name: str) -> Path:
        """Return the file in which a training run of an encoder keeps its state."""
        return self.folder / "training" / f"{name}.safetensors"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock that allows to write into this home; the system releases it when the process ends.

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
            self._delete_progress()  # of a run that was killed
            yield
        finally:
            self._delete_progress()
            lock.release()

    def is_locked(self) -> bool:
        """Return True if a process holds the lock of this home."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a home that cannot be written
            return False

    def _delete_progress(self) -> None:
        with suppress(OSError):
            self.progress.unlink(missing_ok=True)
