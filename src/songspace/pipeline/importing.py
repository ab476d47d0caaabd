"""Import a library of vectors that another program made: it gives all answers that need no sound."""

from __future__ import annotations

import hashlib
import json
import math
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from songspace.errors import SongspaceError
from songspace.library.catalog import Catalog
from songspace.library.cue import Part
from songspace.library.home import Home
from songspace.library.learnt import IMPORTED, Learnt, imported_from, song_vectors
from songspace.library.log import logged
from songspace.library.mending import mend
from songspace.library.records import Track
from songspace.library.scan import Found
from songspace.library.tags import Tags, plain_text, read_tags
from songspace.plainfiles import open_plain
from songspace.reporter import Reporter
from songspace.space import Space
from songspace.space.versions import versions


def _fingerprint(songs: list[_Song]) -> str:
    """Return 16 hexadecimal digits of all names and vectors: those of two imports are never compared."""
    digest = hashlib.blake2b(digest_size=8)
    for song in songs:
        digest.update(song.identity)
        digest.update(song.vector.tobytes())
    return digest.hexdigest()


VECTORS = ("vector", "embedding")
_TEXTS = tuple(one.name for one in fields(Tags) if one.type == "str | None")
_NUMBERS = tuple(one.name for one in fields(Tags) if one.type == "int | None")
_LISTS = tuple(one.name for one in fields(Tags) if one.type == "tuple[str, ...]")
_LONGEST = 1e12  # seconds, as in the catalog
_DAMAGED = (
    *(OSError, ValueError, EOFError, KeyError, MemoryError),
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, RuntimeError),  # encrypted, or packed in an unknown way
)


@dataclass(frozen=True)
class Import:
    """The result of an import.

    Attributes
    ----------
    songs, dimensions : int
    files : int
        Songs whose files are there.
    """

    songs: int
    dimensions: int
    files: int


def import_vectors(home: Home, file: str | os.PathLike[str], *, reporter: Reporter | None = None) -> Import:
    """Make a library of a file of vectors, in the place of what was imported into this home before.

    Songs are known again by their names (or their paths, where they have no others): they keep their numbers.

    Parameters
    ----------
    home : Home
        One of its own: music that was listened to is never replaced.
    file : path
        See :func:`read_vectors`. Paths may begin in its folder; of those that are there the
        tags are read, as far as the file says nothing of them itself.

    Raises
    ------
    SongspaceError
        If the file or the home is none for this; then nothing has changed.
    """
    file = Path(os.path.abspath(file))
    given = read_vectors(file)
    reporter = reporter or Reporter()
    with home.lock(), logged(home, f"import {file}", reporter) as log:
        mend(home.catalog, log.say)
        with Catalog(home.catalog, write=True) as catalog:
            if imported_from(catalog) is None and (catalog.roots() or catalog.identities()):
                raise SongspaceError(
                    f"The library in {home.folder} is one of music that was listened to: give the vectors a home of "
                    "their own by --home."
                )
            songs = list(_songs(given, file.parent, log))
            if twice := [path for path, count in Counter(song.path for song in songs).items() if count > 1]:
                raise SongspaceError(f"In {file} several rows are of {twice[0]}: each song needs one row.")
            fingerprint = _fingerprint(songs)
            tracks = ((Found(song.path), song.track(fingerprint), song.number) for song in songs)
            what = json.dumps(asdict(Learnt(fingerprint, fingerprint)))
            source = json.dumps({"from": os.fspath(file)})
            catalog.replace_all(tracks, {IMPORTED: source, "encoder": IMPORTED, f"learnt:{IMPORTED}": what})
            log.begin("building the space")
            learnt = song_vectors(home, catalog, IMPORTED)
            space = Space.from_vectors(learnt.vectors, learnt.songs, encoder=fingerprint)
            known = {song.id: song for song in catalog.songs()}
            space.with_versions(versions([known[id] for id in learnt.songs.tolist()], space)).save(home.space)
        log.end_stage()
    return Import(len(songs), given.vectors.shape[1], sum(os.path.isfile(song.path) for song in songs))


