"""Options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperOption

from songspace.answers.request import DEFAULT_GAP, Ruling
from songspace.cli import show
from songspace.errors import SongspaceError
from songspace.interchange.players import WANTS, Player
from songspace.interchange.writing import FORMATS
from songspace.library import Home, Library, Song
from songspace.library.scan import is_inside
from songspace.playlists.steps import TRANSITION

_NAMED = 5  # songs that are named when MPD does not have them

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", metavar="DIR", help="Folder of the library's data.", envvar="SONGSPACE_HOME", show_default=False
    ),
]
PasswordFileOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A file with the password (default: you are asked for it).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def home_of(option: Path | None) -> Home:
    """Return the home that --home names, or the default one."""
    return Home(option.absolute()) if option else Home.default()


def _encoder(name: str) -> str:
    """Return the name of an encoder: of songspace, or of another package that is installed."""
    if name not in (names := _encoders()):
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, names))}.")
    return name


def _encoders() -> list[str]:
    from songspace.encoders import encoder_names

    names: list[str] = encoder_names()
    return names


def _ear(name: str) -> str:
    """Return the name of a trained ear."""
    from songspace.encoders.ears import EARS
    from songspace.encoders.registry import STUDENT

    if name not in (names := [*EARS, STUDENT]):
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, names))}.")
    return name


EarOption = Annotated[
    str | None,
    typer.Option(
        "--ear",
        parser=_ear,
        metavar="NAME",
        help="Take a trained ear as encoder: musicnn or student (`songspace ears`).",
    ),
]
EncoderOption = Annotated[str | None, typer.Option(parser=_encoder, metavar="NAME", help="What to learn.")]


class Device(StrEnum):
    """Devices that a network learns on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class NamingEncoders(TyperCommand):
    """A command whose help names the encoders; they are looked up only when the help is shown."""

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


@dataclass(frozen=True)
class RuleOptions:
    """The rules of a list."""

    artist_gap: Annotated[
        int | None, typer.Option(min=0, help=f"Least songs between two of one artist (default: {DEFAULT_GAP}).")
    ] = None
    album_gap: Annotated[int, typer.Option(min=0, help="Least songs between two of one album.")] = 0
    most_of_artist: Annotated[int | None, typer.Option(min=1, metavar="N", help="Most songs of one artist.")] = None
    versions: Annotated[bool, typer.Option("--versions", help="Allow several versions of one song.")] = False
    shortest: Annotated[
        float | None, typer.Option(parser=_seconds, metavar="M:SS", help="Leave out shorter songs.")
    ] = None
    longest: Annotated[float | None, typer.Option(parser=_seconds, metavar="M:SS", help="Leave out longer songs.")] = (
        None
    )
    where: Annotated[
        str | None, typer.Option(metavar="FILTER", help='Only such songs, as in "year >= 1990 and genre ~ jazz".')
    ] = None
    played: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Leave out the songs of this playlist, such as those played lately."),
    ] = None

    @property
    def ruling(self) -> Ruling:
        """The rules as those who make lists take them."""
        gap = DEFAULT_GAP if self.artist_gap is None else self.artist_gap
        return Ruling(**(vars(self) | {"artist_gap": gap, "played": tuple(self.played or ())}))


@dataclass(frozen=True)
class ListOptions:
    """Options for making a list."""

    length: Annotated[int | None, typer.Option(min=1, help="Number of songs (default: 20).")] = None
    minutes: Annotated[float | None, typer.Option(min=1, help="Length of the list in minutes, approximately.")] = None
    variety: Annotated[float, typer.Option(min=0, max=1, help="From 0 (the best list) to 1 (the most varied).")] = 0.0
    seed: Annotated[int, typer.Option(min=0, help="Seed of the variety: another seed, another list.")] = 0


@dataclass(frozen=True)
class StepOptions:
    """Options for the steps of a list, and reasons."""

    transition: Annotated[
        float,
        typer.Option(min=0, max=1, help="Weight of the transition (a song's end, the next one's beginning) in a step."),
    ] = TRANSITION
    explain: Annotated[bool, typer.Option("--explain", help="Say why each song is in the list.")] = False


