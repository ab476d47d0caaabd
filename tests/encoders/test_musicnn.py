"""The trained ear: its network against torch's convolutions and the published numbers; getting it, and bad luck."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from typer.testing import Result

from songspace import tensorfile
from songspace.encoders import ears
from songspace.encoders.base import load
from songspace.encoders.ears import MUSICNN, Ear
from songspace.encoders.musicnn import SHAPES, MusiCNN, Network
from songspace.errors import SongspaceError

LOGITS = (
    *(-2.6302, -4.0489, -3.5809, -7.1298, -2.9676, -6.0792, -3.6683, -4.8986, -3.7362, -8.6968),
    *(-6.1452, -1.2623, -6.8340, -5.3181, -7.5263, -7.9097, -8.2028, -7.8970, -4.2433, -6.2897),
)
"""What the published network says of the first twenty tags for the first patch of random numbers of seed 0, by
TensorFlow."""

PENULTIMATE = (-0.14229, 1.10535, -0.28483, 3.00188, -0.35315, 3.24901, 3.68834, -0.45711)
"""The first eight numbers of its last layer but one for the second patch."""


def patches() -> np.ndarray:
    return (np.random.default_rng(0).random((2, 187, 96)) * 3).astype(np.float32)


def test_the_network_is_that_of_the_paper(ear_files: ModuleType) -> None:
    weights = ear_files.tensors(1)
    network = Network(weights)
    expected = ear_files.layers(weights, patches())
    pooled = np.stack([network.pooled(patch.T) for patch in patches()])
    found = {"pooled": pooled, "penultimate": network.penultimate(pooled)}
    found["logits"] = network.logits(found["penultimate"])
    for name, value in found.items():
        np.testing.assert_allclose(
            value, expected[name], rtol=0, atol=1e-5 * np.abs(expected[name]).max(), err_msg=name
        )


def test_there_are_as_many_weights_as_were_published() -> None:
    assert len(SHAPES) == 64
    assert sum(int(np.prod(shape)) for shape in SHAPES.values()) == 792_079


def test_the_published_ear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched as a user does it; where that cannot be, the numbers of TensorFlow cannot be compared."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_RETRIES", "0")  # where there is no network, nobody waits for one
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "15")
    try:
        folder = ears.get(MUSICNN)
    except SongspaceError as error:
        pytest.skip(f"the wheel cannot be fetched here: {error}")
    assert "Music Technology Group, Universitat Pompeu Fabra" in (folder / "LICENSE.md").read_text("utf-8")
    network = Network(MUSICNN.open())
    penultimate = network.penultimate(np.stack([network.pooled(patch.T) for patch in patches()]))
    np.testing.assert_allclose(network.logits(penultimate)[0, : len(LOGITS)], LOGITS, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(penultimate[1, : len(PENULTIMATE)], PENULTIMATE, rtol=1e-4, atol=1e-4)


def test_what_is_got_is_what_is_in_the_wheel(ear: Ear, ear_files: ModuleType, tmp_path: Path) -> None:
    assert not ear.there
    folder = ears.get(ear, tmp_path / "ear.whl")
    assert folder == tmp_path / "data/songspace/ears/musicnn" and ear.there
    assert sorted(each.name for each in folder.iterdir()) == ["LICENSE.md", "weights.safetensors"]
    assert "travel with copies" in (folder / "LICENSE.md").read_text("utf-8")
    for name, value in ear.open().items():
        np.testing.assert_array_equal(value, ear_files.tensors()[name], err_msg=name)


def test_an_encoder_gives_the_last_layer_but_one(ear: Ear, ear_files: ModuleType, tmp_path: Path) -> None:
    ears.get(ear, tmp_path / "ear.whl")
    encoder = MusiCNN().fit()
    X = patches().transpose(0, 2, 1)
    expected = ear_files.layers(ear_files.tensors(), patches())
    found = encoder.transform(X)
    np.testing.assert_allclose(found, expected["penultimate"], rtol=0, atol=1e-5 * np.abs(found).max())
    np.testing.assert_allclose(encoder.likeness(found), expected["logits"], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(found[1:], encoder.transform(X[1:]))  # whatever stands beside it
    saved = encoder.save(tmp_path / "saved")
    again = load(saved)
    assert again.fingerprint_ == encoder.fingerprint_
    np.testing.assert_array_equal(again.transform(X), found)
    assert sum(file.stat().st_size for file in saved.iterdir()) < 10_000  # the weights lie where they were got


@pytest.mark.parametrize("damage", ["cut", "changed", "another"])
def test_what_is_not_the_published_wheel_is_refused(
    ear: Ear, ear_files: ModuleType, tmp_path: Path, damage: str
) -> None:
    wheel = tmp_path / "ear.whl"
    data = wheel.read_bytes()
    if damage == "cut":
        wheel.write_bytes(data[: len(data) // 2])
    elif damage == "changed":
        wheel.write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    else:
        ear_files.wheel(wheel, seed=1)
    with pytest.raises(SongspaceError, match=r"ear.whl is not the published wheel of musicnn 0.1.0: its SHA-256"):
        ears.get(ear, wheel)
    assert not ear.folder.exists()


@pytest.mark.parametrize("inside", ["no zip", "no weights", "other weights"])
def test_what_is_in_a_wheel_is_checked_too(ear: Ear, tmp_path: Path, inside: str) -> None:
    wheel = tmp_path / "ear.whl"
    changed = {"no weights": {"member": "musicnn/other"}, "other weights": {"member_sum": "0" * 64}}
    ear = replace(ear, **changed.get(inside, {}))
    if inside == "no zip":
        wheel.write_bytes(b"no zip")
        ear = replace(ear, wheel=hashlib.sha256(b"no zip").hexdigest())
    with pytest.raises(SongspaceError, match="is not the published wheel"):
        ears.get(ear, wheel)
    assert not ear.folder.exists()


def test_a_full_disk_leaves_nothing_behind(ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(tensorfile, "write", full)
    with pytest.raises(SongspaceError, match=r"cannot be written to .*musicnn .No space left on device"):
        ears.get(ear, tmp_path / "ear.whl")
    assert not ear.there and not ear.folder.exists()


@pytest.mark.parametrize("renames", [1, 2])
def test_a_get_that_is_killed_leaves_no_ear_that_is_not_whole(ear: Ear, tmp_path: Path, renames: int) -> None:
    """kill -9 before the licence, or the weights, are where they belong."""
    child = os.fork()
    if child == 0:
        rename, done = os.replace, [0]

        def replaced(*arguments: object, **options: object) -> None:
            done[0] += 1
            if done[0] == renames:
                os.kill(os.getpid(), 9)
            rename(*arguments, **options)  # type: ignore[arg-type]

        os.replace = replaced  # type: ignore[assignment]
        ears.get(ear, tmp_path / "ear.whl")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9
    assert not ear.there
    with pytest.raises(SongspaceError, match="songspace ears get musicnn"):
        ear.open()
    ears.get(ear, tmp_path / "ear.whl")
    assert ear.there and tensorfile.checksum(ear.open()) == ear.checksum


def test_weights_that_were_damaged_later_are_not_used(ear: Ear, tmp_path: Path) -> None:
    weights = ears.get(ear, tmp_path / "ear.whl") / "weights.safetensors"
    saved = MusiCNN().fit().save(tmp_path / "saved")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    for use in (MusiCNN().fit, lambda: load(saved)):
        with pytest.raises(SongspaceError, match="are damaged: `songspace ears get musicnn` gets them again"):
            use()
    weights.write_bytes(data[:1000])
    with pytest.raises(SongspaceError, match="are damaged"):
        MusiCNN().fit()
    weights.unlink()
    with pytest.raises(SongspaceError, match="are not here: `songspace ears get musicnn` gets them"):
        load(saved)


def test_without_a_network_there_is_one_sentence(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(SongspaceError, match=r"pip could not fetch musicnn==0.1.0 .*--from FILE.whl"):
        ears.get(ear)
    assert not ear.folder.exists()


def test_without_pip_there_is_one_sentence(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = subprocess.CompletedProcess([], 1, "", f"{sys.executable}: No module named pip\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ran)
    with pytest.raises(SongspaceError, match=r"There is no pip for .*--from FILE.whl"):
        ears.get(ear)


def test_the_command(ear: Ear, tmp_path: Path, run: Callable[..., Result]) -> None:
    assert "songspace ears get musicnn" in run("ears").stdout
    got = run("ears", "get", "musicnn", "--from", str(tmp_path / "ear.whl"))
    assert got.exit_code == 0 and "ISC" in got.stderr and str(ear.folder) in got.stderr
    assert f"It is there, in {ear.folder}." in run("ears").stdout
    assert str(ear.folder) in run("ears", "--json").stdout
    wrong = run("ears", "get", "musicnnn")
    assert wrong.exit_code == 1
    assert str(wrong.exception) == "There is no ear called 'musicnnn': choose from musicnn."
