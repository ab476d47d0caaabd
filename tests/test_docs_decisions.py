"""docs/decisions.md names scripts, tests and modules that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "decisions.md").read_text("utf-8")


def test_what_it_names_is_there() -> None:
    names = re.findall(r"`((?:bench|tests)/[\w/]+\.py)\b", PAGE)
    assert len(names) > 30
    modules = re.findall(r"`((?:audio|library|encoders)/\w+\.py|tensorfile\.py)`", PAGE)
    assert len(modules) > 6
    missing = [name for name in names if not (ROOT / name).is_file()]
    missing += [name for name in modules if not (ROOT / "src/songspace" / name).is_file()]
    assert missing == []


def test_the_tests_it_names_are_tests() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    }
    assert len(named) > 8 and named <= there


def test_every_option_of_a_script_is_one_of_it() -> None:
    commands = re.findall(r"`(bench/\w+\.py)([^`]*)`", PAGE)
    for script, rest in commands:
        for option in re.findall(r"--[\w-]+", rest):
            assert f'"{option}"' in (ROOT / script).read_text("utf-8"), (script, option)
