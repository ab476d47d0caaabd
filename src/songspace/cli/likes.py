"""``songspace like``, ``unlike`` and ``likes``: what a person likes and plays."""

from __future__ import annotations

import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from songspace import interchange
from songspace.answers.likes import LikedSong, LikedSongs, Listing, listed
from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.errors import SongspaceError
from songspace.library import Library
from songspace.library.likes import HIGHEST, Event, EventKind, Likes

Songs = Annotated[list[str], typer.Argument(metavar="SONG...", help="A path, an id or a part of a name.")]

likes = typer.Typer(help="List what you like and play; export and import it.", invoke_without_command=True)


def like(
    songs: Songs,
    rating: Annotated[int | None, typer.Option(min=1, max=HIGHEST, help="Rate the songs, too: 1 to 5.")] = None,
    home: HomeOption = None,
) -> None:
    """Star songs, for suggestions and lists; players see the stars."""
    library = Library(home)
    named = [library.find(song) for song in songs]
    now = time.time()
    events = [Event.of(EventKind.star, song, now, player="songspace") for song in named]
    if rating is not None:
        events += [Event.of(EventKind.rate, song, now, player="songspace", value=rating) for song in named]
    Likes(library.home.likes).add(events)
    show.say(f"Liked: {', '.join(song.name for song in named)}.")


def unlike(songs: Songs, home: HomeOption = None) -> None:
    """Take the stars and ratings of songs back."""
    library = Library(home)
    named = [library.find(song) for song in songs]
    now, likes = time.time(), Likes(library.home.likes)
    history = likes.history()
    events = [Event.of(EventKind.unstar, song, now, player="songspace") for song in named]
    rated = [song for song in named if history.of(song).rating]
    events += [Event.of(EventKind.rate, song, now, player="songspace", value=0) for song in rated]
    likes.add(events)
    show.say(f"No longer liked: {', '.join(song.name for song in named)}.")


@likes.callback()
def list_likes(
    context: typer.Context,
    which: Annotated[Listing, typer.Option("--list", help="Which list.")] = Listing.starred,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of songs.")] = 20,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the list to a .m3u8, .xspf or .jspf file.")
    ] = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List what you like and play: stars, the highest ratings, what you play often or played last, and so on."""
    if context.invoked_subcommand is not None:
        return
    library = Library(home)
    history = Likes(library.home.likes).history()
    songs = listed(history, library.songs(), which, time.time())
    answer = LikedSongs([LikedSong.told(song, history.of(song)) for song in songs[:count]], len(songs))
    if output is not None and songs:
        interchange.write(output, songs[:count], title=which.value.capitalize())
        show.say(f"Wrote {show.counted(len(answer.songs), 'song')} to {output}.")
    if json:
        show.answer(answer)
        return
    if not songs:
        show.say(f"There is no song in the list “{which.value}” yet: `songspace like SONG` and players fill the lists.")
        return
    shown = zip(songs, answer.songs, strict=False)
    cells = [(song.name, each.rating or "", each.plays, _day(each.played), _day(each.starred)) for song, each in shown]
    show.table(("song", "rating", "plays", "last played", "starred"), cells, right=(1, 2))
    if len(songs) > count:
        show.say(f"{count} of {len(songs)} songs; --count shows more.")


class EventFormat(StrEnum):
    """Formats of exports."""

    events = "events"
    listenbrainz = "listenbrainz"


@likes.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The file to write.")],
    format: Annotated[
        EventFormat, typer.Option(help="All events for songspace, or the plays for ListenBrainz.")
    ] = EventFormat.events,
    home: HomeOption = None,
) -> None:
    """Write stars, ratings, plays and skips as JSON lines."""
    from songspace.interchange import listens

    library = Library(home)
    events = Likes(library.home.likes).events()
    if format is EventFormat.listenbrainz:
        songs = {song.identity: song for song in (*library.songs(), *library.catalog.away())}
        written = show.counted(listens.write_listens(file, events, songs), "play")
    else:
        written = show.counted(listens.write_events(file, events), "event")
    show.say(f"Wrote {written} to {show.shown_path(file)}.")


@likes.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `likes export` wrote, or listens of ListenBrainz, or its ZIP.")
    ],
    home: HomeOption = None,
) -> None:
    """Add stars, ratings, plays and skips from a file; what is there already is not added again."""
    from songspace.interchange import listens

    library = Library(home)
    read = listens.read(file, [*library.songs(), *library.catalog.away()])
    if not read.events and not read.unknown:
        raise SongspaceError(f"{file} holds no events and no listens.")
    added = Likes(library.home.likes).add(read.events)
    known = len(read.events) - added
    show.say(f"Added {show.counted(added, 'event')}{f'; {known} were there already' if known else ''}.")
    if read.unknown:
        names = "; ".join(dict.fromkeys(read.unknown[:5]))
        show.say(f"Left out, because their songs are not in the library: {len(read.unknown)}, as {names}.")


@likes.command()
def forget(
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeOption = None,
) -> None:
    """Delete all stars, ratings, plays and skips."""
    likes = Likes(Library(home).home.likes)
    if not sure:
        typer.confirm("Delete all stars, ratings, plays and skips of this library?", abort=True, err=True)
    show.say(f"Deleted {likes.forget()} events.")


def _day(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d")
