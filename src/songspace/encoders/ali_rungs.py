"""The poster's ladder: four ways to play the one game, from nothing learnt to the game done right."""

from __future__ import annotations

from typing import Any

from songspace.frontends import PowerSpectrogram

PLAYERS = {
    "all": ("encoder", "decoder", "discriminator"),
    "without decoder": ("encoder", "discriminator"),
    "none": (),
}
"""Who learns, by the value of ``trained``."""

_AS_DESCRIBED: dict[str, Any] = {
    "frontend": PowerSpectrogram(),
    "standardize": False,
    "unit_codes": False,
    "norm": "keras",
    "unary": False,
    "dropout": 0.3,
    "penalty": 1e-4,
    "cycle": 0.0,
    "noise": 10.0,
    "annealed": False,
    "soft_targets": True,
    "encoder_rate": 5e-5,
    "decoder_rate": 5e-5,
    "discriminator_rate": 5e-5,
    "turns": 5,
    "average": 0.0,
    "keep": "last",
    "batch_size": 101,
}

POSTER_STEPS = 5350
"""Batches of the poster's training: 4,280 of the encoder's side, 1,070 of the discriminator's."""

RUNGS: dict[str, dict[str, Any]] = {
    "random weights": {"frontend": PowerSpectrogram(log=True), "trained": "none"},
    "as run": _AS_DESCRIBED | {"trained": "without decoder", "beta2": 0.001},
    "as described": _AS_DESCRIBED,
    "done right": {"frontend": PowerSpectrogram(log=True)},
}
"""The poster's ladder: parameters of :class:`songspace.encoders.ali.ALI`, from nothing learnt to the defaults.

Each names the frontend that it wants of the poster's spectrograms: power as it is where history is repeated, decibels
otherwise. ``ALI(**RUNGS["as run"], size="small", steps=5350)``.
"""
