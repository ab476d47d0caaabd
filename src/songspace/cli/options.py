"""Options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from songspace.cli import show
from songspace.errors import SongspaceError
from songspace.library import Song

_NAMED = 5  # songs that are named when MPD does not have them

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Where the library lives.", envvar="SONGSPACE_HOME", show_default=False),
]
PasswordFileOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A file with the password (default: you are asked for it).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def _encoder(name: str) -> str:
    """The name of an encoder: of songspace, or of another package that is installed."""
    if name not in (names := _encoders()):
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, names))}.")
    return name


def _encoders() -> list[str]:
    from songspace.encoders import encoder_names

    names: list[str] = encoder_names()
    return names


def _ear(name: str) -> str:
    """The name of a trained ear."""
    from songspace.encoders.ears import EARS, STUDENT

    if name not in (names := [*EARS, STUDENT]):
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, names))}.")
    return name


EarOption = Annotated[
    str | None,
    typer.Option("--ear", parser=_ear, metavar="NAME", help="Listen with a trained ear instead (`songspace ears`)."),
]
EncoderOption = Annotated[str | None, typer.Option(parser=_encoder, metavar="NAME", help="What to learn.")]


class NamingEncoders(TyperCommand):
    """A command whose help names the encoders: which there are is asked when somebody wants to read it."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for parameter in self.params:
            if isinstance(parameter, TyperOption) and parameter.name == "encoder":
                parameter.help = f"What to learn: {', '.join(_encoders())} (default: linear, then contrastive)."
        super().format_help(ctx, formatter)


def _seconds(text: str) -> float:
    """Seconds, as a number or as m:ss."""
    minutes, colon, seconds = text.rpartition(":")
    if not seconds.isascii() or not seconds.isdigit() or (colon and not minutes.isdigit()):
        raise typer.BadParameter(f"{text!r} is no length: give seconds, or m:ss.")
    return 60 * int(minutes or 0) + int(seconds)


ArtistGapOption = Annotated[int, typer.Option(min=0, help="Least songs between two of one artist.")]
AlbumGapOption = Annotated[int, typer.Option(min=0, help="Least songs between two of one album.")]
MostOption = Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N songs of one artist.")]
VersionsOption = Annotated[bool, typer.Option("--versions", help="Several versions of one song may be in it.")]
ShortestOption = Annotated[float | None, typer.Option(parser=_seconds, metavar="M:SS", help="No shorter songs.")]
LongestOption = Annotated[float | None, typer.Option(parser=_seconds, metavar="M:SS", help="No longer songs.")]
WhereOption = Annotated[
    str | None, typer.Option(metavar="FILTER", help='Only such songs, as in "year >= 1990 and genre ~ jazz".')
]
PlayedOption = Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Leave out what this playlist holds.")]
VarietyOption = Annotated[float, typer.Option(min=0, max=1, help="0: the best; 1: the most varied.")]
PlaylistOption = Annotated[Path | None, typer.Option("-o", "--output", help="Write it: .m3u8, .xspf or .jspf.")]
AbsoluteOption = Annotated[bool, typer.Option("--absolute", help="Write absolute paths.")]
PrefixOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HERE=THERE", help="Write paths below HERE as a media server has them, below THERE (or nothing)."
    ),
]

MpdOption = Annotated[bool, typer.Option("--mpd", help="Add it to the queue of a running MPD, found as by mpc.")]
MpdHostOption = Annotated[
    str | None, typer.Option(metavar="[PASSWORD@]HOST[:PORT]", help="Add it to the queue of the MPD there.")
]


def prefixes(given: list[str] | None) -> dict[str, str]:
    """What --prefix says: how folders here are called elsewhere."""
    found = {}
    for text in given or []:
        here, sign, there = text.partition("=")
        if not (here and sign):
            raise typer.BadParameter(f"--prefix {text}: write it as HERE=THERE, as in /home/me/Music=/music.")
        found[os.path.abspath(os.path.expanduser(here))] = there
    return found


def password(file: Path | None, prompt: str, *, twice: bool = False) -> str:
    """The password in a file, or the one that the person types; it is never shown."""
    if file is None:
        typed: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
        return typed
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SongspaceError(f"{file} is no file with a password.") from None


def queue(songs: Sequence[Song], mpd: bool, host: str | None, elsewhere: dict[str, str]) -> None:
    """What --mpd and --mpd-host ask for."""
    if not mpd and host is None:
        return
    from songspace.interchange.mpd import Address, add

    address = Address.of(host)
    added = add(songs, address, prefixes=elsewhere)
    if missing := added.missing:
        names = "; ".join(song.name for song in missing[:_NAMED])
        more = f"; and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        show.say(f"MPD at {address} does not have {len(missing)} of {len(songs)}: {names}{more}.")
    place = added.place
    show.say(f"Added {len(added.songs)} songs to the queue of MPD at {address}: `mpc play {place}` starts them.")
