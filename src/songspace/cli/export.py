"""Export a library for other programs: Parquet, NumPy's npz, or TensorBoard's projector."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from songspace.answers.view import opened
from songspace.cli import show
from songspace.cli.options import HomeOption
from songspace.drawing import written
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.space import Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow

NEIGHBORS = 15
"""Nearest songs per song in an export: as many as embedding-atlas computes itself."""


class ExportFormat(StrEnum):
    """File formats of an export."""

    parquet = "parquet"
    npz = "npz"
    tsv = "tsv"


def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A .parquet or .npz file; with --format tsv a folder of two files.")
    ],
    format: Annotated[
        ExportFormat | None,
        typer.Option(help="tsv is what TensorBoard's projector reads (default: by the file's name)."),
    ] = None,
    segments: Annotated[bool, typer.Option("--segments", help="A row for each segment, not for each song.")] = False,
    without_map: Annotated[
        bool, typer.Option("--no-map", help="Leave x, y and neighbors empty: in a large library they take minutes.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Write path, id, tags, vector, map position and neighbours of every song to a file (columns: docs/data.md)."""
    by_suffix = {".parquet": ExportFormat.parquet, ".npz": ExportFormat.npz}
    kind = format or by_suffix.get(output.suffix.lower())
    if kind is None:
        raise SongspaceError(
            f"{output}: an export is a .parquet file or a .npz file, or a folder with --format tsv. A file of another "
            "name needs --format."
        )
    if by_suffix.get(output.suffix.lower(), kind) is not kind:
        raise SongspaceError(f"{output} is named like another format than --format {kind}.")
    table = table_of(Library(home), segments=segments, with_map=not without_map)
    writers = {ExportFormat.parquet: _write_parquet, ExportFormat.npz: _write_npz, ExportFormat.tsv: _write_tsv}
    writers[kind](table, output)
    show.say(f"Wrote {table.num_rows} rows to {output}.")


def schema() -> pyarrow.Schema:
    """Return the columns, which are those of every library.

    ``start`` is of segments, and ``x`` to ``neighbors`` of songs.
    """
    import pyarrow as pa

    text, texts, seconds = pa.string(), pa.list_(pa.string()), pa.float64()
    columns = {"id": pa.int64(), "path": text, "duration": seconds}
    columns |= dict.fromkeys(("title", "artist", "albumartist", "album", "genre"), text)
    columns |= dict.fromkeys(("year", "track", "disc"), pa.int64())
    columns |= dict.fromkeys(("recording_mbid", "release_mbid", "artist_mbid"), text)
    columns |= dict.fromkeys(("artists", "genres", "tags"), texts) | {"identity": text}
    columns |= dict.fromkeys(("part_start", "part_end", "start"), seconds)
    columns |= dict.fromkeys(("x", "y"), pa.float32())
    columns["neighbors"] = pa.struct({"ids": pa.list_(pa.int64()), "distances": pa.list_(pa.float32())})
    columns["vector"] = pa.list_(pa.float32())
    return pa.schema(columns)


def table_of(library: Library, *, segments: bool = False, with_map: bool = True) -> pyarrow.Table:
    """Return a row for each song, or each segment, of a library.

    A song's vector is centred and of unit length; those of segments are as the encoder gave them. Paths that are not
    UTF-8 have replacement characters. The encoder's name and fingerprint are in the table's metadata.
    """
    import pyarrow as pa

    space, songs = opened(library)
    vectors, columns = np.asarray(space.vectors), dict[str, object]()
    if segments:
        vectors, groups, starts = library.segments()
        by_id = {song.id: song for song in songs}
        songs = [by_id[int(id)] for id in groups]
        columns["start"] = starts
    elif with_map:
        columns |= _on_the_map(space)
    columns |= _facts(songs)
    columns["vector"] = _lists(vectors)
    whole = schema().with_metadata({"encoder": library.encoder, "fingerprint": space.encoder})
    arrays = [
        pa.nulls(len(songs), field.type) if (values := columns.get(field.name)) is None else _array(values, field.type)
        for field in whole
    ]
    return pa.table(arrays, schema=whole)


