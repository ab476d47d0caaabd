"""How long what comes after listening takes, by what each encoder says of itself."""

from __future__ import annotations

import math

from songspace.encoders.base import encoder_class

DESCRIBING = 0.004
"""Seconds that it takes to work out the hand-made descriptors of a song whose spectrograms are there."""

_DECODING = 0.05
"""The same for a song that is decoded once more."""

_START = 3.0
"""Seconds until training begins: torch is loaded, and the first step takes longer."""

_BUILDING = 0.001
"""Seconds a song that it takes to build a space."""


def ahead(
    name: str, songs: int, cached: int, *, steps: int | None = None, minutes: float | None = None
) -> dict[str, float]:
    """Seconds on two idle cores of what `learn` does after listening, by stage.

    Parameters
    ----------
    name : str
        Of the encoder.
    songs, cached : int
        In the library, and those of them that can be learnt from.
    steps, minutes : optional
        As `learn` was asked.
    """
    building = {"building the space": _BUILDING * songs}
    if name == "timbre":
        return building
    encoder = encoder_class(name)
    if plan := encoder.plan:
        steps, minutes = plan.limits(cached, steps, minutes)
        by_steps = 60 * plan.minutes(steps, cached) if steps is not None else math.inf
        learning = _START + min(by_steps, 60 * minutes if minutes is not None else math.inf)
    else:
        learning = encoder.seconds_to_fit * cached
    encoded = songs + min(cached, encoder.encoded_twice)
    hearing = {}
    if encoder.taught_by:
        each = encoder_class(encoder.taught_by).seconds_to_encode + _DECODING
        hearing["hearing"] = each * min(cached, encoder.taught_on)
    return hearing | {"learning": learning, "encoding": encoder.seconds_to_encode * encoded, **building}


def at_most(name: str, *, steps: int | None = None, minutes: float | None = None) -> dict[str, float]:
    """Seconds, by stage, that some stages of `learn` do not exceed on any machine, however slow; as :func:`ahead`."""
    plan = encoder_class(name).plan
    minutes = plan.limits(0, steps, minutes)[1] if plan else None
    return {} if minutes is None else {"learning": _START + 60 * minutes}
