"""Paths: legal whenever a legal one exists, close to the best there is, the same every time."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.playlists.path import path
from songspace.playlists.rules import Rules
from songspace.space import Space


def is_legal(rows: list[int], start: int, end: int, length: int, artists: list[str | None], gap: int) -> bool:
    near = [(a, b) for (i, a), (j, b) in combinations(enumerate(rows), 2) if j - i <= gap]
    return (
        len(rows) == len(set(rows)) == length
        and (rows[0], rows[-1]) == (start, end)
        and not any(artists[a] is not None and artists[a] == artists[b] for a, b in near)
    )


def all_legal(n: int, start: int, end: int, length: int, artists: list[str | None], gap: int) -> list[list[int]]:
    others = [row for row in range(n) if row not in (start, end)]
    paths = ([start, *between, end] for between in permutations(others, length - 2))
    return [rows for rows in paths if is_legal(rows, start, end, length, artists, gap)]


def by(artists: list[str | None], gap: int = 2) -> Rules:
    return Rules.of(len(artists), artists=artists, artist_gap=gap)


def steps(space: Space, rows: list[int]) -> np.ndarray:
    return np.array([space.distance(a, b) for a, b in pairwise(rows)])


def clusters(seed: int, n: int = 600, d: int = 16) -> tuple[Space, list[str | None]]:
    """Songs in twelve groups that overlap a little, by artists who keep to a group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(12, size=n)
    vectors = rng.standard_normal((12, d))[group] + 0.6 * rng.standard_normal((n, d))
    artists: list[str | None] = [f"{g}-{a}" for g, a in zip(group, rng.integers(6, size=n), strict=True)]
    return Space.from_vectors(vectors), artists


def greedy_chain(space: Space, start: int, end: int, length: int) -> list[int]:
    rows = [start]
    while len(rows) < length - 1:
        rows.append(int(space.neighbors(rows[-1], 1, exclude=[*rows, end])[0][0]))
    return [*rows, end]


def straight_line(space: Space, start: int, end: int, length: int) -> list[int]:
    """What many products do: walk along the straight line and take the nearest song that is still free."""
    rows = [start]
    for share in np.linspace(0, 1, length)[1:-1]:
        point = (1 - share) * space.vectors[start] + share * space.vectors[end]
        rows.append(int(space.neighbors(point, 1, exclude=[*rows, end])[0][0]))
    return [*rows, end]


@st.composite
def small_libraries(draw: st.DrawFn) -> tuple[Space, list[str | None], int]:
    n = draw(st.integers(2, 7))
    vectors = draw(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=n, max_size=n))
    artists = draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n, max_size=n))
    return Space.from_vectors(vectors), artists, draw(st.integers(0, 3))


class TestLegality:
    @given(small_libraries(), st.data())
    @settings(max_examples=300, deadline=None)
    def test_a_legal_path_or_an_error_only_where_none_exists(
        self, library: tuple[Space, list[str | None], int], data: st.DataObject
    ) -> None:
        space, artists, gap = library
        start, end = data.draw(st.permutations(range(len(space))))[:2]
        length = data.draw(st.integers(2, len(space)))
        variety = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
        try:
            rows = path(space, start, end, length=length, rules=by(artists, gap), variety=variety)
        except SongspaceError:
            assert all_legal(len(space), start, end, length, artists, gap) == []
        else:
            assert is_legal(rows, start, end, length, artists, gap)

    @pytest.mark.parametrize("seed", range(4))
    def test_few_artists_many_songs(self, seed: int) -> None:
        """With three artists and a gap of two they must take turns throughout."""
        rng = np.random.default_rng(seed)
        artists: list[str | None] = ["a"] * 500 + ["b"] * 9 + ["c"] * 9
        space = Space.from_vectors(rng.standard_normal((518, 8)))
        rows = path(space, 0, 517, length=27, rules=by(artists))
        assert is_legal(rows, 0, 517, 27, artists, 2)

    def test_a_library_where_nearly_all_is_by_one_artist(self) -> None:
        """The songs that the rule needs are far from all that would be cheap."""
        rng = np.random.default_rng(0)
        near = rng.standard_normal((2000, 8)) + 3
        far = rng.standard_normal((16, 8)) - 3
        artists: list[str | None] = ["everywhere"] * 2000 + [f"other {i % 4}" for i in range(16)]
        space = Space.from_vectors(np.concatenate([near, far]))
        rows = path(space, 0, 1, length=25, rules=by(artists))
        assert is_legal(rows, 0, 1, 25, artists, 2)

    def test_every_song_of_the_library(self) -> None:
        space, artists = clusters(0, n=30)
        rows = path(space, 4, 5, length=30, rules=by(artists, 1))
        assert is_legal(rows, 4, 5, 30, artists, 1)

    def test_duplicates_and_songs_without_a_direction(self) -> None:
        space = Space.from_vectors([[1, 0], [1, 0], [-1, 0], [-1, 0], [0, 0], [0, 0]])
        for start, end in permutations(range(6), 2):
            assert is_legal(path(space, start, end, length=6), start, end, 6, [None] * 6, 2)


