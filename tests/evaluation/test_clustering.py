"""Clusterings against labels: equal to scikit-learn's scores, with a chance value and an interval that hold."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, v_measure_score

from songspace.errors import SongspaceError
from songspace.evaluation import clustering
from songspace.intervals import halves

SCORES = ("kmeans_ami", "kmeans_v_measure", "mixture_ami", "mixture_v_measure")


def planted(n: int, d: int, labels: int, *, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Songs of as many places as labels."""
    rng = np.random.default_rng(seed)
    given = np.arange(n) % labels
    places = rng.normal(size=(labels, d))
    return places[given] + noise * rng.normal(size=(n, d)), given


pairs = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n), st.lists(st.integers(0, 4), min_size=n, max_size=n)
    )
)


@given(pairs)
@settings(max_examples=150, deadline=None)
def test_equals_scikit_learn(pair: tuple[list[int], list[int]]) -> None:
    labels, clusters = pair
    assert clustering.v_measure(labels, clusters) == pytest.approx(v_measure_score(labels, clusters), abs=1e-9)
    for average in ("arithmetic", "max"):
        expected = adjusted_mutual_info_score(labels, clusters, average_method=average)
        found = clustering.adjusted_mutual_information(labels, clusters, average)
        assert found == pytest.approx(expected, abs=1e-9)


def test_labels_may_be_text() -> None:
    labels, clusters = ["folk", "folk", "jazz", "rock", "rock", "jazz"], [2, 2, 0, 1, 0, 0]
    assert clustering.v_measure(labels, clusters) == pytest.approx(v_measure_score(labels, clusters))


def test_kmeans_is_scikit_learns_own() -> None:
    vectors, labels = planted(90, 6, 3, noise=1.0)
    found = clustering.evaluate(vectors, labels, seeds=3, random_state=4)
    clusters = [KMeans(3, n_init=10, random_state=seed).fit_predict(vectors) for seed in found["seeds"]]
    ami = [adjusted_mutual_info_score(labels, c) for c in clusters]
    assert 0.1 < np.mean(ami) < 0.9
    assert found["kmeans_ami"]["value"] == pytest.approx(np.mean(ami))
    assert found["kmeans_ami"]["spread"] == pytest.approx(np.std(ami, ddof=1))
    assert found["kmeans_v_measure"]["value"] == pytest.approx(np.mean([v_measure_score(labels, c) for c in clusters]))


def test_the_posters_normaliser_comes_when_asked_for() -> None:
    vectors, labels = planted(90, 6, 3, noise=1.0)
    plain = clustering.evaluate(vectors, labels, n_clusters=5, seeds=2)
    both = clustering.evaluate(vectors, labels, n_clusters=5, seeds=2, both_normalisers=True)
    assert set(both) - set(plain) == {"kmeans_ami_max", "mixture_ami_max"}
    assert {name: both[name] for name in plain} == plain
    clusters = [KMeans(5, n_init=10, random_state=seed).fit_predict(vectors) for seed in both["seeds"]]
    expected = np.mean([adjusted_mutual_info_score(labels, c, average_method="max") for c in clusters])
    assert both["kmeans_ami_max"]["value"] == pytest.approx(expected)
    low, high = both["kmeans_ami_max"]["interval"]
    assert low < expected < high
    assert expected < plain["kmeans_ami"]["value"]


@pytest.mark.parametrize("d", [3, 30, 500])
def test_planted_clusters_score_one(d: int) -> None:
    vectors, labels = planted(60, d, 4, noise=0.01)
    found = clustering.evaluate(vectors, labels, seeds=2)
    assert [found[name]["value"] for name in SCORES] == pytest.approx([1.0] * 4)
    assert found["kmeans_ami"]["interval"] is None  # whoever is left out: that tells nothing of others


