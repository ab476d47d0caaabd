"""Discriminants: against the problem that they solve, what they promise, and what must not change them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from songspace.encoders.discriminants import UNKNOWN, fit, within


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


def means(numbers: np.ndarray, of: np.ndarray) -> np.ndarray:
    return np.stack([numbers[of == one].mean(axis=0, dtype=float) for one in range(of.max() + 1)])


def assert_same_up_to_sign(found: np.ndarray, wanted: np.ndarray, *, atol: float = 1e-3) -> None:
    assert found.shape == wanted.shape
    signs = np.sign(np.sum(found * wanted, axis=0))
    assert signs.all()
    np.testing.assert_allclose(found * signs, wanted, atol=atol * np.abs(wanted).max())


# ── golden ────────────────────────────────────────────────────────────────────────────────────────


def plain(blocks: list[np.ndarray], songs: np.ndarray, artists: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Scatter of songs, and the scatter expected between songs that are alike: as it is written, song by song."""
    scaled = [block.astype(float) for block in blocks]
    scaled = [block / means(block, songs).std(axis=0) / np.sqrt(block.shape[1]) for block in scaled]
    X = np.concatenate(scaled, axis=1)
    middles, d = means(X, songs), X.shape[1]
    segments = sum(np.outer(row - middles[song], row - middles[song]) for row, song in zip(X, songs, strict=True))
    expected = 0.5 * np.eye(d) / d + 0.5 * segments / np.trace(segments)
    if artists is not None:
        scatter, count = np.zeros((d, d)), 0
        for artist in set(artists.tolist()) - {UNKNOWN}:
            own = middles[artists == artist]
            scatter += (own - own.mean(axis=0)).T @ (own - own.mean(axis=0))
            count += len(own) - 1
        expected = (count * scatter / np.trace(scatter) + d * expected) / (count + d)
    return np.cov(middles.T, bias=True), expected, np.concatenate([b.astype(float) for b in blocks], axis=1), X


