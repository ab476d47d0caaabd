"""``songspace mixes``: the library cut into a handful of playlists with names."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songspace.answers.mixes import Mixes, make_mixes
from songspace.answers.ruling import Ruling
from songspace.answers.view import View
from songspace.cli import options, show
from songspace.library import Library

if TYPE_CHECKING:
    from songspace.playlists.mixes import Mix


class Format(StrEnum):
    """What the files of mixes are."""

    m3u8 = "m3u8"
    xspf = "xspf"
    jspf = "jspf"


def mixes(
    count: Annotated[int | None, typer.Option(min=1, help="How many (default: what the library falls into).")] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Most songs in each (default: 20).")] = None,
    minutes: Annotated[float | None, typer.Option(min=1, help="About so many minutes each, at most.")] = None,
    artist_gap: options.ArtistGapOption = 2,
    album_gap: options.AlbumGapOption = 0,
    most_of_artist: options.MostOption = None,
    versions: options.VersionsOption = False,
    shortest: options.ShortestOption = None,
    longest: options.LongestOption = None,
    where: options.WhereOption = None,
    played: options.PlayedOption = None,
    variety: Annotated[float, typer.Option(min=0, max=1, help="0: the most typical songs; 1: the most varied.")] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other mixes.")] = 0,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write a file for each.")] = None,
    format: Annotated[Format, typer.Option(help="Of the files.")] = Format.m3u8,
    absolute: options.AbsoluteOption = False,
    prefix: options.PrefixOption = None,
    json: options.JsonOption = False,
    home: options.HomeOption = None,
) -> None:
    """A handful of coherent playlists that together show what is in the library, each with a name."""
    from songspace.playlists.mixes.folder import write_lists

    made = make_mixes(
        View(Library(home)),
        count=count,
        length=length,
        minutes=minutes,
        variety=variety,
        seed=seed,
        ruling=Ruling(artist_gap, album_gap, most_of_artist, versions, shortest, longest, where, tuple(played or ())),
        reporter=show.Lines(),
    )
    files: list[Path] = []
    if output is not None:
        lists = [(mix.name, mix.songs) for mix in made]
        suffix, elsewhere = f".{format.value}", options.prefixes(prefix)
        written = write_lists(output, lists, suffix=suffix, relative=not absolute, prefixes=elsewhere)
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
    if json:
        paths = map(str, files) if files else [None] * len(made)
        show.answer(Mixes([mix.answer(path) for mix, path in zip(made, paths, strict=True)], seed))
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
