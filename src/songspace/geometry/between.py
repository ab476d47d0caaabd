"""A + B ?= C: regions between two others, and their places along the way.

The way from A to B is the straight line between the centres of their songs. The *position* of a region on it is the
foot of the perpendicular from its centre (0 at A, 1 at B); its *offset* is the length of the perpendicular as a share
of the length of the way. In many dimensions, every region has a position on every way. A region lies between A and B if
its position is between 0 and 1, and it is nearer to the line than the median of the other regions. If all regions are
tested at once, half of them are nearer than the median. Then a region between A and B must also be nearer to both of
them than they are to each other, because unrelated regions are all about equally far apart.

(The arc of the sphere between the directions of both centres would be another way. It depends on the centre of the
collection: with few genres, all others lie on the far side of the sphere.)

The error of a centre of n songs is their spread divided by the root of n. It moves small regions off the line, so that
the answer errs towards "no".
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from songspace.categories import categorize
from songspace.errors import SongspaceError
from songspace.geometry.groups import FEWEST, MOST, Groups, called, grouped
from songspace.geometry.regions import DRAWS
from songspace.intervals import MIN_ARTISTS, Smaller, halves
from songspace.space import Space

BetweenVerdict = Literal["yes", "no", "unsure", "unknown"]


@dataclass(frozen=True)
class IntervalEstimate:
    """A number with its 95 % interval; the interval is None with too few units."""

    value: float
    interval: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Return this figure as plain values for JSON."""
        return {"value": self.value, "interval": self.interval and list(self.interval)}


@dataclass(frozen=True)
class Between:
    """The place of a region relative to the way between two others.

    Attributes
    ----------
    name : str
    size : int
        Number of its songs.
    position : IntervalEstimate
        Position on the way: 0 at the first region, 1 at the second.
    offset : IntervalEstimate
        Distance from the line, as a share of the way.
    margin : IntervalEstimate or None
        Median offset of the other regions less its offset; None without other regions.
    step : IntervalEstimate
        The longer one of its distances to the first and to the second region, as a share of the way.
    verdict : {"yes", "no", "unsure", "unknown"}
        Answer by the intervals if it lies between; "unknown" without intervals.
    """

    name: str
    size: int
    position: IntervalEstimate
    offset: IntervalEstimate
    margin: IntervalEstimate | None
    step: IntervalEstimate
    verdict: BetweenVerdict


@dataclass(frozen=True)
class Way:
    """The way from one region to another, and the other regions relative to it.

    Attributes
    ----------
    a, b : str
        The regions at its ends.
    sizes : tuple of int
        Numbers of their songs.
    length : float
        The distance of their centres.
    between : list of Between
        All other regions, by verdict, then the nearest to the line first.
    groups : Groups
        The songs of all regions.
    """

    a: str
    b: str
    sizes: tuple[int, int]
    length: float
    between: list[Between]
    groups: Groups


def way(
    space: Space,
    labels: Sequence[str | None],
    a: str,
    b: str,
    units: Sequence[str | None] | None = None,
    *,
    fewest: int = FEWEST,
    most: int = MOST,
    what: str = "label",
    seed: int = 0,
) -> Way:
    """Find the regions between a and b.

    Parameters
    ----------
    space : Space
    labels, units : sequences of str or None, one for each row
        Labels and units as in :func:`songspace.geometry.describe`; intervals leave out whole units.
    a, b : str
        The labels at the ends of the way, in any case.
    fewest, most : int
        Fewest songs of a region, and the most regions besides a and b, the largest.
    what : str
        Word for a label in messages.
    seed : int
        Seed of the intervals.

    Raises
    ------
    SongspaceError
        If there is no such label (the message has similar ones), it has too few songs, or both are the same.
    ValueError
        If the number of labels (or units) is not that of the rows.

    Examples
    --------
    >>> places = np.repeat([[1.0, 0, 0], [0, 1, 0], [0.6, 0.7, 0.1], [0, 0, 1], [-1, -1, 0]], 4, axis=0)
    >>> labels = np.repeat(["jazz", "rock", "funk", "folk", "noise"], 4).tolist()
    >>> jazz_to_rock = way(Space.from_vectors(places), labels, "jazz", "rock")
    >>> jazz_to_rock.between[0].name, round(jazz_to_rock.between[0].position.value, 1)
    ('funk', 0.6)
    """
    names_of_all = categorize(labels).names
    a, b = (called(name, names_of_all, what) for name in (a, b))
    groups = grouped(space, labels, units, fewest=fewest, most=most, keep=(a, b))
    ends = [_end(groups, name, fewest) for name in (a, b)]
    if ends[0] == ends[1]:
        raise SongspaceError(f"A way leads from one {what} to another, and both are {groups.names[ends[0]]}.")
    order = [*ends, *(g for g in range(len(groups)) if g not in ends)]
    parts = [space.vectors[groups.rows[groups.of(g)]] for g in order]
    units_of = [groups.units[groups.of(g)] for g in order]
    length = float(np.linalg.norm(parts[1].mean(axis=0, dtype=np.float64) - parts[0].mean(axis=0, dtype=np.float64)))
    if length < 1e-6:
        both = " and ".join(groups.names[end] for end in ends)
        raise SongspaceError(f"There is no way to look along: the centres of {both} lie in one place.")
    values, drawn, smaller = placed(parts, units_of, seed=seed)
    counts = [len(np.unique(own)) for own in units_of]
    known = [min(*counts[:2], count) >= MIN_ARTISTS for count in counts[2:]]
    names, sizes = [groups.names[g] for g in order], groups.sizes[order]
    others = judged(names[2:], sizes[2:].tolist(), values, drawn, smaller, known, all_asked=True)
    ranks: dict[BetweenVerdict, int] = {"yes": 0, "unsure": 1, "unknown": 1, "no": 2}
    others.sort(key=lambda each: (ranks[each.verdict], not 0 < each.position.value < 1, each.offset.value, each.name))
    return Way(names[0], names[1], (int(sizes[0]), int(sizes[1])), length, others, groups)


