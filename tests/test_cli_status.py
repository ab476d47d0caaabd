"""``songspace status --failures``: each file that could not be read, why, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from songspace import pipeline
from songspace.cli.commands import app
from songspace.library import Home


@pytest.fixture(scope="module")
def failing(song: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of two songs, and four files that are none."""
    folder = tmp_path_factory.mktemp("failing")
    music = folder / "music"
    for number in range(2):
        song(music / f"{number}.flac", number)
    for name in ("words.mp3", "more words.flac"):
        (music / name).write_text("words\n" * 100)
    (music / "nothing.wav").touch()
    (music / "orders \x1b[31m\nforged.ogg").write_text("words\n" * 100)
    pipeline.learn(Home(folder / "home"), music, encoder="timbre", windows=2, workers=1)
    return folder / "home"


def _status(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["status", *arguments, "--home", str(home)])


def test_every_file_stands_once_below_what_to_do(failing: Path) -> None:
    done = _status(failing, "--failures")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "3 files: damaged, or not sound." and "1 file: empty." in lines
    assert "convert it to FLAC" in lines[1] and "delete it" in lines[lines.index("1 file: empty.") + 1]
    files = [line for line in lines if line.startswith("    ")]
    assert len(files) == 4
    assert sum("words.mp3: it is damaged, or it is not a sound file" in line for line in files) == 1
    assert sum("nothing.wav: the file is empty" in line for line in files) == 1


def test_a_name_gives_no_orders_and_forges_no_line(failing: Path) -> None:
    shown = _status(failing, "--failures").stdout
    assert "\x1b" not in shown and "orders ?[31m forged.ogg: " in shown


@pytest.mark.parametrize("columns", [40, 100])
def test_advice_is_folded_and_paths_are_not(failing: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = _status(failing, "--failures").stdout.splitlines()
    assert all(len(line) <= columns for line in lines if not line.startswith("    "))
    assert sum(line.endswith("nothing.wav: the file is empty") for line in lines) == 1


def test_as_json(failing: Path) -> None:
    told = json.loads(_status(failing, "--failures", "--json").stdout)
    assert list(told) == ["failures"]
    by_name = {Path(failure["path"]).name: failure for failure in told["failures"]}
    assert len(by_name) == 4
    empty = by_name["nothing.wav"]
    assert (empty["reason"], empty["kind"]) == ("the file is empty", "empty") and "anew" in empty["advice"]
    assert json.loads(_status(failing, "--json").stdout)["failures"] == told["failures"]


def test_without_failures_it_says_so(learnt_home: Path) -> None:
    done = _status(learnt_home, "--failures")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Every file of the library could be read.\n"


def test_status_says_where_the_advice_is(failing: Path) -> None:
    assert "`songspace status --failures` lists them all" in _status(failing).stderr
