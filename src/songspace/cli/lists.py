"""``songspace radio``, ``path``, ``order``, ``mixes`` and ``suggest``: lists of songs."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from songspace.answers.likes import taste_with
from songspace.answers.mixes import Mixes, make_mixes
from songspace.answers.playlists import Playlist, arrange, choose_radio, make_path, make_radio
from songspace.answers.request import ListRequest, rows_of
from songspace.answers.sets import seeds_of
from songspace.answers.suggestions import Suggestions, make_suggestions
from songspace.answers.view import View
from songspace.cli import show
from songspace.cli.ask import choose
from songspace.cli.options import (
    CommonOptions,
    FileOptions,
    ListOptions,
    OutputOptions,
    RuleOptions,
    StepOptions,
    grouped,
    playing,
    queue,
)
from songspace.interchange.players import WANTS
from songspace.library import Library
from songspace.playlists.steps import Smoothness

if TYPE_CHECKING:
    from songspace.playlists.mixes import Mix

From = Annotated[str, typer.Argument(metavar="FROM", help="The first song: a path, an id or a part of a name.")]
To = Annotated[str, typer.Argument(metavar="TO", help="The last song.")]
Songs = Annotated[list[str] | None, typer.Argument(metavar="SONG...", help="Songs or artists to start from.")]
Artists = Annotated[list[str] | None, typer.Option("--artist", metavar="NAME", help="An artist to start from.")]
Albums = Annotated[
    list[str] | None,
    typer.Option("--album", metavar="TITLE", help='An album to start from: "title" or "artist - title".'),
]
Minus = Annotated[list[str] | None, typer.Option(metavar="SONG", help="A song to steer away from.")]
Via = Annotated[list[str] | None, typer.Option(metavar="SONG", help="A song on the way.")]
First = Annotated[str | None, typer.Option(metavar="SONG", help="The first song.")]
Last = Annotated[str | None, typer.Option(metavar="SONG", help="The last song.")]


@grouped()
def radio(
    songs: Songs = None,
    *,
    artist: Artists = None,
    album: Albums = None,
    minus: Minus = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Choose each next song: a few are offered, and one key picks.")
    ] = False,
    wanted: ListOptions,
    rules: RuleOptions,
    steps: StepOptions,
    target: OutputOptions,
    common: CommonOptions,
) -> None:
    """Make a radio: a list of songs that sound like the given songs, artists or albums.

    With --mpd and no song, it starts from the song that MPD plays now.
    """
    plays = target.is_for_mpd and not (songs or artist or album)
    if not (songs or artist or album or plays):
        raise typer.BadParameter("Name a song or an artist to start from, or give --album, or --mpd.")
    if ask and (minus or wanted.minutes is not None or wanted.variety):
        raise typer.BadParameter("--ask takes no --minus, --minutes and --variety: you choose.")
    view, request = View(Library(common.home)), _request(rules, wanted, steps)
    seeds = seeds_of(view, songs or [], artist or [], album or [], request)
    if plays:
        seeds = [playing(view.listed, target)]
    represented = bool(artist or album) or any(song not in seeds for song in songs or [])
    if ask:
        # Of the songs that stand for an artist, the most typical one opens the list; the others would be too near.
        first = seeds[:1] if represented else seeds
        made = choose_radio(view, first, request, choose, reporter=show.Lines())
    else:
        made = make_radio(view, seeds, minus or [], request, reporter=show.Lines())
    if represented:  # by the name that was given, and not by the songs that stand for it
        made = replace(made, title="Radio: " + ", ".join([*(songs or []), *(artist or []), *(album or [])]))
        show.say(f"It starts from {'; '.join(song.name for song in made.asked.asked)}.")
    _answer(made, steps, target, common, playing=plays)


@grouped()
def path(
    start: From,
    end: To,
    *,
    via: Via = None,
    wanted: ListOptions,
    rules: RuleOptions,
    steps: StepOptions,
    target: OutputOptions,
    common: CommonOptions,
) -> None:
    """Make a path from one song to another, in small steps."""
    view, request = View(Library(common.home)), _request(rules, wanted, steps)
    made = make_path(view, [start, *(via or []), end], request, reporter=show.Lines())
    _answer(made, steps, target, common)


@grouped()
def order(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A playlist file.")],
    *,
    first: First = None,
    last: Last = None,
    rules: RuleOptions,
    steps: StepOptions,
    target: OutputOptions,
    common: CommonOptions,
) -> None:
    """Put the songs of a playlist into an order that flows."""
    view, request = View(Library(common.home)), ListRequest(rules.ruling, transition=steps.transition)
    elsewhere, reporter = target.elsewhere, show.Lines()
    made = arrange(
        view,
        lambda songs: rows_of(view.library, file, songs, prefixes=elsewhere, reporter=reporter),
        request,
        title=file.stem,
        of=str(file),
        first=first,
        last=last,
        loosen=rules.artist_gap is None,
        reporter=reporter,
    )
    _answer(made, steps, target, common)


@grouped()
def playlist(
    songs: Annotated[list[str] | None, typer.Argument(metavar="SONG...", help="Songs to start from.")] = None,
    to: Annotated[str | None, typer.Option(metavar="SONG", help="The end: make a path to this song.")] = None,
    via: Via = None,
    minus: Minus = None,
    of: Annotated[
        Path | None, typer.Option("--order", metavar="FILE", help="Put this playlist into an order that flows.")
    ] = None,
    first: First = None,
    last: Last = None,
    *,
    wanted: ListOptions,
    rules: RuleOptions,
    steps: StepOptions,
    target: OutputOptions,
    common: CommonOptions,
) -> None:
    """Make a radio, a path or an order by its old common name; a later release removes it."""
    if bool(songs) == bool(of):
        raise typer.BadParameter("Give songs to start from, or --order FILE.")
    if to is not None and (len(songs or []) != 1 or minus):
        raise typer.BadParameter("A path goes from one song --to one other, without --minus.")
    if via and to is None:
        raise typer.BadParameter("--via belongs to a path: say where it leads with --to.")
    if (first or last) and of is None:
        raise typer.BadParameter("--first and --last belong to --order.")
    if of is not None and (wanted.length is not None or wanted.minutes is not None):
        raise typer.BadParameter("--order keeps the songs of a list: it takes no --length and no --minutes.")
    groups = vars(rules) | vars(steps) | vars(target) | vars(common)
    if of is not None:
        order(file=of, first=first, last=last, **groups)
    elif to is not None:
        [start] = songs or []
        path(start=start, end=to, via=via, **groups, **vars(wanted))
    else:
        radio(songs=songs or [], minus=minus, **groups, **vars(wanted))


def _request(rules: RuleOptions, wanted: ListOptions, steps: StepOptions) -> ListRequest:
    return ListRequest(**vars(wanted), rules=rules.ruling, transition=steps.transition)


def _answer(
    made: Playlist, steps: StepOptions, target: OutputOptions, common: CommonOptions, *, playing: bool = False
) -> None:
    """Print a list, write it to a file, and add it to MPD's queue, without the first song if MPD plays that already."""
    from songspace import interchange

    elsewhere = target.elsewhere
    queue(made.songs[playing:], target, elsewhere)
    answer = made.answer(explain=steps.explain)
    if target.output is not None:
        file, paths = target.named(target.output), target.written(made.asked.view.library)
        interchange.write(file, made.songs, title=made.title, similarity=made.similarity(), **paths)
        show.say(f"Wrote {len(made.songs)} songs to {file}.")
        target.advise(file, made.asked.view.library)
    if common.json:
        show.answer(answer)
        return
    steps_shown = ["", *(f"{step:.2f}" for step in made.steps)]
    cells: list[tuple[object, ...]] = [
        (number, step, song.name, show.minutes(song.duration))
        for number, (step, song) in enumerate(zip(steps_shown, made.songs, strict=True), 1)
    ]
    head: tuple[str, ...] = ("", "step", "song", "time")
    if steps.explain:
        head = (*head, "why")
        cells = [(*row, song.why) for row, song in zip(cells, answer.songs, strict=True)]
    show.table(head, cells, right=(0, 1, 3))
    show.say(_how_smooth(made, answer.smoothness))


