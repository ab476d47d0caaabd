"""``songspace similar``: the songs that sound most like some, why, and the seconds that sound alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songspace.answers.facts import song_facts
from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.library import Library, Song

if TYPE_CHECKING:
    from songspace.answers.similar import Similar


def similar(
    songs: Annotated[list[str], typer.Argument(metavar="SONG...", help="A path, an id or a part of a name.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Say which seconds of them sound alike.")] = False,
    clips: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Explain, and write these seconds as sound, with a page.")
    ] = None,
    versions: Annotated[bool, typer.Option("--versions", help="Also other versions of these songs.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """The songs that sound most like a song, or like several together."""
    from songspace.answers.similar import find_similar
    from songspace.answers.view import Asked, View

    asked = Asked(View(Library(home)), songs)
    found = find_similar(asked, count, explain=explain or clips is not None, versions=versions)
    answers = found.facts()
    if clips is not None:
        for answer, names in zip(answers, _write_clips(clips, found), strict=True):
            answer["clips"] = names
    if json:
        show.answer({"of": [song_facts(song) for song in asked.asked], "similar": answers})
        return
    show.say("Sounds most like " + ", ".join(song.name for song in asked.asked) + ":")
    _show(answers, found.songs)


def _show(answers: list[dict[str, Any]], songs: list[Song]) -> None:
    head: tuple[str, ...] = ("similarity", "song", "genre", "file")
    cells: list[tuple[str, ...]] = [(song.name, song.genre or "", show.shown_path(song.path)) for song in songs]
    if answers and "why" in answers[0]:
        head = ("similarity", "song", "why")
        cells = [(song.name, answer["why"]) for song, answer in zip(songs, answers, strict=True)]
    rows = [(f"{answer['similarity']:.3f}", *row) for answer, row in zip(answers, cells, strict=True)]
    show.table(head, rows, right=(0,))


def _write_clips(folder: Path, found: Similar) -> list[list[str]]:
    """Write the closest seconds of each song found, and of the song that it is beside; the files of each."""
    from songspace.playlists.explain import clips

    asked, reasons = found.asked, found.reasons or []
    pairs: list[clips.Pair] = []
    of: dict[int, int] = {}  # the pair of each song found
    for place, (song, reason) in enumerate(zip(found.songs, reasons, strict=True)):
        if reason.resemblance is not None and reason.beside is not None:
            match, [other] = reason.resemblance.matches[0], asked.songs([reason.beside])
            of[place] = len(pairs)
            pairs.append(
                clips.Pair(
                    clips.Excerpt(other.path, other.name, match.there, other.start or 0.0),
                    clips.Excerpt(song.path, song.name, match.here, song.start or 0.0),
                    reason.sentence,
                )
            )
    title = "Sounds most like " + ", ".join(song.name for song in asked.asked)
    written = clips.write(folder, pairs, title=title)
    for done in written:
        if done.problem:
            show.say(done.problem)
    heard = sum(bool(done.files) for done in written)
    show.say(f"Wrote {heard} pairs of clips: open {show.shown_path(folder / 'index.html')}.")
    return [list(written[of[place]].files) if place in of else [] for place in range(len(found.songs))]