def _facts(songs: Sequence[Song]) -> dict[str, object]:
    called = {"part_start": "start", "part_end": "end", "tags": "words"}
    names = [name for name in schema().names if name not in ("start", "x", "y", "neighbors", "vector")]
    return {name: [_storable(getattr(song, called.get(name, name))) for song in songs] for name in names}


def _storable(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_storable(one) for one in value]
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _on_the_map(space: Space) -> dict[str, object]:
    """Return where each song lies, and its nearest by their rows, as embedding-atlas reads them."""
    import pyarrow as pa

    from songspace import maps

    places = maps.layout(space.vectors)
    neighbours = [space.neighbors(row, NEIGHBORS) for row in range(len(space))] if len(space) > 1 else []
    ids, distances = (
        np.stack([pair[which] for pair in neighbours]) if neighbours else np.empty((len(space), 0)) for which in (0, 1)
    )
    lists = [_lists(ids.astype(np.int64)), _lists(distances.astype(np.float32))]
    return {
        "x": places[:, 0],
        "y": places[:, 1],
        "neighbors": pa.StructArray.from_arrays(lists, names=["ids", "distances"]),
    }


def _lists(rows: np.ndarray) -> pyarrow.ListArray:
    """Return a matrix as a list for each row, without a Python object for each number."""
    import pyarrow as pa

    n, d = rows.shape
    return pa.ListArray.from_arrays(pa.array(np.arange(n + 1) * d, pa.int32()), np.ascontiguousarray(rows).reshape(-1))


def _array(values: object, kind: pyarrow.DataType) -> pyarrow.Array:
    import pyarrow as pa

    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)


def _write_parquet(table: pyarrow.Table, output: Path) -> None:
    from pyarrow import parquet

    with written(output) as beside:
        parquet.write_table(table, beside)


def _write_npz(table: pyarrow.Table, output: Path) -> None:
    """Each column as an array of its name: numbers that are missing are NaN, texts are empty; no list of names."""
    columns: dict[str, Any] = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        if name in ("vector", "neighbors"):
            if values.null_count == 0:
                columns |= {name: _matrix(values)} if name == "vector" else _matrices(values)
        elif str(values.type) == "string":
            columns[name] = np.array([value or "" for value in values.to_pylist()], dtype=np.str_)
        elif not str(values.type).startswith("list"):
            columns[name] = np.asarray(values.to_numpy(), np.int64 if name == "id" else np.float64)
    with written(output) as beside, beside.open("wb") as file:
        np.savez(file, **columns)


def _matrix(lists: pyarrow.ChunkedArray) -> np.ndarray:
    flat = lists.combine_chunks().flatten().to_numpy()
    matrix: np.ndarray = flat.reshape(len(lists), len(flat) // len(lists))
    return matrix


def _matrices(neighbors: pyarrow.ChunkedArray) -> dict[str, np.ndarray]:
    ids, distances = neighbors.flatten()
    return {"neighbors": _matrix(ids), "neighbor_distances": _matrix(distances)}


def _write_tsv(table: pyarrow.Table, folder: Path) -> None:
    """``vectors.tsv`` and ``metadata.tsv`` as TensorBoard's projector loads them."""
    names = [name for name in table.column_names if name not in ("vector", "neighbors", "artists", "genres", "tags")]
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SongspaceError(f"{folder} cannot be made a folder ({error.strerror}).") from error
    with (
        written(folder / "vectors.tsv") as vectors,
        written(folder / "metadata.tsv") as metadata,
        metadata.open("w", encoding="utf-8", newline="\n") as lines,
    ):
        np.savetxt(vectors, _matrix(table["vector"]), fmt="%.7g", delimiter="\t", encoding="ascii")
        lines.writelines("\t".join(map(_cell, row)) + "\n" for row in (names, *rows))


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
