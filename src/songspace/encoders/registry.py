"""All encoders by name, those of songspace and of other packages; and the default length of their training.

A package offers an encoder as an entry point of the group ``songspace.encoders``; its name is that of the encoder.
Names are listed without an import. A class is loaded on request, so that a broken package disturbs no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from songspace.errors import MissingEncoderError

if TYPE_CHECKING:
    from songspace.encoders.base import Encoder

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
"""The encoders of songspace, in the order of the help. A new encoder is one file and one line here."""

AT_ONCE, IN_MINUTES = "linear", "contrastive"
"""The encoders that `learn` learns by default; a simpler space replaces them where it is better."""

BY_HAND = "timbre"
"""The encoder of hand-made numbers alone: every learnt space is compared with it."""

UNTRAINED = "random"
"""The encoder with a network of random weights."""

STUDENT = "student"
"""The encoder that an ear teaches, on a sample of a library, to encode all of it."""

ENOUGH = 100
"""Fewest songs for which the network is learnt by default: below, it improves nothing surely (docs/results.md)."""

GROUP = "songspace.encoders"
"""Group of the entry points that offer encoders."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)  # it becomes part of the name of a folder


def encoder_names() -> list[str]:
    """Return all names: first those of songspace, then those of other packages."""
    return [*REGISTRY, *sorted(_offered())]


def usual(songs: int) -> tuple[str, ...]:
    """Return the encoders that `learn` learns by default from a number of songs, one after the other."""
    return (AT_ONCE, IN_MINUTES) if songs >= ENOUGH else (AT_ONCE,)


def encoder_class(name: str) -> type[Encoder]:
    """Import and return the encoder class of a name.

    Raises
    ------
    MissingEncoderError
        If no encoder or more than one has this name, or its package does not work.
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
    """Return the entry points of other packages by name, each once, even if it is on the path twice."""
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

    subject = f"The encoder {entry.name!r} of the package {_package(entry)}"
    try:
        loaded = entry.load()
    except Exception as error:
        # The import of another package may raise any exception.
        raise MissingEncoderError(f"{subject} cannot be loaded ({type(error).__name__}: {error}).") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Encoder)):
        raise MissingEncoderError(f"{subject} is no songspace.encoders.Encoder.")
    if getattr(loaded, "name", None) != entry.name:
        raise MissingEncoderError(
            f"{subject} calls itself {getattr(loaded, 'name', None)!r}: both names must be the same."
        )
    return loaded


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module


MOST_MINUTES = 33.0
"""Minutes after which training ends by default; on two idle cores, the steps end it earlier."""


@dataclass(frozen=True)
class Plan:
    """Steps of training, in proportion to the number of songs, within bounds."""

    per_song: float
    least: int
    most: int
    batch: int
    """Songs, or segments, in a step."""
    views: int
    """Spectrograms that a step takes from each."""
    speed: float
    """Spectrograms per second on two cores (``bench/training.py``, ``bench/ali.py``)."""

    def steps(self, songs: int) -> int:
        """Return the steps for a number of songs."""
        return round(min(max(self.least, self.per_song * songs), self.most))

    def limits(self, songs: int, steps: int | None, minutes: float | None) -> tuple[int | None, float | None]:
        """Return the steps and minutes after which training ends: the given ones, or the plan's if both are None."""
        return (self.steps(songs), MOST_MINUTES) if steps is None and minutes is None else (steps, minutes)

    def minutes(self, steps: int, songs: int) -> float:
        """Estimate the minutes of a number of steps on two cores."""
        return steps * self.views * min(self.batch, songs) / self.speed / 60
