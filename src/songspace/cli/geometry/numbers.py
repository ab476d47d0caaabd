"""Figures and their intervals, for people and for JSON."""

from __future__ import annotations

import math
from typing import Any


def share(score: dict[str, Any]) -> str:
    """A share with its interval, as "41% (32-50%)"."""
    bounds = score["interval"]
    return f"{score['value']:.0%}" + (f" ({bounds[0]:.0%}-{bounds[1]:.0%})".replace("%-", "-") if bounds else "")


def number(figure: dict[str, Any]) -> str:
    """A number with its interval, as "0.71 (0.61 to 0.81)"."""
    bounds = figure["interval"]
    return f"{figure['value']:.2f}" + (f" ({bounds[0]:.2f} to {bounds[1]:.2f})" if bounds else "")


def rounded_number(value: float | None) -> float | None:
    """A number of four places, or none."""
    return None if value is None or math.isnan(value) else round(value, 4)


def rounded(figure: dict[str, Any]) -> dict[str, Any]:
    """Numbers of four places, and none that JSON does not know."""
    bounds = figure["interval"]
    numbers = {key: rounded_number(value) for key, value in figure.items() if key != "interval"}
    return numbers | {"interval": bounds and [round(bound, 4) for bound in bounds]}
