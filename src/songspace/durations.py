"""Durations as text."""

from __future__ import annotations


def about(seconds: float) -> str:
    """Format an expected duration, with the precision of a forecast.

    Examples
    --------
    >>> [about(seconds) for seconds in (3, 43, 100, 752, 5_000, 12_000)]
    ['5 s', '45 s', '1.5 min', '13 min', '1 h 25 min', '3 h 20 min']
    """
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 285:
        return f"{round(seconds / 30) / 2:g} min"
    if seconds < 3570:
        return f"{round(seconds / 60)} min"
    hours, minutes = divmod(5 * round(seconds / 300), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def taken(seconds: float) -> str:
    """Format a measured duration.

    Examples
    --------
    >>> [taken(seconds) for seconds in (0.42, 9.96, 59.7, 61, 7_260)]
    ['0.4 s', '10 s', '1 min 0 s', '1 min 1 s', '2 h 1 min']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
