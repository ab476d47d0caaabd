"""``beet songspace-similar`` and ``beet songspace-playlist``: similar items and playlists of a beets library.

This is a plugin of beets (``plugins: songspace`` in its configuration; ``songspace: home: DIR`` for a home other than
the default). Items and songs are matched by their files or, if these have moved, by their tags and the ends of their
paths.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from optparse import Values
from typing import TYPE_CHECKING

from beets.library import Item, Library
from beets.plugins import BeetsPlugin
from beets.ui import Subcommand, UserError, print_  # type: ignore[attr-defined] # all versions have it here

from songspace.errors import SongspaceError

if TYPE_CHECKING:
    from songspace.answers.playlists import Playlist
    from songspace.answers.view import View
    from songspace.library import Song

_NAMED = 5  # unknown items that are named in a message


class SongspacePlugin(BeetsPlugin):
    """The plugin, with its two commands."""

    def __init__(self) -> None:
        super().__init__()
        self.config.add({"home": None})

    def commands(self) -> list[Subcommand]:
        similar = Subcommand("songspace-similar", help="the items that sound most like some")
        similar.parser.set_usage("%prog [options] QUERY")
        similar.parser.add_option("-n", "--count", type=int, default=10, help="how many (default: 10)")
        similar.func = self._similar

        playlist = Subcommand("songspace-playlist", help="a radio from some items, or a path from one to another")
        playlist.parser.set_usage("%prog [options] QUERY")
        add = playlist.parser.add_option
        add("--to", metavar="QUERY", help="where it ends: a path from item to item")
        add("--via", metavar="QUERY", action="append", default=[], help="an item that the path passes")
        add("--minus", metavar="QUERY", action="append", default=[], help="steer away from these items")
        add("-l", "--length", type=int, help="items (default: 20)")
        add("-m", "--minutes", type=float, help="length in minutes, approximately")
        add("--artist-gap", type=int, default=2, help="least items between two of one artist (default: 2)")
        add("--variety", type=float, default=0.0, help="0: the best; 1: the most varied")
        add("--seed", type=int, default=0, help="another seed, another list of about the same quality")
        add("-o", "--output", metavar="FILE", help="write it, too: .m3u8, .xspf or .jspf")
        playlist.func = self._playlist

        for command in (similar, playlist):
            command.parser.add_option("--among", metavar="QUERY", help="only items that match this query, too")
            command.parser.add_path_option()
            command.parser.add_format_option(target="item")
        return [similar, playlist]

    def _similar(self, lib: Library, opts: Values, args: list[str]) -> None:
        _check(opts.count >= 1, "--count", opts.count, "at least 1")
        with _sentences():
            from songspace.answers.similar import find_similar
            from songspace.answers.view import Asked

            beets = self._matched(lib, opts.among)
            asked = Asked(beets.view, beets.songs(args))
            # Songs that are not in beets, or not among the wanted items, are skipped below.
            similar = find_similar(asked, opts.count + len(beets.others))
            near = [pair for pair in zip(similar.songs, similar.distances, strict=True) if pair[0].id in beets.items]
            for song, distance in near[: opts.count]:
                item = beets.items[song.id]
                item["songspace_similarity"] = f"{1 - distance**2 / 2:.3f}"  # for -f; it is not stored
                print_(format(item))

    def _playlist(self, lib: Library, opts: Values, args: list[str]) -> None:
        _check(opts.length is None or opts.length >= (2 if opts.to else 1), "--length", opts.length, "more")
        _check(opts.minutes is None or opts.minutes >= 1, "--minutes", opts.minutes, "at least 1")
        _check(opts.artist_gap >= 0, "--artist-gap", opts.artist_gap, "0 or more")
        _check(0 <= opts.variety <= 1, "--variety", opts.variety, "a number from 0 to 1")
        _check(opts.seed >= 0, "--seed", opts.seed, "0 or more")
        if (opts.via and not opts.to) or (opts.minus and opts.to):
            raise UserError("--via belongs to a path, which leads --to an item; --minus to a radio.")
        with _sentences():
            from songspace.answers.playlists import make_path, make_radio
            from songspace.answers.request import ListRequest, Ruling

            beets = self._matched(lib, opts.among)
            rules = Ruling(opts.artist_gap, without=beets.others)
            request = ListRequest(rules, opts.length, opts.minutes, opts.variety, opts.seed)
            if opts.to:
                made = make_path(beets.view, [beets.song(query) for query in (args, *opts.via, opts.to)], request)
            else:
                away = [song for query in opts.minus for song in beets.songs(query)]
                made = make_radio(beets.view, beets.songs(args), away, request)
            self._show(beets, made, opts.output)

    def _show(self, beets: _MatchedLibraries, made: Playlist, output: str | None) -> None:
        from songspace import interchange

        items = [beets.items[song.id] for song in made.songs]
        if output:
            songs = [replace(song, path=_path(item)) for song, item in zip(made.songs, items, strict=True)]
            path = interchange.write(os.path.expanduser(output), songs, title=made.title, similarity=made.similarity())
            print(f"Wrote {len(songs)} items to {path}.", file=sys.stderr)
        for item in items:
            print_(format(item))

    def _matched(self, lib: Library, among: str | None) -> _MatchedLibraries:
        from songspace.answers.view import View
        from songspace.library import Library as Known

        home = self.config["home"]
        return _MatchedLibraries(lib, View(Known(home.as_filename() if home.get() else None)), among)


class _MatchedLibraries:
    """A library of beets and one of songspace, with the songs of the items.

    Attributes
    ----------
    items : dict of int to Item
        Item of each song that may be in an answer, by the id of the song; and those of the given songs.
    others : tuple of int
        Ids of all other songs.
    """

    def __init__(self, lib: Library, view: View, among: str | None) -> None:
        self._lib, self.view = lib, view
        items = list(lib.items(among))
        self.items: dict[int, Item] = {}
        for item, song in zip(items, self._match(items), strict=True):
            if song is not None:
                self.items.setdefault(song.id, item)
        self.others = tuple(song.id for song in view.songs if song.id not in self.items)

    def songs(self, query: str | list[str]) -> list[Song]:
        """Return the songs of the items that match a query; name unknown items in a message."""
        text = query if isinstance(query, str) else " ".join(query)
        if not query:
            raise UserError("Say which items: give a query, as in `beet list QUERY`.")
        items = list(self._lib.items(query))
        if not items:
            raise UserError(f"No item of beets matches “{text}”.")
        matches = self._match(items)
        unknown = [item for item, song in zip(items, matches, strict=True) if song is None]
        names = "; ".join(f"{item.artist} - {item.title}" for item in unknown[:_NAMED])
        more = f"; and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        if len(unknown) == len(items):
            raise UserError(f"songspace does not know {names}{more}: run `songspace update`.")
        if unknown:
            print(f"songspace does not know {len(unknown)} of {len(items)}: {names}{more}.", file=sys.stderr)
        songs = {song.id: (song, item) for item, song in zip(items, matches, strict=True) if song is not None}
        for song, item in songs.values():
            self.items.setdefault(song.id, item)
        return [song for song, _ in songs.values()]

    def song(self, query: str | list[str]) -> Song:
        """Return the only song of a query."""
        songs = self.songs(query)
        if len(songs) > 1:
            text = query if isinstance(query, str) else " ".join(query)
            raise UserError(f"A path leads from one item to another, but {len(songs)} match “{text}”.")
        return songs[0]

    def _match(self, items: Iterable[Item]) -> list[Song | None]:
        from songspace import interchange

        entries = [
            interchange.Entry(
                name=_path(item),
                path=_path(item),
                title=item.title or None,
                artist=item.artist or None,
                album=item.album or None,
                duration=item.length or None,
                recording_mbid=item.mb_trackid or None,
            )
            for item in items
        ]
        songs = interchange.match(entries, self.view.songs, at=self._at)
        return [song if song is not None and song.id in self._ids else None for song in songs]

    def _at(self, path: str) -> Song | None:
        # The catalog knows all copies of a song, but a query for each file of a library takes time.
        return self._by_path.get(path) or self.view.library.catalog.song_at(path)

    @cached_property
    def _by_path(self) -> dict[str, Song]:
        return {song.path: song for song in self.view.songs}

    @cached_property
    def _ids(self) -> set[int]:
        return {song.id for song in self.view.songs}


def _path(item: Item) -> str:
    return os.fsdecode(item.path)


def _check(holds: bool, option: str, given: object, expected: str) -> None:
    if not holds:
        raise UserError(f"{option} {given}: expected {expected}.")


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn errors of songspace into errors of beets."""
    try:
        yield
    except SongspaceError as error:
        raise UserError(str(error)) from error
