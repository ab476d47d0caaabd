"""Files of a home cut short, and with flipped bits, at random places: found, told, and made again from what is whole.

``SONGSPACE_DAMAGES=100`` tries a hundred places in each file, ``SONGSPACE_SEED`` others.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from songspace import Library, SongspaceError, pipeline
from songspace.library import Home

pytestmark = pytest.mark.usefixtures("heard_here")

DAMAGES = int(os.environ.get("SONGSPACE_DAMAGES", "3"))
SEED = int(os.environ.get("SONGSPACE_SEED", "0"))
AGAIN: dict[str, Any] = {"encoder": "pca", "windows": 3, "workers": 2}

FILES = {
    "the catalog": lambda home: home.catalog,
    "the cache": lambda home: home.cache,
    "the space": lambda home: home.space,
    "the weights": lambda home: next(home.encoders.glob("pca-*")) / "weights.safetensors",
    "the description": lambda home: next(home.encoders.glob("pca-*")) / "encoder.json",
    "the hand-made one": lambda home: next(home.encoders.glob("timbre-*")) / "weights.safetensors",
}


def _flip(path: Path, rng: np.random.Generator) -> str:
    content = bytearray(path.read_bytes())
    where, bit = int(rng.integers(len(content))), int(rng.integers(8))
    content[where] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {where}"


def _cut(path: Path, rng: np.random.Generator) -> str:
    length = int(rng.integers(path.stat().st_size))
    os.truncate(path, length)
    return f"cut to {length} bytes"


@pytest.mark.slow
@pytest.mark.parametrize("damage", [_flip, _cut])
@pytest.mark.parametrize("file", FILES)
def test_the_next_run_ends_as_if_it_had_been_whole(
    tunes: Path,
    undisturbed: Path,
    tmp_path: Path,
    known: Callable[[Path], dict],
    told: Any,
    file: str,
    damage: Callable[[Path, np.random.Generator], str],
) -> None:
    rng, before = np.random.default_rng([SEED, *f"{file} {damage.__name__}".encode()]), known(undisturbed)
    for number in range(DAMAGES):
        home = Home(shutil.copytree(undisturbed, tmp_path / str(number)))
        where = damage(FILES[file](home), rng)
        reporter = told()
        pipeline.learn(home, tunes, reporter=reporter, **AGAIN)
        assert known(home.folder) == before, f"{where}: {reporter.sentences}"
        shutil.rmtree(home.folder)


def test_what_is_learnt_is_learnt_from_whole_spectrograms(
    tunes: Path, undisturbed: Path, home: Home, known: Callable[[Path], dict], told: Any
) -> None:
    _changed_row(home, "DELETE FROM facts WHERE key = 'learnt:pca'")
    content = bytearray(home.cache.read_bytes())
    content[::5000] = bytes(byte ^ 128 for byte in content[::5000])
    home.cache.write_bytes(content)
    reporter = told()
    pipeline.learn(home, tunes, reporter=reporter, **AGAIN)
    assert "The cache of spectrograms was damaged" in reporter.sentences[0]
    assert known(home.folder) == known(undisturbed)


def _changed_row(home: Home, statement: str) -> None:
    """Change a row behind the catalog's back, as a flipped bit would."""
    with sqlite3.connect(home.catalog) as db:
        assert db.execute(statement).rowcount > 0
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vectors SET segments = zeroblob(length(segments)) WHERE song = 3",
        "UPDATE songs SET identity = zeroblob(16) WHERE id = 4",
        "UPDATE songs SET starts = zeroblob(length(starts)) WHERE id = 5",
        "UPDATE tracks SET title = 'Tume' WHERE song = 6",
        "UPDATE tracks SET title = CAST(x'54ff65' AS TEXT) WHERE song = 6",
        "UPDATE songs SET id = 70 WHERE id = 7",
        "UPDATE songs SET slot = 40 WHERE slot = 2",
        "UPDATE tracks SET song = 2 WHERE song = 1",
        "UPDATE files SET mtime_ns = mtime_ns + 1 WHERE path = (SELECT path FROM tracks WHERE song = 8)",
        "UPDATE tracks SET path = CAST(path || '.mp3' AS BLOB) WHERE song = 9",
        "UPDATE files SET path = CAST(path || '.mp3' AS BLOB) WHERE path = (SELECT path FROM tracks WHERE song = 10)",
        "UPDATE facts SET value = replace(value, '3', '2') WHERE key = 'listening'",
        "UPDATE facts SET value = 'timbre' WHERE key = 'encoder'",
        "UPDATE facts SET value = '{' WHERE key = 'learnt:pca'",
        "UPDATE roots SET path = x'2f'",
    ],
)
def test_a_changed_row_is_worked_out_anew(
    tunes: Path, undisturbed: Path, home: Home, known: Callable[[Path], dict], told: Any, statement: str
) -> None:
    _changed_row(home, statement)
    reporter = told()
    pipeline.learn(home, tunes, reporter=reporter, **AGAIN)
    assert known(home.folder) == known(undisturbed)
    assert "UPDATE songs SET slot" in statement or "was damaged" in reporter.sentences[0]


