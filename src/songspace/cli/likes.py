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
from songspace.cli.options import FileOptions, HomeOption, JsonOption
from songspace.errors import SongspaceError
from songspace.interchange.players import Player
from songspace.library import Library, Song
from songspace.library.likes import BAD, HIGHEST, Event, EventKind, Likes

Songs = Annotated[list[str], typer.Argument(metavar="SONG...", help="A path, an id or a part of a name.")]

likes = typer.Typer(help="List what you like and play; export and import it.", invoke_without_command=True)


def like(
    songs: Songs,
    rating: Annotated[
        int | None, typer.Option(min=1, max=HIGHEST, help="Rate the songs instead: 1 or 2 is disliked, 4 or 5 liked.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Star songs, or rate them, for suggestions and lists; players see both."""
    library = Library(home)
    named = [library.find(song) for song in songs]
    likes, now = Likes(library.home.likes), time.time()
    if rating is not None:
        likes.add(_event(EventKind.rate, song, now, rating) for song in named)
        left_out = "; left out of new lists" if rating <= BAD else ""
        show.say(f"Rated {rating}{left_out}: {_names(named)}.")
        return
    history = likes.history()
    disliked = [song for song in named if 0 < history.of(song).rating <= BAD]
    likes.add(
        [_event(EventKind.star, song, now) for song in named]
        + [_event(EventKind.rate, song, now, 0) for song in disliked]
    )
    show.say(f"Liked: {_names(named)}.")
    if disliked:
        show.say(f"Taken back, the low rating of {_names(disliked)}.")


def unlike(songs: Songs, home: HomeOption = None) -> None:
    """Take the stars and ratings of songs back."""
    library = Library(home)
    named = [library.find(song) for song in songs]
    now, likes = time.time(), Likes(library.home.likes)
    history = likes.history()
    starred = [song for song in named if history.of(song).starred is not None]
    rated = [song for song in named if history.of(song).rating]
    likes.add(
        [_event(EventKind.unstar, song, now) for song in starred]
        + [_event(EventKind.rate, song, now, 0) for song in rated]
    )
    if changed := [song for song in named if song in starred or song in rated]:
        show.say(f"No star and no rating any more: {_names(changed)}.")
    if others := [song for song in named if song not in changed]:
        show.say(f"There was no star and no rating: {_names(others)}.")


def _event(kind: EventKind, song: Song, at: float, value: int | None = None) -> Event:
    return Event.of(kind, song, at, player="songspace", value=value)


def _names(songs: list[Song]) -> str:
    return "; ".join(song.name for song in songs)


@likes.callback()
def list_likes(
    context: typer.Context,
    which: Annotated[Listing, typer.Option("--list", help="Which list.")] = Listing.liked,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of songs.")] = 20,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the list to a .m3u8, .xspf or .jspf file.")
    ] = None,
    player: Annotated[
        Player | None, typer.Option("--for", help="Write the file that this player wants: its format and its paths.")
    ] = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List what you like and play.

    liked: all that suggestions start from; starred, highest: stars and ratings; frequent, recent: what is played;
    skipped: what is left out of new lists; forgotten: liked, but not played for a season.
    """
    if context.invoked_subcommand is not None:
        return
    library = Library(home)
    history = Likes(library.home.likes).history()
    songs = listed(history, library.songs(), which, time.time())
    answer = LikedSongs([LikedSong.told(song, history.of(song)) for song in songs[:count]], len(songs))
    target = FileOptions(player=player)
    target.check(output)
    if output is not None and songs:
        file = target.named(output)
        interchange.write(file, songs[:count], title=which.value.capitalize(), **target.written(library))
        show.say(f"Wrote {show.counted(len(answer.songs), 'song')} to {file}.")
        target.advise(file, library)
    if json:
        show.answer(answer)
        return
    if not songs:
        told = which in (Listing.frequent, Listing.recent, Listing.skipped, Listing.forgotten)
        how = "players and the page tell what is played and skipped" if told else "`songspace like SONG` begins it"
        show.say(f"Nothing is in the list “{which.value}” yet: {how}.")
        return
    cells = [
        (
            *(song.id, song.name, each.rating or "", each.plays or "", each.skips or ""),
            *(_day(each.played), _day(each.starred)),
        )
        for song, each in zip(songs, answer.songs, strict=False)
    ]
    show.table(("id", "song", "rating", "plays", "skips", "last played", "starred"), cells, right=(0, 2, 3, 4))
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
