"""``songspace playlist``: a radio from songs, a path from song to song, or a playlist put into order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from songspace.cli import options, show
from songspace.cli.asking import Asked
from songspace.cli.ruling import Ruling
from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.playlists.rules import Rules
from songspace.playlists.steps import TRANSITION, smoothness
from songspace.space import Space

DEFAULT_LENGTH = 20
DEFAULT_GAP = 2


@dataclass(frozen=True)
class Playlist:
    """A playlist, and what it was made of.

    Attributes
    ----------
    kind : str
        "radio", "path" or "order".
    named : list of int
        The rows that were asked for by name, in that order.
    away : list of int
        Those to steer away from.
    """

    kind: str
    title: str
    asked: Asked
    rows: list[int]
    named: list[int]
    away: list[int]

    @property
    def space(self) -> Space:
        return self.asked.space

    @cached_property
    def songs(self) -> list[Song]:
        return self.asked.songs(self.rows)

    @cached_property
    def steps(self) -> list[float]:
        """The distance of each song from the one before it."""
        return [self.space.distance(a, b) for a, b in pairwise(self.rows)]

    def how_smooth(self, smooth: dict[str, Any]) -> str:
        """One sentence on its flow."""
        if len(self.rows) < 2:
            return "One song."
        artists = len({song.artist for song in self.songs if song.artist})
        jump = int(np.argmax(self.steps))
        return (
            f"Steps: mean {smooth['mean']:.2f}, largest {smooth['largest']:.2f} (from {jump + 1} to {jump + 2}); "
            f"two songs of the library lie {smooth['typical']:.2f} apart. {artists} artists, "
            f"{show.minutes(sum(song.duration for song in self.songs))} minutes."
        )

    def similarity(self) -> list[float]:
        """How alike each song is to the one that the list begins with, 0 to 1."""
        return np.maximum(0, 1 - self.space.distances(self.rows[0], self.rows) ** 2 / 2).clip(max=1).tolist()

    def reasons(self) -> list[str]:
        """Why each song is there."""
        from songspace.playlists.explain import Explainer

        explain = Explainer(self.space, self.asked.segments_of, lambda row: self.asked.songs([row])[0].name)
        if self.kind == "path":
            found = explain.path(self.rows, via=self.named[1:-1])
        elif self.kind == "radio":
            found = explain.radio(self.rows, self.named, minus=self.away)
        else:
            found = explain.order(self.rows)
        return [reason.sentence for reason in found]


def playlist(
    songs: Annotated[list[str] | None, typer.Argument(metavar="SONG...", help="Where it starts.")] = None,
    to: Annotated[str | None, typer.Option(metavar="SONG", help="Where it ends: a path from song to song.")] = None,
    via: Annotated[list[str] | None, typer.Option(metavar="SONG", help="A song that the path passes.")] = None,
    minus: Annotated[list[str] | None, typer.Option(metavar="SONG", help="Steer away from it.")] = None,
    order: Annotated[Path | None, typer.Option(metavar="FILE", help="Arrange this playlist so that it flows.")] = None,
    first: Annotated[str | None, typer.Option(metavar="SONG", help="With --order: the song that opens it.")] = None,
    last: Annotated[str | None, typer.Option(metavar="SONG", help="With --order: the song that closes it.")] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Songs [default: 20].")] = None,
    minutes: Annotated[float | None, typer.Option(min=1, help="About so many minutes.")] = None,
    artist_gap: Annotated[
        int | None, typer.Option(min=0, help="Least songs between two of one artist [default: 2].")
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
    library, how = Library(home), {"transition": transition}
    elsewhere = options.prefixes(prefix)
    if order is not None:
        made = _arranged(library, order, ruling, first, last, prefixes=elsewhere, loosen=artist_gap is None, **how)
    else:
        how |= {"variety": variety, "seed": seed}
        names = songs or []
        if to is not None:
            made = _path(library, [*names, *(via or []), to], ruling, length, minutes, **how)
        else:
            made = _radio(library, names, minus or [], ruling, length, minutes, **how)
    _answer(made, explain=explain, output=output, absolute=absolute, prefixes=elsewhere, json=json)


def _answer(
    made: Playlist, *, explain: bool, output: Path | None, absolute: bool, prefixes: dict[str, str], json: bool
) -> None:
    from songspace.playlists import files

    why = made.reasons() if explain else []
    if output is not None:
        alike = made.similarity()
        files.write(output, made.songs, title=made.title, relative=not absolute, prefixes=prefixes, similarity=alike)
        show.say(f"Wrote {len(made.songs)} songs to {output}.")
    smooth = smoothness(made.space, made.rows)
    if json:
        facts = [show.song_facts(song) for song in made.songs]
        for fact, sentence in zip(facts, why, strict=False):
            fact["why"] = sentence
        steps = [round(float(step), 6) for step in made.steps]
        show.answer({"title": made.title, "songs": facts, "steps": steps, "smoothness": smooth})
        return
    steps_shown = ["", *(f"{step:.2f}" for step in made.steps)]
    cells: list[tuple[object, ...]] = [
        (number, step, song.name, show.minutes(song.duration))
        for number, (step, song) in enumerate(zip(steps_shown, made.songs, strict=True), 1)
    ]
    head: tuple[str, ...] = ("", "step", "song", "time")
    if why:
        head, cells = (*head, "why"), [(*row, sentence) for row, sentence in zip(cells, why, strict=True)]
    show.table(head, cells, right=(0, 1, 3))
    show.say(made.how_smooth(smooth))


def _radio(
    library: Library,
    names: Sequence[str],
    minus: Sequence[str],
    ruling: Ruling,
    length: int | None,
    minutes: float | None,
    **how: Any,
) -> Playlist:
    from songspace.playlists.radio import radio

    asked = Asked(library, [*names, *minus])
    songs = asked.everyone()
    rules = ruling.rules(library, songs, asked.space)
    seeds, away = asked.rows[: len(names)], asked.rows[len(names) :]

    def make(count: int) -> list[int]:
        return radio(asked.space, seeds, length=count, minus=away, rules=rules, **how)

    rows = _of_length(make, songs, rules, [*seeds], length, minutes, away=len(away))
    title = "Radio: " + ", ".join(song.name for song in asked.asked[: len(names)])
    return Playlist("radio", title, asked, rows, seeds, away)


def _path(
    library: Library, names: Sequence[str], ruling: Ruling, length: int | None, minutes: float | None, **how: Any
) -> Playlist:
    from songspace.playlists.path import path

    asked = Asked(library, names)
    songs = asked.everyone()
    rules = ruling.rules(library, songs, asked.space)
    start, *via, end = asked.rows

    def make(count: int) -> list[int]:
        return path(asked.space, start, end, length=count, via=via, rules=rules, **how)

    rows = _of_length(make, songs, rules, asked.rows, length, minutes)
    title = f"From {asked.asked[0].name} to {asked.asked[-1].name}"
    return Playlist("path", title, asked, rows, asked.rows, [])


def _of_length(
    make: Callable[[int], list[int]],
    songs: Sequence[Song],
    rules: Rules,
    named: Sequence[int],
    length: int | None,
    minutes: float | None,
    *,
    away: int = 0,
) -> list[int]:
    """A list of the length that was asked for, or of the usual one as far as there are songs."""
    from songspace.playlists.minutes import of_minutes

    if length is not None:
        return make(length)
    free = ~rules.barred
    free[list(named)] = True
    there = int(free.sum()) - away
    if minutes is None:
        return make(max(len(set(named)), min(DEFAULT_LENGTH, there)))
    seconds = np.array([song.duration for song in songs])
    return of_minutes(make, seconds, minutes, fewest=len(set(named)), most=there)


def _arranged(
    library: Library,
    file: Path,
    ruling: Ruling,
    first: str | None,
    last: str | None,
    *,
    prefixes: dict[str, str],
    loosen: bool,
    **how: Any,
) -> Playlist:
    from songspace.cli.lists import rows_of
    from songspace.playlists.order import order

    asked = Asked(library, [name for name in (first, last) if name is not None])
    ends = iter(asked.rows)
    opening = next(ends) if first is not None else None
    closing = next(ends) if last is not None else None
    songs = asked.everyone()
    rules = ruling.rules(library, songs, asked.space)
    listed = rows_of(library, file, songs, prefixes=prefixes)
    rows = [row for row in dict.fromkeys([*listed, *asked.rows]) if not rules.barred[row] or row in asked.rows]
    if not rows:
        raise SongspaceError(f"No song of {file} is left by the filters.")
    if len(rows) < len(listed):
        show.say(f"{len(listed) - len(rows)} songs of {file} are left out, by the filters or because they come twice.")
    rules = rules.gaps_only()
    if loosen:
        asked_for, rules = rules, rules.loosened(rows, first=opening, last=closing)
        gaps = [(rule.gap, was.gap, rule.what) for rule, was in zip(rules.spacings, asked_for.spacings, strict=True)]
        for gap, before, what in gaps:
            if gap < before:
                show.say(f"These songs cannot keep {before} others between two of one {what}: they keep {gap}.")
    rows = order(asked.space, rows, first=opening, last=closing, rules=rules, **how)
    return Playlist("order", file.stem, asked, rows, rows, [])
