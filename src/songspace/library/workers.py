"""Files through worker processes: one that kills or stalls its worker costs itself only.

Each worker has a pipe of its own and a thread that minds it. Workers share nothing, no lock and no queue, so one that
is killed at any moment, half-way through an answer too, leaves nobody waiting. Nor does Ctrl-C: it may strike the main
thread anywhere, so that thread takes no lock that a minder waits for (futures have such locks; a SimpleQueue has not).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from songspace.errors import AudioError, SongspaceError
from songspace.library.scan import Found

Result = TypeVar("Result")

ROOM = 2**30
"""Bytes that a worker may take beyond what it holds when it is ready; the hungriest song needs a tenth of it."""

_TRIES = 2
"""A worker may have been killed for what others did (the system was short of memory): its file is given another."""

_STARTS, _START = 3, 300.0
"""The number of tries to start a worker, and the seconds that a start may take."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason why a file cannot be read, and whether it lasts until the file changes."""

    reason: str
    lasting: bool = True

    @classmethod
    def of(cls, error: AudioError) -> Failure:
        """Return the failure for an error of the audio room."""
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
        A function of a file and ``args``, to be found by its name in a module: processes are started afresh.
    files : iterable of Found
    prepare, prepared
        A function that makes a worker ready, and what it is called with, once in each. (Ctrl-C is the parent's
        business in any case, and one thread is all that a worker may use.)
    workers : int, optional
        Processes; the number of cores by default.
    timeout : float
        Seconds after which a file is given up and its worker replaced.

    Raises
    ------
    SongspaceError
        If no worker can be started.
    """
    workers = workers or os.cpu_count() or 1
    waiting = iter(files)
    first = list(islice(waiting, 3 * workers))
    if not first:
        return
    asked: SimpleQueue[Found | None] = SimpleQueue()
    answered: SimpleQueue[tuple[Found, Any]] = SimpleQueue()
    crew = _Crew(prepare, prepared)

    def mind() -> None:
        while (file := asked.get()) is not None:
            try:
                outcome = crew.outcome(work, (file, *args), timeout)
            except BaseException as error:  # noqa: BLE001
                # It is raised where the run is, below.
                outcome = error
            answered.put((file, outcome))

    minders = [threading.Thread(target=mind, name="minder", daemon=True) for _ in range(min(workers, len(first)))]
    try:
        for minder in minders:
            minder.start()
        for file in first:
            asked.put(file)
        under_way = len(first)
        while under_way:
            file, outcome = answered.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield file, outcome
            under_way -= 1
            for file in islice(waiting, 1):
                asked.put(file)
                under_way += 1
    finally:
        crew.dismiss()
        for _ in minders:
            asked.put(None)


class _Crew:
    """The workers of one run: as many as there are threads that ask for one at the same time."""

    def __init__(self, prepare: Callable[..., None] | None, prepared: tuple[Any, ...]) -> None:
        self._arguments = (prepare, prepared)
        self._lock = threading.Lock()
        self._all: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._dismissed = False

    def outcome(self, work: Callable[..., Any], args: tuple[Any, ...], timeout: float) -> Any:
        """Call ``work`` in a worker; return what it returned."""
        for _ in range(_TRIES):
            worker = self._one_ready()
            try:
                answer = worker.call(work, args, timeout)
            except TimeoutError:
                self._lose(worker)
                return Failure(f"decoding took longer than {timeout:g} s")
            except (EOFError, OSError):  # it is dead
                self._lose(worker)
            else:
                with self._lock:
                    self._idle.append(worker)
                return answer
        return Failure("the decoder crashed on it")

    def dismiss(self) -> None:
        """End all workers, whatever they are doing."""
        with self._lock:
            self._dismissed = True
            everybody = list(self._all)
        for worker in everybody:
            worker.end()

    def _one_ready(self) -> _Worker:
        for _ in range(_STARTS):
            with self._lock:
                if self._idle:
                    return self._idle.pop()
                if self._dismissed:
                    break
                worker = _Worker(*self._arguments)
                self._all.add(worker)
            if worker.is_ready():
                return worker
            self._lose(worker)
        raise SongspaceError("The processes that decode cannot be started: is the system short of memory?")

    def _lose(self, worker: _Worker) -> None:
        worker.end()
        with self._lock:
            self._all.discard(worker)


class _Worker:
    """A process that works on one file at a time."""

    def __init__(self, prepare: Callable[..., None] | None, prepared: tuple[Any, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, prepare, prepared), daemon=True)
        self._process.start()
        self._ending = threading.Lock()
        theirs.close()  # so that its death is the end of the pipe

    def is_ready(self) -> bool:
        """Wait until it has started; False if it died of that."""
        try:
            return self._pipe.poll(_START) and self._pipe.recv() is None
        except (EOFError, OSError):
            return False

    def call(self, work: Callable[..., Any], args: tuple[Any, ...], timeout: float) -> Any:
        self._pipe.send((work, args))
        if not self._pipe.poll(timeout):
            raise TimeoutError
        return self._pipe.recv()

    def end(self) -> None:
        with self._ending:
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, prepare: Callable[..., None] | None, prepared: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_memory()
    with threadpool_limits(1):
        if prepare is not None:
            prepare(*prepared)
        try:
            pipe.send(None)
            while True:
                work, args = pipe.recv()
                pipe.send(_outcome(work, args))
        except (EOFError, OSError):  # nobody is there to work for
            return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def limit_memory(room: int = ROOM) -> None:
    """Let this process take no more than so much memory from now on: then asking for more is a ``MemoryError``.

    A damaged header can ask for gigabytes, and decoders trust it; without a limit the system ends a process then,
    and not always that one. Only Linux counts what is asked for; elsewhere nothing is done.
    """
    if sys.platform != "linux":
        return
    import resource

    try:
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # /proc is not there
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = held + room
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _outcome(work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return work(*args)
    except Exception as error:  # noqa: BLE001
        # Nobody foresaw this one: the file is set aside with what is known, and the other thousands go on.
        return Failure(f"an unforeseen error: {type(error).__name__}: {error}")
