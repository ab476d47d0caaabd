"""What lies between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from songspace.answers.geometry.labelled import Labelled
from songspace.answers.geometry.way import Along, find_way, way_facts
from songspace.cli import show
from songspace.cli.geometry.words import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from songspace.geometry import Way

TABLE = 30
"""Regions in a table on the terminal."""


def answer(asked: Labelled, a: str, b: str, *, most: int, keep: Callable[[Figure], None] | None, json: bool) -> None:
    """Draw what lies between two regions, if there is somebody to keep the picture, and say it."""
    from songspace.geometry import pictures

    kind = asked.kind
    found, along = find_way(asked, a, b, most=most)
    if keep:
        keep(pictures.draw_way(found, title=f"{found.a} + {found.b} ?=", what=kind.value, unit=asked.unit))
    if json:
        show.answer(way_facts(found, along))
    else:
        _show(asked, found, along)


def _show(asked: Labelled, found: Way, along: Along) -> None:
    from songspace.drawing import short

    kind = asked.kind.value
    inside = [one for one in found.between if 0 < one.position.value < 1]
    if inside:
        show.table(
            (kind, "songs", "position", "off the line", "between?"),
            [
                (
                    short(one.name, 40),
                    one.size,
                    number(one.position.as_dict()),
                    number(one.offset.as_dict()),
                    {"unknown": "too few to tell"}.get(one.verdict, one.verdict),
                )
                for one in inside[:TABLE]
            ],
            right=(1, 2, 3),
        )
    if along:
        show.table(
            ("position", "off the line", "songs along the line", "genre"),
            [
                (f"{position:.2f}", f"{offset:.2f}", short(song.name, 60), song.genre or "")
                for song, position, offset in along
            ],
            right=(0, 1),
        )
    show.say(
        f"From the centre of {found.a} (0) to that of {found.b} (1), {found.length:.2f} apart; off the line as a share "
        f"of that, with 95 % intervals over {asked.unit}. Between: surely on the way, nearer to the "
        f"line than most other {kind}, and nearer to both ends than these are to each other."
    )
    beyond = len(found.between) - len(inside)
    if beyond or not inside:
        show.say(
            f"{beyond or 'No'} other {kind} lie{'s' if beyond == 1 else ''} beyond the ends.".replace("No other", "No")
        )
