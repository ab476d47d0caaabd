"""All genres, artists or albums: a table, a tree, a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from songspace.answers.geometry.labelled import Labelled
from songspace.answers.geometry.regions import find_regions, regions_facts
from songspace.cli import show
from songspace.cli.geometry.words import share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from songspace.geometry import Regions

TABLE = 30
"""Regions in a table on the terminal."""

LISTED = 8
"""Of so many the songs at the heart and at the border are named."""

TREE = 60
"""Regions in a tree on the terminal."""


def answer(asked: Labelled, *, most: int, keep: Callable[[Figure], None] | None, tree: bool, json: bool) -> None:
    """Draw all regions or their tree, if there is somebody to keep the picture, and say where they lie."""
    from songspace.geometry import pictures

    found = find_regions(asked, most=most)
    if keep:
        k = len(found.regions)
        title = f"{k:,} {asked.kind.value if k > 1 else asked.kind.one} of {len(asked.space):,} songs"
        drawing = pictures.draw_tree if tree else pictures.draw_regions
        keep(drawing(found, title=title, what=asked.kind.value))
    if json:
        show.answer(regions_facts(asked, found))
    else:
        _show(asked, found)


def _show(asked: Labelled, found: Regions) -> None:
    from songspace.drawing import short
    from songspace.geometry.tree import drawn, linkage

    kind = asked.kind.value
    sure = {frozenset(pair.names): pair.overlap.scatter.error is not None for pair in found.overlaps}
    shown = found.regions[:TABLE]
    by_artists = asked.units is not None
    rows = []
    for region in shown:
        near = ", ".join(f"{short(name, 24)} {distance:.2f}" for name, distance in region.nearest[:2])
        # Those that are sure come first.
        overlaps = [(name, share, sure.get(frozenset((name, region.name)), False)) for name, share in region.overlaps]
        over = ", ".join(
            f"{short(name, 24)} {share:.2f}{'' if known else '?'}"
            for name, share, known in sorted(overlaps, key=lambda overlap: not overlap[2])[:2]
        )
        more = f", +{len(region.overlaps) - 2}" if len(region.overlaps) > 2 else ""
        cells = [short(region.name, 40), region.size, *([region.units] if by_artists else [])]
        rows.append([*cells, f"{region.spread:.2f}", share(region.at_home.as_dict()), near, over + more])
    columns = [kind, "songs", *(["artists"] if by_artists else []), "spread", "at home", "nearest", "overlaps with"]
    show.table(columns, rows, right=range(1, len(columns) - 2))
    if len(found.regions) > 1:
        part = found.distances[:TREE, :TREE]
        for line in drawn(linkage(part), [short(region.name, 32) for region in found.regions[:TREE]], width=56):
            print(show.clean(f" {line}"))
    if len(shown) > 1:
        show.table(
            (kind, "at the heart", "at the border", "towards"),
            [
                (
                    short(region.name, 24),
                    short(asked.songs[region.heart[0]].name, 44),
                    short(asked.songs[region.border[0].row].name, 44) if region.border else "",
                    short(region.border[0].towards, 24) if region.border else "",
                )
                for region in shown[:LISTED]
            ],
        )
    for sentence in _remarks(asked, found, len(shown)):
        show.say(sentence)


def _remarks(asked: Labelled, found: Regions, shown: int) -> list[str]:
    from songspace.geometry.groups import FEWEST

    kind, k = asked.kind.value, len(found.regions)
    whole = share(found.at_home.as_dict())
    told = [
        f"Spread: the mean distance of two songs ({found.typical:.2f} in all of the library). Nearest: energy "
        "distance, 0 where the songs lie in the same places."
    ]
    if k > 1:
        kin = "the artist" if asked.units is not None else "the song"
        told.append(
            f"At home: songs nearer to the centre of their own {asked.kind.one} than to any other, {kin} left out; "
            f"{whole} on average, by chance {1 / k:.0%}. Overlap: 0 where two centres tell all songs of both apart, 1 "
            f"where none; ?: of one there are fewer than ten {asked.unit}."
        )
    if found.groups.beyond or k > shown:
        more = f" (--json tells of the largest {k})" if k > shown else ""
        told.append(f"Smaller {kind} that are not shown: {k - shown + found.groups.beyond:,}{more}.")
    if found.groups.small:
        names = ", ".join(f"{name} ({songs})" for name, songs in found.groups.small[:4])
        more = f" and {len(found.groups.small) - 4:,} more" if len(found.groups.small) > 4 else ""
        told.append(f"With fewer than {FEWEST} songs there is no centre: {names}{more}.")
    if found.groups.unlabelled:
        told.append(f"Songs without {'a' if kind == 'genres' else 'an'} {asked.kind.one}: {found.groups.unlabelled:,}.")
    if asked.several:
        told.append(f"Tags that name several genres, of which the first counts: {asked.several:,}.")
    return told