class _Song(NamedTuple):
    """An imported song: one segment.

    Attributes
    ----------
    identity : bytes
        16 bytes that tell it from all others, here of its name and not of its sound.
    path : str
        Of its file, whether or not that is there.
    tags : Tags
    vector : ndarray of shape (d,)
    duration : float
        Seconds; 0 if that is not known.
    number : int or None
        The number that it has in the catalog; None: any.
    """

    identity: bytes
    path: str
    tags: Tags
    vector: np.ndarray
    duration: float = 0.0
    number: int | None = None

    def track(self, fingerprint: str) -> Track:
        vectors = {fingerprint: self.vector[np.newaxis]}
        return Track(self.identity, Part(tags=self.tags), self.duration, [0.0], [False], vectors)


def _songs(given: Vectors, folder: Path, reporter: Reporter) -> Iterator[_Song]:
    names = given.ids or given.paths or []
    numbers = _numbers(given.ids)
    # A song without a file lies beside the vectors by its name, whatever that is: no two come to the same place.
    places = [f"{folder}{os.sep}{name}" for name in names]
    if given.paths is not None:
        places = [os.path.normpath(folder / path) for path in given.paths]  # an absolute path stays what it is
    for row, (name, path, tags) in enumerate(zip(names, places, given.tags, strict=True)):
        reporter.progress("reading tags", row, len(names))
        if given.paths is None:
            tags = replace(tags, title=tags.title or " ".join(plain_text(name).split()) or None)
        elif os.path.isfile(path):
            tags = _both(tags, read_tags(path))
        identity = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, person=b"imported").digest()
        yield _Song(identity, path, tags, given.vectors[row], given.durations[row], numbers[row] if numbers else None)
    reporter.progress("reading tags", len(names), len(names))


def _numbers(ids: list[str] | None) -> list[int] | None:
    """Return ids that are all whole numbers, as the songs' numbers in the catalog."""
    if ids is None or not all(id.isascii() and id.isdigit() and id[0] != "0" and len(id) < 19 for id in ids):
        return None
    return list(map(int, ids))


def _both(said: Tags, read: Tags) -> Tags:
    return Tags(**{one.name: getattr(said, one.name) or getattr(read, one.name) for one in fields(Tags)})


@dataclass(frozen=True)
class Vectors:
    """Songs as vectors that another program made.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32
    ids, paths : list of str, or None
        What the songs are called; at least one of the two is there, and none comes twice.
    tags : list of Tags
        What the file says of each.
    durations : list of float
        Seconds; 0 where it says nothing.
    """

    vectors: np.ndarray
    ids: list[str] | None
    paths: list[str] | None
    tags: list[Tags]
    durations: list[float]


def read_vectors(file: Path) -> Vectors:
    """Read a Parquet or npz file with a column vector, and a column path or id, or both.

    Columns of the names that ``songspace export`` has are believed: title, artist, genre, duration and so on.

    Raises
    ------
    SongspaceError
        If it is no such file, or not every row has a name of its own and a vector of the same length.
    """
    try:
        with open_plain(file, links=True) as opened:
            begins = opened.read(4)
    except OSError as error:
        raise SongspaceError(f"{file} cannot be read ({error.strerror}).") from error
    readers = {b"PAR1": _read_parquet, b"PK\x03\x04": _read_npz, b"PK\x05\x06": _read_npz}
    if begins not in readers:
        raise SongspaceError(f"{file} is neither a Parquet nor an npz file.")
    vectors, columns = readers[begins](file)
    if len(vectors) == 0 or vectors.shape[1] == 0:
        raise SongspaceError(f"{file} has no {'rows' if len(vectors) == 0 else 'numbers in its vectors'}.")
    called = {name: _names(file, name, columns[name]) for name in ("id", "path") if name in columns}
    with np.errstate(over="ignore"):
        vectors = vectors.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        name = next(iter(called.values()))[wrong[0]]
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise SongspaceError(f"In {file} the vector of {name}{more} is not all of finite numbers.")
    tags = [_tags(columns, row) for row in range(len(vectors))]
    durations = [_seconds(value) for value in columns.get("duration", [None] * len(vectors))]
    return Vectors(vectors, called.get("id"), called.get("path"), tags, durations)


def _column(file: Path, there: Sequence[str]) -> str:
    """Return the name of the column of vectors, if the file has all that is needed."""
    shown = ", ".join(there[:10]) + (" ..." if len(there) > 10 else "") or "none"
    name_of_vectors = next((name for name in VECTORS if name in there), None)
    if name_of_vectors is None:
        raise SongspaceError(f"{file} has no column vector (or embedding); its columns: {shown}.")
    if "path" not in there and "id" not in there:
        raise SongspaceError(f"{file} has no column path or id; its columns: {shown}.")
    return name_of_vectors