def test_random_vectors_score_chance() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(8, size=400)
    found = clustering.evaluate(rng.normal(size=(400, 10)), labels, seeds=3)
    for name in SCORES:
        score = found[name]
        assert score["interval"][0] <= score["chance"] <= score["interval"][1]
        assert abs(score["value"] - score["chance"]) < 0.02
    assert found["kmeans_v_measure"]["chance"] > 0.02


def test_chance_is_the_mean_over_permuted_labels() -> None:
    vectors, labels = planted(60, 4, 5, noise=0.5)
    found = clustering.evaluate(vectors, labels, seeds=1)
    clusters = KMeans(5, n_init=10, random_state=found["seeds"][0]).fit_predict(vectors)
    rng = np.random.default_rng(0)
    by_chance = [v_measure_score(rng.permutation(labels), clusters) for _ in range(500)]
    tolerance = 4 * np.std(by_chance) / np.sqrt(len(by_chance))
    assert found["kmeans_v_measure"]["chance"] == pytest.approx(np.mean(by_chance), abs=tolerance)
    assert found["kmeans_ami"]["chance"] == 0.0


def test_intervals_are_the_scatter_of_halves_clustered_anew() -> None:
    vectors, labels = planted(60, 4, 3, noise=0.4)
    artists = np.arange(60) // 3
    found = clustering.scores(vectors, labels, seeds=1, artists=artists, random_state=2)
    smaller = halves(artists, random_state=2)
    anew = [KMeans(3, n_init=20, random_state=0).fit_predict(vectors[kept]) for kept in smaller.kept]
    for metric, plain in (("v_measure", v_measure_score), ("ami", adjusted_mutual_info_score)):
        expected = [plain(labels[kept], clusters) for kept, clusters in zip(smaller.kept, anew, strict=True)]
        values = found[f"kmeans_{metric}"].scatter.values
        assert np.mean(np.isclose(values, expected)) > 0.8  # fewer starts may end elsewhere
        assert found[f"kmeans_{metric}"].scatter.scale == smaller.scale


def test_no_interval_where_halves_have_hardly_a_song_for_each_cluster() -> None:
    """There every song is a cluster, which scores 0 in any space: what does not scatter would look sure."""
    rng = np.random.default_rng(0)
    artists = np.arange(64) // 2
    vectors, labels = rng.normal(size=(64, 5)), artists % 8
    for songs, known in ((range(31), False), (range(32), True), (range(64), True)):
        rows = np.array(songs)
        found = clustering.evaluate(vectors[rows], labels[rows], artists=artists[rows], seeds=1)
        assert (found["kmeans_ami"]["interval"] is not None) == known
        assert (found["mixture_v_measure"]["interval"] is not None) == known
    few = np.r_[np.zeros(54, int), 1 + np.arange(10)]  # without the first artist there are at most five songs
    scatter = clustering.scores(vectors, labels, artists=few, seeds=1)["kmeans_ami"].scatter
    without = ~halves(few).kept[:, 0]
    assert np.array_equal(np.isnan(scatter.values), without) and without.any()


def test_interval_of_a_space_that_only_knows_artists_reaches_down_to_chance() -> None:
    rng = np.random.default_rng(1)
    artists = np.repeat(np.arange(100), 4)
    labels = rng.integers(4, size=100)[artists]
    vectors = rng.normal(size=(100, 8))[artists] + 0.01 * rng.normal(size=(400, 8))
    by_artist = clustering.evaluate(vectors, labels, artists=artists, seeds=1)["kmeans_ami"]
    by_song = clustering.evaluate(vectors, labels, seeds=1)["kmeans_ami"]
    assert by_artist["interval"][0] < by_artist["chance"] < by_artist["interval"][1]
    assert np.ptp(by_artist["interval"]) > 1.4 * np.ptp(by_song["interval"])


