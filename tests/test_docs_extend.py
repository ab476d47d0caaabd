"""What docs/extend.md shows, works: its blocks are applied to a copy of the tree, and the copy is tried."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE, ENCODERS = ((ROOT / "docs" / name).read_text("utf-8") for name in ("extend.md", "encoders.md"))
BLOCK = re.compile(r'^( *)```(diff|python) title="(.+?)"\n(.*?)^\1```$', re.MULTILINE | re.DOTALL)
COPIED = ("README.md", "web/src/deck.ts", "tests/test_formats.py", "tests/encoders/test_contract.py")


def applied(tree: Path) -> list[str]:
    """Apply the page's blocks to a tree; the names of the files that they are of."""
    named = []
    for _, kind, name, text in BLOCK.findall(PAGE):
        file, text = tree / name, textwrap.dedent(text)
        if kind == "python":
            assert not file.exists()
            file.write_text(text, "utf-8")
        else:
            content = file.read_text("utf-8")
            for hunk in re.split(r"^@@\n", text, flags=re.MULTILINE):
                lines = [line if line.strip() else f" {line}" for line in hunk.splitlines(keepends=True)]
                before, after = ("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
                assert content.count(before) == 1, f"{name} does not have, once: {before}"
                content = content.replace(before, after)
            file.write_text(content, "utf-8")
        named.append(name)
    return named


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with everything that the page adds."""
    tree = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "page"))
    for name in COPIED:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)
    blocks = re.findall(r"^```python\n(.*?)^```$", ENCODERS, re.MULTILINE | re.DOTALL)
    [encoder] = [block for block in blocks if "class Level" in block]
    (tree / "src/songspace/encoders/level.py").write_text(encoder, "utf-8")
    named = applied(tree)
    assert len(named) == len(set(named)) == PAGE.count(' title="')
    return tree


@pytest.fixture(scope="module")
def python(tree: Path) -> Callable[..., str]:
    """Run the extended songspace."""

    def run(*arguments: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(tree / "src"), "SONGSPACE_HOME": str(tree / "home")}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def learnt(tree: Path, python: Callable[..., str], song: Callable[..., Path]) -> Path:
    """A library that the new encoder has learnt, of files with the new tag."""
    for number in range(6):
        tags = {"title": f"Tune {number}", "artist": f"Artist {number}", "organization": f"Label {number % 2}"}
        song(tree / "music" / f"{number}.flac", number, seconds=6, style=number % 3, **tags)
    python("-m", "songspace", "learn", "music", "--encoder", "level", "--windows", "2", "--workers", "1")
    return tree / "home"


def test_the_encoder_learns(learnt: Path, python: Callable[..., str]) -> None:
    assert json.loads(python("-m", "songspace", "status", "--json"))["summary"]["encoder"] == "level"
    assert len(json.loads(python("-m", "songspace", "similar", "Tune 0", "--json"))["similar"]) == 5


def test_the_playlist_keeps_the_rules(learnt: Path, python: Callable[..., str]) -> None:
    python("-m", "doctest", "src/songspace/playlists/walk.py")
    made = json.loads(python("-m", "songspace", "walk", "Tune 0", "--length", "4", "--explain", "--json"))
    assert made["title"] == "Walk from Artist 0 - Tune 0" and len({song["id"] for song in made["songs"]}) == 4
    assert made["songs"][0]["title"] == "Tune 0" and all(song["why"] for song in made["songs"])


def test_the_column_is_read_and_asked_for(learnt: Path, python: Callable[..., str]) -> None:
    made = python("-m", "songspace", "walk", "Tune 0", "--where", 'label = "label 0"', "--json")
    assert {song["title"] for song in json.loads(made)["songs"]} == {"Tune 0", "Tune 2", "Tune 4"}


def test_an_older_catalog_is_brought_up_to_date(tree: Path, python: Callable[..., str]) -> None:
    [*_, last] = sorted((ROOT / "tests/library/catalogs").glob("*.sqlite"))
    shutil.copyfile(last, tree / "old.sqlite")
    script = """
        from songspace.library.catalog import Catalog
        from songspace.library.schema import changed
        with Catalog("old.sqlite", write=True) as catalog:
            damaged = list(catalog._rows("SELECT 1 FROM tracks WHERE " + changed("tracks")))
            print([song.label for song in catalog.songs()], damaged)
    """
    assert python("-c", textwrap.dedent(script)) == "[None] []\n"


def test_the_endpoint_answers(learnt: Path, python: Callable[..., str]) -> None:
    script = """
        from starlette.testclient import TestClient
        from songspace.server.app import create_app
        app = create_app()
        client = TestClient(app, base_url="http://127.0.0.1")
        good, bad = (client.get(f"/api/v1/walk?start={start}&length=3") for start in (1, 0))
        print(good.status_code, len(good.json()["songs"]), bad.status_code, bad.json()["title"] != "")
        print("/api/v1/walk" in client.get("/api/v1/openapi.json").json()["paths"])
        app.app.state.service.close()
    """
    assert python("-c", textwrap.dedent(script)).split() == ["200", "3", "422", "True", "True"]


def test_the_format_is_found_and_decoded(python: Callable[..., str]) -> None:
    script = """
        import av, numpy as np
        from songspace import read_windows
        from songspace.formats import by_content, by_name
        with av.open("tone.ac3", "w", format="ac3") as out:
            stream = out.add_stream("ac3", rate=44100)
            stream.layout = "mono"
            tone = np.sin(np.arange(44100 * 6) / 16).astype(np.float32)
            for start in range(0, len(tone) - 1536, 1536):
                frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1536], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 44100, start
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        windows = read_windows("tone.ac3", seconds=2, count=2, rate=22050)
        print(by_name("tone.ac3").name, by_content(open("tone.ac3", "rb").read(64)).name, windows.samples.shape)
        print(float(np.abs(windows.samples).max()) > 0.5)
    """
    assert python("-c", textwrap.dedent(script)) == "AC-3 AC-3 (2, 44100)\nTrue\n"


@pytest.mark.slow
def test_the_tests_of_the_tree_cover_what_is_new(python: Callable[..., str]) -> None:
    """The encoder keeps the contract of all, and page and README name the format."""
    new = "level or Level or covered or test_the_page_and_the_readme or test_extensions"
    said = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", "-k", new, "tests")
    assert int(re.findall(r"(\d+) passed", said)[-1]) > 50
