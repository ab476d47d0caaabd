"""What `make bench` writes: no figure is lost, and none is made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture(scope="module")
def table() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        import table

        yield table


def figure(what: str, value: float | None = None, note: str = "", runs: int = 3) -> dict[str, Any]:
    known = {} if value is None else {"low": value / 2, "high": 2 * value, "runs": runs}
    return {"question": "Listening", "what": what, "value": value, "unit": "songs/s", "note": note} | known


def measured(*figures: dict[str, Any]) -> dict[str, Any]:
    return {"bench": "indexing", "machine": "2 cores", "date": "2026-01-02", "seconds": 12, "figures": list(figures)}


def test_fills_the_places_of_its_template(table: ModuleType) -> None:
    one = measured(figure("ours", 40.04), figure("theirs", note="not installed | yet"), figure("once", 1234.5, runs=1))
    made = table.document("{{tables indexing}}\n\nOurs: {{Listening\n| ours}}.", [one])
    assert made.splitlines() == [
        "| Listening | median | range of runs | |",
        "|---|---|---|---|",
        "| ours | 40 songs/s | 20 to 80.1 (3) |  |",
        "| theirs | not measured |  | not installed \\| yet |",
        "| once | 1,234 songs/s |  |  |",
        "",
        "2026-01-02, 12 s: 2 cores.",
        "",
        "Ours: 40 songs/s.",
    ]


def test_says_what_was_not_measured(table: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    made = table.document("{{tables maps}} {{Listening | theirs}}", [measured(figure("theirs"))])
    assert made == "Not measured yet. (not measured)"
    assert "{{Listening | theirs}}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("last", "failed"),
    [
        ("", ""),
        ("sys.exit('Chromium is not installed.')", "failed: Chromium is not installed."),
        ("sys.exit(3)", "failed: status 3"),
        ("sys.stdout.flush(); time.sleep(60)", "stopped after 0 minutes"),
    ],
)
def test_keeps_what_a_bench_told_before_it_failed(table: ModuleType, tmp_path: Path, last: str, failed: str) -> None:
    script = tmp_path / "some.py"
    told = figure("ours", 40.0)
    script.write_text(
        f"import sys, time\nassert sys.argv[1:] == ['--json']\nprint({json.dumps(json.dumps(told))})\n{last}\n"
    )
    assert table.run(script, [], longest=5 if "sleep" in last else 60) == ([told], failed)


def test_the_template_names_benches_that_are_run(table: ModuleType) -> None:
    places = [
        place for place in (BENCH / "benchmarks.md.in").read_text().split("{{")[1:] if place.startswith("tables ")
    ]
    assert [place.split("}}")[0].removeprefix("tables ") for place in places] == list(table.RUNS)
