"""Points of a space: checked, centred, scaled, quantized, and their distances, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

BLOCK = 1 << 19
"""Numbers that are computed at a time, if that takes a float64 copy of them: 4 MB."""


def is_row(song: Any) -> bool:
    """Return True for a whole number."""
    return isinstance(song, int | np.integer) and not isinstance(song, bool)


def as_float32(numbers: Any) -> np.ndarray:
    """Return numbers as a float32 array; raise ValueError if they are not real and finite."""
    array = np.asarray(numbers)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"Expected real numbers, got {array.dtype}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        raise ValueError("Expected finite numbers, got NaN, infinity or more than float32 can hold")
    return array


def blocks(n: int, d: int) -> Iterator[slice]:
    """Return slices of n rows of d numbers, small enough to be copied."""
    size = max(1, BLOCK // d)
    return (slice(begin, begin + size) for begin in range(0, n, size))


def place(raw: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Centre and scale vectors (m, d); those that differ from the centre only by rounding become zeros."""
    moved = raw.astype(np.float64) - center
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    rounding = 4 * np.finfo(np.float32).eps * np.linalg.norm(center.astype(np.float64))
    length[length <= rounding] = np.inf
    return np.divide(moved, length, out=np.zeros_like(moved), where=length > 0).astype(np.float32)


def place_all(raw: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Centre and scale any number of vectors, in blocks."""
    placed = np.empty(raw.shape, np.float32)
    for block in blocks(*raw.shape):
        placed[block] = place(raw[block], center)
    return placed


def in_8_bits(placed: np.ndarray) -> np.ndarray:
    """Quantize unit (or zero) vectors to int8, in 127ths of the largest number of each."""
    levels = np.empty(placed.shape, np.int8)
    for block in blocks(*placed.shape):
        largest = np.abs(placed[block]).max(axis=1, keepdims=True)
        levels[block] = np.rint(127 * placed[block] / np.where(largest > 0, largest, 1))
    return levels


def from_8_bits(levels: np.ndarray) -> np.ndarray:
    """Restore vectors from :func:`in_8_bits` to unit length: float32."""
    vectors = levels.astype(np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=vectors, where=length > 0)


def distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compute the distances (m, n) of points (m, d) and (n, d), with errors below 1e-7 for unit vectors."""
    a, b = some.astype(np.float64), others.astype(np.float64)
    squared = -2 * (a @ b.T)
    squared += np.einsum("ij,ij->i", a, a)[:, None]
    squared += np.einsum("ij,ij->i", b, b)
    return np.sqrt(np.maximum(squared, 0, out=squared), out=squared)


def euclidean(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Compute the distances of vectors (n, d) to a point (d,), in float64."""
    difference = vectors.astype(np.float64) - query
    distance: np.ndarray = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return distance


def distances_to(vectors: np.ndarray, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Compute the distances of rows of vectors to a point, in blocks."""
    if len(rows) == 0:
        return np.empty(0)
    return np.concatenate([euclidean(vectors[rows[block]], query) for block in blocks(len(rows), len(query))])
