"""``songspace import``: a library of vectors that somebody else has made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from songspace.cli import show
from songspace.cli.options import HomeOption
from songspace.library import Home


def import_(
    vectors: Annotated[
        Path, typer.Argument(metavar="FILE", help="Parquet or npz, with the columns vector and path or id.")
    ],
    home: HomeOption = None,
) -> None:
    """Make a library of vectors of your own: similar songs, playlists, maps and scores, without any sound.

    It needs a home of its own (--home), in which it replaces what was imported before.
    """
    from songspace.pipeline.importing import import_vectors

    place = Home(home.absolute()) if home else Home.default()
    with show.reporting() as reporter:
        found = import_vectors(place, vectors, reporter=reporter)
    files = f"; {found.files} of their files are there" if found.files else ""
    songs = show.counted(found.songs, "song")
    show.say(f"Imported {songs} of {found.dimensions} numbers each into {place.folder}{files}.")
