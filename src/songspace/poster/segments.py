"""Segments on disk: random five seconds of songs as spectrograms, decoded once and mapped into memory.

Each segment is stored twice. The poster's power spectrogram is stored in decibels of 16 bits, in steps of 1/256 dB from
-100 dB: the power has errors below 0.05 %, at half the size of float32. The log-mel spectrogram of the same five
seconds is stored in its own 8 bits. At the poster's size (150,000 segments) this is 35 GB on disk, of which only one
batch is in memory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from songspace.audio import read_windows
from songspace.encoders import PIPELINE
from songspace.errors import AudioError, SongspaceError
from songspace.frontends import Codes, Frontend, LogMel, PowerSpectrogram
from songspace.library.cache import Rows
from songspace.library.identity import identify
from songspace.library.scan import Found
from songspace.library.workers import FileFailure, outcomes

SECONDS = 5.0
POWER = PowerSpectrogram(seconds=SECONDS)
DECIBELS = PowerSpectrogram(log=True, seconds=SECONDS)
MEL = LogMel(seconds=SECONDS)

LOWEST, STEP = -100.0, 1 / 256
"""Decibels: a 16-bit code q stands for ``LOWEST + q * STEP``, from -100 to 155.99 dB."""


def to_codes(decibels: np.ndarray) -> np.ndarray:
    """Convert decibels to 16 bits.

    Examples
    --------
    >>> to_codes(np.array([-120.0, -3.01, 84.3])).tolist()
    [0, 24829, 47181]
    """
    return np.clip(np.rint((decibels - LOWEST) / STEP), 0, 65535).astype(np.uint16)


def from_codes(codes: np.ndarray) -> np.ndarray:
    """Convert the codes of :func:`to_codes` to decibels, with errors below 1/512 dB; float32."""
    return np.asarray(codes, np.float32) * np.float32(STEP) + np.float32(LOWEST)


def to_power(codes: np.ndarray) -> np.ndarray:
    """Convert codes to power, with errors below 0.05 %; float32."""
    return np.exp(from_codes(codes) * np.float32(np.log(10) / 10))


@dataclass(frozen=True, slots=True)
class Decoded:
    """The segments of one file."""

    identity: bytes
    starts: np.ndarray
    silent: np.ndarray
    power: np.ndarray
    """uint16 (segments, bins, frames)"""
    mel: np.ndarray
    """uint8 (segments, bands, frames)"""


def decode(file: Found, segments: int, seed: int) -> Decoded | FileFailure:
    """Decode random segments of a file, drawn by its content and the seed alone."""
    try:
        identity = identify(file.path)
    except OSError as error:
        return FileFailure(f"cannot be read: {(error.strerror or str(error)).lower()}", lasting=False)
    try:
        wide, narrow = (
            read_windows(
                file.path,
                seconds=SECONDS,
                count=segments,
                rate=frontend.rate,
                rng=np.random.default_rng([seed, *identity]),
            )
            for frontend in (DECIBELS, MEL)
        )
    except AudioError as error:
        return FileFailure.of(error)
    if min(len(wide.samples), len(narrow.samples)) < segments or wide.duration < SECONDS:
        return FileFailure(f"shorter than {SECONDS:g} seconds")
    if wide.silent.all():
        return FileFailure("nothing but silence")
    codes = to_codes(DECIBELS(wide.samples))
    return Decoded(identity, wide.starts, wide.silent, codes, MEL.quantize(MEL(narrow.samples)))


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A line of the journal: the slot and the segments of a file, or the reason why it has none."""

    size: int
    mtime_ns: int
    failure: str | None = None
    identity: str = ""
    slot: int = -1
    starts: tuple[float, ...] = ()
    silent: tuple[bool, ...] = ()

    def is_of(self, file: Found) -> bool:
        """Return True if the file has not changed since this line was written."""
        return (self.size, self.mtime_ns) == (file.size, file.mtime_ns)