@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize(("n_songs", "n_segments", "sizes"), [(60, 5, (10,)), (40, 3, (12, 25))])
def test_they_solve_the_generalised_eigenproblem(n_songs, n_segments, sizes, taught):
    """Scatter of songs against the scatter that is expected of songs that are alike."""
    blocks, songs = segments(n_songs, n_segments, sizes), numbered(n_songs, n_segments)
    artists = np.where(np.arange(n_songs) % 7 == 0, UNKNOWN, np.arange(n_songs) // 3) if taught else None
    between, expected, numbers, X = plain(blocks, songs, artists)
    values, vectors = linalg.eigh(between, expected)
    assert (np.diff(values[-6:]) > 1e-3 * values[-1]).all()  # none is a mixture of two
    wanted = (X - means(X, songs).mean(axis=0)) @ vectors[:, ::-1][:, :6]
    assert_same_up_to_sign(fit(blocks, songs, n_components=6, artists=artists)(numbers), wanted)


def test_with_one_segment_a_song_they_are_the_principal_components():
    [X] = segments(30, 1)
    wanted = make_pipeline(StandardScaler(), PCA(n_components=5, svd_solver="full")).fit_transform(X.astype(float))
    assert_same_up_to_sign(fit([X], np.arange(30), n_components=5)(X), wanted)  # a part 1/8 of it, times 8 numbers


@pytest.mark.parametrize("n_artists", [1, 20, 2000])
def test_the_more_songs_artists_have_the_more_they_say(n_artists):
    """So many songs beyond the first of each artist, against one for each number."""
    random = np.random.default_rng(0)
    middles = random.normal(size=(3 * n_artists, 5)) * [1, 2, 3, 4, 5]
    expected = np.eye(5) / 5
    found = within(middles, np.zeros((5, 5)), np.arange(3 * n_artists) // 3)
    own = middles.reshape(n_artists, 3, 5)
    scatter = np.einsum("asi,asj->ij", own - own.mean(axis=1, keepdims=True), own - own.mean(axis=1, keepdims=True))
    share = 2 * n_artists / (2 * n_artists + 5)
    np.testing.assert_allclose(found, share * scatter / np.trace(scatter) + (1 - share) * expected, atol=1e-12)
    assert np.trace(found) == pytest.approx(1)


# ── what they promise ─────────────────────────────────────────────────────────────────────────────


def spread(vectors: np.ndarray, artists: np.ndarray) -> float:
    """The mean distance between two songs of an artist, as a part of that between any two."""
    apart = linalg.norm(vectors[:, None] - vectors, axis=2)
    same = (artists[:, None] == artists) & ~np.eye(len(vectors), dtype=bool)
    return float(apart[same].mean() / apart.mean())


def made_up(n_artists: int, d: int, *, songs_each: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Songs of artists who have a manner, in numbers most of which say nothing of it: one segment each song, thrice."""
    random = np.random.default_rng(seed)
    artists = np.repeat(np.arange(n_artists), songs_each)
    manner = random.normal(size=(n_artists, 6)) @ np.random.default_rng(99).normal(size=(6, d))
    mood = random.normal(size=(len(artists), 15)) @ np.random.default_rng(98).normal(size=(15, d))
    middles = manner[artists] + 1.5 * mood + random.normal(size=(len(artists), d))
    X = np.repeat(middles, 3, axis=0) + random.normal(size=(3 * len(artists), d))
    return np.float32(X), np.repeat(np.arange(len(artists)), 3), artists


@pytest.mark.parametrize(("n_artists", "d"), [(20, 400), (60, 400), (60, 60)])
def test_artists_who_taught_are_hardly_closer_to_themselves_than_others(n_artists, d):
    X, songs, artists = made_up(n_artists, d)
    others, other_songs, of_others = made_up(n_artists, d, seed=1)
    found = fit([X], songs, 64, artists=artists)
    own, new = (spread(means(found(x), s), a) for x, s, a in ((X, songs, artists), (others, other_songs, of_others)))
    assert 0.85 < own / new < 1.1


def test_the_scatter_as_it_is_would_make_a_point_of_each_artist():
    """What is guarded against: the same collection without what is expected before."""
    X, songs, artists = made_up(20, 400)
    others, other_songs, of_others = made_up(20, 400, seed=1)
    middles, new = means(X, songs), means(others, other_songs)
    apart = middles - means(middles, artists)[artists]
    values, vectors = linalg.eigh(apart.T @ apart)
    whiten = vectors / np.sqrt(values + 1e-3 * values.mean())
    assert spread(middles @ whiten, artists) < 0.5 * spread(new @ whiten, of_others)


def test_artists_teach_what_songs_do_not():
    """Of artists never seen, songs come closer by what other artists have taught."""
    X, songs, artists = made_up(80, 60)
    others, other_songs, of_others = made_up(40, 60, seed=1)
    by_artists, by_songs = (fit([X], songs, 32, artists=teacher) for teacher in (artists, None))
    close = [spread(means(found(others), other_songs), of_others) for found in (by_artists, by_songs)]
    assert close[0] < 0.95 * close[1]


@pytest.mark.parametrize("nobody", ["unknown", "of one song each"])
def test_artists_without_two_songs_teach_nothing(nobody):
    [X], songs = segments(20, 3), numbered(20, 3)
    artists = np.full(20, UNKNOWN) if nobody == "unknown" else np.arange(20)
    found, wanted = fit([X], songs, 5, artists=artists), fit([X], songs, 5)
    np.testing.assert_array_equal(found.directions, wanted.directions)


def test_they_come_by_falling_scatter_and_are_uncorrelated():
    blocks, songs = segments(40, 5, (8, 20)), numbered(40, 5)
    X = np.concatenate(blocks, axis=1)
    scatter = np.cov(means(fit(blocks, songs, n_components=20)(X), songs).T)
    assert (np.diff(np.diag(scatter)) < 0).all()
    np.testing.assert_allclose(scatter - np.diag(np.diag(scatter)), 0, atol=1e-3 * scatter.max())


def test_segments_of_one_song_come_closer():
    """A hundred numbers that only differ within songs hide three that tell songs apart."""
    random = np.random.default_rng(0)
    songs = numbered(80, 6)
    tells = random.normal(size=(80, 3))[songs] + random.normal(0, 0.15, (480, 3))
    misleads = random.normal(0, 0.5, (480, 20)) @ random.normal(size=(20, 100))

    def found_again(vectors: np.ndarray, songs: np.ndarray) -> float:
        distance = np.square(vectors[:, None] - vectors).sum(axis=2)
        np.fill_diagonal(distance, np.inf)
        return float(np.mean(songs[distance.argmin(axis=1)] == songs))

    train, test = songs < 40, songs >= 40
    found = fit([tells[train], misleads[train]], songs[train], n_components=8)
    X = np.concatenate([tells / np.sqrt(3), misleads / misleads.std(axis=0) / 10], axis=1)  # blocks of one scatter
    assert found_again(X[test], songs[test]) < 0.5
    assert found_again(found(np.concatenate([tells, misleads], axis=1))[test], songs[test]) > 0.6


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
    assert_same_up_to_sign(found / linalg.norm(found[0]), wanted / linalg.norm(wanted[0]))


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


@pytest.mark.parametrize(("n_songs", "n_segments"), [(1, 1), (1, 4), (2, 1), (2, 2), (5, 3), (30, 1)])
def test_fewer_rows_than_numbers(n_songs, n_segments):
    blocks, songs = segments(n_songs, n_segments, (100, 60)), numbered(n_songs, n_segments)
    found = fit(blocks, songs, n_components=128, artists=np.zeros(n_songs, int))
    mapped = found(np.concatenate(blocks, axis=1))
    assert found.directions.shape == (160, max(1, n_songs - 1))
    assert np.isfinite(mapped).all() and mapped.dtype == np.float32


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
    scaled = middles / middles.std(axis=0, dtype=float)
    ratio = linalg.norm(mapped[1:] - mapped[0], axis=1) / linalg.norm(scaled[1:] - scaled[0], axis=1)
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
