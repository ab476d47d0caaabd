"""``songspace link``: what a media server calls the songs that are here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from songspace.cli import options, show
from songspace.library import Home

_NAMED = 5


def link(
    subsonic: Annotated[str, typer.Option(metavar="URL", help="A server that speaks OpenSubsonic, as Navidrome.")],
    user: Annotated[str, typer.Option(metavar="NAME", help="Who you are there.")],
    password_file: options.PasswordFileOption = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option(metavar="HERE=THERE", help="What lies below HERE, the server has below THERE."),
    ] = None,
    json: options.JsonOption = False,
    home: options.HomeOption = None,
) -> None:
    """Learn what a media server calls your songs, so that its plugins for AudioMuse can ask songspace."""
    from songspace.server.linking import Subsonic, link

    where, prefixes = Home(home.absolute()) if home else Home.default(), options.prefixes(prefix)
    server = Subsonic(subsonic, user, options.password(password_file, f"Password of {user}"))
    done = link(where, server, prefixes=prefixes, reporter=show.Lines())
    if done.unmatched:
        shown = "; ".join(done.unmatched[:_NAMED])
        more = f"; and {len(done.unmatched) - _NAMED} more" if len(done.unmatched) > _NAMED else ""
        show.say(f"{len(done.unmatched)} songs of {done.server} are not in this library: {shown}{more}.")
    if json:
        show.answer(asdict(done))
        return
    here = f"it has {done.linked} of the {done.songs} songs here"
    show.say(f"Linked {done.matched} of {done.items} songs of {done.server}: {here}.")
