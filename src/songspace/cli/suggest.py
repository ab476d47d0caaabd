"""``songspace suggest``: songs that fit a taste given by playlists, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.errors import SongspaceError
from songspace.library import Library, Song

if TYPE_CHECKING:
    from songspace.playlists.taste import Suggestion
    from songspace.space import Space


@dataclass(frozen=True)
class Suggested:
    """A song, and why it fits."""

    song: Song
    because: Song
    found: Suggestion

    @property
    def reason(self) -> str:
        """Why, in words."""
        others = {0: "", 1: " and 1 other"}.get(self.found.others, f" and {self.found.others} others")
        return f"because of {self.because.name}{others}"

    def facts(self) -> dict[str, Any]:
        """This suggestion as JSON knows it."""
        return show.song_facts(self.song) | {
            "similarity": round(self.found.similarity, 6),
            "taste": self.found.taste,
            "because": show.song_facts(self.because),
            "others": self.found.others,
            "why": self.reason,
        }


def suggest(
    like: Annotated[list[Path], typer.Option(metavar="FILE", help="A playlist of songs that you like (repeatable).")],
    dislike: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="One of songs that you do not.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 20,
    artist_gap: Annotated[int, typer.Option(min=0, help="Least songs between two of one artist.")] = 2,
    most_of_artist: Annotated[int | None, typer.Option(min=1, help="Most songs of one artist [default: 3].")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help=".m3u8, .xspf or .jspf")] = None,
    absolute: Annotated[bool, typer.Option("--absolute", help="Write absolute paths.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Songs that fit a taste, or several: what you like is given by playlists, and every song says why it is there."""
    from songspace.playlists import files

    made = make_suggestions(
        Library(home), like, dislike or [], count=count, artist_gap=artist_gap, most_of_artist=most_of_artist or 3
    )
    if len(made) < count:
        show.say(f"The library has only {len(made)} songs that fit and keep the rules.")
    if output is not None:
        title = f"Like {', '.join(path.stem for path in like)}"
        files.write(output, [each.song for each in made], title=title, relative=not absolute)
        show.say(f"Wrote {len(made)} songs to {output}.")
    if json:
        show.answer({"suggestions": [each.facts() for each in made]})
        return
    show.table(
        ("", "similarity", "song", "why"),
        [(number, f"{each.found.similarity:.2f}", each.song.name, each.reason) for number, each in enumerate(made, 1)],
        right=(0, 1),
    )


def make_suggestions(
    library: Library,
    like: list[Path],
    dislike: list[Path],
    *,
    count: int,
    artist_gap: int,
    most_of_artist: int,
) -> list[Suggested]:
    """The suggestions that a person asked for.

    Raises
    ------
    SongspaceError
        If a list cannot be read, none of its songs is in the library, a song is liked and disliked, or nothing is left.
    """
    from songspace.cli.asking import opened
    from songspace.playlists import taste
    from songspace.playlists.picking import Rules

    space, songs = opened(library)
    liked, disliked = (
        list(dict.fromkeys(row for file in files for row in _rows(library, space, file))) for files in (like, dislike)
    )
    if both := [songs[row].name for row in liked if row in {*disliked}]:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise SongspaceError(f"{both[0]}{more} cannot be both liked and disliked: take it off one of the lists.")
    rules = Rules.of(
        len(space), artists=[song.artist for song in songs], artist_gap=artist_gap, most_of_artist=most_of_artist
    )
    found = taste.suggest(space, liked, disliked=disliked, count=count, rules=rules)
    if not found:
        raise SongspaceError("No song of the library is left that is on none of the lists and fits.")
    return [Suggested(songs[each.row], songs[each.because], each) for each in found]


def _rows(library: Library, space: Space, file: Path) -> list[int]:
    """The rows of the songs that a playlist names; those that are not in the library are named on the way."""
    from songspace.playlists import files

    place = {int(id): row for row, id in enumerate(space.ids)}
    rows, unknown = [], []
    for path in files.read(file):
        song = library.catalog.song_at(os.path.abspath(path))
        if song is None or song.id not in place:
            unknown.append(path)
        else:
            rows.append(place[song.id])
    if not rows and not unknown:
        raise SongspaceError(f"{file} names no songs.")
    if not rows:
        raise SongspaceError(f"No song that {file} names is in the library: run `songspace update`.")
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        show.say(f"Not in the library, and left out: {', '.join(map(show.shown_path, unknown[:5]))}{more}.")
    return rows
