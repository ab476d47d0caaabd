"""Every encoder by its name, songspace's own and those of other packages; and how long one is trained by default.

A package offers one as an entry point of the group ``songspace.encoders`` whose name is the encoder's. Names are known
without importing anything; a class is loaded when it is asked for, so that a broken package disturbs no other.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from songspace.errors import MissingEncoderError

if TYPE_CHECKING:
    from songspace.encoders.base import Encoder
from dataclasses import dataclass

REGISTRY = {
    "linear": "songspace.encoders.linear:Linear",
    "contrastive": "songspace.encoders.contrastive:Contrastive",
    "ali": "songspace.encoders.ali:ALI",
    "pca": "songspace.encoders.baselines:PCA",
    "raw": "songspace.encoders.baselines:Raw",
    "timbre": "songspace.encoders.baselines:Timbre",
    "random": "songspace.encoders.convnet:RandomConv",
    "onnx": "songspace.encoders.onnx:ONNX",
    "musicnn": "songspace.encoders.musicnn:MusiCNN",
    "student": "songspace.encoders.student:Student",
}
"""Songspace's own encoders, in the order of help: one file and one line here make a new one."""

AT_ONCE, IN_MINUTES = "linear", "contrastive"
"""The encoders that `learn` learns by default; each gives way where a simpler space is better."""

ENOUGH = 100
"""Songs below which a library is little to learn from: the network adds nothing that is sure (docs/results.md)."""

GROUP = "songspace.encoders"
"""The entry points by which packages offer encoders."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)  # it is part of a folder's name


def encoder_names() -> list[str]:
    """Return all names: those of songspace's own first, then those of other packages."""
    return [*REGISTRY, *sorted(_offered())]


def usual(songs: int) -> tuple[str, ...]:
    """Return the encoders that `learn` learns by default of a number of songs; each answers until the next is there."""
    return (AT_ONCE, IN_MINUTES) if songs >= ENOUGH else (AT_ONCE,)


def encoder_class(name: str) -> type[Encoder]:
    """Return the encoder class of a name; its module (and torch, if it needs it) is loaded now.

    Raises
    ------
    MissingEncoderError
        If there is no encoder of that name, several packages have one, or its package does not work.
    """
    if name in REGISTRY:
        module, _, attribute = REGISTRY[name].partition(":")
        own: type[Encoder] = getattr(import_module(module), attribute)
        return own
    offered = _offered()
    if name not in offered:
        names = ", ".join([*REGISTRY, *sorted(offered)])
        raise MissingEncoderError(f"There is no encoder called {name!r}: choose from {names}.")
    first, *others = offered[name]
    if others:
        packages = " and ".join(sorted(map(_package, offered[name])))
        raise MissingEncoderError(
            f"Several packages have an encoder called {name!r}: {packages}; uninstall all but one."
        )
    return _loaded(first)


def _offered() -> dict[str, list[EntryPoint]]:
    """Return the entry points of other packages by name; one that is found twice on the path is the same."""
    offered: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        if entry.name in REGISTRY or not _NAME.fullmatch(entry.name):
            continue
        known = offered.setdefault(entry.name, [])
        if (entry.value, _package(entry)) not in ((other.value, _package(other)) for other in known):
            known.append(entry)
    return offered


def _loaded(entry: EntryPoint) -> type[Encoder]:
    from songspace.encoders.base import Encoder

    whose = f"The encoder {entry.name!r} of the package {_package(entry)}"
    try:
        loaded = entry.load()
    except Exception as error:
        # Another package's module may raise anything when it is imported.
        raise MissingEncoderError(f"{whose} cannot be loaded ({type(error).__name__}: {error}).") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Encoder)):
        raise MissingEncoderError(f"{whose} is no songspace.encoders.Encoder.")
    if getattr(loaded, "name", None) != entry.name:
        raise MissingEncoderError(
            f"{whose} calls itself {getattr(loaded, 'name', None)!r}: both names must be the same."
        )
    return loaded


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module


MOST_MINUTES = 33.0
"""Minutes after which training ends by default: on two idle cores, its steps end it before."""


@dataclass(frozen=True)
class Plan:
    """Steps of training by the number of songs: in proportion to it, within bounds."""

    per_song: float
    least: int
    most: int
    batch: int
    """Songs, or segments, in a step."""
    views: int
    """Spectrograms that a step takes of each."""
    speed: float
    """Spectrograms a second on two cores (``bench/training.py``, ``bench/ali.py``)."""

    def steps(self, songs: int) -> int:
        """Return the steps for a number of songs."""
        return round(min(max(self.least, self.per_song * songs), self.most))

    def limits(self, songs: int, steps: int | None, minutes: float | None) -> tuple[int | None, float | None]:
        """Return the steps and minutes after which training ends: those given, or the plan's if none is given."""
        return (self.steps(songs), MOST_MINUTES) if steps is None and minutes is None else (steps, minutes)

    def minutes(self, steps: int, songs: int) -> float:
        """Estimate the minutes that steps take on two cores."""
        return steps * self.views * min(self.batch, songs) / self.speed / 60
