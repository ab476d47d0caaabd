"""``songspace geometry``: where genres, artists and albums lie, what is between, an artist's way through the years.

With ``--json``, one document.

Regions: ``of``, ``songs`` (with a label), ``unlabelled``, ``several`` (tags that name several genres, of which the
first counts), ``typical`` (mean distance of two songs of the library), ``at_home`` (``value``, ``chance``,
``interval``), ``regions`` (the largest first: ``name``, ``songs``, ``units``, ``spread``, ``at_home``, ``nearest`` with
energy ``distance``, ``overlaps``, ``heart`` and ``border``, both songs), ``overlaps`` of pairs (``names``, ``overlap``,
``distance``), ``tree`` (``order``: names from top to bottom; ``joints``: two ``parts``, where a number below that of
the regions is a place in ``regions`` and others count the joints before; ``distance``, ``regions``), ``distances`` (a
matrix in the order of ``regions``), ``fewest``, ``small`` (``name``, ``songs``: too few for a centre) and ``beyond``
(how many regions --most left out).

``--between``: ``from``, ``to``, ``length``, ``between`` (``name``, ``songs``; ``position``, ``offset``, ``margin`` and
``step`` with ``value`` and ``interval``; ``between``: yes, no, unsure or unknown), ``songs`` (along the line, with
``position`` and ``offset``).

``--of``: ``artist``, ``stations`` (``name``, ``year``, ``songs``, ``moved``, ``farther_than``, ``nearest``),
``station`` (what they are: album or year), ``left_out``, ``two_albums_of_one_artist`` (``pairs``, ``median``),
``two_songs_of_different_artists``, ``drift`` (``albums``, ``years``, ``correlation``, ``p``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songspace.answers.geometry.labelled import Kind, labelled
from songspace.answers.view import View
from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.library import Library

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def geometry(
    kind: Annotated[Kind, typer.Argument(help="genres, artists or albums")],
    of: Annotated[
        str | None,
        typer.Option(metavar="ARTIST", help="An artist's way through the years, and what is near at each station."),
    ] = None,
    between: Annotated[tuple[str, str] | None, typer.Option(metavar="A B", help="What lies between two.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A picture: .png or .svg")] = None,
    tree: Annotated[bool, typer.Option("--tree", help="In the picture: the tree and all distances.")] = False,
    most: Annotated[int, typer.Option(min=2, help="Look at so many regions, the largest.")] = 500,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Where genres, artists and albums lie: how wide they are, who is next to whom, what lies between."""
    from songspace.cli.geometry import regions, way, years
    from songspace.drawing import PICTURES

    if of is not None and between:
        raise typer.BadParameter("--of and --between are two questions: ask one at a time.")
    if output is not None and output.suffix.lower() not in PICTURES:
        raise typer.BadParameter(f"{output}: a picture is a {' or '.join(PICTURES)} file.")
    if tree and (output is None or of is not None or between):
        raise typer.BadParameter("--tree is about the picture of all regions: give -o FILE with it.")
    asked = labelled(View(Library(home)), kind, needed=of is None)
    # The picture is kept first: whoever reads only the beginning of the answer has it all the same.
    keep = partial(_keep, output) if output is not None else None
    if of is not None:
        years.answer(asked, of, keep=keep, json=json)
    elif between:
        way.answer(asked, *between, most=most, keep=keep, json=json)
    else:
        regions.answer(asked, most=most, keep=keep, tree=tree, json=json)


def _keep(output: Path, figure: Figure) -> None:
    from songspace.drawing import save

    save(figure, output)
    show.say(f"Wrote {output}.")