@pytest.mark.parametrize("shape", [(40, 7), (12, 50), (20, 20)])
def test_principal_coordinates_keep_distances_and_order_spread(shape: tuple[int, int]) -> None:
    vectors = np.random.default_rng(1).normal(size=shape) * np.linspace(0.1, 5, shape[1]) + 100
    turned = clustering.principal_coordinates(vectors)
    assert turned.shape == (shape[0], min(shape))
    np.testing.assert_allclose(pdist(turned), pdist(vectors))
    assert np.all(np.diff(turned.var(axis=0)) <= 1e-9)


def test_scale_does_not_matter() -> None:
    vectors, labels = planted(80, 12, 3, noise=0.7)
    small, large = (clustering.evaluate(vectors * scale, labels, seeds=2) for scale in (1e-3, 1e5))
    assert small["mixture_ami"]["value"] == pytest.approx(large["mixture_ami"]["value"])
    assert small["kmeans_ami"]["value"] == pytest.approx(large["kmeans_ami"]["value"])


def test_same_state_same_result_as_json() -> None:
    vectors, labels = planted(60, 20, 3, noise=1.5)
    first, again = (json.dumps(clustering.evaluate(vectors, labels, seeds=2, random_state=7)) for _ in range(2))
    assert first == again
    assert first != json.dumps(clustering.evaluate(vectors, labels, seeds=2, random_state=8))


def test_one_point_for_every_song_scores_nothing() -> None:
    found = clustering.evaluate(np.ones((30, 5)), [0, 1, 2] * 10, seeds=1)
    assert [found[name]["value"] for name in SCORES] == pytest.approx([0.0] * 4)


def test_few_artists_give_no_interval() -> None:
    vectors, labels = planted(30, 3, 2, noise=0.9)
    assert clustering.evaluate(vectors, labels, artists=np.arange(30) // 4, seeds=1)["kmeans_ami"]["interval"] is None
    assert clustering.evaluate(vectors, labels, artists=np.arange(30) // 3, seeds=1)["kmeans_ami"]["interval"]


def test_other_numbers_of_clusters() -> None:
    vectors, labels = planted(40, 3, 2, noise=0.01)
    found = clustering.evaluate(vectors, labels, n_clusters=5, seeds=1)
    assert found["n_clusters"] == 5
    assert 0 < found["kmeans_ami"]["value"] < 1


def test_mixture_sees_what_its_songs_can_tell() -> None:
    assert clustering.mixture_dimensions(400, 4) == 20
    assert clustering.mixture_dimensions(60, 6) == 5
    assert clustering.mixture_dimensions(4, 4) == 1


def test_failures() -> None:
    vectors, labels = planted(10, 3, 2, noise=0.1)
    with pytest.raises(SongspaceError, match="all songs have the one label 'rock'"):
        clustering.evaluate(vectors, ["rock"] * 10)
    with pytest.raises(SongspaceError, match="1 of at least 2 songs"):
        clustering.evaluate(vectors[:1], ["rock"])
    with pytest.raises(ValueError, match="one label for each of 10 songs, got 9"):
        clustering.evaluate(vectors, labels[:9])
    with pytest.raises(ValueError, match="one artist for each of 10 songs, got 2"):
        clustering.evaluate(vectors, labels, artists=["a", "b"])
    with pytest.raises(ValueError, match="label is None"):
        clustering.evaluate(vectors, ["rock", None] * 5)
    with pytest.raises(ValueError, match="n_clusters must lie between 2 and the 10 songs, got 11"):
        clustering.evaluate(vectors, labels, n_clusters=11)
    with pytest.raises(ValueError, match="seeds must be at least 1, got 0"):
        clustering.evaluate(vectors, labels, seeds=0)
    with pytest.raises(ValueError, match=r"shape \(n, d\), got an array of shape \(10,\)"):
        clustering.evaluate(vectors[:, 0], labels)
    with pytest.raises(ValueError, match="real numbers"):
        clustering.evaluate(vectors.astype(str), labels)
    with pytest.raises(ValueError, match="average must be 'arithmetic' or 'max', got 'min'"):
        clustering.adjusted_mutual_information(labels, labels, average="min")
    vectors[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        clustering.evaluate(vectors, labels)
