"""``songspace similar`` and ``search``: the songs that sound most like some, or as words mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.library import Library, Song

if TYPE_CHECKING:
    from songspace.answers.similar import Similar, SimilarSong
    from songspace.answers.view import View


def similar(
    songs: Annotated[
        list[str] | None, typer.Argument(metavar="SONG...", help="A path, an id, a part of a name, or an artist.")
    ] = None,
    artist: Annotated[
        str | None, typer.Option("--artist", metavar="NAME", help="List the artists who sound most like this one.")
    ] = None,
    album: Annotated[
        str | None,
        typer.Option(
            "--album", metavar="TITLE", help='List the albums most like this one ("title" or "artist - title").'
        ),
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of songs.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Say which of their seconds sound alike.")] = False,
    clips: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Like --explain; also write these seconds as sound files, with a page."),
    ] = None,
    versions: Annotated[bool, typer.Option("--versions", help="Include other versions of these songs.")] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List the songs that sound most like a song, or like several together; or artists, or albums."""
    from songspace.answers.sets import artist_meant
    from songspace.answers.similar import find_similar
    from songspace.answers.view import Asked, View

    if (bool(songs), artist is not None, album is not None).count(True) != 1:
        raise typer.BadParameter("Give songs, or --artist, or --album.")
    view = View(Library(home))
    if songs and len(songs) == 1 and artist_meant(view, songs[0]):
        artist = songs[0]
    if artist is not None or album is not None:
        if explain or clips is not None or versions:
            raise typer.BadParameter("--explain, --clips and --versions are for songs.")
        _similar_sets(view, artist, album, count, json=json)
        return
    asked = Asked(view, songs or [])
    similar = find_similar(asked, count, explain=explain or clips is not None, versions=versions)
    answer = similar.answer(_write_clips(clips, similar) if clips is not None else ())
    if json:
        show.answer(answer)
        return
    show.say("Sounds most like " + ", ".join(song.name for song in asked.asked) + ":")
    _show(answer.similar, similar.songs)


def _similar_sets(view: View, artist: str | None, album: str | None, count: int, *, json: bool) -> None:
    from songspace.answers import sets

    if artist is not None:
        artists = sets.similar_artists(view, sets.find_artist(view.shelves, artist), count)
        if json:
            show.answer(artists)
            return
        show.say(f"Sound most like {artists.artist}:")
        rows = [(f"{each.similarity:.2f}", each.artist, each.songs, each.song.title or "") for each in artists.similar]
        show.table(("similarity", "artist", "songs", "most typical song"), rows, right=(0, 2))
        return
    albums = sets.similar_albums(view, sets.find_album(view.shelves, album or ""), count)
    if json:
        show.answer(albums)
        return
    show.say(f"Sound most like {albums.artist} - {albums.album}:")
    cells = [(f"{each.similarity:.2f}", each.artist, each.album, each.songs) for each in albums.similar]
    show.table(("similarity", "artist", "album", "songs"), cells, right=(0, 3))


def _show(similar: list[SimilarSong], songs: list[Song]) -> None:
    head: tuple[str, ...] = ("similarity", "song", "genre", "file")
    cells: list[tuple[str, ...]] = [(song.name, song.genre or "", show.shown_path(song.path)) for song in songs]
    if similar and similar[0].why is not None:
        head = ("similarity", "song", "why")
        cells = [(song.name, each.why or "") for song, each in zip(songs, similar, strict=True)]
    rows = [(f"{each.similarity:.3f}", *row) for each, row in zip(similar, cells, strict=True)]
    show.table(head, rows, right=(0,))


def _write_clips(folder: Path, similar: Similar) -> list[list[str]]:
    """Write the closest seconds of each song found, and of the song that it is beside; the files of each."""
    from songspace.playlists.explain import clips

    asked, reasons = similar.asked, similar.reasons or []
    pairs: list[clips.Pair] = []
    of: dict[int, int] = {}  # the pair of each song found
    for place, (song, reason) in enumerate(zip(similar.songs, reasons, strict=True)):
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
    return [list(written[of[place]].files) if place in of else [] for place in range(len(similar.songs))]


def search(
    words: Annotated[str, typer.Argument(help='As in "sad piano".')],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of songs.")] = 10,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Search songs by words, with a trained ear or an onnx model with a text tower."""
    from songspace.answers.meaning import Meaning, demand_words, find_heard, find_meant
    from songspace.answers.view import View

    view = View(Library(home))
    if view.words is not None:
        answer = find_heard(view, view.words, words, count)
    else:
        demand_words(view.library)
        answer = find_meant(view, Meaning(view.library, view.space), words, count)
    if answer.unknown:
        show.say(f"What the ear does not know is left out: {', '.join(answer.unknown)}.")
    if json:
        show.answer(answer.answer(words))
        return
    show.say(f"Sounds most like “{words}”:")
    rows = [
        (f"{similarity:.3f}", song.name, song.genre or "", show.shown_path(song.path))
        for song, similarity in zip(answer.songs, answer.similarities, strict=True)
    ]
    show.table(("similarity", "song", "genre", "file"), rows, right=(0,))
