"""A library as a Parquet file, for whoever works on with it elsewhere."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import numpy as np

from songspace.asking.view import opened
from songspace.errors import SongspaceError
from songspace.library import Library, Song

_CALLED = {"start": "part_start", "end": "part_end"}


def write_parquet(library: Library, output: Path, *, segments: bool = False) -> int:
    """Write a row for each song, or each segment, and return how many.

    Columns: those of :class:`songspace.library.Song` (but ``identity`` in hexadecimal digits, and ``part_start`` and
    ``part_end`` for the part of a file that is the song), then ``vector`` (a fixed-size list of float32), and with
    ``segments`` also ``start`` in seconds from the beginning of the song. A song's vector is centred and of unit
    length; those of segments are as the encoder gave them. Paths that are not UTF-8 have replacement characters.
    """
    import pyarrow
    from pyarrow import parquet

    if output.suffix.lower() != ".parquet":
        raise SongspaceError(f"{output}: an export is a .parquet file.")
    space, songs = opened(library)
    vectors, extra = np.asarray(space.vectors), {}
    if segments:
        vectors, groups, starts = library.segments()
        by_id = {song.id: song for song in songs}
        songs = [by_id[int(id)] for id in groups]
        extra = {"start": pyarrow.array(starts)}
    columns = {
        _CALLED.get(field.name, field.name): pyarrow.array([_storable(getattr(song, field.name)) for song in songs])
        for field in fields(Song)
        if field.name != "away"  # none of these is
    }
    flat = pyarrow.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    vector = pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    table = pyarrow.table(columns | extra | {"vector": vector})
    table = table.replace_schema_metadata({"encoder": library.encoder, "fingerprint": space.encoder})
    beside = output.with_name(output.name + ".new")
    parquet.write_table(table, beside)
    os.replace(beside, output)
    return int(table.num_rows)


def _storable(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return list(value)
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
