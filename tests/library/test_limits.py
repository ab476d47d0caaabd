"""What a worker may take: a file that asks for gigabytes costs itself only."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from songspace.library.scan import Found
from songspace.library.workers import FileFailure, outcomes

WORK = """
def fill(file):
    return len(bytearray(int(file.path)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what is asked for")
def test_a_worker_that_asks_for_too_much_goes_on_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work_that_fills.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    import work_that_fills  # type: ignore[import-not-found]  # written above

    sizes = [10**8, 2 * 10**9, 10**8, 8 * 10**9, 10**8]
    found = [Found(str(size), 0, 0) for size in sizes]
    came = [(int(file.path), outcome) for file, outcome in outcomes(work_that_fills.fill, found, workers=1)]
    assert sorted(size for size, _ in came) == sorted(sizes)
    for size, outcome in came:
        if size == 10**8:
            assert outcome == size
        else:
            assert isinstance(outcome, FileFailure)
            assert "MemoryError" in outcome.reason
