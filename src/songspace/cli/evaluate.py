"""``songspace evaluate`` and ``poster``: how good the space is, and the poster's experiment."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from songspace.cli import show
from songspace.cli.options import Device, HomeOption, JsonOption
from songspace.errors import SongspaceError
from songspace.library import Library


class Size(StrEnum):
    """Sizes of ALI's networks."""

    small = "small"
    poster = "poster"


def evaluate(
    labels: Annotated[
        str,
        typer.Option(
            metavar="genre|artist|folder|FILE.csv|FOLDER",
            help="Tags, names of folders, a table, a data set laid out as FMA or GTZAN, mirdata:NAME (docs/data.md).",
        ),
    ] = "genre",
    split: Annotated[str | None, typer.Option(help="Score only this split of the table or the data set.")] = None,
    encoders: Annotated[
        str | None,
        typer.Option(
            help="Names with commas, or all (default: what is learnt, the one in use first, with its controls if the "
            "library is small; timbre last)."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds for each clustering.")] = 5,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Score how well the space agrees with labels that it never saw, with chance beside every figure.

    ± is half of a 95 % interval. docs/data.md says what each column is.
    """
    from songspace.evaluation import embeddings, report
    from songspace.evaluation.labels import labels as read_labels

    library = Library(home)
    read_labels(library.songs(), labels, split=split)  # reports a fault in them before any work
    with show.reporting() as reporter:
        songs, spaces = embeddings.of_library(library, encoders.replace(",", " ").split() if encoders else None)
        known = read_labels(songs, labels, split=split)
        result = report.evaluate(spaces, known, seeds=seeds, on_progress=reporter.progress)
    if json:
        show.answer(result)
        return
    head, *rows = report.table(result)
    # Heads of two lines leave 100 columns to the figures.
    show.table([title.replace(" ", "\n") for title in head], rows, right=range(1, len(head)))
    for sentence in (known.sentence(), *report.sentences(result)):
        print(sentence)


def poster(
    folder: Annotated[Path, typer.Argument(help="A folder of music whose genres are known.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="For report.html, report.json and the work.")
    ],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="genre|folder|FILE.csv",
            help="Where genres come from (default: the tags if half of the songs have one, else the folders).",
        ),
    ] = None,
    per_genre: Annotated[int | None, typer.Option(min=1, help="Songs of each genre (default: at most 1000).")] = None,
    segments: Annotated[int, typer.Option(min=1, help="Random segments of each song.")] = 10,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help="Minutes of training for each trained encoder (default: 10). Time ends every run after another number "
            "of steps: the report says how many, and a rerun in DIR takes what was learnt.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of training instead of minutes: exactly repeatable.")
    ] = None,
    size: Annotated[
        Size | None, typer.Option(help="ALI's networks (default: small on a processor, poster on a GPU).")
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="The poster's size, 5,350 batches of 101 for every rung: days on a processor, so it says how long and "
            "stops without --yes.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin with --exact, however long it takes.")] = False,
    subset: Annotated[
        str | None,
        typer.Option(metavar="A,B,C,D", help="Genres of a second test (default: the poster's four, or the largest)."),
    ] = None,
    between: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", help="Does C lie between A and B? (default: jazz, rock and funk if there)"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds for each clustering.")] = 5,
    device: Annotated[Device, typer.Option(help="Device that the networks learn on.")] = Device.auto,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that decode (default: the cores).")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which decoding of a file is given up.")] = 60.0,
) -> None:
    """Repeat the experiment of the 2017 poster on your music; resumes where it was stopped."""
    if exact and (steps or minutes or size or segments != 10):
        raise typer.BadParameter("--exact is the poster's own: it takes no --steps, --minutes, --size or --segments.")
    if yes and not exact:
        raise typer.BadParameter("--yes belongs to --exact.")
    from songspace.poster import run
    from songspace.poster.write_up import findings

    if exact:
        if not folder.is_dir():  # before anything is measured for half a minute
            raise SongspaceError(f"There is no folder {folder.absolute()}: is its disk mounted?")
        _warn(device.value, go=yes)
    with show.reporting() as reporter:
        result = run(
            folder,
            output,
            labels=labels,
            per_genre=per_genre,
            segments=segments,
            steps=steps,
            minutes=minutes,
            size=size.value if size else None,
            exact=exact,
            subset=subset.split(",") if subset else None,
            between=between,
            seed=seed,
            seeds=seeds,
            device=device.value,
            workers=workers,
            timeout=timeout,
            reporter=reporter,
        )
    for sentence in findings(result):
        print(show.clean(f"- {sentence}"))
    show.say(f"The report is {show.shown_path(output / 'report.html')}.")


def _warn(device: str, *, go: bool) -> None:
    """Say how long the exact experiment takes, and stop unless the person has said to go on.

    The command was understood and nothing was done, for a reason that lies in the machine: that is status 1, as with
    every other refusal, and not 2, which says that a command is wrong.
    """
    from songspace.encoders.devices import choose_device
    from songspace.poster.exact import forecast, speed

    show.say("Measuring how fast this machine trains networks of the poster's size ...")
    said = forecast(speed(device), choose_device(device).type)
    if not go:
        raise SongspaceError(f"{said}: add --yes to begin.")
    show.say(f"{said}.")