class Shelf:
    """The segments of an experiment: two flat files with a record for each song, and a journal.

    The journal has a line for each file, written after its record, so that a kill at any moment loses only the files
    that are being decoded. If segments are drawn in another way, all files are decoded again.

    Parameters
    ----------
    folder : Path
    segments : int
        Number of segments of each song.
    seed : int
        Seed of the places of the segments.
    """

    def __init__(self, folder: Path, segments: int, seed: int) -> None:
        self.folder, self.segments, self.seed = folder, segments, seed
        self.entries: dict[str, JournalEntry] = {}
        self._journal = folder / "segments.jsonl"
        self._head = {"segments": segments, "seed": seed, "pipeline": PIPELINE, "version": 1}
        self._files: dict[str, tuple[Path, np.dtype, tuple[int, int]]] = {
            "power": (folder / "power.u16", np.dtype(np.uint16), POWER.shape),
            "mel": (folder / "mel.u8", np.dtype(np.uint8), MEL.shape),
        }
        if not self._read():
            for path in (self._journal, *(path for path, *_ in self._files.values())):
                path.unlink(missing_ok=True)
            self._journal.write_text(json.dumps(self._head) + "\n", encoding="utf-8")
        self._next = 1 + max((entry.slot for entry in self.entries.values()), default=-1)

    def _read(self) -> bool:
        """Read the journal without incomplete lines; return False if it is of other segments."""
        try:
            text = self._journal.read_text(encoding="utf-8")
            head, *lines = text.splitlines()
            if json.loads(head) != self._head:
                return False
            if not text.endswith("\n"):
                with self._journal.open("a", encoding="utf-8") as journal:
                    journal.write("\n")
        except (OSError, ValueError):
            return False
        held = min(
            path.stat().st_size // self._record(name) if path.exists() else 0
            for name, (path, *_) in self._files.items()
        )
        for line in lines:
            try:
                path, fields = json.loads(line)
                entry = JournalEntry(**fields | {key: tuple(fields[key]) for key in ("starts", "silent")})
            except (ValueError, TypeError, KeyError):
                continue
            if entry.slot < held:
                self.entries[path] = entry
        return True

    def _record(self, name: str) -> int:
        """Return the bytes of one song."""
        _, dtype, shape = self._files[name]
        return self.segments * int(np.prod(shape)) * dtype.itemsize

    def decode(
        self,
        files: Sequence[tuple[str, Found]],
        *,
        workers: int | None,
        timeout: float,
        on_progress: Callable[[int, int], None],
    ) -> None:
        """Decode files, given with their names in the journal, and store their segments.

        Raises
        ------
        SongspaceError
            If there is too little space on the disk.
        """
        needed = len(files) * sum(self._record(name) for name in self._files)
        if needed > shutil.disk_usage(self.folder).free:
            raise SongspaceError(
                f"The segments of {len(files):,} songs take {needed / 1e9:.1f} GB, which are not free in "
                f"{self.folder}: take fewer with --per-genre or --segments."
            )
        names = {file.path: name for name, file in files}
        heard = outcomes(
            decode, (file for _, file in files), self.segments, self.seed, workers=workers, timeout=timeout
        )
        for done, (file, outcome) in enumerate(heard, 1):
            if isinstance(outcome, FileFailure):
                entry, lasting = JournalEntry(file.size, file.mtime_ns, failure=outcome.reason), outcome.lasting
            else:
                entry, lasting = self._put(file, outcome), True
            self.entries[names[file.path]] = entry
            if lasting:
                with self._journal.open("a", encoding="utf-8") as journal:
                    journal.write(json.dumps([names[file.path], asdict(entry)]) + "\n")
            on_progress(done, len(files))

    def _put(self, file: Found, decoded: Decoded) -> JournalEntry:
        slot, self._next = self._next, self._next + 1
        for name, codes in (("power", decoded.power), ("mel", decoded.mel)):
            path = self._files[name][0]
            with path.open("r+b" if path.exists() else "xb") as records:
                records.seek(slot * self._record(name))
                records.write(codes.tobytes())
        starts, silent = tuple(decoded.starts.tolist()), tuple(decoded.silent.tolist())
        return JournalEntry(file.size, file.mtime_ns, None, decoded.identity.hex(), slot, starts, silent)

    def rows(self, frontend: Frontend, slots: np.ndarray, which: np.ndarray) -> Any:
        """Return the spectrograms of segments by a frontend; they are read from the disk when they are indexed.

        Parameters
        ----------
        frontend : Frontend
            A ``LogMel``, or a ``PowerSpectrogram``, logarithmic or not.
        slots, which : int arrays of shape (n,)
            The slot of each segment's song, and the segment's number within it.
        """
        name = "mel" if isinstance(frontend, LogMel) else "power"
        if frontend not in (POWER, DECIBELS, MEL):
            raise ValueError(f"No spectrograms of {frontend} are kept")
        path, dtype, shape = self._files[name]
        count = path.stat().st_size // (int(np.prod(shape)) * dtype.itemsize)
        mapped = np.memmap(path, dtype, "r", shape=(count, *shape))
        kind = Codes if name == "mel" else np.ndarray
        rows = Rows(mapped, np.asarray(slots) * self.segments + np.asarray(which), kind=kind)
        return rows if name == "mel" else Floats(rows, from_codes if frontend == DECIBELS else to_power)


class Floats:
    """Rows whose codes are converted when they are indexed."""

    def __init__(self, rows: Rows, numbers: Callable[[np.ndarray], np.ndarray]) -> None:
        self._rows, self._numbers = rows, numbers
        self.shape = rows.shape
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self._numbers(self._rows[rows])