def _how_smooth(made: Playlist, smooth: Smoothness) -> str:
    """Say in one sentence how it flows."""
    if len(made.rows) < 2:
        return "One song."
    artists = len({artist for song in made.songs for artist in made.asked.view.credits.of(song)})
    jump = int(np.argmax(made.steps))
    time = show.minutes(sum(song.duration for song in made.songs))
    return (
        f"Steps: mean {smooth.mean:.2f}, largest {smooth.largest:.2f} (from {jump + 1} to {jump + 2}); "
        f"two songs of the library lie {smooth.typical:.2f} apart. {artists} artists"
        f"{f', {time} minutes' if time else ''}."
    )


class FileFormat(StrEnum):
    """File formats of mixes."""

    m3u8 = "m3u8"
    xspf = "xspf"
    jspf = "jspf"


@grouped(variety=0.3)
def mixes(
    *,
    count: Annotated[
        int | None, typer.Option(min=1, help="Number of mixes (default: as many as the library has clear groups).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write a file for each mix.")
    ] = None,
    format: Annotated[FileFormat, typer.Option(help="Format of the files.")] = FileFormat.m3u8,
    wanted: ListOptions,
    rules: RuleOptions,
    target: FileOptions,
    common: CommonOptions,
) -> None:
    """Make a few coherent playlists, each with a name, that together show the library."""
    from songspace.playlists.mixes.folder import write_lists

    if target.player is not None and output is None:
        raise typer.BadParameter("--for goes with -o DIR.")
    request = ListRequest(**vars(wanted), rules=rules.ruling)
    view = View(Library(common.home))
    made = make_mixes(view, request, count=count, reporter=show.Lines())
    files: list[Path] = []
    if output is not None:
        lists = [(mix.name, mix.songs) for mix in made]
        suffix = f".{format.value}" if target.player is None else WANTS[target.player].suffix
        written = write_lists(output, lists, suffix=suffix, **target.written(view.library))
        files = written.paths
        replaced = f", and removed {len(written.removed)} of an earlier run" if written.removed else ""
        show.say(f"Wrote {len(files)} mixes to {show.shown_path(output)}{replaced}.")
        target.advise(output, view.library)
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


