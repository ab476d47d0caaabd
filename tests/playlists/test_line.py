"""Lines: near what was drawn, in its direction, smooth, legal whenever a legal list exists, the same every time."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.playlists.line import line
from songspace.playlists.rules import Rules
from songspace.space import Space


def by(artists: list[str | None], gap: int = 2) -> Rules:
    return Rules.of(len(artists), artists=artists, artist_gap=gap)


def is_legal(rows: tuple[int, ...] | list[int], artists: list[str | None], gap: int) -> bool:
    near = [(a, b) for (i, a), (j, b) in combinations(enumerate(rows), 2) if j - i <= gap]
    return len(rows) == len(set(rows)) and not any(artists[a] is not None and artists[a] == artists[b] for a, b in near)


def to_line(point: np.ndarray, drawn: np.ndarray) -> tuple[float, float]:
    """How far a point is from a line, and how far along the line its foot lies."""
    best, gone = (np.inf, 0.0), 0.0
    for a, b in pairwise(drawn):
        long = float(np.hypot(*(b - a)))
        share = min(1.0, max(0.0, float((point - a) @ (b - a)) / long**2)) if long else 0.0
        best = min(best, (float(np.hypot(*(point - a - share * (b - a)))), gone + share * long))
        gone += long
    return best


def library(seed: int, n: int = 1200, d: int = 12) -> tuple[Space, np.ndarray, list[str | None]]:
    """Songs whose map is two of their dimensions: what lies side by side on it mostly, not always, sounds alike."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (n, 2))
    vectors = np.concatenate([3 * points, 0.7 * rng.standard_normal((n, d - 2))], axis=1)
    return Space.from_vectors(vectors), points, [f"artist {number}" for number in rng.integers(80, size=n)]


CURVE = np.array([[-0.8, -0.6], [-0.4, 0.3], [0.1, 0.5], [0.5, 0.0], [0.8, -0.7]])


def slow(space: Space, points: np.ndarray, drawn: np.ndarray, length: int, legal: list[tuple[int, ...]]) -> float:
    """What the cheapest of all legal lists costs, each looked at."""
    return min(cost(space, points, drawn, length, rows) for rows in legal)


