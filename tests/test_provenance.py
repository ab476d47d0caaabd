"""What results were made with stands beside them, and changes none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import songspace
from songspace import provenance
from songspace.encoders import PCA, Timbre
from songspace.encoders.base import load
from songspace.evaluation import report
from songspace.frontends import Codes, LogMel


def spectrograms(n: int = 24) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, size=(n, *LogMel().shape), dtype=np.uint8).view(Codes)


def test_an_encoder_says_with_what_it_was_learnt(tmp_path: Path) -> None:
    encoder = PCA(n_components=3).fit(spectrograms(), groups=np.arange(24))
    said = json.loads((encoder.save(tmp_path / "pca") / "encoder.json").read_text())["made_with"]
    assert said["versions"]["numpy"] == np.__version__
    assert set(said) == {"versions", "processor", "features", "threads"}
    assert said["threads"] >= 1 and set(said["features"]) <= set(provenance.FEATURES)


def test_versions_are_no_part_of_the_fingerprint(tmp_path: Path) -> None:
    encoder = PCA(n_components=3).fit(spectrograms(), groups=np.arange(24))
    before = encoder.fingerprint_
    file = encoder.save(tmp_path / "pca") / "encoder.json"
    said = json.loads(file.read_text())
    said["made_with"] = {"versions": {"songspace": "0.0.1", "numpy": "1.26.0"}, "threads": 64}
    file.write_text(json.dumps(said))
    again = load(tmp_path / "pca")
    assert again.fingerprint_ == before
    # It was learnt then, and not when it was written again.
    assert json.loads((again.save(tmp_path / "again") / "encoder.json").read_text())["made_with"] == said["made_with"]
    del said["made_with"]  # as an older songspace wrote it
    file.write_text(json.dumps(said))
    assert load(tmp_path / "pca").fingerprint_ == before


def test_the_descriptors_alone_say_it_too(tmp_path: Path) -> None:
    encoder = Timbre().fit_descriptors(lambda: iter([np.eye(124, dtype=np.float32)]))
    said = json.loads((encoder.save(tmp_path / "timbre") / "encoder.json").read_text())
    assert said["made_with"]["versions"]["numpy"] == np.__version__


def test_scores_say_with_what_they_were_made() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 4))
    result = report.evaluate({"a": vectors}, ["folk", "jazz"] * 20, seeds=2, random_state=7)
    assert result["settings"]["random_state"] == 7 and len(result["settings"]["seeds"]) == 2
    assert result["machine"] == provenance.machine()
    assert result["versions"]["numpy"] == np.__version__
    assert json.loads(json.dumps(result)) == result


def test_another_system_tells_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_file(*_: Any) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", no_such_file)
    assert provenance.machine()["features"] == []


_LEARN = """
import sys, numpy as np
from songspace.encoders.base import encoder_class
from songspace.frontends import Codes, LogMel
X = np.random.default_rng(0).integers(0, 255, size=(48, *LogMel().shape), dtype=np.uint8).view(Codes)
encoder = encoder_class(sys.argv[1])(steps=2, batch_size=16, device="cpu").fit(X, groups=np.arange(48) // 4)
print(encoder.fingerprint_, encoder.made_with_["threads"], "torch" in encoder.made_with_["versions"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contrastive", "ali"])
def test_the_same_seed_with_as_many_threads_learns_the_same(name: str) -> None:
    """With another number of threads it may not: the docs say so, and what is written down says how many there were."""
    paths = str(Path(songspace.__file__).parents[1])
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": paths}
    command = [sys.executable, "-c", _LEARN, name]
    first, again = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    )
    assert first == again
    assert first[1:] == ["2", "True"]
