"""Radio: near the seeds, away from what is unwanted, varied on request, and never against the rule."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.playlists.radio import radio
from songspace.playlists.rules import Rules
from songspace.space import Space


def keeps(rows: list[int] | tuple[int, ...], artists: list[str | None], gap: int) -> bool:
    near = [(a, b) for (i, a), (j, b) in combinations(enumerate(rows), 2) if j - i <= gap]
    return not any(artists[a] is not None and artists[a] == artists[b] for a, b in near)


def by(artists: list[str | None], gap: int = 2) -> Rules:
    return Rules.of(len(artists), artists=artists, artist_gap=gap)


def library(seed: int = 0, n: int = 400) -> tuple[Space, list[str | None], np.ndarray]:
    rng = np.random.default_rng(seed)
    group = rng.integers(8, size=n)
    vectors = rng.standard_normal((8, 12))[group] + 0.5 * rng.standard_normal((n, 12))
    return Space.from_vectors(vectors), [f"artist {a}" for a in rng.integers(60, size=n)], group


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_legal_list_or_an_error_only_where_none_exists(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 7))
    vectors = data.draw(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=n, max_size=n))
    artists = data.draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n, max_size=n))
    rows = data.draw(st.permutations(range(n)))
    seeds, minus = rows[: data.draw(st.integers(1, n))], []
    if len(seeds) < n:
        minus = rows[len(seeds) : data.draw(st.integers(len(seeds), n))]
    length, gap = data.draw(st.integers(1, n)), data.draw(st.integers(0, 3))
    variety = data.draw(st.sampled_from([0.0, 1.0]))

    def is_legal(found: list[int] | tuple[int, ...]) -> bool:
        return found[0] == seeds[0] and set(seeds) <= set(found) and keeps(found, artists, gap)

    try:
        found = radio(
            Space.from_vectors(vectors),
            seeds,
            length=length,
            minus=minus,
            rules=by(artists, gap),
            variety=variety,
        )
    except SongspaceError:
        allowed = [row for row in range(n) if row not in minus]
        assert not any(is_legal(other) for other in permutations(allowed, length))
    else:
        assert len(found) == len(set(found)) == length
        assert not set(found) & set(minus)
        assert is_legal(found)


def test_without_variety_it_takes_the_nearest_songs_and_lets_them_flow() -> None:
    space, _, _ = library()
    found = radio(space, [7], length=12)
    assert found[0] == 7
    assert set(found[1:]) == set(space.neighbors(7, 11, mutual=False)[0].tolist())
    by_nearness = [7, *space.neighbors(7, 11, mutual=False)[0].tolist()]
    assert _cost(space, found) < _cost(space, by_nearness)


def test_from_several_songs_it_takes_what_is_near_all_of_them() -> None:
    space, _, _ = library()
    seeds = [3, 50, 120]
    found = radio(space, seeds, length=20)
    assert found[0] == 3
    assert set(seeds) <= set(found)
    mean_square = np.mean([space.distances(row) ** 2 for row in seeds], axis=0)
    mean_square[seeds] = np.inf
    assert set(found) - set(seeds) == set(np.argsort(mean_square)[:17].tolist())


def test_it_steers_away() -> None:
    space, _, group = library()
    seed = 7
    unwanted = [int(row) for row in np.flatnonzero(group == group[space.neighbors(seed, 60)[0][-1]])[:3]]
    plain, away = radio(space, [seed], length=25), radio(space, [seed], length=25, minus=unwanted)
    nearness = [np.mean([space.distances(row, found).mean() for row in unwanted]) for found in (plain, away)]
    assert nearness[1] > nearness[0]
    assert not set(away) & set(unwanted)


def test_variety_makes_the_songs_differ_more_and_costs_little_nearness() -> None:
    space, artists, _ = library()
    lists = [
        [radio(space, [seed], length=15, rules=by(artists), variety=variety) for seed in range(6)]
        for variety in (0.0, 0.5, 1.0)
    ]
    among = [np.mean([space.pairwise(rows, rows)[np.triu_indices(15, 1)].mean() for rows in some]) for some in lists]
    near = [np.mean([space.distances(rows[0], rows[1:]).mean() for rows in some]) for some in lists]
    assert among[0] < among[1] < among[2]
    assert near[0] < near[1] < near[2] < np.median(space.pairwise(range(400), range(400)))


def test_the_same_arguments_the_same_list() -> None:
    space, artists, _ = library()
    lists = [
        radio(space, [5], length=15, rules=by(artists), variety=variety, seed=seed)
        for variety, seed in ((0.0, 0), (0.0, 1), (0.5, 0), (0.5, 0), (0.5, 1))
    ]
    assert lists[0] == lists[1]
    assert lists[2] == lists[3]
    assert lists[3] != lists[4] != lists[0]


def test_sitting_out_ends_where_songs_are_needed() -> None:
    space, artists, _ = library(n=20)
    assert sorted(radio(space, [5], length=20, rules=by(artists, 0), variety=1.0)) == list(range(20))


def test_a_seed_named_twice_is_one() -> None:
    space, _, _ = library()
    assert radio(space, [5, 5, 6], length=9) == radio(space, [5, 6], length=9)


def _cost(space: Space, rows: list[int]) -> float:
    return sum(space.distance(a, b) ** 2 for a, b in pairwise(rows))


class TestRefusals:
    space = Space.from_vectors(np.random.default_rng(0).standard_normal((10, 3)))

    def test_too_few_artists(self) -> None:
        artists: list[str | None] = [*"aaaaaaabbc"]
        with pytest.raises(SongspaceError) as said:
            radio(self.space, [0], length=9, rules=by(artists))
        assert str(said.value) == (
            "A radio from these songs cannot have 9 songs and keep a gap of 2 other songs between two of one artist: "
            "an artist gap of 0 or 5 songs would do."
        )
        assert keeps(radio(self.space, [0], length=5, rules=by(artists)), artists, 2)

    def test_seeds_that_cannot_be_kept_apart(self) -> None:
        artists: list[str | None] = [*"aaaabcdefg"]
        with pytest.raises(SongspaceError, match="an artist gap of 1 or 7 songs would do"):
            radio(self.space, [0, 1, 2], length=6, rules=by(artists))
        assert keeps(radio(self.space, [0, 1, 2], length=6, rules=by(artists, 1)), artists, 1)
        assert keeps(radio(self.space, [0, 1, 2], length=7, rules=by(artists)), artists, 2)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"length": 11}, "only 10"),
            ({"length": 10, "minus": [1]}, "only 9"),
            ({"seeds": [0, 1, 2], "length": 2}, "3 songs to start from do not fit into a list of 2"),
            ({"minus": [0]}, "cannot also be"),
        ],
    )
    def test_lists_that_do_not_exist(self, arguments: dict[str, object], said: str) -> None:
        with pytest.raises(SongspaceError, match=said):
            radio(self.space, **({"seeds": [0], "length": 5} | arguments))

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"seeds": []}, "at least one song"),
            ({"seeds": [10]}, "no row 10"),
            ({"minus": [-1]}, "no row -1"),
            ({"length": 0}, "at least 1"),
            ({"variety": -1.0}, "between 0 and 1"),
        ],
    )
    def test_arguments_out_of_range(self, arguments: dict[str, object], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            radio(self.space, **({"seeds": [0], "length": 5} | arguments))
