"""Checks of the parameters of encoders, before anything is computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def check_number(
    name: str, value: object, *, least: float = 0.0, above: float = -math.inf, whole: bool = False
) -> None:
    """Check that a parameter is a (whole) number, at least ``least`` and above ``above``.

    Raises
    ------
    ValueError
        If it is not. The message names the parameter, its value and the bound.

    Examples
    --------
    >>> check_number("width", 2.5, least=1, whole=True)
    Traceback (most recent call last):
        ...
    ValueError: width must be a whole number of at least 1, got 2.5
    """
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    number = isinstance(value, kinds) and not isinstance(value, bool)
    # mypy does not see that `number` holds only for numbers.
    if not (number and least <= value < math.inf and value > above):  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        bound = f"above {above:g}" if above >= least else f"of at least {least:g}"
        raise ValueError(f"{name} must be {kind} {bound}, got {value!r}")


def check_seed(random_state: object) -> int:
    """Return the seed as an int; a run that can be resumed needs a number, not a generator.

    Raises
    ------
    ValueError
        If it is not a whole number, or negative.
    """
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)):
        raise ValueError(f"random_state must be a whole number, got {random_state!r}")
    if random_state < 0:
        raise ValueError(f"random_state must not be negative, got {random_state}")
    return int(random_state)


def group_codes(groups: Any, n: int) -> np.ndarray:
    """Return the group of each row as a number from 0; ``None`` makes each row a group of its own.

    Raises
    ------
    ValueError
        If there is not exactly one group for each row.

    Examples
    --------
    >>> group_codes(["b", "a", "b"], 3).tolist(), group_codes(None, 2).tolist()
    ([1, 0, 1], [0, 1])
    """
    if groups is None:
        return np.arange(n)
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups must name one song for each of the {n} rows, got {groups.shape}")
    return np.unique(groups, return_inverse=True)[1].reshape(n)


def teacher_codes(artists: Any, songs: np.ndarray) -> np.ndarray | None:
    """Return the artist of each song as a number from 0, -1 where it is not known; ``None`` without artists.

    Parameters
    ----------
    artists : sequence of length n, or None
        The artist of each row; None and "" stand for an unknown one.
    songs : int array of shape (n,)
        The song of each row, from 0 without gaps.

    Raises
    ------
    ValueError
        If the number of artists is not that of the rows, or a song has two artists.

    Examples
    --------
    >>> teacher_codes(["Ada", "Ada", None, "Bo"], np.array([0, 0, 1, 2])).tolist()
    [0, -1, 1]
    """
    if artists is None:
        return None
    if len(artists) != len(songs):
        raise ValueError(f"artists must name one artist for each of the {len(songs)} rows, got {len(artists)}")
    numbers: dict[Any, int] = {}
    codes = np.array([-1 if name in (None, "") else numbers.setdefault(name, len(numbers)) for name in artists])
    of_song = np.zeros(songs.max() + 1, np.int64)
    of_song[songs] = codes
    if (of_song[songs] != codes).any():
        raise ValueError("artists must name the same artist for all rows of a song")
    return of_song
