"""Print answers on standard output, and everything else on standard error."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from songspace.durations import about, taken
from songspace.reporter import Reporter

if TYPE_CHECKING:
    from songspace.library import Song

_WIDE = 160
"""Columns of a table that goes into a file or a pipe, where nothing is known of the reader's width."""

_CHOICE = 12
"""Songs that are listed where a person has to choose: more than a look takes in are no choice."""

_DETAILED, _BESIDE_BAR = 100, 54
"""Columns of a terminal that has room for details beside the bars, and those that all but a bar takes."""

_ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys instead of showing them; all but tabs and the ends of lines."""


def clean(text: str) -> str:
    """Text that any terminal can take: what is not UTF-8 in a file's name, or gives orders, becomes question marks.

    Examples
    --------
    >>> clean("caf\\udce9 \\x1b[31mred")
    'caf? ?[31mred'
    """
    return _ORDERS.sub("?", text).encode("utf-8", "replace").decode("utf-8")


def say(sentence: str) -> None:
    """A message for the person, on standard error."""
    print(clean(sentence), file=sys.stderr, flush=True)


def answer(document: Any) -> None:
    """Write one JSON document, an answer or what JSON knows, to standard output."""
    from songspace.answers.answer import as_json

    print(json.dumps(document, indent=2, default=as_json))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[int] = (), aside: bool = False
) -> None:
    """A table on standard output, or ``aside`` on standard error; columns numbered in ``right`` are set flush right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    known = (sys.stderr if aside else sys.stdout).isatty() or "COLUMNS" in os.environ
    console = Console(width=None if known else _WIDE, highlight=False, stderr=aside)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number in right else "left", overflow="fold")
    # What a terminal of another encoding cannot show is replaced before columns are measured.
    encoding = sys.stdout.encoding or "utf-8"
    for row in rows:
        shown.add_row(*(Text(clean(str(cell)).encode(encoding, "replace").decode(encoding)) for cell in row))
    console.print(shown)


def choice(songs: Sequence[Song]) -> None:
    """Some songs to choose from by their ids, on standard error."""
    rows = [(song.id, song.name, song.album or "", shown_path(song.path)) for song in songs[:_CHOICE]]
    table(("id", "song", "album", "file"), rows, right=(0,), aside=True)
    if len(songs) > _CHOICE:
        say(f"And {len(songs) - _CHOICE} more.")


def paragraph(text: str, *, indent: int = 0) -> None:
    """Sentences on standard output, folded to the reader's width where it is known."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = shutil.get_terminal_size().columns if known else _WIDE
    print(textwrap.fill(clean(text), width, initial_indent=" " * indent, subsequent_indent=" " * indent))


def counted(count: int, what: str) -> str:
    """Return a number of things, in words.

    Examples
    --------
    >>> counted(1, "file"), counted(2, "file")
    ('1 file', '2 files')
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def minutes(seconds: float) -> str:
    """Return seconds as a listener reads them, 3:07; "" if the duration is unknown."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}" if seconds else ""


def _time_left(stage: float | None, whole: float | None) -> str:
    """Return what is left of a stage and, if that is more, of all."""
    if stage is None:
        return ""
    left = f"{about(stage)} left"
    return left if whole is None or about(whole) == about(stage) else f"{left} ({about(whole)} until all is done)"


class Lines(Reporter):
    """Progress into a file or a pipe: a line now and then, and one at the end of a stage."""

    def __init__(self) -> None:
        self._last = 0.0
        self._left = ""

    def say(self, sentence: str) -> None:
        say(sentence)

    def remaining(self, stage: float | None, whole: float | None) -> None:
        self._left = _time_left(stage, whole)

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        now = time.monotonic()
        if done == total or now - self._last > 10:
            self._last = now
            left = self._left if done < total else ""
            say("  ".join(part for part in (f"{stage} {done}/{total}", left, detail) if part))


@contextmanager
def reporting() -> Iterator[Reporter]:
    """Give a reporter that draws bars on a terminal and writes lines elsewhere.

    Ctrl-C and SIGTERM end it in a sentence.
    """
    asked_by = signal.SIGINT

    def terminate(number: int, frame: FrameType | None) -> None:
        # A service manager asks in its own way for what a person asks for by Ctrl-C (which may be ignored here).
        nonlocal asked_by
        asked_by = signal.SIGTERM
        stop = signal.getsignal(signal.SIGINT)
        (stop if callable(stop) else signal.default_int_handler)(number, frame)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        if sys.stderr.isatty():
            with _bars() as bars:
                yield bars
        else:
            yield Lines()
    except KeyboardInterrupt:
        say("Stopped. What was finished is kept, and the same command goes on from here.")
        raise typer.Exit(128 + asked_by) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bars() -> Iterator[Reporter]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    class Left(ProgressColumn):
        """The time that is left, as it was told, or else judged by the last steps; of what is done, what it took."""

        def render(self, task: Task) -> Text:
            if task.finished:
                return Text(taken(task.finished_time or 0.0), style="progress.elapsed")
            told = task.fields["left"]
            return Text(_time_left(task.time_remaining, None) if told is None else told, style="progress.remaining")

    console = Console(stderr=True)
    detailed = console.width >= _DETAILED
    columns = [
        TextColumn("{task.description:>10}", table_column=Column(no_wrap=True)),
        BarColumn(20 if detailed else min(max(4, console.width - _BESIDE_BAR), 30)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        Left(table_column=Column(no_wrap=True)),
    ]
    if detailed:
        detail = Column(no_wrap=True, overflow="ellipsis", ratio=1)
        columns.append(TextColumn("{task.fields[detail]}", table_column=detail))
    with Progress(*columns, console=console, expand=detailed) as bars:
        tasks: dict[str, Any] = {}

        class Bars(Reporter):
            left: str | None = None

            def say(self, sentence: str) -> None:
                bars.console.print(clean(sentence), markup=False, highlight=False)

            def remaining(self, stage: float | None, whole: float | None) -> None:
                self.left = _time_left(stage, whole)

            def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
                if stage not in tasks:
                    tasks[stage] = bars.add_task(stage, detail="", left="")
                bars.update(tasks[stage], completed=done, total=total, detail=detail, left=self.left)

        yield Bars()


def shown_path(path: str | os.PathLike[str]) -> str:
    """Return a path relative to where the person stands, if that is shorter."""
    path = os.fspath(path)
    relative = os.path.relpath(path)
    return re.sub(r"\s", " ", clean(relative if len(relative) < len(path) else path))
