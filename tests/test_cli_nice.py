"""``--nice``: parent and workers at the lowest priority, and the same space as without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from songspace import Library
from songspace.space import Space

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks /proc who is whose child")


def _children(parent: int) -> set[int]:
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                status = Path("/proc", entry, "stat").read_text("utf-8", "replace")
            except OSError:  # it has ended
                continue
            if int(status.rpartition(")")[2].split()[1]) == parent:
                found.add(int(entry))
    return found


def _niceness(process: int) -> int | None:
    try:
        return os.getpriority(os.PRIO_PROCESS, process)
    except OSError:
        return None


def _watched(*arguments: object) -> tuple[set[int], set[int]]:
    """Run the program; the niceness that was seen of it, and of the processes that it started."""
    run = subprocess.Popen([sys.executable, "-m", "songspace", *map(str, arguments)], stderr=subprocess.DEVNULL)
    own, of_children = set(), set()
    while run.poll() is None:
        children = {_niceness(child) for child in _children(run.pid)}
        own |= {_niceness(run.pid)} - {None}
        of_children |= children - {None}
        time.sleep(0.02)
    assert run.returncode == 0
    return own, of_children


@pytest.fixture
def few(tunes: Path, tmp_path: Path) -> Path:
    """Four tunes: at the lowest priority, beside other tests, everything takes long."""
    folder = tmp_path / "few"
    for path in sorted(tunes.rglob("*.flac"))[:4]:
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parent.name)
    return folder


def test_learn_and_update_are_nice_if_asked_and_learn_the_same(few: Path, tmp_path: Path) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    if usual == 19:
        pytest.skip("the tests themselves run at the lowest priority")
    learn = ("learn", few, "--encoder", "timbre", "--windows", 2, "--workers", 2, "--home")
    own, of_children = _watched(*learn, tmp_path / "nice", "--nice")
    assert 19 in own and of_children == {19}
    own, of_children = _watched(*learn, tmp_path / "plain")
    assert own == of_children == {usual}  # nobody is nice unasked
    nice, plain = (Space.open(Library(tmp_path / name).home.space) for name in ("nice", "plain"))
    assert nice.encoder == plain.encoder
    np.testing.assert_array_equal(nice.vectors, plain.vectors)
    own, _ = _watched("update", "--nice", "--home", tmp_path / "nice")
    assert 19 in own


def test_threads_that_run_already_are_nice_too() -> None:
    code = (
        "import os, threading; from songspace.cli.library import be_nice; stop = threading.Event(); "
        "thread = threading.Thread(target=stop.wait); thread.start(); be_nice(); "
        "print({os.getpriority(os.PRIO_PROCESS, int(task)) for task in os.listdir('/proc/self/task')}); stop.set()"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "{19}\n"