class TestQuality:
    def test_it_comes_close_to_the_best_of_all_paths(self) -> None:
        """Of all legal paths, it has about the smallest largest step and about the smallest mean step."""
        largest, mean = [], []
        for seed in range(12):
            rng = np.random.default_rng(seed)
            space = Space.from_vectors(rng.standard_normal((8, 3)))
            artists: list[str | None] = list(rng.choice(["a", "b", "c", "d"], 8))
            length = int(rng.integers(4, 8))
            legal = all_legal(8, 0, 1, length, artists, 1)
            found = steps(space, path(space, 0, 1, length=length, rules=by(artists, 1)))
            largest.append(found.max() / min(steps(space, rows).max() for rows in legal))
            mean.append(found.mean() / min(steps(space, rows).mean() for rows in legal))
        assert np.mean(largest) <= 1.1 and max(largest) <= 1.4
        assert np.mean(mean) <= 1.08 and max(mean) <= 1.2

    @pytest.mark.parametrize("seed", range(3))
    def test_it_beats_what_others_do(self, seed: int) -> None:
        space, artists = clusters(seed)
        rng = np.random.default_rng(seed)
        largest: dict[str, list[float]] = {"path": [], "greedy": [], "line": [], "random": []}
        for _ in range(4):
            start, end = (int(row) for row in rng.choice(len(space), 2, replace=False))
            middle = [int(row) for row in rng.permutation(len(space)) if row not in (start, end)][:18]
            lists = {
                "path": path(space, start, end, length=20, rules=by(artists)),
                "greedy": greedy_chain(space, start, end, 20),
                "line": straight_line(space, start, end, 20),
                "random": [start, *middle, end],
            }
            for name, rows in lists.items():
                largest[name].append(float(steps(space, rows).max()))
        mean = {name: float(np.mean(values)) for name, values in largest.items()}
        assert mean["path"] < 0.9 * mean["line"]
        assert mean["path"] < 0.75 * mean["greedy"]
        assert mean["path"] < 0.6 * mean["random"]

    def test_it_makes_steady_progress(self) -> None:
        space, artists = clusters(1)
        rng = np.random.default_rng(1)
        for _ in range(6):
            start, end = (int(row) for row in rng.choice(len(space), 2, replace=False))
            rows = path(space, start, end, length=15, rules=by(artists))
            ahead = space.distances(start, rows) ** 2 - space.distances(end, rows) ** 2
            onward = [ahead[j] > ahead[i] for i, j in combinations(range(15), 2)]
            assert np.mean(onward) > 0.9

    def test_on_a_ring_it_goes_round(self) -> None:
        turn = np.arange(40) / 40 * 2 * np.pi
        space = Space.from_vectors(np.stack([np.sin(turn), np.cos(turn)], axis=1))
        assert path(space, 2, 12, length=11) == list(range(2, 13))


class TestSameness:
    def test_the_same_arguments_the_same_path(self) -> None:
        space, artists = clusters(2)
        again = [path(space, 0, 9, length=15, rules=by(artists), variety=v, seed=3) for v in (0.0, 0.0, 0.6, 0.6)]
        assert again[0] == again[1] != again[2] == again[3]

    def test_another_seed_another_path_about_as_smooth(self) -> None:
        space, artists = clusters(2)
        best = path(space, 0, 9, length=15, rules=by(artists))
        others = [path(space, 0, 9, length=15, rules=by(artists), variety=0.7, seed=seed) for seed in range(5)]
        assert len({tuple(rows) for rows in others}) == 5
        for rows in others:
            assert is_legal(rows, 0, 9, 15, artists, 2)
            assert steps(space, rows).mean() < 1.25 * steps(space, best).mean()

    def test_without_variety_the_seed_does_nothing(self) -> None:
        space, artists = clusters(2)
        one, two = (path(space, 0, 9, length=15, rules=by(artists), seed=seed) for seed in (0, 1))
        assert one == two


