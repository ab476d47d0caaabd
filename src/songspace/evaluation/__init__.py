"""Evaluation of a space: clustering, retrieval, hubness, robustness, each with chance and an interval.

Each task is a module with ``validate``, its metrics and ``evaluate() -> dict``. A module is loaded at its first use, so
that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_MODULES = ("clustering", "embeddings", "hubness", "labels", "playlists", "report", "retrieval", "robustness")

__all__ = list(_MODULES)


def __getattr__(name: str) -> ModuleType:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted(_MODULES)
