"""Mixes: coherent, all different, at the core of their regions, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from songspace.playlists.mixes import mixes
from songspace.playlists.rules import Rules
from songspace.space import Space


def library(kinds: int = 5, each: int = 24, *, seed: int = 0) -> tuple[Space, np.ndarray]:
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(kinds), each)
    return Space.from_vectors(3 * np.eye(16)[kind] + 0.5 * rng.normal(size=(len(kind), 16))), kind


def test_each_planted_kind_has_its_mix() -> None:
    space, kind = library()
    found = mixes(space, length=12)
    assert [len(mix.rows) for mix in found] == [12] * 5
    assert sorted({int(kind[row]) for row in mix.rows}.pop() for mix in found) == [0, 1, 2, 3, 4]
    assert all(len({int(kind[row]) for row in mix.rows}) == 1 for mix in found)
    assert all(mix.coherence < 0.6 and sorted(mix.rows) == sorted(mix.core) for mix in found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("variety", [0.0, 1.0])
def test_no_song_is_in_two_mixes_and_none_is_too_long(seed: int, variety: float) -> None:
    rng = np.random.default_rng(seed)
    space = Space.from_vectors(rng.normal(size=(150, 24)))
    artists = [f"artist {number}" for number in rng.integers(20, size=150)]
    rules = Rules.of(150, artists=artists, artist_gap=2, most_of_artist=3, barred=np.arange(150) % 5 == 0)
    found = mixes(space, count=6, length=9, variety=variety, seed=seed, rules=rules)
    rows = [row for mix in found for row in mix.rows]
    assert len(rows) == len(set(rows)) and len(found) == 6
    for mix in found:
        assert 1 <= len(mix.rows) <= 9
        assert not any(row % 5 == 0 for row in mix.rows)
        names = [artists[row] for row in mix.rows]
        assert max(map(names.count, names)) <= 3
        assert not any(a == b for apart in (1, 2) for a, b in zip(names, names[apart:], strict=False))


def test_the_same_seed_makes_the_same_mixes_and_another_others_as_good() -> None:
    space = Space.from_vectors(np.random.default_rng(0).normal(size=(300, 24)))
    first, again, other = (mixes(space, count=6, length=10, seed=seed) for seed in (1, 1, 2))
    assert [mix.rows for mix in first] == [mix.rows for mix in again]
    sets = [{row for mix in made for row in mix.rows} for made in (first, other)]
    assert len(sets[0] & sets[1]) < 0.8 * len(sets[0])
    quality = [np.mean([mix.coherence for mix in made]) for made in (first, other)]
    assert quality[0] == pytest.approx(quality[1], rel=0.05)
    assert max(quality) < 0.95


def test_the_order_of_the_rows_changes_nothing() -> None:
    space = Space.from_vectors(np.random.default_rng(0).normal(size=(120, 12)))
    rows = np.random.default_rng(1).permutation(120)
    turned = space.only(rows)
    found = [mix.rows for mix in mixes(turned, count=4, seed=3)]
    assert [[int(rows[row]) for row in mix] for mix in found] == [mix.rows for mix in mixes(space, count=4, seed=3)]


def test_a_mix_is_taken_from_the_core_and_not_from_the_fringe() -> None:
    rng = np.random.default_rng(0)
    tight, loose = 0.3 * rng.normal(size=(40, 16)), 1.5 * rng.normal(size=(40, 16))
    base = 3 * np.eye(16)
    songs = np.concatenate([base[k] + part for k in range(4) for part in (tight, loose)])
    found = mixes(Space.from_vectors(songs), count=4, length=20, variety=0)
    assert [len(mix.rows) for mix in found] == [20] * 4
    assert sum(row % 80 < 40 for mix in found for row in mix.rows) >= 76


def test_songs_that_belong_elsewhere_are_left_out_of_a_mix() -> None:
    rng = np.random.default_rng(0)
    kinds = 3 * np.eye(16)[np.repeat(np.arange(4), 12)] + 0.3 * rng.normal(size=(48, 16))
    strays = 2 * np.eye(16)[4:]  # of no kind, so that each is put into any region
    found = mixes(Space.from_vectors(np.concatenate([kinds, strays])), count=4, length=30, variety=0)
    assert sum(mix.region for mix in found) == 60
    listed = {row for mix in found for row in mix.rows}
    assert listed >= set(range(48))
    assert len(listed) <= 54


def test_a_region_of_one_artist_is_a_mix_of_one_artist_and_no_other() -> None:
    space, kind = library(4, 30)
    artists = [f"soloist {k}" if k == 0 else f"{k}: {number % 10}" for number, k in enumerate(kind.tolist())]
    found = mixes(space, count=4, length=12, rules=Rules.of(len(space), artists=artists, artist_gap=2))
    counts = sorted(len({artists[row] for row in mix.rows}) for mix in found)
    assert counts[0] == 1 and counts[1] >= 4
    assert all(len(mix.rows) == 12 for mix in found)


def test_small_and_uniform_libraries() -> None:
    [only] = mixes(Space.from_vectors([[1.0, 2.0]]))
    assert only.rows == [0] and only.coherence == 0
    [three] = mixes(Space.from_vectors([[1.0, 0], [0, 1], [1, 1]]), count=3)
    assert sorted(three.rows) == [0, 1, 2]
    [alike] = mixes(Space.from_vectors(np.ones((50, 6))), length=7, count=6)
    assert len(alike.rows) == 7 and alike.coherence == 0
    rules = Rules.of(3, barred=np.ones(3, bool))
    assert mixes(Space.from_vectors([[1.0, 0], [0, 1], [1, 1]]), rules=rules) == []


@pytest.mark.parametrize("wrong", [{"count": 0}, {"length": 0}, {"variety": 1.5}])
def test_arguments_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        mixes(library()[0], **{"count": 3} | wrong)
