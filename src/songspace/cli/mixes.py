"""``songspace mixes``: the library cut into a handful of playlists with names."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songspace.answers.mixes import Mixes, make_mixes
from songspace.answers.request import ListRequest
from songspace.answers.view import View
from songspace.cli import show
from songspace.cli.options import CommonOptions, FileOptions, ListOptions, RuleOptions, grouped
from songspace.library import Library

if TYPE_CHECKING:
    from songspace.playlists.mixes import Mix


class Format(StrEnum):
    """What the files of mixes are."""

    m3u8 = "m3u8"
    xspf = "xspf"
    jspf = "jspf"


@grouped(variety=0.3)
def mixes(
    *,
    count: Annotated[int | None, typer.Option(min=1, help="How many (default: what the library falls into).")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write a file for each.")] = None,
    format: Annotated[Format, typer.Option(help="Of the files.")] = Format.m3u8,
    wanted: ListOptions,
    rules: RuleOptions,
    target: FileOptions,
    common: CommonOptions,
) -> None:
    """A handful of coherent playlists that together show what is in the library, each with a name."""
    from songspace.playlists.mixes.folder import write_lists

    request = ListRequest(**vars(wanted), rules=rules.ruling)
    made = make_mixes(View(Library(common.home)), request, count=count, reporter=show.Lines())
    files: list[Path] = []
    if output is not None:
        lists = [(mix.name, mix.songs) for mix in made]
        suffix, elsewhere = f".{format.value}", target.elsewhere
        written = write_lists(output, lists, suffix=suffix, relative=not target.absolute, prefixes=elsewhere)
        files = written.paths
        replaced = f", and removed {len(written.removed)} of an earlier run" if written.removed else ""
        show.say(f"Wrote {len(files)} mixes to {show.shown_path(output)}{replaced}.")
        if written.kept:
            show.say(f"Left alone, because they were changed since: {', '.join(written.kept)}.")
    if count is not None and len(made) < count:
        show.say(f"The library is too small, or too much alike, for {count} mixes: these are {len(made)}.")
    for mix in made:
        if mix.crowded:
            show.say(f"“{mix.name}”: its region has too few artists or albums to keep them as far apart as asked.")
    if common.json:
        paths = map(str, files) if files else [None] * len(made)
        show.answer(Mixes([mix.answer(path) for mix, path in zip(made, paths, strict=True)], wanted.seed))
        return
    show.table(
        ("mix", "songs", "artists", "minutes", "apart", "mean step", "largest"),
        [(mix.name, len(mix.songs), mix.artists, round(mix.seconds / 60), *_shares(mix.mix)) for mix in made],
        right=range(1, 7),
    )
    show.say(
        "Apart: the mean distance of two songs of a mix. It and the steps are shares of the library's typical distance."
    )


def _shares(mix: Mix) -> list[str]:
    return [f"{share:.0%}" for share in (mix.coherence, mix.smoothness.mean_share, mix.smoothness.largest_share)]
