"""``songspace suggest``: songs that fit a taste given by playlists, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songspace.cli import options, show
from songspace.cli.lists import rows_of
from songspace.cli.ruling import Ruling
from songspace.errors import SongspaceError
from songspace.library import Library, Song

if TYPE_CHECKING:
    from songspace.playlists.taste import Suggestion


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
    artist_gap: options.ArtistGapOption = 2,
    album_gap: options.AlbumGapOption = 0,
    most_of_artist: Annotated[int, typer.Option(min=1, metavar="N", help="At most N songs of one artist.")] = 3,
    versions: options.VersionsOption = False,
    shortest: options.ShortestOption = None,
    longest: options.LongestOption = None,
    where: options.WhereOption = None,
    played: options.PlayedOption = None,
    output: options.PlaylistOption = None,
    absolute: options.AbsoluteOption = False,
    prefix: options.PrefixOption = None,
    json: options.JsonOption = False,
    home: options.HomeOption = None,
) -> None:
    """Songs that fit a taste, or several: what you like is given by playlists, and every song says why it is there."""
    from songspace.playlists import files

    ruling = Ruling(artist_gap, album_gap, most_of_artist, versions, shortest, longest, where, tuple(played or ()))
    elsewhere = options.prefixes(prefix)
    made = make_suggestions(Library(home), like, dislike or [], ruling, count=count, prefixes=elsewhere)
    if len(made) < count:
        show.say(f"The library has only {len(made)} songs that fit and keep the rules.")
    if output is not None:
        songs, title = [each.song for each in made], f"Like {', '.join(path.stem for path in like)}"
        alike = [min(1.0, max(0.0, each.found.similarity)) for each in made]
        files.write(output, songs, title=title, relative=not absolute, prefixes=elsewhere, similarity=alike)
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
    library: Library, like: list[Path], dislike: list[Path], ruling: Ruling, *, count: int, prefixes: dict[str, str]
) -> list[Suggested]:
    """The suggestions that a person asked for.

    Raises
    ------
    SongspaceError
        If a list cannot be read, none of its songs is in the library, a song is liked and disliked, or nothing is left.
    """
    from songspace.cli.asking import opened
    from songspace.playlists import taste

    space, songs = opened(library)
    liked, disliked = (
        list(dict.fromkeys(row for file in some for row in rows_of(library, file, songs, prefixes=prefixes)))
        for some in (like, dislike)
    )
    if both := [songs[row].name for row in liked if row in {*disliked}]:
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise SongspaceError(f"{both[0]}{more} cannot be both liked and disliked: take it off one of the lists.")
    rules = ruling.rules(library, songs, space)
    found = taste.suggest(space, liked, disliked=disliked, count=count, rules=rules)
    if not found:
        raise SongspaceError("No song of the library is left that is on none of the lists and fits.")
    return [Suggested(songs[each.row], songs[each.because], each) for each in found]