class TestRefusals:
    space = Space.from_vectors(np.random.default_rng(0).standard_normal((10, 3)))

    def test_what_is_in_the_way_and_what_would_do(self) -> None:
        artists: list[str | None] = ["x", *"aabbaabb", "x"]
        with pytest.raises(SongspaceError) as said:
            path(self.space, 0, 9, length=8, rules=by(artists))
        assert str(said.value) == (
            "A path through these songs cannot have 8 songs and keep a gap of 2 other songs between two of one artist: "
            "an artist gap of 1 or 4 songs would do."
        )
        assert len(path(self.space, 0, 9, length=8, rules=by(artists, 1))) == 8
        assert len(path(self.space, 0, 9, length=4, rules=by(artists))) == 4

    def test_two_songs_by_one_artist_next_to_each_other(self) -> None:
        artists: list[str | None] = ["x", "x", *"abcdefgh"]
        with pytest.raises(SongspaceError, match="an artist gap of 0 or 4 songs would do"):
            path(self.space, 0, 1, length=2, rules=by(artists))
        assert path(self.space, 0, 1, length=2, rules=by(artists, 0)) == [0, 1]

    def test_more_songs_than_there_are(self) -> None:
        with pytest.raises(SongspaceError, match="A path of 11 songs was asked for, but there are only 10"):
            path(self.space, 0, 1, length=11)

    def test_from_a_song_to_itself(self) -> None:
        with pytest.raises(SongspaceError, match="the same song twice"):
            path(self.space, 3, 3, length=5)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"length": 1}, "at least 2"),
            ({"end": 10}, "no row 10"),
            ({"start": -1}, "no row -1"),
            ({"transition": -0.1}, "between 0 and 1"),
            ({"variety": 2.0}, "between 0 and 1"),
        ],
    )
    def test_arguments_out_of_range(self, arguments: dict[str, object], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            path(self.space, **({"start": 0, "end": 1, "length": 5} | arguments))


class TestOnTheWay:
    def test_songs_on_the_way_are_passed_in_their_order_and_steps_stay_even(self) -> None:
        turn = np.arange(60) / 60 * 2 * np.pi
        space = Space.from_vectors(np.stack([np.sin(turn), np.cos(turn)], axis=1))
        assert path(space, 0, 30, via=[15], length=31) == list(range(31))
        assert path(space, 0, 20, via=[10], length=11) == list(range(0, 21, 2))

    @given(small_libraries(), st.data())
    @settings(max_examples=150, deadline=None)
    def test_a_legal_path_or_an_error(self, library: tuple[Space, list[str | None], int], data: st.DataObject) -> None:
        space, artists, gap = library
        rows = data.draw(st.permutations(range(len(space))))
        start, *via, end = rows[: data.draw(st.integers(2, len(rows)))]
        length = data.draw(st.integers(len(via) + 2, len(space)))
        rules = Rules.of(len(space), artists=artists, artist_gap=gap, most_of_artist=2)
        try:
            found = path(space, start, end, via=via, length=length, rules=rules)
        except SongspaceError as error:
            assert "would do" in str(error)
        else:
            assert len(found) == len(set(found)) == length
            assert [row for row in found if row in (start, *via, end)] == [start, *via, end]
            assert rules.broken(found) == []

    def test_every_rule_is_kept_where_songs_are_many(self) -> None:
        space, artists = clusters(3)
        rng = np.random.default_rng(3)
        versions = rng.integers(200, size=len(space))
        barred = rng.random(len(space)) < 0.3
        rules = Rules.of(
            len(space),
            artists=artists,
            artist_gap=3,
            most_of_artist=2,
            albums=[f"{a}-{b}" for a, b in zip(artists, rng.integers(2, size=len(space)), strict=True)],
            album_gap=8,
            versions=versions,
            barred=barred,
        )
        for start, via, end in rng.choice(len(space), (5, 3), replace=False).tolist():
            if len({versions[row] for row in (start, via, end)}) == 3 and len({artists[r] for r in (start, end)}) == 2:
                found = path(space, start, end, via=[via], length=24, rules=rules)
                assert rules.broken(found) == []
                assert not barred[[row for row in found if row not in (start, via, end)]].any()

    def test_how_songs_end_and_begin_decides_between_equals(self) -> None:
        """Two songs stand in the middle; the one begins as the first one ends, and ends as the last one begins."""
        vectors = [[1.0, 0, 0], [0, 0, 1.0], [0.0, 0.9, 0.1], [0.0, 0.9, 0.1], [-1.0, -1.8, -1.2]]
        openings = [[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0], [1.0, 0, 0], [-1.0, 2, 0]]
        endings = [[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0], [0, 0, 1.0], [-1.0, 2, 0]]
        space = Space.from_vectors(vectors, openings=openings, endings=endings)
        assert path(space, 0, 1, length=3, transition=0.3) == [0, 3, 1]


def test_a_path_does_not_lead_away_through_where_a_library_is_dense() -> None:
    """A hundred songs lie closer together than two hundred of two other kinds: steps would be smallest among them."""
    elsewhere = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        kinds = np.repeat([0, 1, 2], 100)
        middles = 0.3 * np.linalg.qr(rng.normal(size=(64, 64)))[0][:3]
        scatter = np.array([0.7, 1, 1])[kinds, None] / 8
        space = Space.from_vectors(middles[kinds] + scatter * rng.normal(size=(300, 64)))
        for start, end in ((100, 200), (150, 290), (120, 220)):
            elsewhere.append(np.mean(kinds[path(space, start, end, length=15)] == 0))
    assert np.mean(elsewhere) < 0.1
