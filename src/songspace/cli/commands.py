"""The commands; ``songspace --help`` lists them."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from songspace.cli import lists, show
from songspace.cli.doctor import doctor
from songspace.cli.ears import ears
from songspace.cli.export import export
from songspace.cli.folders import folders
from songspace.cli.geometry import geometry
from songspace.cli.importing import import_
from songspace.cli.link import link
from songspace.cli.mixes import mixes
from songspace.cli.options import EarOption, EncoderOption, HomeOption, JsonOption, NamingEncoders
from songspace.cli.poster import poster
from songspace.cli.priority import be_nice
from songspace.cli.search import search
from songspace.cli.serve import serve
from songspace.cli.similar import similar
from songspace.cli.status import status
from songspace.cli.suggest import suggest
from songspace.cli.user import user
from songspace.library import Home, Library
from songspace.library.failures import by_kind

if TYPE_CHECKING:
    from songspace.pipeline import Report

app = typer.Typer(
    help="Learns a space of songs from their sound: similar songs, fluid playlists, a map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes that decode (default: the cores).")]
TimeoutOption = Annotated[float, typer.Option(min=1, help="Seconds after which a file is given up.")]
CacheOption = Annotated[float, typer.Option(min=0.01, help="Most gigabytes for the cache of spectrograms.")]
TagEncodingOption = Annotated[
    str | None, typer.Option(help='Of old tags that do not say it, such as cp1251 or shift_jis; remembered ("": none).')
]
GenreSeparatorsOption = Annotated[
    str | None, typer.Option(help='Signs between several genres in one text, such as "/,"; remembered ("": none).')
]
NiceOption = Annotated[bool, typer.Option("--nice", help="Work only while nobody else wants the processor.")]


_EXAMPLES = 3
"""Files of each kind that the summary of a run names."""


class Teacher(StrEnum):
    """What is learnt from beside sound."""

    artists = "artists"
    songs = "songs"


class Method(StrEnum):
    """How a map is laid out."""

    tsne = "tsne"
    pca = "pca"


class Color(StrEnum):
    """What the colours of a map mean."""

    genre = "genre"
    artist = "artist"
    year = "year"
    tags = "tags"


def _home(home: Path | None) -> Home:
    return Home(home.absolute()) if home else Home.default()


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
    """Learns a space of songs from their sound: similar songs, fluid playlists, a map."""
    if home is not None:  # given before the command, it holds for the command
        os.environ["SONGSPACE_HOME"] = str(home)


@app.command(cls=NamingEncoders)
def learn(
    folder: Annotated[Path, typer.Argument(help="A folder of music; nothing is ever written into it.")],
    encoder: EncoderOption = None,
    ear: EarOption = None,
    teacher: Annotated[
        Teacher, typer.Option("--from", help="Learn from who made which songs, too, or from sound alone.")
    ] = Teacher.artists,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE.onnx", help="Of the onnx encoder; FILE.json beside it says what it takes."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Minutes of training, on any machine.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of training, however long they take.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    windows: Annotated[int | None, typer.Option(min=1, help="Segments a song (default: 10).")] = None,
    tag_encoding: TagEncodingOption = None,
    genre_separators: GenreSeparatorsOption = None,
    workers: WorkersOption = None,
    timeout: TimeoutOption = 60.0,
    cache: CacheOption = 4.0,
    nice: NiceOption = False,
    home: HomeOption = None,
) -> None:
    """Listen to a folder of music and learn its space; goes on where it was stopped.

    Seconds after the last song, the linear space answers. Of 100 songs or more a network then learns, and answers
    unless it proves of no use: in a number of steps that grows with the library, and in half an hour at most on any
    machine; --minutes or --steps change it: whichever comes first, where both are given. --encoder linear does without.
    """
    from songspace import pipeline

    if nice:
        be_nice()
    with show.reporting() as reporter:
        report = pipeline.learn(
            _home(home),
            folder,
            encoder=ear or encoder,
            teacher=teacher.value,
            model=model,
            steps=steps,
            minutes=minutes,
            seed=seed,
            device=device,
            windows=windows,
            tag_encoding=tag_encoding,
            genre_separators=genre_separators,
            workers=workers,
            timeout=timeout,
            cache_bytes=round(cache * 1e9),
            reporter=reporter,
        )
    _report(report)


@app.command()
def update(
    folder: Annotated[
        Path | None,
        typer.Argument(help="One folder, also the one to which the library has moved (default: all of the library)."),
    ] = None,
    forget_missing: Annotated[
        bool, typer.Option("--forget-missing", help="Let go of songs that are away in folders that are there.")
    ] = False,
    tag_encoding: TagEncodingOption = None,
    genre_separators: GenreSeparatorsOption = None,
    workers: WorkersOption = None,
    timeout: TimeoutOption = 60.0,
    cache: CacheOption = 4.0,
    nice: NiceOption = False,
    home: HomeOption = None,
) -> None:
    """Take in what is new, changed, moved or gone, with the encoder already learnt."""
    from songspace import pipeline

    if nice:
        be_nice()
    with show.reporting() as reporter:
        report = pipeline.update(
            _home(home),
            folder,
            forget_missing=forget_missing,
            tag_encoding=tag_encoding,
            genre_separators=genre_separators,
            workers=workers,
            timeout=timeout,
            cache_bytes=round(cache * 1e9),
            reporter=reporter,
        )
    _report(report)


app.command()(folders)


@app.command()
def forget(
    folder: Annotated[Path, typer.Argument(help="A folder of the library; nothing in it is touched.")],
    home: HomeOption = None,
) -> None:
    """Let go of a folder of the library, and of all that is known and was learnt of its songs."""
    from songspace import pipeline

    with show.reporting() as reporter:
        report = pipeline.forget(_home(home), folder, reporter=reporter)
    _report(report)


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


app.command()(similar)


app.command()(search)


app.command()(lists.radio)
app.command()(lists.path)
app.command()(lists.order)
app.command()(lists.playlist)


app.command()(mixes)


app.command()(suggest)


app.command()(geometry)


app.command()(serve)


app.command()(user)


app.command()(link)


@app.command(name="map")
def map_(
    output: Annotated[Path, typer.Option("-o", "--output", help=".png or .html")],
    method: Annotated[Method, typer.Option()] = Method.tsne,
    color: Annotated[Color, typer.Option()] = Color.genre,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    home: HomeOption = None,
) -> None:
    """A picture of the whole library, or a page to look around in that works offline."""
    from songspace import maps
    from songspace.answers.view import opened

    draw = {".png": maps.draw_png, ".html": maps.draw_html}.get(output.suffix.lower())
    if draw is None:
        raise typer.BadParameter(f"{output}: a map is a .png or an .html file.")
    library = Library(home)
    space, songs = opened(library)
    points = maps.layout(space.vectors, method=method.value, seed=seed)
    title = f"{len(songs)} songs in the {library.encoder} space"
    draw(output, points, songs, color=color.value, title=title, method=method.value)
    show.say(f"Wrote {output}.")


@app.command()
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
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of the clusterings.")] = 5,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """How well the space agrees with labels that it never saw, with chance beside every figure.

    ± is half of a 95 % interval. docs/data.md says what each column is.
    """
    from songspace.evaluation import embeddings, report
    from songspace.evaluation.labels import labels as read_labels

    library = Library(home)
    read_labels(library.songs(), labels, split=split)  # what is wrong with them is told before any work
    with show.reporting() as reporter:
        songs, spaces = embeddings.of_library(library, encoders.replace(",", " ").split() if encoders else None)
        found = read_labels(songs, labels, split=split)
        result = report.evaluate(spaces, found, seeds=seeds, on_progress=reporter.progress)
    if json:
        show.answer(result)
        return
    head, *rows = report.table(result)
    # Heads of two lines leave 100 columns to the figures.
    show.table([title.replace(" ", "\n") for title in head], rows, right=range(1, len(head)))
    for sentence in (found.sentence(), *report.sentences(result)):
        print(sentence)


app.command()(poster)


app.command()(status)


app.command()(doctor)


app.add_typer(ears, name="ears")


app.command()(export)


app.command(name="import")(import_)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Render a small library of synthetic songs, so that everything can be tried."""
    from songspace import demo as rendered

    with show.reporting() as reporter:
        songs = rendered.render(folder, seed=seed, reporter=reporter)
    show.say(f"{len(songs)} synthetic songs are in {folder}. Now: songspace learn {folder}")
