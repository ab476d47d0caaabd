"""songspace learns a metric space of songs from their sound, without labels, and puts it to use.

>>> import songspace
>>> songspace.__version__
'0.1.0'

Public names are loaded at their first use: a query needs neither torch nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = {
    "AudioError": "errors",
    "Library": "library",
    "Space": "space",
    "SongspaceError": "errors",
    "Windows": "audio",
    "read_windows": "audio",
}
_ROOMS = ("encoders", "evaluation", "frontends", "geometry", "maps", "playlists")

__all__ = [*_MODULES, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