def cost(space: Space, points: np.ndarray, drawn: np.ndarray, length: int, rows: tuple[int, ...] | list[int]) -> float:
    whole = sum(float(np.hypot(*(b - a))) for a, b in pairwise(drawn))
    marks = [walk(drawn, whole * i / (16 * length - 1)) for i in range(16 * length)]
    off = sorted(min(float(np.hypot(*(point - mark))) for mark in marks) for point in points)
    brush = max(whole / length / 2, off[min(3 * length, max(length, len(points) // 2)) - 1])
    covered = [mark for mark in marks if min(np.hypot(*(points - mark).T)) <= brush] or marks
    due = [covered[round(i * (len(covered) - 1) / (length - 1))] for i in range(length)]
    near = sum(
        2 * float(np.hypot(*(points[row] - place))) ** 2 / brush**2 for row, place in zip(rows, due, strict=True)
    )
    return near + sum(space.distance(a, b) ** 4 for a, b in pairwise(rows))


def walk(drawn: np.ndarray, way: float) -> np.ndarray:
    for a, b in pairwise(drawn):
        long = float(np.hypot(*(b - a)))
        if way <= long and long:
            return np.asarray(a + (b - a) * way / long)
        way -= long
    return np.asarray(drawn[-1])


@pytest.mark.parametrize("seed", range(10))
def test_it_is_the_cheapest_of_all_lists(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space, points = Space.from_vectors(rng.standard_normal((7, 3))), rng.uniform(-1, 1, (7, 2))
    drawn, length = rng.uniform(-1, 1, (4, 2)), int(rng.integers(2, 6))
    artists: list[str | None] = list(rng.choice(["a", "b", "c", "d"], 7))
    legal = [rows for rows in permutations(range(7), length) if is_legal(rows, artists, 1)]
    if not legal:
        pytest.skip("no list keeps the rules")
    found = line(space, points, drawn, length=length, rules=by(artists, 1), transition=0)
    assert is_legal(found, artists, 1)
    assert cost(space, points, drawn, length, found) == pytest.approx(slow(space, points, drawn, length, legal))


@st.composite
def small_libraries(draw: st.DrawFn) -> tuple[Space, list[str | None], int]:
    n = draw(st.integers(2, 7))
    vectors = draw(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=n, max_size=n))
    artists = draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n, max_size=n))
    return Space.from_vectors(vectors), artists, draw(st.integers(0, 3))


@given(small_libraries(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_legal_list_or_an_error_only_where_none_exists(
    library: tuple[Space, list[str | None], int], data: st.DataObject
) -> None:
    space, artists, gap = library
    places = st.tuples(*[st.integers(-2, 2)] * 2)
    points = data.draw(st.lists(places, min_size=len(space), max_size=len(space)))  # several songs at one place
    drawn = data.draw(st.lists(places, min_size=1, max_size=5))  # a point, or a line that stands still
    length = data.draw(st.integers(1, len(space)))
    variety = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    try:
        found = line(space, points, drawn, length=length, rules=by(artists, gap), variety=variety)
    except SongspaceError as error:
        assert "would do" in str(error)
        assert not any(is_legal(rows, artists, gap) for rows in permutations(range(len(space)), length))
    else:
        assert len(found) == length and is_legal(found, artists, gap)


@pytest.mark.parametrize("seed", range(3))
def test_songs_lie_near_the_line_and_in_its_order(seed: int) -> None:
    space, points, artists = library(seed)
    found = line(space, points, CURVE, length=25, rules=by(artists))
    assert is_legal(found, artists, 2)
    off, along = np.array([to_line(points[row], CURVE) for row in found]).T
    everywhere = np.array([to_line(point, CURVE)[0] for point in points])
    assert off.mean() < 0.15 * everywhere.mean() and off.max() < 0.15
    ranks = along.argsort().argsort()
    assert np.corrcoef(ranks, np.arange(25))[0, 1] > 0.98
    assert along[0] < 0.15 and along[-1] > along.max() - 0.15


@pytest.mark.parametrize("seed", range(3))
def test_it_is_smoother_than_the_songs_nearest_to_the_line(seed: int) -> None:
    space, points, _ = library(seed)
    whole = sum(float(np.hypot(*(b - a))) for a, b in pairwise(CURVE))
    nearest: list[int] = []
    for way in np.linspace(0, whole, 25):
        away = np.hypot(*(points - walk(CURVE, float(way))).T)
        away[nearest] = np.inf
        nearest.append(int(away.argmin()))
    found = line(space, points, CURVE, length=25)
    mean, of_nearest = (np.mean([space.distance(a, b) for a, b in pairwise(rows)]) for rows in (found, nearest))
    assert mean < 0.8 * of_nearest


def test_the_other_way_round_it_begins_where_it_ended() -> None:
    space, points, _ = library(0)
    there, back = (line(space, points, drawn, length=20) for drawn in (CURVE, CURVE[::-1]))
    for one, other in ((there[0], back[-1]), (there[-1], back[0])):
        assert np.hypot(*(points[one] - points[other])) < 0.15


def test_a_line_that_crosses_itself_comes_by_twice() -> None:
    space, points, _ = library(1)
    loop = np.array([[-0.8, 0], [0.6, 0], [0.6, 0.6], [0, 0.6], [0, -0.8]])
    found = points[line(space, points, loop, length=40)]
    near_the_crossing = np.flatnonzero(np.hypot(*found.T) < 0.15)
    assert np.diff(near_the_crossing).max() > 10


def test_what_is_blank_on_the_map_is_stepped_over() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(side, 0.05, (100, 2)) * [1, 0.5] for side in (-0.8, 0.8)])
    space = Space.from_vectors(rng.standard_normal((200, 8)))
    found = points[line(space, points, [[-0.9, -0.45], [0.9, 0.45]], length=20)]
    assert 8 <= (found[:, 0] < 0).sum() <= 12
    assert (np.diff((found[:, 0] > 0).astype(int)) != 0).sum() == 1


def test_variety_and_seed() -> None:
    space, points, artists = library(2)
    made = [line(space, points, CURVE, length=20, rules=by(artists), variety=v, seed=s)
            for v, s in ((0.0, 0), (0.0, 1), (0.6, 0), (0.6, 0), (0.6, 1))]  # fmt: skip
    assert made[0] == made[1] != made[2] == made[3] != made[4]
    for rows in made:
        assert is_legal(rows, artists, 2)
        assert max(to_line(points[row], CURVE)[0] for row in rows) < 0.2


def test_every_rule_is_kept() -> None:
    space, points, artists = library(3)
    rng = np.random.default_rng(3)
    rules = Rules.of(
        len(space),
        artists=artists,
        artist_gap=3,
        most_of_artist=1,
        versions=rng.integers(300, size=len(space)),
        barred=rng.random(len(space)) < 0.4,
    )
    found = line(space, points, CURVE, length=24, rules=rules)
    assert rules.broken(found) == [] and not rules.barred[found].any()


def test_where_nearly_all_under_the_line_is_by_one_artist() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-0.2, 0.2, (3000, 2)), rng.uniform(0.8, 1, (16, 2))])
    artists: list[str | None] = ["everywhere"] * 3000 + [f"other {i % 4}" for i in range(16)]
    space = Space.from_vectors(rng.standard_normal((3016, 8)))
    assert is_legal(line(space, points, [[-0.2, 0], [0.2, 0]], length=21, rules=by(artists)), artists, 2)


class TestRefusals:
    space = Space.from_vectors(np.random.default_rng(0).standard_normal((10, 3)))
    points = np.random.default_rng(1).uniform(-1, 1, (10, 2))

    def test_what_is_in_the_way_and_what_would_do(self) -> None:
        artists: list[str | None] = [*"aabbaabbab"]
        with pytest.raises(SongspaceError) as said:
            line(self.space, self.points, [[0, 0], [1, 1]], length=8, rules=by(artists))
        assert str(said.value) == (
            "A list along this line cannot have 8 songs and keep a gap of 2 other songs between two of one artist: "
            "an artist gap of 1 or 2 songs would do."
        )

    def test_more_songs_than_there_are(self) -> None:
        with pytest.raises(SongspaceError, match="there are only 10 songs"):
            line(self.space, self.points, [[0, 0], [1, 1]], length=11)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"length": 0}, "at least 1"),
            ({"points": [[0, 0]]}, "each of 10 songs"),
            ({"drawn": []}, "corners"),
            ({"drawn": [[0, 0, 0]]}, "corners"),
            ({"drawn": [[0, np.nan]]}, "finite"),
            ({"variety": 2.0}, "between 0 and 1"),
            ({"transition": -0.1}, "between 0 and 1"),
        ],
    )
    def test_arguments_out_of_range(self, arguments: dict[str, object], said: str) -> None:
        usual = {"points": self.points, "drawn": [[0, 0], [1, 1]], "length": 5}
        with pytest.raises(ValueError, match=said):
            line(self.space, **(usual | arguments))
