"""What `learn` and `update` tell of their time, write into their log, and sum up."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from songspace import Library, SongspaceError, pipeline
from songspace.durations import about, taken
from songspace.library import Home
from songspace.library.index import Tally
from songspace.library.progress import read_progress
from songspace.pipeline import forecast
from songspace.pipeline.forecast import Course, Stage, ahead, at_most
from songspace.pipeline.report import Report
from songspace.reporter import Reporter

QUICK: dict[str, Any] = {"windows": 3, "workers": 1}


def log(home: Home) -> list[str]:
    """The lines of a log without their times, and without how long stages took."""
    read = home.log.read_text("utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d (INFO|WARNING|ERROR) ", line) for line in read)
    return [re.sub(r"(\d+ h )?(\d+ min)?( ?[\d.]+ s)?(\.?)$", r"\4", line.split(" ", 1)[1]) for line in read]


class Told(Reporter):
    def __init__(self) -> None:
        self.left: list[tuple[float | None, float | None]] = []
        self.progressed: list[tuple[str, int, int]] = []
        self.failures: list[tuple[str, str]] = []

    def remaining(self, stage: float | None, whole: float | None) -> None:
        self.left.append((stage, whole))

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        self.progressed.append((stage, done, total))

    def failed(self, path: str, reason: str) -> None:
        self.failures.append((os.path.basename(path), reason))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(forecast.time, "monotonic", lambda: now[0])
    return now


def test_the_stages_to_come_belong_to_what_is_left(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast.os, "cpu_count", lambda: 2)
    told = Told()
    run = Course(told)
    run.begin("listening")
    run.ahead = {"learning": 60.0, "encoding": 4.0}
    steps = Stage(run, "listening", dict.fromkeys(range(100), 0.1), decodes=True)
    for number in range(60):
        clock[0] += 0.1  # by two cores: each is half as fast as it would be if nobody else wanted them
        steps.done(number)
    assert told.left[10] == (None, None)  # after a second
    assert told.left[-1] == (pytest.approx(4.0), pytest.approx(4.0 + 2 * 64.0))
    run.begin("learning")
    run.tell("learning", 1, 9, 30.0)
    assert told.left[-1] == (30.0, pytest.approx(30.0 + 2 * 4.0))
    run.tell("learning", 2, 9, None)
    assert told.left[-1] == (None, None)
    assert told.progressed[-2:] == [("learning", 1, 9), ("learning", 2, 9)]
    run.learnt(50.0, expected=10.0)
    run.tell("learning", 3, 9, 30.0)
    assert told.left[-1] == (30.0, pytest.approx(30.0 + 5 * 4.0))


def test_what_time_ends_takes_no_longer_on_a_slow_machine() -> None:
    told = Told()
    run = Course(told)
    run.ahead = {"learning": 1000.0, "encoding": 4.0}
    run.at_most = {"learning": 1500.0}
    run.learnt(80.0, expected=20.0)
    run.tell("listening", 1, 9, 30.0)
    assert told.left[-1] == (30.0, pytest.approx(30.0 + 1500.0 + 4 * 4.0))
    run.learnt(20.0, expected=20.0)
    run.tell("listening", 2, 9, 30.0)
    assert told.left[-1] == (30.0, pytest.approx(30.0 + 1000.0 + 4.0))


@pytest.mark.parametrize("name", ["ali", "contrastive"])
def test_only_steps_alone_may_take_any_time(name: str) -> None:
    assert 30 * 60 <= at_most(name)["learning"] <= 35 * 60
    assert 60 <= at_most(name, minutes=1.0)["learning"] < 90
    assert at_most(name, steps=10**9, minutes=1.0) == at_most(name, minutes=1.0)
    assert at_most(name, steps=10**9) == at_most("timbre") == {}
    assert ahead(name, 5000, 5000)["learning"] <= at_most(name)["learning"]
    assert ahead(name, 5000, 5000, steps=10**6)["learning"] > 10 * 3600


def test_a_file_that_was_not_foreseen_disturbs_nothing(clock: list[float]) -> None:
    told = Told()
    steps = Stage(Course(told), "listening", {"a": 0.1, "b": 0.1})
    for name in ("a", "b", "c", "a"):
        clock[0] += 5
        steps.done(name)
    assert [each[1:] for each in told.progressed] == [(1, 2), (2, 2), (3, 3), (4, 4)]
    assert told.left[-1] == (0.0, 0.0)


@pytest.mark.parametrize("name", ["linear", "contrastive", "ali", "pca", "raw", "random", "timbre"])
def test_what_comes_after_listening_grows_with_the_library(name: str) -> None:
    few, many = (sum(ahead(name, songs, songs).values()) for songs in (100, 10_000))
    assert 0 < few < many
    if name in ("ali", "contrastive"):
        assert sum(ahead(name, 100, 100, steps=10, minutes=9.0).values()) < 60
        assert 60 < sum(ahead(name, 100, 100, steps=10**6, minutes=1.0).values()) < 120


def test_lengths_of_time_are_never_absurd() -> None:
    assert [about(seconds) for seconds in (0, 57, 58, 284, 286, 3569, 3571)] == [
        *("5 s", "55 s", "1 min", "4.5 min", "5 min", "59 min", "1 h")
    ]
    assert [taken(seconds) for seconds in (0, 59.4, 3599.6)] == ["0.0 s", "59 s", "1 h 0 min"]


def test_a_summary_says_what_has_changed() -> None:
    everything = Report(9, "pca", Tally(new=3, linked=2, gone=1), 75.0).sentence()
    changes = "3 new, 2 moved, copied or tagged anew, 1 gone"
    assert everything == f"9 songs: {changes}; the pca space is ready, after 1 min 15 s."
    assert "9 songs: nothing has changed; " in Report(9, "pca", Tally(files=9)).sentence()


def test_the_log_tells_what_became_of_a_library(tunes: Path, tmp_path: Path, song: Callable[..., Path]) -> None:
    music, home = tmp_path / "music", Home(tmp_path / "home")
    song(music / "a.flac", 1)
    song(music / "b.flac", 2)
    (music / "bad\nINFO forged.mp3").write_text("words")
    (music / "empty.mp3").touch()
    told = Told()
    pipeline.learn(home, music, encoder="pca", reporter=told, **QUICK)
    empty, bad = (
        ("empty.mp3", "the file is empty"),
        ("bad\nINFO forged.mp3", "it is damaged, or it is not a sound file"),
    )
    assert sorted(told.failures) == [bad, empty]
    found = log(home)
    assert found[0].startswith(
        f"INFO learn {music} --encoder pca --from artists --seed 0 --device auto --windows 3 --workers 1 (songsp"
    )
    assert found[1] == "INFO listening ..."
    assert sorted(line for line in found if line.startswith("WARNING")) == [
        f"WARNING {music}{os.sep}bad\\nINFO forged.mp3: {bad[1]}",
        f"WARNING {music}{os.sep}empty.mp3: {empty[1]}",
    ]
    stages = [line.split()[1] for line in found if line.endswith(" ...")]
    assert stages == ["listening", "building", "learning", "encoding", "building"]
    assert "INFO Learning the pca encoder from 2 songs." in found and "INFO listening: 3 of 3," in found
    assert found[-3].startswith("INFO 2 songs: 2 new; the pca space is ready, after")
    assert sorted(found[-2:]) == [
        "INFO could not be read: 1 (damaged, or not sound)",
        "INFO could not be read: 1 (empty)",
    ]

    before = len(found)
    (music / "b.flac").rename(music / "c.flac")
    (music / "a.flac").unlink()
    told = Told()
    pipeline.update(home, workers=1, reporter=told)
    again = log(home)[before:]
    assert again[0].startswith("INFO update --workers 1 (songspace ")
    assert told.failures == [] and not any(line.startswith("WARNING") for line in again)  # they are told once
    changes = "1 moved, copied or tagged anew, 1 gone"
    assert any(line.startswith(f"INFO 1 song: {changes}; the pca space is ready,") for line in again)

    before = len(log(home))
    with pytest.raises(SongspaceError):
        pipeline.update(home, tmp_path / "nowhere")
    assert log(home)[before + 1 :] == [f"ERROR There is no folder {tmp_path / 'nowhere'}: is its disk mounted?"]

    before = len(log(home))
    with home.lock(), pytest.raises(SongspaceError, match="Another run"):
        pipeline.update(home)
    assert len(log(home)) == before  # only who holds the lock writes


def test_a_log_that_cannot_be_written_stops_nothing(tunes: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.log.mkdir(parents=True)
    assert pipeline.learn(home, tunes, encoder="timbre", **QUICK).songs == 18


def test_an_unforeseen_error_is_in_the_log(tunes: Path, tmp_path: Path) -> None:
    class Broken(Reporter):
        def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
            raise ZeroDivisionError("unforeseen")

    home = Home(tmp_path / "home")
    with pytest.raises(ZeroDivisionError):
        pipeline.learn(home, tunes, encoder="timbre", reporter=Broken(), **QUICK)
    assert log(home)[-1] == "ERROR     ZeroDivisionError: unforeseen"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
def test_a_run_tells_its_time_and_what_stopped_it(tunes: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    command = [sys.executable, "-m", "songspace", "learn", str(tunes), "--windows", "2", "--minutes", "5"]
    command += ["--encoder", "contrastive"]
    run = subprocess.Popen([*command, "--home", str(tmp_path)], stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    times, said = 0, ""
    for line in run.stderr:
        said = line
        if line.startswith("learning"):
            found = read_progress(home)
            assert found is not None
            if re.match(r"learning \d+/\d+  \d+(\.5)? min left", line):
                times += 1
                assert found.left is not None and found.left_in_all is not None and found.left < found.left_in_all
                run.send_signal(signal.SIGINT)
    assert run.wait() == 130 and times
    assert said.startswith("Stopped. What was finished is kept")
    assert len(Library(tmp_path).songs()) == 18 and list((tmp_path / "training").iterdir())
    *_, stage, last = log(home)
    assert re.match(r"INFO learning: \d+ of \d+, .*segments/s,", stage)
    assert last == "ERROR stopped by Ctrl-C or a signal; what was finished is kept"


def test_doctor_says_where_the_log_is(learnt_home: Path, run: Callable[..., Any]) -> None:
    findings = json.loads(run("doctor", "--json").stdout)["findings"]
    [found] = [each for each in findings if each["what"] == "log"]
    assert str(Home(learnt_home).log) in found["said"]
