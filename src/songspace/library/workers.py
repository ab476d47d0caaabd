"""Work on files in worker processes: a file that kills or stalls its worker is lost, and no other.

Each worker has a pipe of its own, and a thread that waits for its answers. Workers share no lock and no queue, so a
worker that is killed at any moment, even in the middle of an answer, blocks no other. Ctrl-C blocks none either: it may
interrupt the main thread anywhere, so that thread takes no lock that the others wait for (futures have such locks, a
SimpleQueue has none).
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
"""Bytes that a worker may allocate after its start; the largest song needs a tenth of them."""

_TRIES = 2
"""Number of workers that try a file: the first may have been killed because the system was short of memory."""

_STARTS, _START = 3, 300.0
"""Number of tries to start a worker, and the seconds that a start may take."""


@dataclass(frozen=True, slots=True)
class FileFailure:
    """The failure of a file that cannot be read.

    Attributes
    ----------
    reason : str
    lasting : bool
        True if it lasts until the file changes.
    """

    reason: str
    lasting: bool = True

    @classmethod
    def of(cls, error: AudioError) -> FileFailure:
        """Return the failure for an error of decoding."""
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
) -> Iterator[tuple[Found, Result | FileFailure]]:
    """Work on files in worker processes and yield the outcome of each, in the order in which they finish.

    Parameters
    ----------
    work : callable
        A function of a file and ``args``. It must be importable by name: processes are spawned.
    files : iterable of Found
    prepare, prepared
        A function that is called once in each worker, and its arguments. (Workers always ignore Ctrl-C, and use one
        thread.)
    workers : int, optional
        Number of processes; by default the number of cores.
    timeout : float
        Seconds after which a file fails and its worker is replaced.

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
    tasks: SimpleQueue[Found | None] = SimpleQueue()
    results: SimpleQueue[tuple[Found, Any]] = SimpleQueue()
    pool = _Pool(prepare, prepared)

    def serve_tasks() -> None:
        while (file := tasks.get()) is not None:
            try:
                outcome = pool.outcome(work, (file, *args), timeout)
            except BaseException as error:  # noqa: BLE001
                outcome = error  # it is raised in the main thread, below
            results.put((file, outcome))

    threads = [threading.Thread(target=serve_tasks, daemon=True) for _ in range(min(workers, len(first)))]
    try:
        for thread in threads:
            thread.start()
        for file in first:
            tasks.put(file)
        under_way = len(first)
        while under_way:
            file, outcome = results.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield file, outcome
            under_way -= 1
            for file in islice(waiting, 1):
                tasks.put(file)
                under_way += 1
    finally:
        pool.close()
        for _ in threads:
            tasks.put(None)


class _Pool:
    """The workers of one run: as many as there are threads that need one at the same time."""

    def __init__(self, prepare: Callable[..., None] | None, prepared: tuple[Any, ...]) -> None:
        self._arguments = (prepare, prepared)
        self._lock = threading.Lock()
        self._all: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._closed = False

    def outcome(self, work: Callable[..., Any], args: tuple[Any, ...], timeout: float) -> Any:
        """Call ``work`` in a worker, and return its result."""
        for _ in range(_TRIES):
            worker = self._take()
            try:
                answer = worker.call(work, args, timeout)
            except TimeoutError:
                self._lose(worker)
                return FileFailure(f"decoding took longer than {timeout:g} s")
            except (EOFError, OSError):  # it is dead
                self._lose(worker)
            else:
                with self._lock:
                    self._idle.append(worker)
                return answer
        return FileFailure("the decoder crashed on it")

    def close(self) -> None:
        """Kill all workers."""
        with self._lock:
            self._closed = True
            workers = list(self._all)
        for worker in workers:
            worker.end()

    def _take(self) -> _Worker:
        """Return an idle worker, or start one."""
        for _ in range(_STARTS):
            with self._lock:
                if self._idle:
                    return self._idle.pop()
                if self._closed:
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
        theirs.close()  # so that the pipe ends when the process dies

    def is_ready(self) -> bool:
        """Wait until it has started; return False if it died."""
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
        except (EOFError, OSError):  # the parent has gone
            return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def limit_memory(room: int = ROOM) -> None:
    """Limit the memory that this process may allocate from now on; more raises ``MemoryError``.

    A damaged header can make a decoder allocate gigabytes. Without a limit the system would then kill a process, and
    not always this one. Only Linux supports such a limit; elsewhere this does nothing.

    Parameters
    ----------
    room : int
        Bytes.
    """
    if sys.platform != "linux":
        return
    import resource

    try:
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # /proc is not there
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = used + room
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _outcome(work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return work(*args)
    except Exception as error:  # noqa: BLE001
        # The file fails with this message, and the work on the other files goes on.
        return FileFailure(f"an unforeseen error: {type(error).__name__}: {error}")
