"""Parameters of the trained encoders, checked before anything is computed."""

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
        Otherwise, naming the parameter, the value and what was expected.

    Examples
    --------
    >>> check_number("width", 2.5, least=1, whole=True)
    Traceback (most recent call last):
        ...
    ValueError: width must be a whole number of at least 1, got 2.5
    """
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    number = isinstance(value, kinds) and not isinstance(value, bool)
    # mypy cannot see that `number` says what the value is.
    if not (number and least <= value < math.inf and value > above):  # type: ignore[operator]
        kind = "a whole number" if whole else "a number"
        bound = f"above {above:g}" if above >= least else f"of at least {least:g}"
        raise ValueError(f"{name} must be {kind} {bound}, got {value!r}")


def check_seed(random_state: object) -> int:
    """The seed, if it is one; a run that can be resumed needs a number, not a generator.

    Raises
    ------
    ValueError
        Otherwise.
    """
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)):
        raise ValueError(f"random_state must be a whole number, got {random_state!r}")
    if random_state < 0:
        raise ValueError(f"random_state must not be negative, got {random_state}")
    return int(random_state)


def group_codes(groups: Any, n: int) -> np.ndarray:
    """The group of each row as a number from 0; ``None`` makes each row a group of its own.

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