def test_an_update_mends_what_it_can(undisturbed: Path, home: Home, known: Callable[[Path], dict], told: Any) -> None:
    """Lost vectors come back from the cache, and where it is damaged, too, from the music."""
    _changed_row(home, "UPDATE vectors SET segments = zeroblob(length(segments)) WHERE song < 5")
    content = bytearray(home.cache.read_bytes())
    content[1000] ^= 1
    home.cache.write_bytes(content)
    reporter = told()
    report = pipeline.update(home, workers=1, reporter=reporter)
    assert report.tally.new == 0 and ["was damaged" in sentence for sentence in reporter.sentences] == [True]
    assert known(home.folder) == known(undisturbed)


def test_of_a_catalog_with_an_unreadable_page_all_other_rows_are_kept(
    tunes: Path, undisturbed: Path, home: Home, known: Callable[[Path], dict], told: Any
) -> None:
    content = bytearray(home.catalog.read_bytes())
    page = _page_of_vectors(home.catalog)
    content[page : page + 8] = b"\xff" * 8  # the header of the page
    home.catalog.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError, match="malformed"), sqlite3.connect(home.catalog) as db:
        db.execute("SELECT TOTAL(length(segments)) FROM vectors").fetchone()
    db.close()
    reporter = told()
    report = pipeline.learn(home, tunes, reporter=reporter, **AGAIN)
    assert "it is kept in" in reporter.sentences[0] and report.tally.new == 0
    assert (home.folder / "catalog.damaged.sqlite").read_bytes() == content
    assert known(home.folder) == known(undisturbed)
    ids = [{song.path: song.id for song in Library(folder).songs()} for folder in (home.folder, undisturbed)]
    assert ids[0] == ids[1]


def _page_of_vectors(path: Path) -> int:
    """Where a leaf of the table of vectors begins: the page of the smallest key."""
    db = sqlite3.connect(path)
    try:
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'vectors'").fetchone()
    finally:
        db.close()
    content = path.read_bytes()
    page = content[(root - 1) * size :]
    cell = int.from_bytes(page[12:14], "big")  # the first cell of an inner page begins with its left child
    return (int.from_bytes(page[cell : cell + 4], "big") - 1) * size


def test_what_is_no_catalog_is_put_aside(
    tunes: Path, undisturbed: Path, home: Home, known: Callable[[Path], dict], told: Any
) -> None:
    home.catalog.write_bytes(b"this was a catalog once\n" * 500)
    with pytest.raises(SongspaceError, match="does not know its folders"):
        pipeline.update(home)
    reporter = told()
    pipeline.learn(home, tunes, reporter=reporter, **AGAIN)
    assert known(home.folder) == known(undisturbed)
    assert (home.folder / "catalog.damaged.sqlite").read_bytes().startswith(b"this was")


def test_a_catalog_of_a_newer_version_is_left_alone(home: Home, tunes: Path) -> None:
    with sqlite3.connect(home.catalog) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = {path.name: path.read_bytes() for path in home.folder.iterdir() if path.is_file()}
    del before[home.log.name]  # it tells of these runs, too
    for run in (
        lambda: pipeline.learn(home, tunes, **AGAIN),
        lambda: pipeline.update(home),
        lambda: Library(home.folder),
    ):
        with pytest.raises(SongspaceError, match="newer songspace"):
            run()
    after = {path.name: path.read_bytes() for path in home.folder.iterdir() if path.is_file()}
    assert {name: after[name] for name in before} == before


def test_a_library_of_failures_alone_is_not_damaged(tmp_path: Path, told: Any) -> None:
    music, home = tmp_path / "music", Home(tmp_path / "home")
    music.mkdir()
    (music / "bad.mp3").write_text("words")
    for _ in range(2):
        reporter = told()
        with pytest.raises(SongspaceError, match="Not one of 1 files"):
            pipeline.learn(home, music, reporter=reporter, **AGAIN)
        assert reporter.sentences == []
