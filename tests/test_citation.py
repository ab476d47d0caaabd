"""How songspace is cited is what it is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import songspace

ROOT = Path(__file__).resolve().parents[1]


def test_the_citation_is_of_this_version() -> None:
    yaml = pytest.importorskip("yaml")
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert said["cff-version"] == "1.2.0" and said["type"] == "software" and said["message"]
    assert (said["version"], said["license"]) == (songspace.__version__, project["license"])
    assert said["title"].startswith(project["name"]) and said["authors"]
    [poster] = said["references"]
    assert [author["family-names"] for author in poster["authors"]] == ["Ross", "Ramakrishnan"]
