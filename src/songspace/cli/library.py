"""``songspace learn``, ``update``, ``forget``, ``import`` and ``demo``: what a library holds."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from songspace.cli import show
from songspace.cli.options import Device, EarOption, EncoderOption, HomeOption, grouped, home_of
from songspace.library.failures import by_kind

if TYPE_CHECKING:
    from songspace.pipeline import Report

_EXAMPLES = 3
"""Files of each kind that the summary of a run names."""

LOWEST = 19
"""The niceness above which there is none on Linux and macOS."""


class Teacher(StrEnum):
    """Sources of learning beside sound."""

    artists = "artists"
    songs = "songs"


@dataclass(frozen=True)
class RunOptions:
    """Options of listening."""

    tag_encoding: Annotated[
        str | None,
        typer.Option(help='Encoding of old tags that do not name theirs, such as cp1251; remembered ("": none).'),
    ] = None
    genre_separators: Annotated[
        str | None, typer.Option(help='Signs between several genres in one text, such as "/,"; remembered ("": none).')
    ] = None
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that decode (default: the cores).")] = None
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which decoding of a file is given up.")] = 60.0
    cache: Annotated[float, typer.Option(min=0.01, help="Size limit of the cache of spectrograms, in gigabytes.")] = 4.0
    nice: Annotated[
        bool, typer.Option("--nice", help="Run at low priority: only while no other program needs the processor.")
    ] = False

    @property
    def settings(self) -> dict[str, Any]:
        """The options as the pipeline takes them."""
        facts = {name: value for name, value in vars(self).items() if name not in ("cache", "nice")}
        return facts | {"cache_bytes": round(self.cache * 1e9)}

    def begin(self) -> None:
        """Give this process its priority."""
        if self.nice:
            be_nice()


@grouped()
def learn(
    folder: Annotated[Path, typer.Argument(help="A folder of music; songspace never writes into it.")],
    *,
    encoder: EncoderOption = None,
    ear: EarOption = None,
    teacher: Annotated[
        Teacher, typer.Option("--from", help="Learn from who made which songs, too, or from sound alone.")
    ] = Teacher.artists,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE.onnx", help="Model of the onnx encoder; FILE.json beside it says what it takes."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Minutes of training.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of training, however long they take.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[Device, typer.Option(help="Device that a network learns on.")] = Device.auto,
    windows: Annotated[int | None, typer.Option(min=1, help="Segments per song (default: 10).")] = None,
    run: RunOptions,
    home: HomeOption = None,
) -> None:
    """Listen to a folder of music and learn a space of its songs; resumes where it was stopped.

    A first space answers seconds after the last song is decoded. From 100 songs on, a network then learns as well, for
    half an hour at most. It is used unless it proves of no use. --minutes and --steps change how long it learns;
    --encoder linear leaves it out.
    """
    from songspace import pipeline

    run.begin()
    with show.reporting() as reporter:
        report = pipeline.learn(
            home_of(home),
            folder,
            encoder=ear or encoder,
            teacher=teacher.value,
            model=model,
            steps=steps,
            minutes=minutes,
            seed=seed,
            device=device.value,
            windows=windows,
            **run.settings,
            reporter=reporter,
        )
    _report(report)


@grouped()
def update(
    folder: Annotated[
        Path | None,
        typer.Argument(help="One folder, also the one to which the library has moved (default: all of the library)."),
    ] = None,
    *,
    forget_missing: Annotated[
        bool, typer.Option("--forget-missing", help="Delete songs that are missing from folders that can be reached.")
    ] = False,
    run: RunOptions,
    home: HomeOption = None,
) -> None:
    """Add new and changed songs, follow moved files and mark missing ones, with the encoder already learnt."""
    from songspace import pipeline

    run.begin()
    with show.reporting() as reporter:
        report = pipeline.update(
            home_of(home),
            folder,
            forget_missing=forget_missing,
            **run.settings,
            reporter=reporter,
        )
    _report(report)


def forget(
    folder: Annotated[Path, typer.Argument(help="A folder of the library; its files stay as they are.")],
    home: HomeOption = None,
) -> None:
    """Remove a folder from the library, and delete all that is stored about its songs."""
    from songspace import pipeline

    with show.reporting() as reporter:
        report = pipeline.forget(home_of(home), folder, reporter=reporter)
    _report(report)


def import_(
    vectors: Annotated[
        Path, typer.Argument(metavar="FILE", help="Parquet or npz, with the columns vector and path or id.")
    ],
    home: HomeOption = None,
) -> None:
    """Build a library from vectors of your own: similar songs, playlists, maps and scores, without any sound.

    It needs a home of its own (--home), in which it replaces what was imported before.
    """
    from songspace.pipeline.importing import import_vectors

    place = home_of(home)
    with show.reporting() as reporter:
        imported = import_vectors(place, vectors, reporter=reporter)
    files = f"; {imported.files} of their files are there" if imported.files else ""
    songs = show.counted(imported.songs, "song")
    show.say(f"Imported {songs} of {imported.dimensions} numbers each into {place.folder}{files}.")


def demo(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Render a small library of synthetic songs to try everything on."""
    from songspace import demo as rendered

    with show.reporting() as reporter:
        songs = rendered.render(folder, seed=seed, reporter=reporter)
    show.say(f"{len(songs)} synthetic songs are in {folder}. Now: songspace learn {folder}")


def _report(report: Report) -> None:
    show.say(report.sentence())
    tally = report.tally
    for sentence in report.lost_sight():
        show.say(sentence)
    if tally.left_out:
        more = show.counted(tally.left_out, "more hidden or marked place")
        show.say(f"Left out: {more}; `songspace status --left-out` lists all.")
    if tally.failures:
        show.say(f"{show.counted(len(tally.failures), 'file')} could not be read:")
        for kind, files in by_kind(tally.failures):
            show.say(f"  {show.counted(len(files), 'file')}: {kind.name}")
            for path, reason in files[:_EXAMPLES]:
                show.say(f"    {show.shown_path(path)}: {reason}")
            if len(files) > _EXAMPLES:
                show.say(f"    ... and {len(files) - _EXAMPLES} more")
        show.say("`songspace status --failures` lists them all, with what to do.")


def be_nice() -> None:
    """Give this process, and those that it starts from now on, the lowest priority."""
    if sys.platform == "win32":
        import ctypes
        import subprocess

        # Whoever is started by an idle process is idle, too. The handle is that of the process itself.
        ctypes.windll.kernel32.SetPriorityClass(ctypes.c_void_p(-1), subprocess.IDLE_PRIORITY_CLASS)
    else:
        os.nice(LOWEST)  # it stops at the lowest there is
        # On Linux that was this thread alone, and NumPy has started others by now.
        for thread in os.listdir("/proc/self/task") if sys.platform == "linux" else ():
            with suppress(OSError):  # it has ended
                os.setpriority(os.PRIO_PROCESS, int(thread), LOWEST)
