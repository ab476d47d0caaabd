"""An answer is a dataclass: the command line prints it, ``--json`` and the API send it, OpenAPI describes it.

A field's name and type stand once, in the class. :func:`as_json` turns an answer into what JSON knows, and the API
gives the class to FastAPI as the model of a response.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Self, TypeVar, dataclass_transform

from songspace.library.records import Song

T = TypeVar("T")

PLACES = 6
"""Decimal places of numbers where neither their field nor their class says otherwise."""


def described(description: str = "", *, name: str = "", places: int | None = None, default: Any = ...) -> Any:
    """Describe a field of an answer.

    Parameters
    ----------
    description : str
        For the OpenAPI document.
    name : str
        In JSON, if it is another one than in Python.
    places : int, optional
        Decimal places of its numbers; by default those of the class.
    default : optional
        Without one, the field has to be given.
    """
    said: dict[str, Any] = {"description": description} if description else {}
    said |= {"alias": name} if name else {}
    said |= {"places": places} if places is not None else {}
    return field(metadata=said) if default is ... else field(default=default, metadata=said)


@dataclass_transform(field_specifiers=(described,), frozen_default=True)
def answer(cls: type[T]) -> type[T]:
    """Make a class an answer: a frozen dataclass, of which OpenAPI says that it has no other fields.

    A field whose default is None is left out of the JSON document where it is None: nobody asked for it. A class may
    say by ``PLACES`` how many decimal places its numbers have.
    """
    cls.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return dataclass(frozen=True)(cls)


def as_json(value: Any, places: int = PLACES) -> Any:
    """Turn an answer into what JSON knows: dicts, lists, text, whole numbers, rounded numbers, None for NaN.

    Examples
    --------
    >>> as_json(SongFacts.of(Song(7, "/a.mp3", 61.23456, "Blue", "Ann")))["duration"]
    61.235
    """
    if is_dataclass(value) and not isinstance(value, type):
        places = getattr(value, "PLACES", places)
        return {
            each.metadata.get("alias", each.name): as_json(own, each.metadata.get("places", places))
            for each in fields(value)
            if (own := getattr(value, each.name)) is not None or each.default is not None
        }
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, places)
    if isinstance(value, list | tuple):
        return [as_json(each, places) for each in value]
    if isinstance(value, dict):
        return {key: as_json(each, places) for key, each in value.items()}
    return value


@answer
class SongFacts:
    """A song as it stands in every answer."""

    id: int
    path: str
    artist: str | None
    title: str | None
    album: str | None
    genre: str | None
    year: int | None
    duration: float = described("Seconds.", places=3)
    part: bool = described("Whether it is a part of its file, as a CUE sheet says: it is sent encoded.")

    @classmethod
    def of(cls, song: Song, **more: Any) -> Self:
        """Make the answer about a song; ``more`` are the fields that a subclass adds."""
        facts = {each.name: getattr(song, each.name) for each in fields(SongFacts) if each.name != "part"}
        return cls(**facts, part=song.start is not None, **more)