def placed(
    parts: Sequence[np.ndarray], units: Sequence[np.ndarray], *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, Smaller]:
    """Compute positions and offsets of groups relative to the way from the first to the second of them.

    Parameters
    ----------
    parts : sequence of k + 2 arrays of shape (n_i, d)
        The songs of each group.
    units : sequence of k + 2 int arrays of shape (n_i,)
        The unit of each song.

    Returns
    -------
    values : ndarray of shape (2, k)
        Positions and offsets.
    drawn : ndarray of shape (DRAWS or 0, 2, k)
        The same in halves of the units; NaN if a group has no unit in a half.
    smaller : Smaller
        The halves.
    """
    values = on_the_way(np.array([part.mean(axis=0, dtype=np.float64) for part in parts]))
    all_units = np.concatenate(units)
    _, first, numbers = np.unique(all_units, return_index=True, return_inverse=True)
    smaller = halves(all_units, draws=DRAWS, random_state=seed)
    weights = smaller.kept[:, first]
    drawn = np.empty((len(weights), 2, len(parts) - 2))
    ends = []
    begin = 0
    for number, part in enumerate(parts):
        centers = _drawn_centers(weights, numbers[begin : begin + len(part)], part)
        begin += len(part)
        if number < 2:
            ends.append(centers)
        else:
            drawn[:, :, number - 2] = _against(ends[0], ends[1], centers)
    return values, drawn, smaller


def judged(
    names: Sequence[str],
    sizes: Sequence[int],
    values: np.ndarray,
    drawn: np.ndarray,
    smaller: Smaller,
    known: Sequence[bool] | None = None,
    all_asked: bool = False,
) -> list[Between]:
    """Judge regions by their positions and offsets (2, k), and by those in halves (draws, 2, k).

    Parameters
    ----------
    known : sequence of bool, optional
        True for each region that has, like both ends, enough units for an interval; by default all.
    all_asked : bool
        True if no region was chosen beforehand; then the steps count, too.
    """
    known = [True] * len(names) if known is None else known
    judgements = []
    others = _medians_of_the_others(np.concatenate([values[None, 1], drawn[:, 1]]))
    for i, name in enumerate(names):
        draws = drawn[:, :, i] if known[i] else drawn[:0, :, i]
        position = _figure(values[0, i], draws[:, 0], smaller)
        offset = _figure(values[1, i], draws[:, 1], smaller, lowest=0.0)
        margin = None
        if len(names) > 1:
            margins = others[:, i] - np.concatenate([values[None, 1, i], drawn[:, 1, i]])
            margin = _figure(margins[0], margins[1:] if known[i] else margins[:0], smaller)
        step = _figure(_longer_step(values[:, i]), _longer_step(draws.T), smaller)
        verdict = _verdict(position, margin, step if all_asked else None)
        judgements.append(Between(name, int(sizes[i]), position, offset, margin, step, verdict))
    return judgements


