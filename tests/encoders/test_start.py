"""The weights that the contrastive network starts from, and the script that makes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from songspace.encoders import convnet
from songspace.encoders.contrastive import Contrastive, Untrained
from songspace.encoders.convnet import FILE, ConvNet, start_from, write_start

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """`bench/start.py` as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        import start as found

        yield found


def songs(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).normal(-30, 10, (n, 64, 80)).astype(np.float32), np.arange(n) // 2


def test_a_network_of_the_usual_width_begins_with_them() -> None:
    network = ConvNet(64, Contrastive().width)
    network.standardize.mean += 3
    assert start_from(network)
    for name, value in load_file(FILE).items():
        assert torch.isfinite(value).all()
        torch.testing.assert_close(network.state_dict()[name], value.float(), rtol=0, atol=0)
    assert (network.standardize.mean == 3).all()
    assert FILE.stat().st_size < 1_000_000


def test_another_network_stays_as_it_is() -> None:
    network = ConvNet(64, 8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert not start_from(network)
    for name, value in before.items():
        torch.testing.assert_close(network.state_dict()[name], value)


def test_what_is_learnt_from_depends_on_the_start() -> None:
    X, groups = songs()
    found = {
        name: Contrastive(start=name, steps=1, batch_size=4, statistics=False, device="cpu").fit(X, groups=groups)
        for name in ("rendered", "random")
    }
    assert found["rendered"].fingerprint_ != found["random"].fingerprint_
    assert found["rendered"].history_["loss"] != found["random"].history_["loss"]
    with pytest.raises(ValueError, match="start must be 'rendered' or 'random', got 'else'"):
        Contrastive(start="else", steps=1, device="cpu").fit(X, groups=groups)


def test_the_untrained_control_has_heard_nothing() -> None:
    X, groups = songs()
    one, other = (
        Untrained(start=name, statistics=False, device="cpu").fit(X, groups=groups).transform(X)
        for name in ("rendered", "random")
    )
    np.testing.assert_array_equal(one, other)


def test_they_are_written_as_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    network, other = ConvNet(64, 4), ConvNet(64, 4)
    write_start(network, tmp_path / "start.safetensors")
    monkeypatch.setattr(convnet, "FILE", tmp_path / "start.safetensors")
    assert start_from(other)
    for name, value in network.named_parameters():
        torch.testing.assert_close(other.state_dict()[name], value.data.half().float(), rtol=0, atol=0)


def test_a_piece_is_rendered_twice_as_itself(script: ModuleType) -> None:
    X = np.stack([script.rendered(seed) for seed in range(12)]).astype(float)
    assert X.shape == (12, 2, 64, 251)
    np.testing.assert_array_equal(script.rendered(3), X[3])
    spectra = X.mean(axis=3)
    own = np.abs(spectra[:, 0] - spectra[:, 1]).mean()
    others = np.abs(spectra[:, None, 0] - spectra[None, :, 1]).mean()
    assert (X[:, 0] != X[:, 1]).any(axis=(1, 2)).all() and own < 0.75 * others


def test_the_script_makes_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "start.safetensors"
    asked = [sys.executable, BENCH / "start.py", "-o", made, "--pieces", "3", "--steps", "1", "--workers", "1"]
    subprocess.run(asked, check=True, capture_output=True)
    monkeypatch.setattr(convnet, "FILE", made)
    assert start_from(ConvNet(64, Contrastive().width))
