"""A dendrogram of regions, for programs and in text: regions are joined step by step, the nearest first.

The distance of two branches is the mean distance of their regions (average linkage, or UPGMA; Sokal and Michener 1958).
Unlike with Ward's method, the place of a joint is a distance; unlike with single linkage, one pair of near regions does
not form a chain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from songspace.categories import integers

ORDERED = 300
"""The most regions for which branches are ordered so that near ones are neighbours (Bar-Joseph et al. 2001)."""

_LINES = " ╴╶─╵┘└┴╷┐┌┬│┤├┼"  # by their directions: 1 left, 2 right, 4 up, 8 down


def linkage(distances: np.ndarray) -> np.ndarray:
    """Join regions by average linkage, in SciPy's form: two branches, their distance, the number of their regions.

    Parameters
    ----------
    distances : ndarray of shape (k, k)
        Symmetric distances, 0 on the diagonal.

    Returns
    -------
    ndarray of shape (max(k - 1, 0), 4)
    """
    if len(distances) < 2:
        return np.zeros((0, 4))
    condensed = squareform(distances, checks=False)
    return np.asarray(hierarchy.linkage(condensed, "average", optimal_ordering=len(distances) <= ORDERED))


def leaves(joints: np.ndarray) -> list[int]:
    """Return the regions in the order of the tree, so that no lines cross.

    Examples
    --------
    >>> leaves(np.array([[0, 2, 0.1, 2], [1, 3, 0.5, 3]]))
    [1, 0, 2]
    """
    return [int(leaf) for leaf in hierarchy.leaves_list(joints)] if len(joints) else [0]


def branches(joints: np.ndarray, most: int) -> np.ndarray:
    """Cut the tree into at most ``most`` branches, and number them in the order of the tree.

    Examples
    --------
    >>> branches(np.array([[0, 2, 0.1, 2], [1, 3, 0.5, 3]]), 2).tolist()
    [1, 0, 1]
    """
    k = len(joints) + 1
    cut = hierarchy.cut_tree(joints, n_clusters=min(most, k))[:, 0] if k > 1 else np.zeros(1, int)
    order = leaves(joints)
    numbered = np.empty(k, int)
    numbered[order] = integers(cut[order].tolist())
    return numbered


def drawn(joints: np.ndarray, names: Sequence[str], *, width: int = 60) -> list[str]:
    """Draw the tree as lines of text, one for each region; the farther right a joint, the larger the distance.

    Examples
    --------
    >>> for line in drawn(np.array([[0, 2, 0.2, 2], [1, 3, 0.4, 3]]), ["jazz", "folk", "blues"], width=9):
    ...     print(line)
    folk  ────────┐
    jazz  ────┬───┘
    blues ────┘
    """
    from rich.cells import cell_len

    k = len(joints) + 1
    order = leaves(joints)
    row = dict(zip(order, map(float, range(k)), strict=True))
    column = dict.fromkeys(range(k), -1)
    reach = np.zeros((k, width), int)
    farthest = max(float(joints[-1, 2]) if len(joints) else 0.0, 1e-12)
    for number, (left, right, distance) in enumerate(joints[:, :3]):
        at = min(max(round(distance / farthest * (width - 1)), 0), width - 1)
        ends = []
        for branch in (int(left), int(right)):
            y, x = int(row[branch]), column[branch]
            reach[y, max(x + 1, 0) : at] |= 3
            if x < at:
                reach[y, at] |= 1
                if x >= 0:
                    reach[y, x] |= 2
            ends.append(y)
        top, bottom = sorted(ends)
        reach[top, at] |= 8
        reach[bottom, at] |= 4
        reach[top + 1 : bottom, at] |= 12
        row[k + number] = (row[int(left)] + row[int(right)]) / 2
        column[k + number] = at
    wide = max(cell_len(name) for name in names)
    return [
        f"{names[leaf]}{' ' * (wide - cell_len(names[leaf]) + 1)}{''.join(_LINES[cell] for cell in line)}".rstrip()
        for leaf, line in zip(order, reach, strict=True)
    ]
