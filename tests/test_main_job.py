"""The whole promise, small: render songs, learn without labels, and find that styles lie apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from songspace import Library, demo, pipeline
from songspace.evaluation import embeddings, report
from songspace.evaluation.labels import labels
from songspace.library import Home


@pytest.mark.slow
def test_the_learnt_space_separates_styles_far_above_chance_and_above_raw(tmp_path: Path) -> None:
    demo.render(tmp_path / "music", songs=40, seconds=12, workers=2)
    pipeline.learn(Home(tmp_path / "home"), tmp_path / "music", workers=2)
    songs, vectors = embeddings.of_library(Library(tmp_path / "home"), ["linear", "raw"])
    result = report.evaluate(vectors, labels(songs, "genre"), seeds=2)
    assert result["songs"] == 40 and len(result["labels"]) == 8
    for score, far in (("kmeans_ami", 0.4), ("precision", 0.2)):
        learnt, raw = (result["encoders"][name][score] for name in ("linear", "raw"))
        assert learnt["value"] > learnt["chance"] + far
        assert learnt["value"] > raw["value"]
