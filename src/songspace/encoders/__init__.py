"""Encoders: spectrograms to vectors, each an estimator with ``fit`` and ``transform``.

The classes are loaded when they are first asked for, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

PIPELINE = 1
"""Raised whenever the same file would give other spectrograms, descriptors or vectors than before."""

_WHERE = {
    "Encoder": "base",
    "encoder_class": "registry",
    "encoder_names": "registry",
    "Plan": "plan",
    "load": "base",
    "Raw": "baselines",
    "PCA": "baselines",
    "Timbre": "baselines",
    "Linear": "linear",
    "RandomConv": "random_conv",
    "Contrastive": "contrastive",
    "ALI": "ali",
    "ONNX": "onnx",
}

__all__ = ["PIPELINE", *_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_WHERE)
