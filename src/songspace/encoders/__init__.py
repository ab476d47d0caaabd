"""Encoders: spectrograms to vectors, each an estimator with ``fit`` and ``transform``.

A class is loaded at its first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from songspace.encoders.registry import REGISTRY, Plan, encoder_class, encoder_names

PIPELINE = 1
"""Version of the pipeline; one more whenever the same file gives other spectrograms, descriptors or vectors."""

_BASE = ("songspace.encoders.base:Encoder", "songspace.encoders.base:load")
_MODULES = {name: module for module, _, name in (place.partition(":") for place in (*_BASE, *REGISTRY.values()))}

__all__ = ["PIPELINE", "Plan", "encoder_class", "encoder_names", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
