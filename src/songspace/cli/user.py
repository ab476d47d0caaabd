"""``songspace user``: who may use the library with a player."""

from __future__ import annotations

from typing import Annotated

import typer

from songspace.cli import options, show
from songspace.errors import SongspaceError
from songspace.library import Home


def user(
    name: Annotated[str | None, typer.Argument(help="The name that you tell your player.")] = None,
    password_file: options.PasswordFileOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="Nobody may any more.")] = False,
    home: options.HomeOption = None,
) -> None:
    """Set the name and password for players that speak OpenSubsonic; without a name, tell who is set.

    The protocol wants the password itself to be kept: choose one that is used for nothing else.
    """
    from songspace.server.user import User, read_user

    where = Home(home.absolute()) if home else Home.default()
    if remove:
        where.user.unlink(missing_ok=True)
        show.say("No player may use this library now.")
        return
    if name is None:
        known = read_user(where.user)
        show.say("No user is set: `songspace user NAME` sets one." if known is None else f"The user is {known.name}.")
        return
    if not where.catalog.exists():
        raise SongspaceError(f"There is no library in {where.folder}: run `songspace learn FOLDER` first.")
    User(name, options.password(password_file, f"Password for {name}", twice=True)).save(where.user)
    show.say(
        f"Players may use this library as {name}; the password lies in {where.user}, which only you can read: "
        "the protocol needs it as it is."
    )
