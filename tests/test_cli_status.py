"""What could not be read: each file, why, and what to do; after a run, and by ``songspace status --failures``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from songspace import Library, SongspaceError, pipeline
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


def test_a_run_ends_with_reasons_by_kind_and_a_few_examples(song: Callable[..., Path], tmp_path: Path) -> None:
    music = tmp_path / "music"
    song(music / "a.flac", 1)
    for number in range(5):
        (music / f"bad {number}.mp3").write_text(f"words {number}")
    (music / "nothing.wav").touch()
    learn = ["learn", str(music), "--encoder", "timbre", "--windows", "2", "--home", str(tmp_path / "home")]
    done = CliRunner().invoke(app, learn)
    assert done.exit_code == 0
    lines = [line.strip() for line in done.stderr.splitlines()]
    told = lines[lines.index("6 files could not be read:") + 1 :]
    assert told[0] == "5 files: damaged, or not sound" and told[4] == "... and 2 more"
    assert [line.partition(": ")[0][-9:] for line in told[1:4]] == [f"bad {number}.mp3" for number in range(3)]
    assert told[5] == "1 file: empty" and told[6].endswith("nothing.wav: the file is empty")
    assert told[7:] == ["`songspace status --failures` lists them all, with what to do."]


@pytest.mark.parametrize("command", ["learn", "update"])
@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "There is no music in "),
        (
            {"a.mp3": "words", "b.mp3": "more", "c.mp3": ""},
            "Not one of 3 files could be read (2 damaged, or not sound; 1",
        ),
    ],
)
def test_a_folder_that_gives_no_song_is_an_error_though_the_library_has_others(
    failing: Path, tmp_path: Path, command: str, files: dict[str, str], sentence: str
) -> None:
    home = shutil.copytree(failing, tmp_path / "home")
    (tmp_path / "other").mkdir()
    for name, content in files.items():
        (tmp_path / "other" / name).write_text(content)
    options = ["--encoder", "timbre"] if command == "learn" else []
    done = CliRunner().invoke(app, [command, str(tmp_path / "other"), "--home", str(home), *options])
    assert isinstance(done.exception, SongspaceError)
    assert sentence in str(done.exception) and "orders" not in str(done.exception)
    assert len(Library(home).songs()) == 2 and _status(home).exit_code == 0


def test_a_folder_of_copies_is_no_error(failing: Path, tmp_path: Path) -> None:
    home = shutil.copytree(failing, tmp_path / "home")
    first = Library(home).songs()[0]
    (tmp_path / "other").mkdir()
    shutil.copy(first.path, tmp_path / "other" / "copy.flac")
    assert CliRunner().invoke(app, ["update", str(tmp_path / "other"), "--home", str(home)]).exit_code == 0
