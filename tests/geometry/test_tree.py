"""The dendrogram against SciPy, and as text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from songspace.geometry.tree import branches, drawn, leaves, linkage


def distances(seed: int, k: int) -> np.ndarray:
    return np.asarray(squareform(pdist(np.random.default_rng(seed).standard_normal((k, 3)))))


@given(st.integers(0, 1000), st.integers(2, 12))
def test_equals_scipy(seed: int, k: int) -> None:
    found = linkage(distances(seed, k))
    reference = hierarchy.linkage(squareform(distances(seed, k)), "average", optimal_ordering=True)
    np.testing.assert_allclose(found, reference)
    assert leaves(found) == hierarchy.leaves_list(reference).tolist()


@given(st.integers(0, 1000), st.integers(2, 12), st.integers(1, 12))
def test_branches_equal_scipys(seed: int, k: int, most: int) -> None:
    joints = linkage(distances(seed, k))
    ours, theirs = branches(joints, most), hierarchy.fcluster(joints, most, "maxclust")
    pairs = set(zip(ours.tolist(), theirs.tolist(), strict=True))
    assert len(pairs) == len(set(ours.tolist())) == len(set(theirs.tolist())) <= most
    assert list(dict.fromkeys(ours[leaf] for leaf in leaves(joints))) == sorted(set(ours.tolist()))


def test_none_and_one() -> None:
    assert linkage(np.zeros((1, 1))).shape == (0, 4)
    assert leaves(np.zeros((0, 4))) == [0] and branches(np.zeros((0, 4)), 3).tolist() == [0]
    assert [line.rstrip() for line in drawn(np.zeros((0, 4)), ["alone"])] == ["alone"]


@given(st.integers(0, 1000), st.integers(2, 30), st.integers(5, 70))
def test_text_has_a_line_for_each_and_lines_that_meet(seed: int, k: int, width: int) -> None:
    """Whatever leaves a cell to one side arrives from the other: no line ends in the air."""
    joints = linkage(distances(seed, k))
    names = [f"n{number}" for number in range(k)]
    lines = drawn(joints, names, width=width)
    assert [line.split()[0] for line in lines] == [names[leaf] for leaf in leaves(joints)]
    start = max(map(len, names)) + 1
    cells = [line[start:].ljust(width) for line in lines]
    reach = {symbol: number for number, symbol in enumerate(" ╴╶─╵┘└┴╷┐┌┬│┤├┼")}
    open_ends = 0
    for y, row in enumerate(cells):
        assert len(row) == width
        for x, symbol in enumerate(row):
            left, right, up, down = (bool(reach[symbol] & bit) for bit in (1, 2, 4, 8))
            if right:
                assert x + 1 < width and reach[row[x + 1]] & 1
            if left and x > 0:
                assert reach[row[x - 1]] & 2 or reach[row[x - 1]] & 12
            if down:
                assert y + 1 < k and reach[cells[y + 1][x]] & 4
            if up:
                assert y > 0 and reach[cells[y - 1][x]] & 8
            open_ends += left and x == 0
    assert open_ends >= 1


def test_wide_characters_are_counted_twice() -> None:
    lines = drawn(np.array([[0, 1, 0.5, 2]]), ["日本", "jazz"], width=4)
    assert lines == ["日本 ───┐", "jazz ───┘"]


@pytest.mark.parametrize("scale", [1e-9, 1e3])
def test_the_scale_does_not_matter(scale: float) -> None:
    joints = linkage(distances(1, 6))
    again = joints * np.array([1, 1, scale, 1])
    assert drawn(joints, list("abcdef")) == drawn(again, list("abcdef"))
