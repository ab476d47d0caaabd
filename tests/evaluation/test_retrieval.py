"""Retrieval by label and by song, against plain loops and scikit-learn's average precision."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import average_precision_score

from songspace.errors import SongspaceError
from songspace.evaluation import ranking, retrieval
from songspace.evaluation.neighbors import distance_blocks
from songspace.space import Space


def slow_precision(vectors: np.ndarray, labels: list, artists: list, k: int) -> list[float | None]:
    found = []
    for song, line in enumerate(cdist(vectors, vectors)):
        others = sorted((d, o) for o, d in enumerate(line) if o != song and artists[o] != artists[song])[:k]
        found.append(np.mean([labels[o] == labels[song] for _, o in others]) if others else None)
    return found


@given(st.integers(0, 2**32 - 1), st.integers(4, 40), st.integers(2, 12), st.integers(1, 15))
@settings(max_examples=60, deadline=None)
def test_equals_a_plain_loop(seed: int, n: int, people: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, labels = rng.normal(size=(n, 3)), rng.integers(3, size=n).tolist()
    artists = rng.integers(people, size=n).tolist()
    if len(set(labels)) < 2 or len(set(artists)) < 2:
        return
    found = retrieval.evaluate(vectors, labels, artists=artists, k=k)
    expected = [p for p in slow_precision(vectors, labels, artists, k) if p is not None]
    assert found["precision"]["value"] == pytest.approx(np.mean(expected))
    candidates = [sum(a != b for b in artists) for a in artists]
    assert found["queries"] == len(expected)
    assert found["with_fewer"] == sum(0 < c < k for c in candidates)
    averages = [average for average in slow_average_precision(vectors, labels, artists) if average is not None]
    assert found["without_target"] == found["queries"] - len(averages)
    if averages:
        assert found["average_precision"]["value"] == pytest.approx(np.mean(averages))
    else:
        assert "average_precision" not in found


def slow_average_precision(vectors: np.ndarray, labels: list, artists: list) -> list[float | None]:
    """Walk down each list and take the precision wherever something right stands."""
    found: list[float | None] = []
    for song, line in enumerate(cdist(vectors, vectors)):
        right, precisions = 0, []
        others = sorted((d, o) for o, d in enumerate(line) if artists[o] != artists[song])
        for place, (_, other) in enumerate(others, 1):
            if labels[other] == labels[song]:
                right += 1
                precisions.append(right / place)
        found.append(np.mean(precisions) if precisions else None)
    return found


def test_mean_average_precision_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(60, 4)), rng.integers(4, size=60)
    each = [
        average_precision_score(np.delete(labels == labels[row], row), -np.delete(line, row))
        for row, line in enumerate(cdist(vectors, vectors))
    ]
    found = retrieval.evaluate(vectors, labels, artists=None)["average_precision"]
    assert found["value"] == pytest.approx(np.mean(each))
    assert found["interval"][0] < found["value"] < found["interval"][1]


@given(st.integers(0, 1000))
@settings(max_examples=8)
def test_the_order_of_songs_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, labels, artists = rng.normal(size=(40, 5)), np.arange(40) % 3, rng.integers(12, size=40)
    order = rng.permutation(40)
    found, again = (
        retrieval.evaluate(vectors[o], labels[o], artists=artists[o].tolist()) for o in (np.arange(40), order)
    )
    for metric in ("precision", "average_precision"):
        for part in ("value", "chance"):
            assert found[metric][part] == pytest.approx(again[metric][part])
    assert found["ceiling"] == pytest.approx(again["ceiling"])


@pytest.mark.parametrize("mutual", [False, True])
def test_a_space_is_scored_by_its_own_order(mutual: bool) -> None:
    rng = np.random.default_rng(0)
    labels, artists = rng.integers(3, size=70), rng.integers(20, size=70)
    space = Space.from_vectors(rng.normal(size=(3, 30))[labels] + 2 * rng.normal(size=(70, 30)), mutual=mutual)
    own = [np.flatnonzero(artists == artist).tolist() for artist in artists]
    orders = [space.neighbors(row, 70, exclude=own[row])[0] for row in range(70)]
    found = retrieval.evaluate(space, labels, artists=artists.tolist(), k=7)
    shares = [np.mean(labels[order[:7]] == labels[row]) for row, order in enumerate(orders)]
    assert found["precision"]["value"] == pytest.approx(np.mean(shares))
    averages = [
        average_precision_score(labels[order] == labels[row], -np.arange(len(order)))
        for row, order in enumerate(orders)
    ]
    assert found["average_precision"]["value"] == pytest.approx(np.mean(averages))
    assert (found == retrieval.evaluate(space.vectors, labels, artists=artists.tolist(), k=7)) != mutual


def test_some_songs_ask_for_the_average_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=600)
    vectors = rng.normal(size=(4, 6))[labels] + 1.5 * rng.normal(size=(600, 6))
    whole = retrieval.evaluate(vectors, labels, artists=None)
    monkeypatch.setattr(retrieval, "QUERIES", 200)
    part = retrieval.evaluate(vectors, labels, artists=None)
    assert part["precision"] == whole["precision"]
    assert part["average_precision"]["value"] != whole["average_precision"]["value"]
    assert part["average_precision"]["value"] == pytest.approx(whole["average_precision"]["value"], abs=0.03)


def test_filter_by_artist_filters() -> None:
    """Every artist has a place and a label; the nearest other artist always has the other label."""
    artists = np.repeat(np.arange(20), 11)
    labels = artists % 2
    vectors = (artists[:, None] // 2 * 100.0 + labels[:, None]) + np.tile(np.linspace(0, 0.1, 11), 20)[:, None]
    without = retrieval.evaluate(vectors, labels, artists=None, k=10)
    assert without["precision"]["value"] == 1.0
    assert retrieval.evaluate(vectors, labels, artists=artists, k=10)["precision"]["value"] == 0.0


def test_chance_is_what_random_spaces_score() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(3, size=80, p=[0.6, 0.3, 0.1])
    artists = np.where(labels == 0, rng.integers(4, size=80), 4 + rng.integers(20, size=80))
    random = [retrieval.scores(rng.normal(size=(80, 20)), labels, artists=artists) for _ in range(60)]
    found = retrieval.evaluate(rng.normal(size=(80, 5)), labels, artists=artists)
    for metric in ("precision", "average_precision"):
        scored = [scores[metric].value for scores in random]
        assert found[metric]["chance"] == pytest.approx(np.mean(scored), abs=4 * np.std(scored) / np.sqrt(60))
    without = retrieval.evaluate(rng.normal(size=(80, 5)), labels, artists=None)["precision"]["chance"]
    assert found["precision"]["chance"] < without - 0.02


def test_random_vectors_score_chance() -> None:
    rng = np.random.default_rng(0)
    precision = retrieval.evaluate(rng.normal(size=(300, 8)), np.arange(300) % 4, artists=None)["precision"]
    assert precision["interval"][0] <= precision["chance"] <= precision["interval"][1]


@given(st.integers(0, 2**32 - 1), st.integers(10, 20))
@settings(max_examples=15, deadline=None)
def test_intervals_are_the_scatter_of_collections_without_an_artist(seed: int, people: int) -> None:
    """Neither asks nor answers who is left out: the same as scoring what is left, from the beginning."""
    rng = np.random.default_rng(seed)
    vectors, labels = rng.normal(size=(60, 3)), np.arange(60) % 3
    artists = np.r_[np.arange(people), rng.integers(people, size=60 - people)]
    found = retrieval.scores(vectors, labels, artists=artists, k=5)
    for metric, slow in (("precision", slow_precision), ("average_precision", slow_average_precision)):
        expected = []
        for artist in range(people):
            left = artists != artist
            rest = [vectors[left], labels[left].tolist(), artists[left].tolist()]
            each = slow(*rest, 5) if metric == "precision" else slow(*rest)
            expected.append(np.mean([value for value in each if value is not None]))
        np.testing.assert_allclose(found[metric].scatter.values, expected)
        assert found[metric].scatter.scale == people - 1


@pytest.mark.parametrize("mutual", [None, False, True])
@pytest.mark.parametrize("seed", range(3))
def test_most_songs_by_one_artist(seed: int, mutual: bool | None) -> None:
    """Who fills all that is looked up leaves whoever lies behind, however far."""
    rng = np.random.default_rng(seed)
    vectors, labels = rng.normal(size=(300, 3)), rng.integers(3, size=300)
    artists = np.r_[np.zeros(270, int), 1 + np.arange(30) % 19]
    points = vectors if mutual is None else Space.from_vectors(vectors, mutual=mutual)
    found = retrieval.scores(points, labels, artists=artists, k=3)["precision"].scatter.values
    for artist in range(20):
        shares = []
        for row in np.flatnonzero(artists != artist):
            distances = next(distance_blocks(points, np.array([row])))[1][0]
            others = [o for o in np.argsort(distances) if artists[o] not in (artist, artists[row])][:3]
            shares.append(np.mean(labels[others] == labels[row]))
        assert found[artist] == pytest.approx(np.mean(shares))


@pytest.mark.parametrize(("n", "share", "count"), [(300, 0.3, 20), (4000, 0.5, 20), (4000, 0.1, 100)])
def test_long_lists_are_worth_the_same_without_a_group(n: int, share: float, count: int) -> None:
    rng = np.random.default_rng(0)
    groups = rng.choice(count, size=n, p=rng.dirichlet(np.ones(count)))
    right = rng.random(n) < np.linspace(2, 0, n) * share
    exact = []
    for group in range(count):
        ranks = np.flatnonzero(right[groups != group]) + 1
        exact.append(np.mean(np.arange(1, len(ranks) + 1) / ranks))
    _, found = ranking.left_out(right, groups, count)
    assert np.std(found - exact) < (1e-12 if right.sum() <= 128 else 0.1 * np.std(exact))


def test_unknown_artists_are_their_own() -> None:
    vectors = np.array([[0.0], [0.1], [5.0], [5.1]])
    for unknown in (None, ""):
        found = retrieval.evaluate(vectors, [0, 0, 1, 1], artists=[unknown] * 4, k=1)
        assert found["precision"]["value"] == 1.0


def test_ceiling_is_what_a_perfect_space_scores() -> None:
    labels = ["a"] * 3 + ["b"] * 12
    perfect = np.array([[0.0]] * 3 + [[1.0]] * 12) + np.linspace(0, 0.01, 15)[:, None]
    found = retrieval.evaluate(perfect, labels, artists=None, k=5)
    assert found["ceiling"] == pytest.approx((3 * 2 / 5 + 12) / 15)
    assert found["precision"]["value"] == pytest.approx(found["ceiling"])


def test_songs_with_few_or_no_candidates() -> None:
    found = retrieval.evaluate(np.arange(6.0)[:, None], [0, 1, 0, 1, 0, 1], artists=["A"] * 5 + ["B"], k=3)
    assert (found["queries"], found["without_candidates"], found["with_fewer"]) == (6, 0, 5)
    assert found["precision"]["value"] == pytest.approx((3 * 0 + 2 * 1 + 1 / 3) / 6)


def test_failures_of_precision() -> None:
    vectors = np.arange(6.0)[:, None]
    with pytest.raises(SongspaceError, match="every song is by the same artist"):
        retrieval.evaluate(vectors, [0, 1] * 3, artists=["A"] * 6)
    with pytest.raises(SongspaceError, match="all songs have the one label 0"):
        retrieval.evaluate(vectors, [0] * 6, artists=None)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        retrieval.evaluate(vectors, [0, 1] * 3, artists=None, k=0)


def slow_same_song(
    segments: np.ndarray, songs: np.ndarray, starts: np.ndarray | None, min_gap: float
) -> tuple[float, float, float, int]:
    top1, average, chance = [], [], []
    for query in range(len(segments)):
        kept, right = [], []
        for other in range(len(segments)):
            same = songs[other] == songs[query]
            if other != query and not (same and starts is not None and abs(starts[other] - starts[query]) < min_gap):
                kept.append(np.sum((segments[other] - segments[query]) ** 2))
                right.append(same)
        if any(right):
            top1.append(right[int(np.argmin(kept))])
            average.append(average_precision_score(right, -np.array(kept)))
            chance.append(np.mean(right))
    return np.mean(top1), np.mean(average), np.mean(chance), len(top1)


@pytest.mark.parametrize("timed", [False, True])
def test_same_song_equals_a_plain_loop(timed: bool) -> None:
    rng = np.random.default_rng(0)
    songs = rng.permutation(np.repeat(np.arange(12), 6))
    segments = rng.normal(size=(12, 4))[songs] + rng.normal(size=(72, 4))
    starts = rng.uniform(0, 20, size=72) if timed else None
    found = retrieval.same_song(segments, songs, starts=starts, min_gap=6.0)
    top1, average, chance, asked = slow_same_song(segments, songs, starts, 6.0)
    assert 0.05 < top1 < 0.95
    assert found["top1"]["value"] == pytest.approx(top1)
    assert found["top1"]["chance"] == pytest.approx(chance)
    assert found["average_precision"]["value"] == pytest.approx(average)
    assert found["queries"] == asked
    assert found["top1"]["interval"][0] < top1 < found["top1"]["interval"][1]
    scores, _ = retrieval.same_song_scores(segments, songs, starts=starts, min_gap=6.0)
    order = list(dict.fromkeys(songs.tolist()))
    for song, *values in zip(
        order, *(scores[name].scatter.values for name in ("top1", "average_precision")), strict=True
    ):
        left = songs != song
        assert values == pytest.approx(
            slow_same_song(segments[left], songs[left], None if starts is None else starts[left], 6.0)[:2]
        )


def test_same_song_leaves_out_whole_artists() -> None:
    rng = np.random.default_rng(0)
    songs = np.repeat(np.arange(40), 4)
    segments = rng.normal(size=(40, 4))[songs] + rng.normal(size=(160, 4))
    scores, _ = retrieval.same_song_scores(segments, songs, artists=songs // 2)
    values = scores["average_precision"].scatter.values
    assert len(values) == 20
    for artist in (0, 7):
        left = songs // 2 != artist
        assert values[artist] == pytest.approx(slow_same_song(segments[left], songs[left], None, 0)[1])


def test_overlapping_segments_are_neither_right_nor_wrong() -> None:
    """Neighbours in time share sound: asked for segments farther off, an encoder of sound alone fails."""
    starts = np.tile(np.arange(0, 25, 2.5), 8)
    songs = np.repeat(np.arange(8), 10)
    moment = np.random.default_rng(0).permutation(80)  # what is heard, regardless of the song ...
    segments = moment + 0.0
    segments[1::2] = segments[::2] + 0.001  # ... but two overlapping windows always hear the same
    assert retrieval.same_song(segments[:, None], songs)["top1"]["value"] == 1.0
    assert retrieval.same_song(segments[:, None], songs, starts=starts, min_gap=5.0)["top1"]["value"] < 0.4


def test_one_point_for_every_segment_scores_nothing() -> None:
    found = retrieval.same_song(np.ones((30, 4)), np.repeat(np.arange(3), 10))
    assert found["top1"]["value"] == 0.0
    assert found["average_precision"]["value"] < found["average_precision"]["chance"]


@pytest.mark.parametrize(("relevant", "candidates"), [(1, 1), (1, 6), (2, 6), (5, 6), (6, 6)])
def test_chance_of_average_precision_is_the_mean_over_all_orders(relevant: int, candidates: int) -> None:
    """One song has ``relevant + 1`` segments, and the rest of the candidates are single: only it can ask."""
    songs = [0] * (relevant + 1) + list(range(1, candidates - relevant + 1))
    if candidates == relevant:
        songs, candidates = [*songs, 1], candidates + 1
    found = retrieval.same_song(np.arange(float(len(songs)))[:, None], songs)
    orders = [
        average_precision_score([place in right for place in range(candidates)], -np.arange(candidates))
        for right in itertools.combinations(range(candidates), relevant)
    ]
    assert found["average_precision"]["chance"] == pytest.approx(np.mean(orders))
    assert found["queries"] == relevant + 1


def test_some_segments_ask() -> None:
    rng = np.random.default_rng(0)
    songs = np.repeat(np.arange(50), 8)
    segments = rng.normal(size=(50, 5))[songs] + rng.normal(size=(400, 5))
    whole = retrieval.same_song(segments, songs)
    part = retrieval.same_song(segments, songs, queries=200, random_state=1)
    assert (whole["queries"], part["queries"]) == (400, 200)
    assert part["top1"]["value"] == pytest.approx(whole["top1"]["value"], abs=0.1)
    assert json.dumps(part) == json.dumps(retrieval.same_song(segments, songs, queries=200, random_state=1))


def test_failures_of_same_song() -> None:
    segments = np.arange(6.0)[:, None]
    with pytest.raises(SongspaceError, match="no two songs have segments far enough apart"):
        retrieval.same_song(segments, range(6))
    with pytest.raises(SongspaceError, match="no two songs"):
        retrieval.same_song(segments, [0] * 6)
    with pytest.raises(SongspaceError, match="no two songs"):
        retrieval.same_song(segments, [0, 0, 0, 1, 1, 1], starts=[0, 1, 2] * 2)
    with pytest.raises(ValueError, match="one start for each of 6 segments"):
        retrieval.same_song(segments, [0, 0, 0, 1, 1, 1], starts=[0.0])


@pytest.mark.parametrize("tagged", [False, True])
def test_same_artist_equals_a_plain_loop(tagged: bool) -> None:
    rng = np.random.default_rng(0)
    artists = [None if person == 0 else f"artist {person}" for person in rng.integers(15, size=70)]
    albums = [f"album {record}" if record else None for record in rng.integers(4, size=70)] if tagged else None
    points = rng.normal(size=(70, 4))
    points += rng.normal(size=(15, 4))[[0 if artist is None else int(artist.split()[1]) for artist in artists]]
    top1, average, asked, apart = [], [], 0, 0
    for song in range(70):
        mine = [other for other in range(70) if artists[other] == artists[song] and artists[song] and other != song]
        records = {albums[other] for other in [*mine, song] if albums[other]} if albums else set()
        if albums and len(records) > 1:
            mine = [other for other in mine if albums[other] is None or albums[other] != albums[song]]
        if not mine:
            continue
        rest = [
            other for other in range(70) if other != song and (artists[other] != artists[song] or not artists[song])
        ]
        near = np.linalg.norm(points[[*mine, *rest]] - points[song], axis=1)
        right = np.arange(len(near)) < len(mine)
        top1.append(right[np.argmin(near)])
        average.append(average_precision_score(right, -near))
        asked += 1
        apart += bool(albums) and len(records) > 1
    found = retrieval.same_artist(points, artists, albums=albums)
    assert found["top1"]["value"] == pytest.approx(np.mean(top1))
    assert found["average_precision"]["value"] == pytest.approx(np.mean(average))
    assert found["queries"] == asked and found["average_precision"]["interval"]
    assert bool(found["other_albums"]) == tagged
    if tagged:
        assert found["other_albums"] == apart


def test_failures_of_same_artist() -> None:
    points = np.arange(4.0)[:, None]
    for artists in (["A", "B", "C", "D"], ["A"] * 4, [None] * 4):
        with pytest.raises(SongspaceError, match="no two artists, one of them with two songs"):
            retrieval.same_artist(points, artists)
    with pytest.raises(ValueError, match="one artist for each of 4 songs"):
        retrieval.same_artist(points, ["A"])
