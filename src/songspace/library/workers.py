"""Files through worker processes: one that kills or stalls its worker costs itself only."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool
from threadpoolctl import threadpool_limits

from songspace.errors import AudioError
from songspace.library.limits import limit_memory
from songspace.library.scan import Found

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file is no song, and whether that will last until the file changes."""

    reason: str
    lasting: bool = True

    @classmethod
    def of(cls, error: AudioError) -> Failure:
        """What the audio room says of a file, as part of a sentence."""
        sentence = str(error).rstrip(".")
        return cls(sentence[:1].lower() + sentence[1:])


def outcomes(
    work: Callable[..., Result],
    files: Iterable[Found],
    *args: Any,
    prepare: Callable[..., None] | None = None,
    prepared: tuple[Any, ...] = (),
    workers: int | None = None,
    timeout: float = 60.0,
) -> Iterator[tuple[Found, Result | Failure]]:
    """Work on files in worker processes and yield what came of each, in the order in which they finish.

    Parameters
    ----------
    work : callable
        A function of a path and ``args``, to be found by its name in a module: processes are started afresh.
    files : iterable of Found
    prepare, prepared
        A function that makes a worker ready, and what it is called with, once in each. (Ctrl-C is the parent's
        business in any case, and one thread is all that a worker may use.)
    workers : int, optional
        Processes; the number of cores by default.
    timeout : float
        Seconds after which a file is given up and its worker replaced.
    """
    workers = workers or os.cpu_count() or 1
    queue = iter(files)
    running: dict[Future, Found] = {}
    first = list(islice(queue, 3 * workers))
    if not first:
        return
    pool = ProcessPool(
        max_workers=min(workers, len(first)),
        context=multiprocessing.get_context("spawn"),
        initializer=_ready,
        initargs=(prepare, prepared),
    )
    try:
        while first or running:
            for file in first:
                running[pool.schedule(work, args=(file.path, *args), timeout=timeout)] = file
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), _outcome(future, timeout)
            first = list(islice(queue, 3 * workers - len(running)))
        pool.close()
    finally:
        pool.stop()
        pool.join()


def _ready(prepare: Callable[..., None] | None, prepared: tuple[Any, ...]) -> None:
    global _limits
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limits = threadpool_limits(1)
    limit_memory()
    if prepare is not None:
        prepare(*prepared)


_limits: threadpool_limits


def _outcome(future: Future, timeout: float) -> Any:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, TimeoutError):
        return Failure(f"decoding took longer than {timeout:g} s")
    if isinstance(error, ProcessExpired):
        return Failure("the decoder crashed on it")
    # Nobody foresaw this one: the file is set aside with what is known, and the other thousands go on.
    return Failure(f"an unforeseen error: {type(error).__name__}: {error}")
