"""Regions and what lies between them, against loops written plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.geometry import between, regions, songs_between
from songspace.space import Space


def library(seed: int = 0, n: int = 120) -> tuple[Space, list[str | None]]:
    rng = np.random.default_rng(seed)
    names = ["jazz", "rock", "funk", "folk", None]
    which = rng.integers(5, size=n)
    centers = rng.standard_normal((5, 6))
    return Space.from_vectors(centers[which] + 0.4 * rng.standard_normal((n, 6))), [names[w] for w in which]


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def nearest_on_arc(point: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Walk along the arc in small steps and see where the point is nearest."""
    angle = math.acos(float(a @ b))
    share = np.linspace(0, 1, 4001)[:, None]
    arc = (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / math.sin(angle)
    distances = np.linalg.norm(point - arc, axis=1)
    return float(share[distances.argmin(), 0]), float(distances.min())


class TestRegions:
    def test_they_equal_slow_loops(self) -> None:
        space, labels = library()
        found = {region.name: region for region in regions(space, labels)}
        assert set(found) == {"jazz", "rock", "funk", "folk"}
        centers = {
            name: unit(sum(space.vectors[row].astype(float) for row in range(120) if labels[row] == name))
            for name in found
        }
        for name, region in found.items():
            members = [row for row in range(120) if labels[row] == name]
            far = {row: float(np.linalg.norm(space.vectors[row] - centers[name])) for row in members}
            assert region.size == len(members)
            np.testing.assert_allclose(region.center, centers[name], atol=1e-6)
            assert region.heart == min(far, key=lambda row: far[row])
            assert region.spread == pytest.approx(np.mean(list(far.values())), rel=1e-5)
            others = {other: float(np.linalg.norm(centers[other] - centers[name])) for other in found if other != name}
            assert [other for other, _ in region.nearest] == sorted(others, key=lambda other: others[other])
            for other, distance in region.nearest:
                assert distance == pytest.approx(others[other], rel=1e-5)

    def test_the_largest_come_first_then_by_name(self) -> None:
        space = Space.from_vectors(np.random.default_rng(0).standard_normal((7, 3)))
        assert [(r.name, r.size) for r in regions(space, ["b", "a", "c", "c", None, "a", "c"])] == [
            ("c", 3),
            ("a", 2),
            ("b", 1),
        ]

    def test_songs_that_cancel_out(self) -> None:
        space = Space.from_vectors([[1, 0], [-1, 0], [0, 1], [0, -1]])
        first, second = regions(space, ["a", "a", "b", None])
        assert not first.center.any()
        assert first.spread == pytest.approx(1)
        assert second.nearest == (("a", pytest.approx(1)),)

    def test_no_labels_no_regions(self) -> None:
        assert regions(Space.from_vectors([[1.0], [2.0]]), [None, None]) == []

    def test_a_label_for_each_song(self) -> None:
        with pytest.raises(ValueError, match="each of 2 songs, got 1"):
            regions(Space.from_vectors([[1.0], [2.0]]), ["a"])


class TestBetween:
    def test_regions_equal_a_slow_walk(self) -> None:
        space, labels = library()
        centers = {region.name: region.center for region in regions(space, labels)}
        sizes = {region.name: region.size for region in regions(space, labels)}
        found = {region.name: region for region in between(space, labels, "jazz", "rock")}
        for name in ("funk", "folk"):
            position, offset = nearest_on_arc(centers[name], centers["jazz"], centers["rock"])
            if 0 < position < 1:
                assert found[name].position == pytest.approx(position, abs=1e-3)
                assert found[name].offset == pytest.approx(offset, abs=1e-3)
                assert found[name].size == sizes[name]
            else:
                assert name not in found

    @given(st.integers(0, 1000))
    @settings(max_examples=15, deadline=None)
    def test_songs_equal_a_slow_walk(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        space = Space.from_vectors(rng.standard_normal((12, 3)))
        labels: list[str | None] = ["a", "a", "b", "b", *[None] * 8]
        centers = {region.name: region.center for region in regions(space, labels)}
        walked = {row: nearest_on_arc(unit(space.vectors[row]), centers["a"], centers["b"]) for row in range(12)}
        expected = sorted((row for row in walked if 0 < walked[row][0] < 1), key=lambda row: walked[row][1])
        rows, positions, offsets = songs_between(space, labels, "a", "b", k=12)
        assert set(rows.tolist()) == set(expected)
        assert (np.diff(offsets) >= 0).all()
        for row, position, offset in zip(rows.tolist(), positions, offsets, strict=True):
            assert position == pytest.approx(walked[row][0], abs=2e-3)
            assert offset == pytest.approx(walked[row][1], abs=2e-3)
        assert songs_between(space, labels, "a", "b", k=2)[0].tolist() == rows[:2].tolist()

    def test_there_and_back(self) -> None:
        space, labels = library(3)
        there, back = between(space, labels, "jazz", "rock"), between(space, labels, "rock", "jazz")
        assert {(r.name, round(r.position, 6)) for r in there} == {(r.name, round(1 - r.position, 6)) for r in back}

    def test_funk_lies_between_jazz_and_rock(self) -> None:
        """Built so: funk in the middle, pop a little off the way, noise beyond its end."""
        jazz, rock, off = np.eye(3)
        noise = unit(rock - 0.4 * jazz)
        points = np.array([jazz, rock, unit(jazz + rock), unit(jazz + 2 * rock + off), noise])
        space = Space.from_vectors(np.concatenate([points, -points]))
        labels: list[str | None] = ["jazz", "rock", "funk", "pop", "noise", *[None] * 5]
        funk, pop = between(space, labels, "jazz", "rock")
        assert (funk.name, funk.position, funk.offset) == ("funk", pytest.approx(0.5), pytest.approx(0, abs=1e-3))
        assert (pop.name, pop.position) == ("pop", pytest.approx(math.atan2(2, 1) / (math.pi / 2)))
        assert pop.offset == pytest.approx(2 * math.sin(math.atan2(1, math.sqrt(5)) / 2), abs=1e-6)
        rows, positions, _ = songs_between(space, labels, "jazz", "rock", k=1)
        assert rows.tolist() == [2]
        assert positions[0] == pytest.approx(0.5)

    def test_opposite_regions_have_everything_between_them(self) -> None:
        """Two labels of one size are opposite each other, because the space is centred."""
        space = Space.from_vectors([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]])
        labels: list[str | None] = ["a", "b", None, None, None, None]
        assert between(space, labels, "a", "b") == []
        rows, positions, offsets = songs_between(space, labels, "a", "b")
        assert rows.tolist() == [2, 3, 4, 5]
        np.testing.assert_allclose(positions, [0.5, 0.5, 0.25, 0.75], atol=1e-6)
        assert not offsets.any()

    @pytest.mark.parametrize(
        ("a", "b", "said"),
        [("a", "z", "No song is labelled 'z'"), ("a", "a", "do not lie apart"), ("a", "none", "do not lie apart")],
    )
    def test_where_there_is_no_way(self, a: str, b: str, said: str) -> None:
        space = Space.from_vectors([[1, 0], [0, 1], [-1, 0], [0, -1]])
        with pytest.raises(SongspaceError, match=said):
            between(space, ["a", "none", "b", "none"], a, b)
        with pytest.raises(SongspaceError, match=said):
            songs_between(space, ["a", "none", "b", "none"], a, b)
