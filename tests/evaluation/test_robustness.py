"""Altered copies against their originals: a plain loop, exact chance, ties."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from songspace.errors import SongspaceError
from songspace.evaluation import neighbors, robustness
from songspace.intervals import deletions


def altered(n: int, m: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    songs, originals = rng.normal(size=(n, 4)), rng.integers(n, size=m)
    return songs, songs[originals] + noise * rng.normal(size=(m, 4)), originals


def slow_ranks(songs: np.ndarray, copies: np.ndarray, originals: np.ndarray) -> list[int]:
    found = []
    for line, original in zip(cdist(copies, songs), originals, strict=True):
        order = np.argsort(line, kind="stable").tolist()
        found.append(order.index(original) + 1)
    return found


@pytest.mark.parametrize("noise", [0.01, 0.5, 3.0])
def test_equals_a_plain_loop(noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "BLOCK_BYTES", 8 * 7 * 90)  # several blocks
    songs, copies, originals = altered(50, 40, noise)
    ranks = slow_ranks(songs, copies, originals)
    assert robustness.original_ranks(songs, copies, originals).tolist() == ranks
    found = robustness.evaluate(songs, copies, originals)
    assert found["top1"]["value"] == pytest.approx(np.mean(np.array(ranks) == 1))
    assert found["reciprocal_rank"]["value"] == pytest.approx(np.mean(1 / np.array(ranks)))
    assert (found["copies"], found["songs"]) == (40, 50)


def test_chance_is_what_random_copies_score() -> None:
    rng = np.random.default_rng(0)
    songs = rng.normal(size=(12, 6))
    runs = [robustness.evaluate(songs, rng.normal(size=(300, 6)), rng.integers(12, size=300)) for _ in range(20)]
    for metric in ("top1", "reciprocal_rank"):
        values = [run[metric]["value"] for run in runs]
        assert runs[0][metric]["chance"] == pytest.approx(np.mean(values), abs=4 * np.std(values) / np.sqrt(20))


def test_copies_of_one_song_or_artist_are_left_out_together() -> None:
    songs, copies, originals = altered(60, 90, 0.8)
    hit = np.array(slow_ranks(songs, copies, originals)) == 1
    for artists in (None, [f"artist {row // 3}" for row in range(60)]):
        groups = np.arange(60) if artists is None else np.arange(60) // 3
        smaller = deletions(groups[originals])
        slow = [hit[groups[originals] != group].mean() for group in np.unique(groups[originals])]
        found = robustness.evaluate(songs, copies, originals, artists=artists)["top1"]
        low, high = smaller.scatter(slow).around(hit.mean())
        assert found["interval"] == pytest.approx([max(low, 0), min(high, 1)])


def test_few_originals_give_no_interval() -> None:
    songs, copies, _ = altered(20, 30, 0.1)
    assert robustness.evaluate(songs, copies, np.arange(30) % 9)["top1"]["interval"] is None
    assert robustness.evaluate(songs, copies, np.arange(30) % 10)["top1"]["interval"]


def test_one_point_for_everything_scores_nothing() -> None:
    found = robustness.evaluate(np.ones((30, 3)), np.ones((30, 3)), np.arange(30))
    assert found["top1"]["value"] == 0.0
    assert found["reciprocal_rank"]["value"] == pytest.approx(1 / 30)


def test_is_json_and_the_same_again() -> None:
    first, again = (json.dumps(robustness.evaluate(*altered(30, 40, 0.5))) for _ in range(2))
    assert first == again


def test_failures() -> None:
    songs, copies, originals = altered(20, 15, 0.1)
    with pytest.raises(SongspaceError, match="1 of at least 2 songs"):
        robustness.evaluate(songs[:1], copies, np.zeros(15, int))
    with pytest.raises(ValueError, match=r"copies of shape \(m, 4\), got an array of shape \(15, 3\)"):
        robustness.evaluate(songs, copies[:, :3], originals)
    with pytest.raises(ValueError, match="copies of shape"):
        robustness.evaluate(songs, copies[:0], originals[:0])
    with pytest.raises(ValueError, match="one original for each of 15 copies"):
        robustness.evaluate(songs, copies, originals[:3])
    with pytest.raises(ValueError, match="one original for each of 15 copies"):
        robustness.evaluate(songs, copies, originals + 0.0)
    with pytest.raises(ValueError, match="20 songs, but an original is in row 0 or 20"):
        robustness.evaluate(songs, copies, np.arange(6, 21) % 21 * (np.arange(15) > 0))
    with pytest.raises(ValueError, match="one artist for each of 20 songs, got 2"):
        robustness.evaluate(songs, copies, originals, artists=["a", "b"])
    copies[2, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        robustness.evaluate(songs, copies, originals)
