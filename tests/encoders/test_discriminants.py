"""Discriminants: against scikit-learn's and the problem they solve, and what must not change them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from sklearn.covariance import LedoitWolf, ledoit_wolf_shrinkage
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from songspace.encoders import discriminants
from songspace.encoders.discriminants import fit


def segments(n_songs: int, n_segments: int, sizes: tuple[int, ...] = (8,), *, seed: int = 0) -> list[np.ndarray]:
    """Blocks of correlated numbers, in which songs differ and segments of a song scatter; float32 as encoders give."""
    random = np.random.default_rng(seed)
    songs = np.repeat(np.arange(n_songs), n_segments)
    blocks = []
    for d in sizes:
        between = random.normal(size=(n_songs, d)) @ random.normal(size=(d, d))
        within = random.normal(size=(len(songs), d)) @ random.normal(size=(d, d))
        blocks.append(np.float32(5 + between[songs] + within))
    return blocks


def numbered(n_songs: int, n_segments: int) -> np.ndarray:
    return np.repeat(np.arange(n_songs), n_segments)


def about_own_means(numbers: np.ndarray, songs: np.ndarray) -> np.ndarray:
    means = np.stack([numbers[songs == song].mean(axis=0, dtype=float) for song in range(songs.max() + 1)])
    return numbers - means[songs]


def assert_same_up_to_sign(found: np.ndarray, wanted: np.ndarray, *, atol: float = 1e-3) -> None:
    assert found.shape == wanted.shape
    signs = np.sign(np.sum(found * wanted, axis=0))
    assert signs.all()
    np.testing.assert_allclose(found * signs, wanted, atol=atol * np.abs(wanted).max())


# ── golden ────────────────────────────────────────────────────────────────────────────────────────


def test_without_shrinkage_they_are_those_of_scikit_learn(monkeypatch):
    monkeypatch.setattr(discriminants, "shrinkage", lambda *_: 0.0)
    [X], songs = segments(40, 6), numbered(40, 6)
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(X.astype(float), songs)
    wanted = (X - X.mean(axis=0)) @ theirs.scalings_[:, :8]
    assert_same_up_to_sign(fit([X], songs, n_components=8)(X), wanted)


def test_with_many_rows_shrinkage_hardly_changes_them():
    [X], songs = segments(500, 20), numbered(500, 20)
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(X.astype(float), songs)
    found, wanted = fit([X], songs, n_components=4)(X), theirs.transform(X)[:, :4]
    similar = np.abs([np.corrcoef(found[:, k], wanted[:, k])[0, 1] for k in range(4)])
    assert similar.min() > 0.99


@pytest.mark.parametrize(("n_songs", "n_segments", "d"), [(60, 5, 10), (12, 3, 30)])
def test_they_solve_the_generalised_eigenproblem(n_songs, n_segments, d):
    """All scatter against the shrunk scatter within songs, which scikit-learn estimates."""
    [X], songs = segments(n_songs, n_segments, (d,)), numbered(n_songs, n_segments)
    within = LedoitWolf(assume_centered=True).fit(about_own_means(X, songs)).covariance_
    values, vectors = linalg.eigh(np.cov(X.T.astype(float), bias=True), within)
    kept = min(d, len(X) - 1, 6)
    assert (np.diff(values[-kept:]) > 1e-3 * values[-1]).all()  # none is a mixture of two
    found = fit([X], songs, n_components=kept)
    assert_same_up_to_sign(found.directions, vectors[:, ::-1][:, :kept])
    np.testing.assert_allclose(found.mean, X.mean(axis=0), rtol=1e-5)


def test_songs_of_unlike_lengths_count_by_their_segments():
    songs = np.repeat(np.arange(50), np.random.default_rng(0).integers(1, 12, 50))
    X = np.random.default_rng(1).normal(size=(50, 6))[songs] + np.random.default_rng(2).normal(size=(len(songs), 6))
    within = LedoitWolf(assume_centered=True).fit(about_own_means(X, songs)).covariance_
    _, vectors = linalg.eigh(np.cov(X.T, bias=True), within)
    assert_same_up_to_sign(fit([X], songs, n_components=6).directions, vectors[:, ::-1])


def test_with_one_segment_a_song_they_are_the_principal_components():
    [X] = segments(30, 1)
    scale = np.sqrt(np.square(X - X.mean(axis=0)).sum(axis=1).mean())  # of the block
    wanted = PCA(n_components=5, svd_solver="full").fit_transform(X.astype(float)) / scale
    assert_same_up_to_sign(fit([X], np.arange(30), n_components=5)(X), wanted)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (40, 1), (3, 12), (200, 7), (20, 1100)])
def test_shrinkage_is_that_of_scikit_learn(n, d):
    X = np.random.default_rng(n * d).normal(size=(n, d)) * np.geomspace(1, 30, d)
    found = discriminants.shrinkage(X.T @ X / n, np.mean(np.square(X).sum(axis=1) ** 2), n)
    if d > 1:
        assert found == pytest.approx(ledoit_wolf_shrinkage(X, assume_centered=True))
    assert 0 <= found <= 1  # of one number it does not matter


# ── what they promise ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("n_songs", "n_segments", "sizes"), [(40, 5, (8,)), (20, 10, (60,)), (15, 4, (80,))])
def test_the_shrunk_scatter_within_songs_is_the_same_in_all_directions(n_songs, n_segments, sizes):
    [X], songs = segments(n_songs, n_segments, sizes), numbered(n_songs, n_segments)
    found = fit([X], songs, n_components=sum(sizes)).directions.astype(float)
    within = LedoitWolf(assume_centered=True).fit(about_own_means(X, songs)).covariance_
    np.testing.assert_allclose(found.T @ within @ found, np.eye(found.shape[1]), atol=1e-3)


def test_they_come_by_falling_scatter_and_are_uncorrelated():
    blocks, songs = segments(40, 5, (8, 20)), numbered(40, 5)
    X = np.concatenate(blocks, axis=1)
    scatter = np.cov(fit(blocks, songs, n_components=20)(X).T)
    assert (np.diff(np.diag(scatter)) < 0).all()
    np.testing.assert_allclose(scatter - np.diag(np.diag(scatter)), 0, atol=1e-3 * scatter.max())


def test_segments_of_one_song_come_closer():
    """A hundred numbers that only differ within songs hide three that tell songs apart."""
    random = np.random.default_rng(0)
    songs = numbered(80, 6)
    tells = random.normal(size=(80, 3))[songs] + random.normal(0, 0.15, (480, 3))
    X = np.concatenate([tells, random.normal(0, 0.5, (480, 20)) @ random.normal(size=(20, 100))], axis=1)

    def found_again(vectors: np.ndarray) -> float:
        distance = np.square(vectors[:, None] - vectors).sum(axis=2)
        np.fill_diagonal(distance, np.inf)
        return float(np.mean(songs[distance.argmin(axis=1)] == songs))

    train, test = songs < 40, songs >= 40
    found = fit([X[train]], songs[train], n_components=3)(X)
    songs = songs[test]
    assert found_again(X[test]) < 0.1
    assert found_again(found[test]) > 0.4


def test_fewer_or_more_components_are_the_first_of_the_same():
    [X], songs = segments(30, 4), numbered(30, 4)
    all_of_them = fit([X], songs, n_components=99).directions
    assert all_of_them.shape == (8, 8)
    np.testing.assert_array_equal(fit([X], songs, n_components=3).directions, all_of_them[:, :3])


# ── what must not change them ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("factor", [1000.0, 1e-3])
def test_the_unit_of_a_block_does_not_count(factor):
    one, two = segments(25, 4, (12, 30))
    songs = numbered(25, 4)
    wanted = fit([one, two], songs, n_components=10)(np.concatenate([one, two], axis=1))
    other = two * np.float32(factor)
    found = fit([one, other], songs, n_components=10)(np.concatenate([one, other], axis=1))
    assert_same_up_to_sign(found, wanted)


def test_a_block_does_not_count_more_for_having_every_number_many_times():
    """Weights of whole blocks are only seen where no scatter within songs is divided by."""
    one, two = segments(40, 1, (6, 6))
    wanted = fit([one, two], np.arange(40), n_components=12)(np.concatenate([one, two], axis=1))
    many = np.tile(two, 50)
    found = fit([one, many], np.arange(40), n_components=12)(np.concatenate([one, many], axis=1))
    assert_same_up_to_sign(found, wanted)


def test_a_constant_beside_all_does_not_count():
    [X], songs = segments(25, 4), numbered(25, 4)
    wanted = fit([X], songs, n_components=5)(X)
    assert_same_up_to_sign(fit([X + 100], songs, n_components=5)(X + 100), wanted)


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_numbers_of_songs_do_not_count(random):
    blocks, songs = segments(12, 4, (5, 9)), numbered(12, 4)
    rows, names = list(range(48)), list(range(12))
    random.shuffle(rows)
    random.shuffle(names)
    wanted = fit(blocks, songs, n_components=6)
    found = fit([block[rows] for block in blocks], np.array(names)[songs][rows], n_components=6)
    assert_same_up_to_sign(found.directions, wanted.directions)


# ── hard cases ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("n_songs", "n_segments"), [(2, 1), (2, 2), (5, 3), (30, 1)])
def test_fewer_rows_than_numbers(n_songs, n_segments):
    blocks, songs = segments(n_songs, n_segments, (100, 60)), numbered(n_songs, n_segments)
    found = fit(blocks, songs, n_components=128)
    mapped = found(np.concatenate(blocks, axis=1))
    assert found.directions.shape == (160, len(songs) - 1)
    assert np.isfinite(mapped).all() and mapped.dtype == np.float32
    middles = np.stack([mapped[songs == song].mean(axis=0) for song in range(n_songs)])
    apart = np.sqrt(np.square(mapped - middles[songs]).sum(axis=1))
    assert linalg.norm(middles[0] - middles[1]) > 2 * apart.max()


def test_constant_numbers_say_nothing():
    one, two = segments(25, 4, (6, 4))
    songs = numbered(25, 4)
    constant = np.concatenate([two, np.full((100, 3), 7, np.float32)], axis=1)
    found = fit([one, constant, np.zeros((100, 2), np.float32)], songs, n_components=10)
    np.testing.assert_allclose(found.directions[10:], 0, atol=1e-4)
    assert np.isfinite(found.directions).all()
    assert np.abs(found.directions[:10]).max() > 0.1


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_rows_that_are_all_the_same_lie_at_one_point(value):
    X = np.full((8, 5), value, np.float32)
    mapped = fit([X], numbered(4, 2), n_components=3)(X)
    np.testing.assert_array_equal(mapped, np.zeros((8, 3)))


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_songs_whose_segments_are_all_the_same_keep_their_distances(unit):
    """Nothing but rounding scatters within songs, so there is nothing to divide by."""
    middles = np.float32(unit * np.random.default_rng(0).normal(3, 1, size=(20, 4)))
    X, songs = np.repeat(middles, 3, axis=0), numbered(20, 3)
    mapped = fit([X], songs, n_components=4)(middles)
    ratio = linalg.norm(mapped[1:] - mapped[0], axis=1) / linalg.norm(middles[1:] - middles[0], axis=1)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)


def test_what_is_given_stays_as_it_is():
    blocks, songs = segments(10, 3, (4, 5)), numbered(10, 3)
    before = [block.copy() for block in blocks]
    fit(blocks, songs, n_components=3)
    for block, was in zip(blocks, before, strict=True):
        np.testing.assert_array_equal(block, was)


def test_memory_does_not_grow_with_the_rows():
    def peak(n_songs: int) -> int:
        blocks, songs = segments(n_songs, 10, (20, 30)), numbered(n_songs, 10)
        tracemalloc.start()
        try:
            fit(blocks, songs, n_components=10)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, more = peak(200), peak(1000)  # of the more, one copy in 64 bits is 4 MB
    assert more - few < 1e6
