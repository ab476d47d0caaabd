"""A small network learns what an ear says, and says it in the ear's own numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from songspace.encoders import ears, load
from songspace.encoders.ears import Ear
from songspace.encoders.student import Student
from songspace.errors import SongspaceError
from songspace.frontends import LogMel

FRONTEND = LogMel(n_mels=32, seconds=0.8)


@pytest.fixture
def got(ear: Ear, tmp_path: Path) -> Ear:
    ears.get(ear, tmp_path / "ear.whl")
    return ear


def two_kinds(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectrograms that are bright or dark, which kind each is, and what a teacher says: a direction for each kind."""
    random = np.random.default_rng(seed)
    kind = np.arange(n) % 2
    slope = np.linspace(-20, 20, FRONTEND.shape[0]) * (2 * kind - 1)[:, None]
    X = -30 + slope[:, :, None] + random.normal(0, 3, (n, *FRONTEND.shape))
    directions = np.random.default_rng(7).normal(size=(2, 200))
    said = 5 + directions[kind] * random.uniform(1, 3, (n, 1)) + random.normal(0, 0.1, (n, 200))
    return X.astype(np.float32), kind, said.astype(np.float32)


def student(**parameters: object) -> Student:
    return Student(**{"width": 4, "steps": 40, "batch_size": 16, "frontend": FRONTEND, "device": "cpu"} | parameters)


def test_a_student_says_of_what_it_has_not_heard_what_its_teacher_would(got: Ear) -> None:
    X, kind, said = two_kinds(64, seed=0)
    others, other_kind, wanted = two_kinds(20, seed=1)
    taught = student().fit(X, said)
    found = taught.transform(others)
    assert found.shape == (20, 200) and found.dtype == np.float32
    mean = said.mean(axis=0)
    cosines = np.sum((found - mean) * (wanted - mean), axis=1)
    cosines /= np.linalg.norm(found - mean, axis=1) * np.linalg.norm(wanted - mean, axis=1)
    assert np.median(cosines) > 0.75
    of_kinds = np.stack([said[kind == each].mean(axis=0) for each in (0, 1)]) - mean
    assert (np.argmax((found - mean) @ of_kinds.T, axis=1) == other_kind).all()
    lengths = np.linalg.norm(found - mean, axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(said - mean, axis=1).mean(), rtol=1e-4)


def test_what_it_says_is_read_as_what_the_ear_says(got: Ear) -> None:
    X, _, said = two_kinds(16, seed=0)
    taught = student(steps=1).fit(X, said)
    tensors = got.open()
    expected = said @ tensors["dense_1/kernel"] + tensors["dense_1/bias"]
    np.testing.assert_allclose(taught.likeness(said), expected, rtol=1e-5)
    assert len(taught.words) == 50


def test_saved_it_needs_the_ear_no_more(got: Ear, tmp_path: Path) -> None:
    X, _, said = two_kinds(16, seed=0)
    taught = student(steps=2).fit(X, said)
    taught.save(tmp_path / "student")
    (got.folder / "weights.safetensors").unlink()
    again = load(tmp_path / "student")
    np.testing.assert_array_equal(again.transform(X), taught.transform(X))
    np.testing.assert_array_equal(again.likeness(said), taught.likeness(said))
    assert again.fingerprint_ == taught.fingerprint_


def test_the_same_seed_and_a_run_that_was_stopped_give_the_same(got: Ear, tmp_path: Path) -> None:
    X, _, said = two_kinds(24, seed=0)
    whole = student(steps=6).fit(X, said)

    def stop(progress: object) -> None:
        if progress.step == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        student(steps=6).fit(X, said, checkpoint=tmp_path / "checkpoint", on_progress=stop)
    resumed = student(steps=6).fit(X, said, checkpoint=tmp_path / "checkpoint")
    np.testing.assert_array_equal(resumed.transform(X), whole.transform(X))


def test_two_songs_of_one_segment_are_enough_and_one_is_not(got: Ear, recwarn: pytest.WarningsRecorder) -> None:
    X, _, said = two_kinds(2, seed=0)
    assert np.isfinite(student(steps=1, batch_size=2).fit(X, said).transform(X)).all()
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]
    with pytest.raises(SongspaceError, match="it needs 2"):
        student().fit(X, said, groups=[0, 0])


def test_an_ear_that_says_the_same_of_all_teaches_nothing(got: Ear) -> None:
    X, _, said = two_kinds(6, seed=0)
    with pytest.raises(SongspaceError, match="says the same of all songs"):
        student().fit(X, np.repeat(said[:1], 6, axis=0))


def test_it_cannot_be_taught_by_nobody(got: Ear) -> None:
    X, _, said = two_kinds(16, seed=0)
    for wrong in (None, said[:-1], said[:, :-1], np.full_like(said, np.nan)):
        with pytest.raises(ValueError, match="200 finite numbers for each of the 16 rows"):
            student().fit(X, wrong)
    (got.folder / "weights.safetensors").unlink()
    with pytest.raises(SongspaceError, match="songspace ears get musicnn"):
        student().fit(X, said)
