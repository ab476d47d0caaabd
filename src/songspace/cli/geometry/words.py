"""Figures and their intervals, for people."""

from __future__ import annotations

from typing import Any


def share(score: dict[str, Any]) -> str:
    """A share with its interval, as "41% (32-50%)"."""
    bounds = score["interval"]
    return f"{score['value']:.0%}" + (f" ({bounds[0]:.0%}-{bounds[1]:.0%})".replace("%-", "-") if bounds else "")


def number(figure: dict[str, Any]) -> str:
    """A number with its interval, as "0.71 (0.61 to 0.81)"."""
    bounds = figure["interval"]
    return f"{figure['value']:.2f}" + (f" ({bounds[0]:.2f} to {bounds[1]:.2f})" if bounds else "")
