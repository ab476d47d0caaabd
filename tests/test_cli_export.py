"""A library as a file for other programs: the columns of every library, and what stands in them."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from click.testing import Result
from pyarrow import parquet

from songspace import Library, Space, maps, pipeline
from songspace.errors import SongspaceError
from songspace.library import Home

Run = Callable[..., Result]

COLUMNS = (
    "id path duration title artist albumartist album genre year track disc recording_mbid release_mbid artist_mbid "
    "artists genres tags identity part_start part_end start x y neighbors vector"
).split()


@pytest.fixture
def library(learnt_home: Path) -> Library:
    return Library(learnt_home)


def exported(run: Run, output: Path, *more: str) -> pyarrow.Table:
    result = run("export", "-o", output, *more)
    assert result.exit_code == 0, result.output
    return parquet.read_table(output)


def test_songs(run: Run, tmp_path: Path, library: Library) -> None:
    table = exported(run, tmp_path / "x.parquet")
    space = Space.open(library.home.space)
    assert table.column_names == COLUMNS
    assert table["id"].to_pylist() == space.ids.tolist()
    songs = [library.catalog.song(id) for id in space.ids.tolist()]
    assert table["title"].to_pylist() == [song.title for song in songs]
    assert table["artists"].to_pylist() == [list(song.artists) for song in songs]
    assert table["identity"].to_pylist() == [song.identity.hex() for song in songs]
    assert table["start"].null_count == 18
    np.testing.assert_array_equal(np.stack(table["vector"].to_numpy()), space.vectors)
    assert table.schema.metadata[b"fingerprint"].decode() == space.encoder


def test_the_map_and_the_neighbours_are_those_of_the_space(run: Run, tmp_path: Path, library: Library) -> None:
    table = exported(run, tmp_path / "x.parquet")
    space = Space.open(library.home.space)
    np.testing.assert_array_equal(np.column_stack([table["x"], table["y"]]), maps.layout(space.vectors))
    for row, found in enumerate(table["neighbors"].to_pylist()):
        rows, distances = space.neighbors(row, 15)  # their places in the file, as embedding-atlas reads them
        assert found["ids"] == rows.tolist()
        np.testing.assert_allclose(found["distances"], distances, rtol=1e-6)


def test_segments(run: Run, tmp_path: Path, library: Library) -> None:
    table = exported(run, tmp_path / "x.parquet", "--segments")
    vectors, songs, starts = library.segments()
    np.testing.assert_array_equal(np.stack(table["vector"].to_numpy()), vectors)
    assert table["id"].to_pylist() == songs.tolist()
    assert table["start"].to_pylist() == starts.tolist()
    assert {table[name].null_count for name in ("x", "y", "neighbors")} == {len(songs)}


def test_every_export_has_the_same_columns(run: Run, tmp_path: Path, song: Callable[..., Path]) -> None:
    song(tmp_path / "music" / "a.flac", 1)  # no tags at all
    pipeline.learn(Home(tmp_path / "home"), tmp_path / "music", encoder="timbre", windows=2, workers=1)
    tables = [exported(run, tmp_path / "1.parquet", "--home", str(tmp_path / "home"))]
    assert tables[0]["neighbors"].to_pylist() == [{"ids": [], "distances": []}]
    for number, more in enumerate([[], ["--segments"], ["--no-map"]]):
        tables.append(exported(run, tmp_path / f"{number}.parquet", *more))
    assert tables[3]["x"].null_count == 18
    assert all(table.schema.equals(tables[0].schema) for table in tables)
    assert pyarrow.concat_tables(tables).num_rows == 1 + 18 + 54 + 18


def test_npz(run: Run, tmp_path: Path, library: Library) -> None:
    assert run("export", "-o", tmp_path / "x.npz").exit_code == 0
    space = Space.open(library.home.space)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["vector"], space.vectors)
        np.testing.assert_array_equal(arrays["id"], space.ids)
        np.testing.assert_array_equal(np.column_stack([arrays["x"], arrays["y"]]), maps.layout(space.vectors))
        assert arrays["neighbors"].shape == arrays["neighbor_distances"].shape == (18, 15)
        assert arrays["neighbors"][3].tolist() == space.neighbors(3, 15)[0].tolist()
        assert set(arrays["genre"]) == {"Low", "Middle", "High"} and set(arrays["recording_mbid"]) == {""}
        assert arrays["year"].min() == 1990 and np.isnan(arrays["track"]).all()
    assert run("export", "-o", tmp_path / "no-ending", "--format", "npz", "--segments").exit_code == 0
    with np.load(tmp_path / "no-ending") as arrays:
        assert arrays["vector"].shape == (54, len(space.center)) and "neighbors" not in arrays


def test_tsv(run: Run, tmp_path: Path, library: Library) -> None:
    assert run("export", "-o", tmp_path / "new" / "x", "--format", "tsv").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "new" / "x").iterdir()) == ["metadata.tsv", "vectors.tsv"]
    vectors = np.loadtxt(tmp_path / "new" / "x" / "vectors.tsv", delimiter="\t")
    np.testing.assert_allclose(vectors, Space.open(library.home.space).vectors, rtol=1e-6, atol=1e-12)
    with (tmp_path / "new" / "x" / "metadata.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["title"] for row in rows] == [library.catalog.song(int(row["id"])).title for row in rows]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_what_cannot_be_written_leaves_what_was_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "folder.parquet" / "mine").touch()
    for output, more, said in (
        (tmp_path / "x.csv", (), "a .parquet file or a .npz file"),
        (tmp_path / "no" / "x.parquet", (), "cannot be written"),
        (tmp_path / "folder.parquet", (), "cannot be written"),
        (tmp_path / "file", ("--format", "tsv"), "cannot be made a folder"),
        (tmp_path / "x.parquet", ("--format", "npz"), "named like another format"),
    ):
        failed = run("export", "-o", output, *more)
        assert isinstance(failed.exception, SongspaceError) and said in str(failed.exception)
    if hasattr(os, "mkfifo"):  # a device, as /dev/null is one, is the same
        os.mkfifo(tmp_path / "pipe")
        failed = run("export", "-o", tmp_path / "pipe", "--format", "npz")
        assert "pipe cannot be written (it is no ordinary file)" in str(failed.exception)
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
        (tmp_path / "pipe").unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.parquet"]
    assert (tmp_path / "file").read_text() == "mine"
