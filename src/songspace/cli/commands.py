"""The commands, in the order in which ``songspace --help`` lists them."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from songspace.cli import evaluate, export, geometry, library, likes, lists, serve, similar, status
from songspace.cli.ears import ears
from songspace.cli.options import HomeOption, NamingEncoders

app = typer.Typer(
    help="Learn a space of songs from their sound: similar songs, fluid playlists, a map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from songspace import __version__

        print(f"songspace {__version__}")
        raise typer.Exit


@app.callback()
def options(
    home: HomeOption = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Learn a space of songs from their sound: similar songs, fluid playlists, a map."""
    if home is not None:  # given before the command, it holds for the command
        os.environ["SONGSPACE_HOME"] = str(home)


app.command(cls=NamingEncoders)(library.learn)
for command in (
    library.update,
    status.folders,
    library.forget,
    similar.similar,
    similar.search,
    lists.radio,
    lists.path,
    lists.order,
    lists.playlist,
    lists.mixes,
    lists.suggest,
    likes.like,
    likes.unlike,
):
    app.command()(command)
app.add_typer(likes.likes, name="likes")
for command in (geometry.geometry, serve.serve, serve.user, serve.link):
    app.command()(command)
app.command(name="map")(geometry.map_)
for command in (evaluate.evaluate, evaluate.poster, status.status, status.doctor):
    app.command()(command)
app.add_typer(ears, name="ears")
app.command()(export.export)
app.command(name="import")(library.import_)
app.command()(library.demo)