@dataclass(frozen=True)
class FileOptions:
    """Options for paths in a file."""

    absolute: Annotated[bool, typer.Option("--absolute", help="Write absolute paths.")] = False
    prefix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HERE=THERE", help="Write paths below HERE as a media server has them, below THERE (or nothing)."
        ),
    ] = None

    player: Annotated[
        Player | None, typer.Option("--for", help="Write the file that this player wants: its format and its paths.")
    ] = None

    @property
    def elsewhere(self) -> dict[str, str]:
        """Folders here, and their names elsewhere."""
        return prefixes(self.prefix)

    def written(self, library: Library) -> dict[str, Any]:
        """Return the keyword arguments of :func:`songspace.interchange.write` for the paths in a file."""
        below = self.player is not None and WANTS[self.player].below_root
        roots = dict.fromkeys(library.catalog.roots(), "") if below else {}
        return {"relative": not self.absolute, "prefixes": roots | self.elsewhere}

    def named(self, file: Path) -> Path:
        """Return the name of a playlist file, with the suffix that the player wants."""
        if self.player is None:
            return file
        wanted = WANTS[self.player].suffix
        if file.suffix.lower() in FORMATS and file.suffix.lower() != wanted:
            raise typer.BadParameter(f"--for {self.player} writes {wanted}: call the file {file.stem}{wanted}.")
        return file if file.suffix.lower() == wanted else file.with_name(f"{file.name}{wanted}")

    def check(self, file: Path | None) -> None:
        """Refuse --for without a file, or with one of another format."""
        if self.player is not None and file is None:
            raise typer.BadParameter("--for goes with -o FILE.")
        if file is not None:
            self.named(file)

    def advise(self, file: Path, library: Library) -> None:
        """Say where the player looks for the file."""
        if self.player is None or not WANTS[self.player].advice:
            return
        inside = any(is_inside(os.path.abspath(file), root) for root in library.catalog.roots())
        if self.player is Player.navidrome and not inside:
            show.say("It is not in the music folder: write it there, for the paths in it begin where it lies.")
        show.say(WANTS[self.player].advice)


@dataclass(frozen=True)
class OutputOptions(FileOptions):
    """Options for the output of a list."""

    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the list to a .m3u8, .xspf or .jspf file.")
    ] = None
    mpd: Annotated[
        bool, typer.Option("--mpd", help="Add the list to the queue of a running MPD (found like mpc does).")
    ] = False
    mpd_host: Annotated[
        str | None,
        typer.Option(metavar="[PASSWORD@]HOST[:PORT]", help="Add the list to the queue of the MPD at this address."),
    ] = None

    def __post_init__(self) -> None:
        self.check(self.output)  # before anything is made, or chosen song by song

    @property
    def is_for_mpd(self) -> bool:
        """True if --mpd or --mpd-host is given."""
        return self.mpd or self.mpd_host is not None


@dataclass(frozen=True)
class CommonOptions:
    """Options of every reading command."""

    json: JsonOption = False
    home: HomeOption = None


def grouped(**defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function that takes groups of options: dataclasses, of which each field is an option.

    Parameters
    ----------
    **defaults
        Of options, where this command has another default than the group.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        parameters: list[Parameter] = []
        groups: dict[str, type] = {}
        for parameter in signature(command).parameters.values():
            kind = hints[parameter.name]
            if isinstance(kind, type) and is_dataclass(kind):
                groups[parameter.name] = kind
                options = get_type_hints(kind, include_extras=True)
                each = [(field.name, defaults.get(field.name, field.default)) for field in fields(kind)]
                parameters += [
                    Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=options[name])
                    for name, default in each
                ]
            else:
                parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=kind))

        def flat(**given: Any) -> None:
            made = {
                name: kind(**{field.name: given.pop(field.name) for field in fields(kind)})
                for name, kind in groups.items()
            }
            command(**given, **made)

        flat.__name__, flat.__doc__ = command.__name__, command.__doc__
        flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        flat.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return flat

    return decorate


def prefixes(given: list[str] | None) -> dict[str, str]:
    """Return what --prefix says: how folders here are called elsewhere."""
    mapping = {}
    for text in given or []:
        here, sign, there = text.partition("=")
        if not (here and sign):
            raise typer.BadParameter(f"--prefix {text}: write it as HERE=THERE, as in /home/me/Music=/music.")
        mapping[os.path.abspath(os.path.expanduser(here))] = there
    return mapping


def password(file: Path | None, prompt: str, *, twice: bool = False) -> str:
    """Return the password in a file, or the one that the person types; it is never shown."""
    if file is None:
        typed: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
        return typed
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SongspaceError(f"{file} is no file with a password.") from None


def playing(songs: Sequence[Song], options: OutputOptions) -> Song:
    """Return the song that MPD plays."""
    from songspace.interchange.mpd import Address, current

    return current(songs, Address.of(options.mpd_host), prefixes=options.elsewhere)


def queue(songs: Sequence[Song], options: OutputOptions, elsewhere: dict[str, str]) -> None:
    """Add songs to the queue of MPD, if --mpd or --mpd-host asks for it."""
    if not options.is_for_mpd or not songs:
        return
    from songspace.interchange.mpd import Address, add

    address = Address.of(options.mpd_host)
    added = add(songs, address, prefixes=elsewhere)
    if missing := added.missing:
        names = "; ".join(song.name for song in missing[:_NAMED])
        more = f"; and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        show.say(f"MPD at {address} does not have {len(missing)} of {len(songs)}: {names}{more}.")
    place = added.place
    show.say(f"Added {len(added.songs)} songs to the queue of MPD at {address}: `mpc play {place}` starts them.")
