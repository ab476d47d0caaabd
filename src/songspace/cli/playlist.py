"""``songspace playlist``: a radio from songs, a path from song to song, or a playlist put into order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from songspace.answers.lists import rows_of
from songspace.answers.playlists import DEFAULT_GAP, Playlist, arrange, make_path, make_radio
from songspace.answers.ruling import Ruling
from songspace.answers.view import View
from songspace.cli import options, show
from songspace.library import Library
from songspace.playlists.steps import TRANSITION, Smoothness


def playlist(
    songs: Annotated[list[str] | None, typer.Argument(metavar="SONG...", help="Where it starts.")] = None,
    to: Annotated[str | None, typer.Option(metavar="SONG", help="Where it ends: a path from song to song.")] = None,
    via: Annotated[list[str] | None, typer.Option(metavar="SONG", help="A song that the path passes.")] = None,
    minus: Annotated[list[str] | None, typer.Option(metavar="SONG", help="Steer away from it.")] = None,
    order: Annotated[Path | None, typer.Option(metavar="FILE", help="Arrange this playlist so that it flows.")] = None,
    first: Annotated[str | None, typer.Option(metavar="SONG", help="With --order: the song that opens it.")] = None,
    last: Annotated[str | None, typer.Option(metavar="SONG", help="With --order: the song that closes it.")] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Songs (default: 20).")] = None,
    minutes: Annotated[float | None, typer.Option(min=1, help="About so many minutes.")] = None,
    artist_gap: Annotated[
        int | None, typer.Option(min=0, help="Least songs between two of one artist (default: 2).")
    ] = None,
    album_gap: options.AlbumGapOption = 0,
    most_of_artist: options.MostOption = None,
    versions: options.VersionsOption = False,
    shortest: options.ShortestOption = None,
    longest: options.LongestOption = None,
    where: options.WhereOption = None,
    played: options.PlayedOption = None,
    variety: options.VarietyOption = 0.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    transition: Annotated[
        float, typer.Option(min=0, max=1, help="How much a song's end and the next one's beginning weigh in a step.")
    ] = TRANSITION,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each song is there.")] = False,
    output: options.PlaylistOption = None,
    absolute: options.AbsoluteOption = False,
    prefix: options.PrefixOption = None,
    mpd: options.MpdOption = False,
    mpd_host: options.MpdHostOption = None,
    json: options.JsonOption = False,
    home: options.HomeOption = None,
) -> None:
    """A radio from songs, a path from song to song, or a playlist put into order."""
    if bool(songs) == bool(order):
        raise typer.BadParameter("Give songs to start from, or --order FILE.")
    if to is not None and (len(songs or []) != 1 or minus):
        raise typer.BadParameter("A path goes from one song --to one other, without --minus.")
    if via and to is None:
        raise typer.BadParameter("--via belongs to a path: say where it leads with --to.")
    if (first or last) and order is None:
        raise typer.BadParameter("--first and --last belong to --order.")
    if order is not None and (length is not None or minutes is not None):
        raise typer.BadParameter("--order keeps the songs of a list: it takes no --length and no --minutes.")
    gap = DEFAULT_GAP if artist_gap is None else artist_gap
    ruling = Ruling(gap, album_gap, most_of_artist, versions, shortest, longest, where, tuple(played or ()))
    view = View(Library(home))
    how: dict[str, Any] = {"transition": transition}
    elsewhere, reporter = options.prefixes(prefix), show.Lines()
    if order is not None:
        file = order
        made = arrange(
            view,
            lambda songs: rows_of(view.library, file, songs, prefixes=elsewhere, reporter=reporter),
            ruling,
            title=file.stem,
            of=str(file),
            first=first,
            last=last,
            loosen=artist_gap is None,
            reporter=reporter,
            **how,
        )
    else:
        how |= {"variety": variety, "seed": seed, "length": length, "minutes": minutes, "reporter": reporter}
        names = songs or []
        if to is not None:
            made = make_path(view, [*names, *(via or []), to], ruling, **how)
        else:
            made = make_radio(view, names, minus or [], ruling, **how)
    options.queue(made.songs, mpd, mpd_host, elsewhere)
    _answer(made, explain=explain, output=output, absolute=absolute, prefixes=elsewhere, json=json)


def _answer(
    made: Playlist, *, explain: bool, output: Path | None, absolute: bool, prefixes: dict[str, str], json: bool
) -> None:
    from songspace import interchange

    answer = made.answer(explain=explain)
    if output is not None:
        alike = made.similarity()
        interchange.write(
            output, made.songs, title=made.title, relative=not absolute, prefixes=prefixes, similarity=alike
        )
        show.say(f"Wrote {len(made.songs)} songs to {output}.")
    if json:
        show.answer(answer)
        return
    steps_shown = ["", *(f"{step:.2f}" for step in made.steps)]
    cells: list[tuple[object, ...]] = [
        (number, step, song.name, show.minutes(song.duration))
        for number, (step, song) in enumerate(zip(steps_shown, made.songs, strict=True), 1)
    ]
    head: tuple[str, ...] = ("", "step", "song", "time")
    if explain:
        head = (*head, "why")
        cells = [(*row, song.why) for row, song in zip(cells, answer.songs, strict=True)]
    show.table(head, cells, right=(0, 1, 3))
    show.say(_how_smooth(made, answer.smoothness))


def _how_smooth(made: Playlist, smooth: Smoothness) -> str:
    """One sentence on its flow."""
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
