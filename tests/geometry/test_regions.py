"""Regions against loops written plainly, and what must hold of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.geometry import describe, regions
from songspace.geometry.groups import grouped
from songspace.geometry.regions import DRAWS, OVERLAPPING, Regions
from songspace.intervals import halves
from songspace.space import Space


def library(seed: int = 0, artists: int = 12) -> tuple[np.ndarray, list[str | None], list[str | None]]:
    """Four genres of 24 songs; rock and pop lie over each other, and ten songs have no genre."""
    rng = np.random.default_rng(seed)
    centers = {"jazz": [3, 0, 0, 0, 0], "rock": [0, 3, 0, 0, 0], "pop": [0, 3, 0.8, 0, 0], "folk": [0, 0, 0, 3, 0]}
    labels: list[str | None] = [genre for genre in centers for _ in range(24)]
    points = np.array([centers[str(label)] for label in labels]) + rng.standard_normal((96, 5))
    units: list[str | None] = [f"{label} {number % artists}" for number, label in enumerate(labels)]
    return np.concatenate([points, rng.standard_normal((10, 5))]), [*labels, *[None] * 10], [*units, *[None] * 10]


def corrected(song: np.ndarray, others: np.ndarray) -> float:
    """Squared distance to the centre of some songs, less their variance divided by their number."""
    center = others.mean(axis=0)
    variance = ((others - center) ** 2).sum() / (len(others) - 1)
    return float(((song - center) ** 2).sum() - variance / len(others))


def plainly(space: Space, labels: list[str | None], units: list[str | None]) -> dict[str, list[Any]]:
    """For each song of each group: the distance to its own centre, and to all others, its unit left out of all."""
    vectors = space.vectors.astype(float)
    names = sorted({label for label in labels if label})
    found: dict[str, list[Any]] = {name: [] for name in names}
    for row, label in enumerate(labels):
        if not label:
            continue
        to = {}
        for name in names:
            rest = [r for r in range(len(labels)) if labels[r] == name and units[r] != units[row]]
            if len(rest) < 2 and name == label:
                rest = [r for r in range(len(labels)) if labels[r] == name and r != row]
            to[name] = corrected(vectors[row], vectors[rest]) if len(rest) > 1 else np.inf
        own = to.pop(label)
        found[label].append((own, to))
    return found


CASES = (
    "artists",
    "songs",
    "one artist in two genres",
    "a genre of one artist",
    "a genre of one artist but for a song",
    "no order at all",
)


@pytest.mark.parametrize("by", CASES)
def test_homes_and_overlaps_equal_a_slow_loop(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels, units = library()
    if by == "songs":
        units = [str(row) for row in range(len(labels))]
    if by == "one artist in two genres":
        units = [unit and unit.replace("pop", "rock") for unit in units]
    if by == "a genre of one artist":
        units = ["jazz" if label == "jazz" else unit for label, unit in zip(labels, units, strict=True)]
    if by == "a genre of one artist but for a song":
        units = [
            "jazz" if label == "jazz" and row else unit
            for row, label, unit in zip(range(106), labels, units, strict=True)
        ]
    if by == "no order at all":
        labels = [labels[row] for row in np.random.default_rng(0).permutation(len(labels))]
        units = [unit or f"unknown {row}" for row, unit in enumerate(units)]
    for whose in (units, ["jazz" if row % 5 == 1 else unit for row, unit in enumerate(units)]):
        space = Space.from_vectors(points)
        monkeypatch.setattr(regions, "BLOCK", 17)
        monkeypatch.setattr(regions, "GATHERED", 5)
        found = describe(space, labels, whose)
        slow = plainly(space, labels, whose)
        away = {
            a: {b: np.mean([to[b] < own for own, to in songs]) for b in slow if b != a} for a, songs in slow.items()
        }
        for region in found.regions:
            songs = slow[region.name]
            assert region.at_home.value == pytest.approx(np.mean([own <= min(to.values()) for own, to in songs]))
            assert region.at_home.chance == 0.25
            expected = {b: min(1, away[region.name][b] + away[b][region.name]) for b in away[region.name]}
            assert dict(region.overlaps) == pytest.approx({b: s for b, s in expected.items() if s >= OVERLAPPING})
        told = regions.center_distances(space, found.groups)
        songs = [song for name in found.groups.names for song in slow[name]]
        np.testing.assert_allclose(told.own, [own for own, _ in songs], atol=1e-5)
        np.testing.assert_allclose(told.margin, [min(to.values()) - own for own, to in songs], atol=1e-5)
        assert by != "no order at all" or (found.shares == 1).any()


def test_regions_say_what_they_hold() -> None:
    points, labels, units = library()
    space = Space.from_vectors(points)
    found = describe(space, labels, units)
    assert [region.name for region in found.regions] == ["folk", "jazz", "pop", "rock"]
    by_name = {region.name: region for region in found.regions}
    for name, region in by_name.items():
        rows = [row for row, label in enumerate(labels) if label == name]
        center = space.vectors[rows].astype(float).mean(axis=0)
        np.testing.assert_allclose(region.center, center, atol=1e-6)
        far = {row: own for row, (own, _) in zip(rows, plainly(space, labels, units)[name], strict=True)}
        assert list(region.heart) == sorted(far, key=lambda row: far[row])[:3]
        assert not set(region.heart) & {edge.row for edge in region.border}
        assert {edge.row for edge in region.border} <= set(rows)
        assert (region.size, region.units) == (24, 12)
        distances = [distance for _, distance in region.nearest]
        assert distances == sorted(distances) and len(distances) == 3
    assert by_name["rock"].nearest[0][0] == "pop" and by_name["pop"].nearest[0][0] == "rock"
    assert by_name["rock"].border[0].towards == "pop"
    assert {edge.towards for edge in by_name["pop"].border} == {"rock"}
    assert found.overlaps[0].names == ("pop", "rock") and found.overlaps[0].overlap.value > 0.3
    assert by_name["jazz"].at_home.value > 0.9 > by_name["rock"].at_home.value
    assert found.at_home.value == pytest.approx(np.mean([region.at_home.value for region in found.regions]))
    assert found.groups.unlabelled == 10


def test_intervals_hold_the_value() -> None:
    points, labels, units = library(1)
    found = describe(Space.from_vectors(points), labels, units)
    [pair] = [one for one in found.overlaps if one.names == ("pop", "rock")]
    for score in (found.at_home, pair.overlap, *(region.at_home for region in found.regions)):
        told = score.as_dict()
        if told["interval"] is None:  # all songs are at home, in every half
            assert told["value"] == 1
            continue
        low, high = told["interval"]
        assert 0 <= low <= told["value"] <= high <= 1
    assert pair.overlap.as_dict()["interval"][0] < pair.overlap.as_dict()["interval"][1]


def test_the_interval_is_the_scatter_over_halves_of_the_units() -> None:
    points, labels, units = library()
    space = Space.from_vectors(points)
    found = describe(space, labels, units, seed=4)
    groups = found.groups
    own = regions.center_distances(space, groups).margin >= 0
    smaller = halves(groups.units, draws=DRAWS, random_state=4)
    weights = smaller.kept.astype(int)
    for g, region in enumerate(found.regions):
        part = weights[:, groups.of(g)]
        drawn = (part @ own[groups.of(g)])[part.any(axis=1)] / part.sum(axis=1)[part.any(axis=1)]
        np.testing.assert_allclose(region.at_home.scatter.values, drawn)
        assert region.at_home.scatter.scale == smaller.scale
    assert 0.1 < found.regions[2].at_home.value < 0.9
    pop, rock = (groups.of(groups.names.index(name)) for name in ("pop", "rock"))
    nearer = regions.center_distances(space, groups).nearer
    lost = [
        (w[pop] @ nearer[pop, 3]) / w[pop].sum() + (w[rock] @ nearer[rock, 2]) / w[rock].sum()
        for w in weights
        if w[pop].any() and w[rock].any()
    ]
    [pair] = [one for one in found.overlaps if one.names == ("pop", "rock")]
    np.testing.assert_allclose(np.sort(pair.overlap.scatter.values), np.sort(np.minimum(lost, 1)))


def test_few_units_have_no_interval() -> None:
    points, labels, _ = library()
    units = [label and f"{label} {row % 5}" for row, label in enumerate(labels)]
    found = describe(Space.from_vectors(points), labels, units)
    assert all(region.at_home.as_dict()["interval"] is None for region in found.regions)
    assert found.overlaps[0].overlap.as_dict()["interval"] is None
    assert found.at_home.as_dict()["interval"] is not None  # there are twenty artists in all


def flat(found: Regions) -> dict[str, tuple[float, ...]]:
    return {
        r.name: (r.size, round(r.spread, 3), r.at_home.value, *(round(d, 2) for _, d in r.nearest))
        for r in found.regions
    }


@given(st.integers(0, 1000))
@settings(max_examples=8)
def test_the_order_of_songs_does_not_matter(seed: int) -> None:
    points, labels, units = library(3)
    order = np.random.default_rng(seed).permutation(len(points))
    first = describe(Space.from_vectors(points), labels, units)
    again = describe(
        Space.from_vectors(points[order], ids=order), [labels[i] for i in order], [units[i] for i in order]
    )
    assert flat(first) == flat(again)
    assert [{int(order[row]) for row in region.heart} for region in again.regions] == [
        set(region.heart) for region in first.regions
    ]


def test_a_small_group_is_found_as_near_as_a_large_one() -> None:
    """Songs of two groups from one distribution, one of 5 and one of 400: half of other songs are nearer to each."""
    rng = np.random.default_rng(0)
    nearer = []
    for _ in range(60):
        points = np.concatenate([rng.standard_normal((405, 20)) + 2, rng.standard_normal((100, 20)) - 8])
        labels = ["small"] * 5 + ["large"] * 400 + ["far"] * 100
        groups = grouped(Space.from_vectors(points), labels)
        told = regions.center_distances(Space.from_vectors(points), groups)
        nearer.append(told.nearer[groups.of(0), groups.names.index("small")].mean())
    assert 0.3 < np.mean(nearer) < 0.7


def test_nothing_and_little() -> None:
    space = Space.from_vectors(np.random.default_rng(0).standard_normal((6, 3)))
    nothing = describe(space, [None] * 6)
    assert nothing.regions == [] and nothing.order == []
    few = describe(space, ["a", "a", "a", "b", "b", None])
    assert few.regions == [] and few.groups.small == [("a", 3), ("b", 2)]
    one = describe(space, ["a"] * 5 + [None])
    assert one.regions[0].nearest == () and one.regions[0].border == () and one.regions[0].at_home.value == 1
    assert one.order == [0]
    assert [region.name for region in describe(space, ["a", "a", "b", "b", "c", "c"], fewest=2, most=2).regions] == [
        "a",
        "b",
    ]


def test_songs_that_are_all_the_same() -> None:
    points = np.repeat([[1.0, 0], [-1, 0]], 5, axis=0)
    found = describe(Space.from_vectors(points), ["a"] * 5 + ["b"] * 5)
    assert [region.spread for region in found.regions] == [pytest.approx(0, abs=1e-3)] * 2
    assert found.distances[0, 1] == pytest.approx(2) and found.at_home.value == 1