def _read_parquet(file: Path) -> tuple[np.ndarray, dict[str, list[Any]]]:
    import pyarrow as pa
    from pyarrow import compute, parquet

    try:
        schema = parquet.read_schema(file)
        name = _column(file, schema.names)
        wanted = [one for one in ("id", "path", "duration", *_TEXTS, *_NUMBERS, *_LISTS) if one in schema.names]
        table = parquet.read_table(file, columns=[name, *wanted])
    except (pa.ArrowException, OSError) as error:
        raise SongspaceError(f"{file} cannot be read as Parquet ({str(error).splitlines()[0].rstrip('.')}).") from error
    lists = table[name]
    kind = lists.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not is_list or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise SongspaceError(f"In {file} the column {name} holds {kind}, and not lists of numbers.")
    lengths = compute.list_value_length(lists).to_pylist()
    if None in lengths:
        raise SongspaceError(f"In {file} row {lengths.index(None) + 1} has no vector.")
    if len(set(lengths)) > 1:
        other = next(row for row, length in enumerate(lengths) if length != lengths[0])
        raise SongspaceError(
            f"In {file} not all vectors have the same length: that of row 1 has {lengths[0]} numbers, that of row "
            f"{other + 1} has {lengths[other]}."
        )
    flat = compute.list_flatten(lists)
    numbers = flat.cast(pa.float64()) if flat.null_count else flat  # what is missing is NaN then
    vectors = numbers.to_numpy().reshape(len(lengths), lengths[0] if lengths else 0)
    return vectors, {one: table[one].to_pylist() for one in wanted}


def _read_npz(file: Path) -> tuple[np.ndarray, dict[str, list[Any]]]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            name = _column(file, arrays.files)
            vectors = arrays[name]
            wanted = [one for one in ("id", "path", "duration", *_TEXTS, *_NUMBERS) if one in arrays.files]
            columns = {one: arrays[one] for one in wanted}
    except _DAMAGED as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise SongspaceError(f"{file} cannot be read as npz ({reason}).") from error
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise SongspaceError(f"In {file} the array {name} is {vectors.dtype} of shape {vectors.shape}, and no matrix.")
    for one, values in columns.items():
        if values.shape != (len(vectors),):
            raise SongspaceError(f"In {file} the array {one} has not one value for each of {len(vectors)} vectors.")
    return vectors, {one: values.tolist() for one, values in columns.items()}


def _names(file: Path, column: str, values: Sequence[Any]) -> list[str]:
    """Return the names of the songs, if each has a name of its own."""
    names: dict[str, int] = {}
    for row, value in enumerate(values, 1):
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            said = "is empty" if value in (None, "") else f"is {value!r}, and neither a text nor a whole number"
            raise SongspaceError(f"In {file} the {column} of row {row} {said}.")
        name = os.path.normpath(value) if column == "path" and isinstance(value, str) else str(value)
        if not _may_be_a_file(name):
            raise SongspaceError(f"In {file} the {column} of row {row} is none that a file could have.")
        if name in names:
            raise SongspaceError(
                f"In {file} rows {names[name]} and {row} have the same {column}, {value}: each song needs one row (of "
                "several segments, their mean)."
            )
        names[name] = row
    return list(names)


def _may_be_a_file(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half of a character
        return False


def _tags(columns: Mapping[str, Sequence[Any]], row: int) -> Tags:
    said: dict[str, Any] = {name: _text(columns[name][row]) for name in _TEXTS if name in columns}
    said |= {name: _whole(columns[name][row]) for name in _NUMBERS if name in columns}
    for name in _LISTS:
        values = columns[name][row] if name in columns else None
        one = said.get(name.removesuffix("s"))
        texts = tuple(filter(None, map(_text, values))) if isinstance(values, list) else ()
        said[name] = texts or ((one,) if one else ())
    return Tags(**said)


def _text(value: Any) -> str | None:
    return " ".join(plain_text(value).split()) or None if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        return None
    return int(value) if abs(value) < 2**63 else None


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value <= _LONGEST else 0.0
