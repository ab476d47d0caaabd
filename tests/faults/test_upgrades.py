"""A home that an older version of songspace left: what it learnt is recognised, and never mixed with what is new."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from songspace import Library, SongspaceError, pipeline
from songspace.library import Home
from songspace.library.catalog import Catalog
from songspace.library.learnt import learnt, load_learnt
from songspace.library.listening import DESCRIPTORS, encode_file

OLDER = """
import sys
from pathlib import Path
import songspace.encoders
songspace.encoders.PIPELINE -= 1
if __name__ == "__main__":
    from songspace import pipeline
    from songspace.library import Home
    pipeline.learn(Home(Path(sys.argv[1])), sys.argv[2], encoder="pca", windows=3, workers=2)
"""


@pytest.fixture(scope="module")
def older(tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that the same program left when its pipeline had another number."""
    folder = tmp_path_factory.mktemp("older")
    (folder / "older.py").write_text(OLDER)
    command = [sys.executable, str(folder / "older.py"), str(folder / "home"), str(tunes)]
    subprocess.run(command, check=True)
    return folder / "home"


@pytest.fixture
def home(older: Path, tmp_path: Path) -> Home:
    return Home(shutil.copytree(older, tmp_path / "home"))


def _keys(home: Home) -> set[str]:
    """Of the encoders that have vectors in the catalog."""
    with Catalog(home.catalog) as catalog:
        return {key for (key,) in catalog._db.execute("SELECT DISTINCT encoder FROM vectors")}


def test_its_encoders_are_recognised(home: Home) -> None:
    library = Library(home.folder)
    song = library.songs()[0].id
    for encoder in ("pca", "timbre"):
        what = learnt(library.catalog, encoder)
        assert what is not None and what.vectors != DESCRIPTORS
        with pytest.raises(SongspaceError, match="made by another version of songspace: learn again"):
            load_learnt(home, library.catalog, encoder)
    with pytest.raises(SongspaceError, match="another version"):
        encode_file(home, library.catalog, library.songs()[0].path)
    assert song in library.segments_of([song])  # its own vectors may still be compared with each other


def test_an_update_mixes_no_vectors(home: Home, tunes: Path, song: Callable[..., Path], told: Any) -> None:
    before = _keys(home)
    reporter = told()
    report = pipeline.update(home, workers=2, reporter=reporter)
    assert report.encoder == "timbre" and report.songs == 18 and report.tally.new == 18
    assert "decoded anew" in reporter.sentences[0]
    assert any("another version of songspace" in sentence for sentence in reporter.sentences)
    assert _keys(home) == {DESCRIPTORS} and not before & _keys(home)


def test_to_learn_again_gives_what_a_new_home_has(
    home: Home, undisturbed: Path, tunes: Path, known: Callable[[Path], dict]
) -> None:
    pipeline.learn(home, tunes, encoder="pca", windows=3, workers=2)
    assert known(home.folder) == known(undisturbed)
    assert len(_keys(home)) == 2