@grouped(most_of_artist=3)
def suggest(
    *,
    like: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A playlist of songs that you like, can be given several times (default: what you starred, rated high "
            "and play often).",
        ),
    ] = None,
    dislike: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A playlist of songs that you do not like.")
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of songs.")] = 20,
    rules: RuleOptions,
    target: OutputOptions,
    common: CommonOptions,
) -> None:
    """Suggest songs that fit your taste, and say why each fits."""
    from songspace import interchange

    elsewhere, reporter = target.elsewhere, show.Lines()
    view = View(Library(common.home))
    liked, disliked = (
        list(
            dict.fromkeys(
                row
                for file in some or []
                for row in rows_of(view.library, file, view.songs, prefixes=elsewhere, reporter=reporter)
            )
        )
        for some in (like, dislike)
    )
    if not like:
        liked, disliked = taste_with(view, disliked)
    made = make_suggestions(view, liked, disliked, rules.ruling, count=count, reporter=reporter)
    if len(made) < count:
        show.say(f"The library has only {len(made)} songs that fit and keep the rules.")
    songs = [each.song for each in made]
    queue(songs, target, elsewhere)
    if target.output is not None:
        title = f"Like {', '.join(path.stem for path in like)}" if like else "For you"
        alike = [min(1.0, max(0.0, each.fitting.similarity)) for each in made]
        file = target.named(target.output)
        interchange.write(file, songs, title=title, similarity=alike, **target.written(view.library))
        show.say(f"Wrote {len(made)} songs to {file}.")
        target.advise(file, view.library)
    if common.json:
        show.answer(Suggestions([each.answer() for each in made]))
        return
    show.table(
        ("", "similarity", "song", "why"),
        [
            (number, f"{each.fitting.similarity:.2f}", each.song.name, each.reason)
            for number, each in enumerate(made, 1)
        ],
        right=(0, 1),
    )
