"""How far a run is, as another process reads it; the clock is a test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.library import Home, progress
from songspace.library.progress import Telling, read_progress
from songspace.reporter import Reporter


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


class Heard(Reporter):
    def __init__(self) -> None:
        self.all: list[object] = []

    def say(self, sentence: str) -> None:
        self.all.append(sentence)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        self.all.append((stage, done, total, detail))

    def remaining(self, stage: float | None, whole: float | None) -> None:
        if (stage, whole) != (None, None):
            self.all.append((stage, whole))

    def begin(self, stage: str) -> None:
        self.all.append(stage)

    def failed(self, path: str, reason: str) -> None:
        self.all.append((path, reason))


def told(home: Home) -> tuple[object, ...]:
    found = read_progress(home)
    assert found is not None
    return found.command, found.stage, found.done, found.total, found.left


def in_all(home: Home) -> float | None:
    found = read_progress(home)
    assert found is not None
    return found.left_in_all


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_run_tells_how_far_it_is_and_how_long_the_stage_will_take(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    with home.lock():
        telling = Telling(home, "learn", Heard())
        assert told(home) == ("learn", "", 0, 0, None)
        telling.progress("listening", 1, 101)
        assert told(home) == ("learn", "listening", 1, 101, None)
        clock.now += 10
        telling.remaining(40.0, None)
        telling.progress("listening", 21, 101)
        assert told(home) == ("learn", "listening", 21, 101, 40.0)
        clock.now += 0.5
        telling.progress("listening", 22, 101)  # too soon to be written again
        assert told(home) == ("learn", "listening", 21, 101, 40.0)
        telling.progress("encoding", 1, 5)  # another stage is told at once
        assert told(home) == ("learn", "encoding", 1, 5, None)
    assert read_progress(home) is None and not home.progress.exists()


def test_what_a_stage_knows_of_its_time_is_told_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, heard = Clock(monkeypatch), Heard()
    with home.lock():
        telling = Telling(home, "learn", heard)
        telling.progress("listening", 1, 101)
        clock.now += 10
        telling.remaining(70.04, 700.0)
        telling.progress("listening", 21, 101)
        assert told(home) == ("learn", "listening", 21, 101, 70.0) and in_all(home) == 700.0
        clock.now += 10
        telling.progress("listening", 41, 101)  # it knows nothing any more
        assert told(home) == ("learn", "listening", 41, 101, None) and in_all(home) is None
        telling.progress("listening", 101, 101)  # the end is told at once
        assert told(home) == ("learn", "listening", 101, 101, None)
    assert [each for each in heard.all if isinstance(each, tuple) and len(each) == 2] == [(70.04, 700.0)]


def test_all_is_handed_on(home: Home) -> None:
    heard = Heard()
    with home.lock():
        telling = Telling(home, "update", heard)
        telling.say("A sentence.")
        telling.begin("listening")
        telling.failed("a.mp3", "it is damaged")
        for done in (1, 2):
            telling.progress("listening", done, 2, "detail")
    said = ["A sentence.", "listening", ("a.mp3", "it is damaged")]
    assert heard.all == [*said, ("listening", 1, 2, "detail"), ("listening", 2, 2, "detail")]


def test_a_full_disk_stops_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    heard = Heard()
    with home.lock():
        monkeypatch.setattr(os, "replace", full)
        monkeypatch.setattr(Path, "write_text", full)
        Telling(home, "update", heard).progress("listening", 1, 2)
        assert read_progress(home) is None
    assert heard.all == [("listening", 1, 2, "")]


def test_what_ends_in_an_error_leaves_nothing(home: Home) -> None:
    def fail() -> None:
        with home.lock():
            Telling(home, "update", Reporter())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not home.progress.exists() and not home.is_locked()


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_a_run_that_was_killed_is_not_told_for_ever(home: Home) -> None:
    code = (
        "import pathlib, time; from songspace.library import Home; from songspace.library.progress import Telling\n"
        "from songspace.reporter import Reporter\n"
        f"home = Home(pathlib.Path({str(home.folder)!r}))\n"
        "with home.lock():\n"
        "    Telling(home, 'update', Reporter()).progress('listening', 3, 9)\n"
        "    print('ready', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stdout.readline() == "ready\n"
        assert told(home) == ("update", "listening", 3, 9, None) and home.is_locked()
        run.send_signal(signal.SIGKILL)
    assert home.progress.exists() and read_progress(home) is None and not home.is_locked()
    with home.lock():  # another run, which tells nothing
        assert read_progress(home) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2)
)
NAMES = ("command", "stage", "done", "total", "left", "left_in_all", "began")


@given(st.binary() | st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)).map(lambda told: json.dumps(told).encode()))
def test_whatever_lies_there_is_no_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    home.progress.write_bytes(content)
    assert read_progress(home) is None  # nobody holds the lock
