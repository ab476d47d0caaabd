"""The log in the home, as it is read afterwards."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.library import Home, log
from songspace.library.log import Log, logged
from songspace.reporter import Reporter

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d (INFO|WARNING|ERROR) .*")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    return home


def lines(home: Home) -> list[str]:
    """The lines without their times; each must have one."""
    read = home.log.read_text("utf-8").splitlines()
    assert all(LINE.fullmatch(line) for line in read), read
    return [line.split(" ", 1)[1] for line in read]


class Remembering(Reporter):
    def __init__(self) -> None:
        self.all: list[object] = []

    def say(self, sentence: str) -> None:
        self.all.append(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        self.all.append((stage, done, total, detail))

    def remaining(self, stage: float | None, whole: float | None) -> None:
        self.all.append((stage, whole))

    def begin(self, stage: str) -> None:
        self.all.append(stage)

    def failed(self, path: str, reason: str) -> None:
        self.all.append((path, reason))


def test_what_a_run_tells_is_written_down_and_handed_on(home: Home) -> None:
    heard = Remembering()
    with logged(home, "learn music --seed 0", heard) as told:
        told.begin("listening")
        told.failed("a.mp3", "it is damaged")
        told.remaining(3.0, 9.0)
        told.progress("listening", 1, 2)
        told.progress("listening", 2, 2)
        told.say("A sentence.")
        told.progress("learning", 5, 5, "loss 1.0")
        told.end_stage()
        told.write("2 songs.")
    begun, *rest = lines(home)
    assert re.fullmatch(r"INFO learn music --seed 0 \(songspace \S+, numpy \S+, .*Python \S+\)", begun)
    assert [re.sub(r"[\d.]+ s$", "T s", line) for line in rest] == [
        "INFO listening ...",
        "WARNING a.mp3: it is damaged",
        "INFO A sentence.",
        "INFO listening: 2 of 2, T s",
        "INFO learning ...",
        "INFO learning: 5 of 5, loss 1.0, T s",
        "INFO 2 songs.",
    ]
    assert heard.all == [
        *("listening", ("a.mp3", "it is damaged"), (3.0, 9.0), ("listening", 1, 2, ""), ("listening", 2, 2, "")),
        *("A sentence.", "learning", ("learning", 5, 5, "loss 1.0")),
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SongspaceError("There is no folder x."), ["ERROR There is no folder x."]),
        (OSError(28, "No space left on device", "f"), ["ERROR f: No space left on device."]),
        (KeyboardInterrupt(), ["ERROR stopped by Ctrl-C or a signal; what was finished is kept"]),
    ],
)
def test_what_ended_a_run_is_written_down(home: Home, error: BaseException, expected: list[str]) -> None:
    def fail() -> None:
        with logged(home, "update", Reporter()) as told:
            told.progress("listening", 1, 9)
            raise error

    with pytest.raises(type(error)):
        fail()
    *_, stage, last = lines(home)
    assert [last] == expected and stage.startswith("INFO listening: 1 of 9, ")


def test_of_an_unforeseen_error_there_is_the_traceback(home: Home) -> None:
    def fail() -> None:
        with logged(home, "update", Reporter()):
            raise ZeroDivisionError("a\n2026-01-01T00:00:00+00:00 INFO forged\x1b[2J")

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "ERROR an unforeseen error, which is a defect: please report it" in lines(home)
    assert "ERROR     ZeroDivisionError: a" in lines(home) and any("in fail" in line for line in lines(home))
    assert "ERROR     2026-01-01T00:00:00+00:00 INFO forged\\x1b[2J" in lines(home)


@given(st.text(), st.text())
def test_no_name_forges_a_line(tmp_path_factory: pytest.TempPathFactory, path: str, reason: str) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    with logged(home, "update", Reporter()) as told:
        told.failed(path, reason)
    assert (
        len(lines(home)) == 2 and re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", home.log.read_text("utf-8")) is None
    )


def test_a_name_that_is_not_utf_8_can_be_told_from_others(home: Home) -> None:
    with logged(home, "update", Reporter()) as told:
        told.failed(os.fsdecode(b"caf\xe9.mp3"), "it is damaged")
    assert lines(home)[-1] == ("WARNING caf\\udce9.mp3: it is damaged" if os.name != "nt" else lines(home)[-1])


def test_runs_are_appended_and_old_ones_are_kept_in_bounds(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 2000)
    for number in range(60):
        with logged(home, f"update {number}", Reporter()) as told:
            told.say("x" * 100)
    kept = sorted(path.name for path in home.folder.iterdir())
    assert kept == ["log.txt", "log.txt.1", "log.txt.2", "log.txt.3"]
    assert all((home.folder / name).stat().st_size <= 2000 for name in kept)
    assert "update 59" in lines(home)[-2]


def test_where_nothing_can_be_written_the_run_goes_on(
    home: Home, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home.log.mkdir()  # nor can it be written by root
    heard = Remembering()
    with logged(home, "update", heard) as told:
        told.say("A sentence.")
    assert heard.all == ["A sentence."]
    home.log.rmdir()
    if Path("/dev/full").exists():  # a disk without room
        home.log.symlink_to("/dev/full")
        with logged(home, "update", heard) as told:
            told.say("Another.")
            told.progress("listening", 1, 1)
    assert capfd.readouterr() == ("", "")


def test_it_changes_nothing_of_the_logging_of_others(home: Home) -> None:
    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    with logged(home, "update", Reporter()):
        logging.getLogger("another.library").warning("noise")
    assert before == (list(logging.getLogger().handlers), logging.getLogger().level)
    assert "noise" not in home.log.read_text("utf-8") and "songspace" not in logging.root.manager.loggerDict


def test_a_stage_that_has_not_begun_does_not_end(home: Home) -> None:
    told = Log(home, Reporter())
    told.end_stage()
    told.close()
    assert not home.log.exists()
