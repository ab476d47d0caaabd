"""A library of songs that somebody else has made vectors of: all answers that need no sound."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from songspace.errors import SongspaceError
from songspace.library.catalog import Catalog
from songspace.library.home import Home
from songspace.library.imported import IMPORTED, ImportedSong, imported_from, keep_imported
from songspace.library.learnt import song_vectors
from songspace.library.log import logged
from songspace.library.mending import mend
from songspace.library.tags import Tags, plain_text, read_tags
from songspace.pipeline.vectors import Vectors, read_vectors
from songspace.reporter import Reporter
from songspace.space import Space
from songspace.space.versions import versions


@dataclass(frozen=True)
class Import:
    """What was imported.

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
        See :func:`songspace.pipeline.vectors.read_vectors`. Paths may begin in its folder; of those that are there the
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
            keep_imported(catalog, songs, source=os.fspath(file), fingerprint=fingerprint)
            log.begin("building the space")
            found = song_vectors(home, catalog, IMPORTED)
            space = Space.from_vectors(found.vectors, found.songs, encoder=fingerprint)
            known = {song.id: song for song in catalog.songs()}
            space.with_versions(versions([known[id] for id in found.songs.tolist()], space)).save(home.space)
        log.end_stage()
    return Import(len(songs), given.vectors.shape[1], sum(os.path.isfile(song.path) for song in songs))


def _songs(given: Vectors, folder: Path, reporter: Reporter) -> Iterator[ImportedSong]:
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
        yield ImportedSong(
            identity, path, tags, given.vectors[row], given.durations[row], numbers[row] if numbers else None
        )
    reporter.progress("reading tags", len(names), len(names))


def _numbers(ids: list[str] | None) -> list[int] | None:
    """Ids that are all whole numbers, which the songs have in the catalog, too."""
    if ids is None or not all(id.isascii() and id.isdigit() and id[0] != "0" and len(id) < 19 for id in ids):
        return None
    return list(map(int, ids))


def _both(said: Tags, read: Tags) -> Tags:
    return Tags(**{one.name: getattr(said, one.name) or getattr(read, one.name) for one in fields(Tags)})


def _fingerprint(songs: list[ImportedSong]) -> str:
    """16 hexadecimal digits of all names and vectors: those of two imports are never compared."""
    digest = hashlib.blake2b(digest_size=8)
    for song in songs:
        digest.update(song.identity)
        digest.update(song.vector.tobytes())
    return digest.hexdigest()
