"""Figures and their intervals, for JSON."""

from __future__ import annotations

import math
from typing import Any


def rounded_number(value: float | None) -> float | None:
    """A number of four places, or none."""
    return None if value is None or math.isnan(value) else round(value, 4)


def rounded(figure: dict[str, Any]) -> dict[str, Any]:
    """Numbers of four places, and none that JSON does not know."""
    bounds = figure["interval"]
    numbers = {key: rounded_number(value) for key, value in figure.items() if key != "interval"}
    return numbers | {"interval": bounds and [round(bound, 4) for bound in bounds]}