def songs_between(space: Space, way: Way, *, k: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find songs of any label along a way: the one nearest to the line in each of k equal stretches.

    (The k nearest songs of all would lie at its ends, where most songs are.)

    Returns
    -------
    rows : ndarray of shape (at most k,), int64
        Rows in the order of the way; a stretch may have none.
    positions, offsets : ndarrays of the same shape, float64
        As in :class:`Between`.

    Examples
    --------
    >>> space = Space.from_vectors(np.array([[3.0, 1], [3, -1], [-3, 1], [-3, -1], [0, 1], [0, -1]]))
    >>> along = way(space, ["a", "a", "b", "b", None, None], "a", "b", fewest=2)
    >>> songs_between(space, along, k=3)[1].round(2).tolist()
    [0.0, 0.5, 1.0]
    """
    a, b = (
        space.vectors[way.groups.rows[way.groups.of(way.groups.names.index(name))]].mean(axis=0, dtype=np.float64)
        for name in (way.a, way.b)
    )
    line = b - a
    square = float(line @ line)
    along = space.vectors @ line.astype(np.float32)
    position = (along.astype(np.float64) - a @ line) / square
    # |x - a|^2 of unit vectors; the square of the distance to the foot is subtracted below.
    apart = 1 + a @ a - 2 * (space.vectors @ a.astype(np.float32)).astype(np.float64)
    offset = np.sqrt(np.maximum(apart / square - position**2, 0))
    inside = (position > 0) & (position < 1)
    inside[space.undirected] = False
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(offset[rows], kind="stable")]
    _, first = np.unique((position[rows] * k).astype(int), return_index=True)
    rows = rows[first]
    return rows, position[rows], offset[rows]


def on_the_way(centers: np.ndarray) -> np.ndarray:
    """Compute positions and offsets (2, n) of centres relative to the line from the first to the second of them.

    Examples
    --------
    >>> on_the_way(np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 2.0]])).tolist()
    [[0.25], [0.5]]
    """
    return _against(centers[0], centers[1], centers[2:])


def _against(a: np.ndarray, b: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Compute position and offset, (2, n) for one line or (n, 2) for n lines; NaN if a line has no length."""
    line = b - a
    square = np.square(line).sum(axis=-1)
    square = np.where(square > 1e-18, square, np.nan)  # the ends lie at one point, or one of them is NaN
    moved = centers - a
    position = (moved * line).sum(axis=-1) / square
    offset = np.linalg.norm(moved - position[..., None] * line, axis=-1) / np.sqrt(square)
    return np.stack([position, offset], axis=1 if a.ndim > 1 else 0)


def _end(groups: Groups, name: str, fewest: int) -> int:
    if name in groups.names:
        return groups.names.index(name)
    count = dict(groups.small).get(name, 0)  # 0 if all its songs have no direction
    songs = "one song" if count == 1 else f"{count} songs"
    raise SongspaceError(f"{name} has {songs}: to have a centre, {fewest} are needed.")


def _drawn_centers(weights: np.ndarray, units: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Compute centres (draws, d) of a group in collections of units; NaN if a collection has none of its songs."""
    order = np.argsort(units, kind="stable")
    own, first, counts = np.unique(units[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(vectors[order], first, axis=0, dtype=np.float64)
    weight = weights[:, own].astype(np.float64)
    total = (weight @ counts)[:, None]
    centers = np.full((len(weights), vectors.shape[1]), np.nan)
    return np.divide(weight @ sums, total, out=centers, where=total > 0)


def _medians_of_the_others(offsets: np.ndarray) -> np.ndarray:
    """Compute for each column of (draws, k) the median of all other columns, without NaN."""
    k = offsets.shape[1]
    if k < 2:
        return np.full(offsets.shape, np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        if k > 50:  # one column out of many hardly changes the median
            return np.repeat(np.nanmedian(offsets, axis=1)[:, None], k, axis=1)
        return np.stack([np.nanmedian(np.delete(offsets, i, axis=1), axis=1) for i in range(k)], axis=1)


def _figure(value: Any, drawn: np.ndarray, smaller: Smaller, lowest: float = -np.inf) -> IntervalEstimate:
    bounds = smaller.scatter(drawn).around(float(value))
    return IntervalEstimate(float(value), (max(bounds[0], lowest), max(bounds[1], lowest)) if bounds else None)


def _longer_step(place: np.ndarray) -> np.ndarray:
    """Compute, from position and offset (2, ...), the distance to the farther end as a share of the way."""
    position, offset = place
    return np.asarray(np.hypot(np.maximum(position, 1 - position), offset))


def _verdict(
    position: IntervalEstimate, margin: IntervalEstimate | None, step: IntervalEstimate | None
) -> BetweenVerdict:
    """Judge by the intervals if a region lies between two others."""
    if position.interval is None:
        return "unknown"
    low, high = position.interval
    nearer = margin.interval if margin and margin.interval else (np.inf, np.inf)
    longer = step.interval if step and step.interval else (-np.inf, -np.inf)
    if high <= 0 or low >= 1 or nearer[1] < 0 or longer[0] >= 1:
        return "no"
    return "yes" if low > 0 and high < 1 and nearer[0] > 0 and longer[1] < 1 else "unsure"
