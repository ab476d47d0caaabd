"""Workers that die: whoever is killed, at whatever moment, costs nobody else anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from songspace.errors import SongspaceError
from songspace.library.scan import Found
from songspace.library.workers import FileFailure, outcomes

WORK = """
import os, signal
from multiprocessing.connection import Connection
from pathlib import Path

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def first_time(path):
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

def killed_once(file):
    if first_time(file.path):
        die()
    return file.path

def killed_while_it_answers(file):
    if first_time(file.path):
        send = Connection._send
        def half(self, message, *rest):
            send(self, message[: len(message) // 2], *rest)
            die()
        Connection._send = half
    return b"x" * 10**6

def killed_always(file):
    die()

def killed_at_the_start_once(path):
    if first_time(path):
        die()

def whether_prepared(file):
    return "yes"
"""

INTERRUPTED = """
import faulthandler, os, sys, threading
from songspace.library import workers
from songspace.library.scan import Found

def work(file):
    return file.path

def interrupt_at(number):
    \"""Raise KeyboardInterrupt at a line that the main thread runs: in workers.py, or in what it calls.\"""
    left = number
    def trace(frame, event, argument):
        nonlocal left
        name = frame.f_code.co_filename
        if not name.endswith(("workers.py", "threading.py", "thread.py", "_base.py", "queue.py")):
            return None
        if frame.f_code.co_name in ("dismiss", "end"):  # what is done about it
            return None
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace
    sys.settrace(trace)

if __name__ == "__main__":
    faulthandler.dump_traceback_later(100, exit=True)
    files = [Found(str(number), 1, 1) for number in range(8)]
    struck = 0
    for number in range(int(sys.argv[1]), 1000, int(sys.argv[2])):
        running = workers.outcomes(work, files, workers=2)
        next(running)
        try:
            interrupt_at(number)
            for _ in running:
                pass
            sys.settrace(None)
            break
        except KeyboardInterrupt:
            struck += 1
        finally:
            running.close()
    print(struck, flush=True)
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "work_that_dies.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    import work_that_dies as work

    return work


@pytest.fixture
def files(tmp_path: Path) -> list[Found]:
    return [Found(str(tmp_path / f"{number}"), 1, 1) for number in range(4)]


def _run(function: Callable, files: list[Found], **options: object) -> dict[Found, object]:
    return dict(outcomes(function, files, workers=2, timeout=60.0, **options))  # type: ignore[arg-type]


def test_a_worker_killed_by_somebody_else_costs_no_file(work: ModuleType, files: list[Found]) -> None:
    assert _run(work.killed_once, files) == {file: file.path for file in files}


def test_a_worker_killed_half_way_through_its_answer_leaves_nobody_waiting(
    work: ModuleType, files: list[Found]
) -> None:
    assert _run(work.killed_while_it_answers, files) == dict.fromkeys(files, b"x" * 10**6)


def test_a_file_that_kills_two_workers_is_at_fault(work: ModuleType, files: list[Found]) -> None:
    assert _run(work.killed_always, files[:1]) == {files[0]: FileFailure("the decoder crashed on it")}


def test_a_worker_killed_at_its_start_is_replaced(work: ModuleType, files: list[Found], tmp_path: Path) -> None:
    prepared = {"prepare": work.killed_at_the_start_once, "prepared": (str(tmp_path / "started"),)}
    assert _run(work.whether_prepared, files, **prepared) == dict.fromkeys(files, "yes")


def test_where_no_worker_starts_no_file_is_blamed(work: ModuleType, files: list[Found]) -> None:
    with pytest.raises(SongspaceError, match="cannot be started"):
        _run(work.whether_prepared, files, prepare=work.killed_always, prepared=("",))


def test_ctrl_c_ends_it_wherever_it_strikes(tmp_path: Path) -> None:
    """A future has a lock that an interrupt may leave closed: then the run waited for its threads, for ever."""
    program = tmp_path / "interrupted.py"
    program.write_text(INTERRUPTED)
    done = subprocess.run([sys.executable, program, "1", "7"], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5
