"""A playlist of about so many minutes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

_TRIES = 5


def of_minutes(
    make: Callable[[int], list[int]], seconds: np.ndarray, minutes: float, *, fewest: int, most: int
) -> list[int]:
    """Make lists of different lengths until one comes near to so many minutes.

    Parameters
    ----------
    make : function of a number of songs, giving a list of rows
    seconds : array of shape (n,)
        How long the song of each row lasts.
    minutes : float
    fewest, most : int
        Of songs in a list.

    Returns
    -------
    list of int
        The one of those tried that comes nearest.

    Examples
    --------
    >>> of_minutes(lambda n: list(range(n)), np.array([60.0, 60, 300, 60]), 7.2, fewest=1, most=4)
    [0, 1, 2]
    """
    wanted = 60 * minutes
    tried: dict[int, list[int]] = {}
    count = wanted / max(1.0, float(np.median(seconds)))
    while len(tried) < _TRIES:
        guesses = (min(max(fewest, guess), most) for guess in (round(count), math.floor(count), math.ceil(count)))
        length = next((guess for guess in guesses if guess not in tried), None)
        if length is None:
            break
        tried[length] = make(length)
        count = length * wanted / max(1.0, float(seconds[tried[length]].sum()))
    return min(tried.values(), key=lambda rows: abs(float(seconds[rows].sum()) - wanted))
