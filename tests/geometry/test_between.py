"""What lies between two regions, against elementary geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace import intervals
from songspace.errors import SongspaceError
from songspace.geometry import songs_between, way
from songspace.geometry.between import IntervalEstimate, _verdict, judged, on_the_way, placed
from songspace.geometry.regions import DRAWS
from songspace.space import Space

Bounds = tuple[float, float] | None

PLACES = {
    "jazz": [1.0, 0, 0, 0, 0, 0],
    "rock": [0, 1.0, 0, 0, 0, 0],
    "funk": [0.5, 0.5, 0, 0, 0, 0],
    "folk": [0, 0, 1.0, 0, 0, 0],
    "dub": [0, 0, 0, 1.0, 0, 0],
    "noise": [-0.6, 1.6, 0, 0, 0, 0],
}


def library(artists: int = 12, noise: float = 0.1) -> tuple[Space, list[str | None], list[str]]:
    rng = np.random.default_rng(0)
    labels: list[str | None] = [genre for genre in PLACES for _ in range(24)]
    # Opposite points keep the middle of the space where it was.
    points = np.array([PLACES[str(label)] for label in labels]) + rng.normal(0, noise, (len(labels), 6))
    units = [f"{label} {number % artists}" for number, label in enumerate(labels)]
    space = Space.from_vectors(np.concatenate([points, -points]))
    return space, [*labels, *[None] * len(labels)], [*units, *units]


def plainly(vectors: np.ndarray, labels: list[str | None], a: str, b: str, name: str) -> tuple[float, float]:
    """Position and offset by the law of cosines."""
    mean = {
        genre: vectors[[row for row, label in enumerate(labels) if label == genre]].astype(float).mean(axis=0)
        for genre in (a, b, name)
    }
    whole, to_a, to_b = (np.linalg.norm(mean[p] - mean[q]) for p, q in ((a, b), (name, a), (name, b)))
    foot = (to_a**2 - to_b**2 + whole**2) / (2 * whole)
    return float(foot / whole), float(np.sqrt(to_a**2 - foot**2) / whole)


def test_equals_the_plain_version() -> None:
    space, labels, units = library()
    found = way(space, labels, "JAZZ", "rock", units)
    assert (found.a, found.b, found.sizes) == ("jazz", "rock", (24, 24))
    assert {one.name for one in found.between} == {"funk", "folk", "dub", "noise"}
    offsets = {}
    for one in found.between:
        position, offset = plainly(space.vectors, labels, "jazz", "rock", one.name)
        assert (one.position.value, one.offset.value) == pytest.approx((position, offset), abs=1e-6)
        assert one.step.value == pytest.approx(np.hypot(max(position, 1 - position), offset), abs=1e-6)
        offsets[one.name] = offset
    for one in found.between:
        others = [offset for name, offset in offsets.items() if name != one.name]
        assert one.margin is not None
        assert one.margin.value == pytest.approx(np.median(others) - offsets[one.name], abs=1e-6)


def test_intervals_are_the_scatter_over_halves_of_the_artists() -> None:
    space, labels, units = library()
    found = way(space, labels, "jazz", "rock", units, seed=5)
    order = np.concatenate([found.groups.rows[found.groups.of(g)] for g in range(len(found.groups))])
    names = [label for label in found.groups.names if label not in ("jazz", "rock")]
    order = np.array(sorted(order.tolist(), key=lambda row: ["jazz", "rock", *names].index(labels[row])))
    unit_of = dict(zip(found.groups.rows.tolist(), found.groups.units.tolist(), strict=True))
    smaller = intervals.halves(np.array([unit_of[row] for row in order]), draws=DRAWS, random_state=5)
    drawn = [
        plainly(space.vectors[order[kept]], [labels[row] for row in order[kept]], "jazz", "rock", "funk")[0]
        for kept in smaller.kept
    ]
    [funk] = [one for one in found.between if one.name == "funk"]
    assert funk.position.interval == pytest.approx(smaller.scatter(drawn).around(funk.position.value), abs=1e-5)


def test_funk_lies_between_jazz_and_rock_and_nothing_else_does() -> None:
    space, labels, units = library()
    found = way(space, labels, "jazz", "rock", units)
    assert {one.name: one.verdict for one in found.between} == {"funk": "yes", "folk": "no", "dub": "no", "noise": "no"}
    assert found.between[0].name == "funk"
    low, high = found.between[0].position.interval or (0, 0)
    assert 0.4 < low < 0.5 < high < 0.6
    back = way(space, labels, "rock", "jazz", units)
    assert {one.name: round(one.position.value, 5) for one in back.between} == {
        one.name: round(1 - one.position.value, 5) for one in found.between
    }


def test_what_has_nothing_to_do_with_either_is_as_far_as_they_are() -> None:
    """Of regions that are all equally far apart none lies between two, though half are nearer to the line than most."""
    rng = np.random.default_rng(1)
    labels = [f"g{number}" for number in range(8) for _ in range(30)]
    space = Space.from_vectors(np.repeat(np.eye(8), 30, axis=0) + rng.normal(0, 0.05, (240, 8)))
    found = way(space, labels, "g0", "g1", [f"{row % 90}" for row in range(240)])
    assert [one.step.value for one in found.between] == pytest.approx([1.0] * 6, abs=0.03)
    assert "yes" not in {one.verdict for one in found.between}


@pytest.mark.parametrize(
    ("position", "margin", "step", "said"),
    [
        ((0.2, 0.8), (0.1, 0.2), (0.7, 0.9), "yes"),
        ((0.2, 0.8), None, None, "yes"),
        ((-0.1, 0.8), (0.1, 0.2), (0.7, 0.9), "unsure"),
        ((0.2, 1.1), (0.1, 0.2), (0.7, 0.9), "unsure"),
        ((0.2, 0.8), (-0.1, 0.2), (0.7, 0.9), "unsure"),
        ((0.2, 0.8), (0.1, 0.2), (0.7, 1.1), "unsure"),
        ((-0.5, -0.1), (0.1, 0.2), (0.7, 0.9), "no"),
        ((1.1, 1.5), (0.1, 0.2), (0.7, 0.9), "no"),
        ((0.2, 0.8), (-0.3, -0.1), (0.7, 0.9), "no"),
        ((0.2, 0.8), (0.1, 0.2), (1.1, 1.3), "no"),
        (None, (0.1, 0.2), (0.7, 0.9), "unknown"),
    ],
)
def test_what_intervals_allow_to_say(
    position: tuple[float, float] | None,
    margin: tuple[float, float] | None,
    step: tuple[float, float] | None,
    said: str,
) -> None:
    assert (
        _verdict(
            IntervalEstimate(0.5, position),
            margin and IntervalEstimate(0.1, margin),
            step and IntervalEstimate(0.8, step),
        )
        == said
    )


def test_few_artists_leave_it_open() -> None:
    space, labels, units = library(artists=9)
    found = way(space, labels, "jazz", "rock", units)
    assert {one.verdict for one in found.between} == {"unknown"}
    assert all(one.position.interval is one.offset.interval is None for one in found.between)
    # One region of few artists is no reason to be silent about the others.
    units = ["funk" if unit.startswith("funk") else unit for unit in library()[2]]
    verdicts = {one.name: one.verdict for one in way(space, labels, "jazz", "rock", units).between}
    assert verdicts == {"funk": "unknown", "folk": "no", "dub": "no", "noise": "no"}


def test_one_other_region_and_none() -> None:
    space, labels, units = library()
    three = [label if label in ("jazz", "rock", "funk") else None for label in labels]
    [funk] = way(space, three, "jazz", "rock", units).between
    assert funk.margin is None and funk.verdict == "yes"
    two = [label if label in ("jazz", "rock") else None for label in labels]
    assert way(space, two, "jazz", "rock", units).between == []


def test_only_the_largest_are_asked_beside_the_ends() -> None:
    space, labels, units = library()
    labels = [None if label == "dub" and row % 2 else label for row, label in enumerate(labels)]
    found = way(space, labels, "dub!", "Jazz", units, most=3)
    assert found.sizes == (12, 24) and len(found.between) + found.groups.beyond == 4


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_songs_equal_a_slow_walk(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = Space.from_vectors(rng.standard_normal((40, 3)))
    labels: list[str | None] = ["a"] * 5 + ["b"] * 5 + [None] * 30
    found = way(space, labels, "a", "b")
    vectors = space.vectors.astype(float)
    a, b = vectors[:5].mean(axis=0), vectors[5:10].mean(axis=0)
    share = np.linspace(0, 1, 2001)
    line = a + share[:, None] * (b - a)
    best: dict[int, tuple[float, int]] = {}
    for row in range(40):
        distances = np.linalg.norm(vectors[row] - line, axis=1)
        at, offset = share[distances.argmin()], float(distances.min() / np.linalg.norm(b - a))
        if 0.001 < at < 0.999 and min(abs(at * 4 - round(at * 4)), 1) > 0.01:
            best[int(at * 4)] = min(best.get(int(at * 4), (np.inf, -1)), (offset, row))
    rows, positions, offsets = songs_between(space, found, k=4)
    assert (np.diff(positions) > 0).all()
    for row, position, offset in zip(rows.tolist(), positions, offsets, strict=True):
        assert offset <= best.get(int(position * 4), (np.inf, -1))[0] + 1e-3
        assert np.linalg.norm(vectors[row] - a - position * (b - a)) / np.linalg.norm(b - a) == pytest.approx(
            offset, abs=1e-3
        )


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("jaz", "rock", r"There is no genre called “jaz”\. Did you mean: jazz\?"),
        ("jazz", "Jazz ", "leads from one genre to another, and both are jazz"),
        ("jazz", "few", "few has 3 songs: to have a centre, 4 are needed"),
        ("jazz", "one", "one has one song: to have a centre, 4 are needed"),
    ],
)
def test_where_there_is_no_way(a: str, b: str, said: str) -> None:
    space, labels, _ = library()
    labels[150:153] = ["few"] * 3
    labels[160] = "one"
    with pytest.raises(SongspaceError, match=said):
        way(space, labels, a, b, what="genre")


def test_centres_in_one_place() -> None:
    space = Space.from_vectors(np.repeat([[1.0, 0], [-1, 0]], 4, axis=0))
    with pytest.raises(SongspaceError, match="the centres of a and b lie in one place"):
        way(space, ["a", "a", "b", "b", "a", "a", "b", "b"], "a", "b")


def test_a_group_that_is_not_drawn_has_no_say() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal((n, 3)) for n in (20, 20, 1, 5)]
    units = [np.arange(20), np.arange(20, 40), np.array([40]), np.arange(41, 46)]
    values, drawn, smaller = placed(parts, units)
    assert np.isnan(drawn[:, 0, 0]).mean() == pytest.approx(0.5, abs=0.1)
    found = judged(["one", "five"], [1, 5], values, drawn, smaller)
    assert all(np.isfinite(one.position.interval or [np.nan]).all() for one in found)


def test_a_line_without_length() -> None:
    assert np.isnan(on_the_way(np.ones((3, 2)))).all()
