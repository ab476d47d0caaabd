"""Regions: planted ones are found and counted, without a tag and whatever the rows' order."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from songspace.playlists.mixes import regions


def planted(kinds: int, each: int, *, seed: int = 0, d: int = 32, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Songs of some kinds, each of unit length, with as much noise as there is signal."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(kinds), each)
    songs = 3 * np.eye(d)[kind] + noise * rng.normal(size=(len(kind), d))
    songs -= songs.mean(axis=0)
    return (songs / np.linalg.norm(songs, axis=1, keepdims=True)).astype(np.float32), kind


@pytest.mark.parametrize("kinds", [4, 6, 9])
def test_as_many_regions_are_counted_as_there_are(kinds: int) -> None:
    songs, kind = planted(kinds, 30, noise=0.5)
    count = regions.how_many(songs, range(4, 11))
    assert count == kinds
    assert adjusted_rand_score(kind, regions.regions(songs, count)) == 1.0


def test_agreement_is_one_for_what_is_there_and_lower_for_a_cloud() -> None:
    songs, _ = planted(5, 40, noise=0.5)
    cloud = np.random.default_rng(0).normal(size=(200, 32))
    assert regions.agreement(songs - songs.mean(axis=0), 5) == 1.0
    assert regions.agreement(cloud, 5) < 0.3


def test_regions_are_found_in_noise_that_hides_them_from_plain_k_means() -> None:
    """The rest of a learnt space: many directions in which single songs differ."""
    from sklearn.cluster import KMeans

    songs, kind = planted(6, 30, d=400, noise=0.6)
    plain = KMeans(6, n_init=4, random_state=0).fit_predict(songs)
    ours = adjusted_rand_score(kind, regions.regions(songs, 6))
    assert ours > adjusted_rand_score(kind, plain) + 0.1


def test_largest_first_and_none_too_small() -> None:
    songs, _ = planted(6, 30)
    songs = np.concatenate([songs[:100], songs[150:153]])  # three of a kind are no region
    region = regions.regions(songs, 6)
    sizes = np.bincount(region)
    assert sizes.tolist() == sorted(sizes, reverse=True)
    assert sizes.min() >= regions.SMALLEST


def test_a_small_library_falls_into_few_regions() -> None:
    songs, _ = planted(8, 3)
    assert regions.how_many(songs[:1], range(4, 11)) == 1
    assert regions.how_many(songs[:15], range(4, 11)) == 1
    assert regions.how_many(songs[:17], range(4, 11)) == 2
    assert regions.regions(songs[:1], 1).tolist() == [0]
    assert regions.regions(songs[:3], 3).tolist() == [0, 0, 0]


def test_songs_that_are_all_the_same_are_one_region() -> None:
    assert set(regions.regions(np.zeros((60, 8), np.float32), 5)) == {0}
    assert set(regions.regions(np.full((60, 8), 0.5, np.float32), 5)) == {0}
    assert regions.how_many(np.zeros((60, 8), np.float32), range(4, 11)) >= 1


def test_more_numbers_than_songs_give_the_same_regions() -> None:
    songs, _ = planted(4, 15, noise=0.3)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(200, 32)))[0].T  # into 200 dimensions, and nothing else
    assert regions.regions((songs @ turn).astype(np.float32), 4).tolist() == regions.regions(songs, 4).tolist()
