"""What works on the library: a run in a terminal, or the update that somebody asked this server for.

The update is a process of its own, of low priority. It is stopped as Ctrl-C stops it, which loses nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from songspace.answers.answer import answer, described
from songspace.errors import FORESEEN, sentence
from songspace.library import Home
from songspace.library.progress import Progress, read_progress
from songspace.reporter import Reporter
from songspace.server.problems import NotReadyError

_STOPPED = "The update was stopped. What was finished is kept, and the next one goes on from here."
_BROKEN = "The update ended before it was done: `songspace update` says why."
_PATIENCE = 20.0  # seconds for an update to end that has been stopped


@answer
class Outcome:
    """What came of an update."""

    ok: bool
    sentence: str = described("What has changed; or why nothing could be done.")
    ended: float = described("Seconds since 1970.")


class Updates:
    """The updates of a home that this server makes: one at a time.

    Attributes
    ----------
    last : Outcome or None
        What came of the one before.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._stopped = False
        self.last: Outcome | None = None

    @property
    def running(self) -> bool:
        """Whether one is at work."""
        return self._process is not None

    def progress(self) -> Progress | None:
        """Return how far the run is that works on the library, whoever began it."""
        found = read_progress(self._home)
        if found is None and self.running:  # it has not got the lock yet
            return Progress("update", "", 0, 0, None, None, self._began)
        return found

    def begin(self) -> None:
        """Begin one.

        Raises
        ------
        NotReadyError
            If a run is at work already.
        """
        with self._lock:
            if self.running:
                raise NotReadyError("An update is at work already.")
            if self._home.is_locked():
                found = read_progress(self._home)
                raise NotReadyError(
                    f"`songspace {found.command}` works on the library already."
                    if found is not None
                    else "Another run works on the library already."
                )
            command = [sys.executable, "-P", "-m", "songspace.server.work", str(self._home.folder)]
            # In a session of its own: a terminal's Ctrl-C is told to the server, which then ends it in good order.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._process, self._began, self._stopped = process, time.time(), False
            threading.Thread(target=self._wait, args=(process,), name="update", daemon=True).start()

    def stop(self) -> None:
        """Stop the one that is at work; what it has finished is kept.

        Raises
        ------
        NotReadyError
            If this server began none.
        """
        with self._lock:
            if self._process is None:
                raise NotReadyError("No update that was begun here is at work.")
            self._stopped = True
            _interrupt(self._process)

    def close(self) -> None:
        """Stop the one that is at work, and wait until it has ended."""
        process = self._process
        if process is None:
            return
        with suppress(NotReadyError):
            self.stop()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        said, _ = process.communicate()
        try:
            told = json.loads(said)
            ok, sentence = bool(told["ok"]), str(told["sentence"])
        except (ValueError, TypeError, KeyError):
            ok, sentence = (True, _STOPPED) if self._stopped else (False, _BROKEN)
        with self._lock:
            self.last = Outcome(ok, sentence, time.time())
            self._process = None


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if os.name == "nt":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)


class _Remarks(Reporter):
    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def update(home: Home) -> dict[str, Any]:
    """Update a library, and say in a sentence what came of it."""
    from songspace import pipeline

    remarks = _Remarks()
    try:
        report = pipeline.update(home, reporter=remarks)
    except KeyboardInterrupt:
        return {"ok": True, "sentence": _STOPPED}
    except FORESEEN as error:
        return {"ok": False, "sentence": sentence(error)}
    said = summary(report.changes, len(report.tally.failures))
    return {"ok": True, "sentence": " ".join([said, *report.lost_sight(), *remarks.sentences])}


def summary(changes: Iterable[tuple[int, str]], failed: int) -> str:
    """Return what an update found, as a sentence.

    Examples
    --------
    >>> summary([(12, "new"), (1, "gone")], 2)
    '12 songs are new, 1 is gone; 2 files cannot be read.'
    >>> summary([], 0)
    'Nothing has changed.'
    """
    parts: list[str] = []
    for count, what in changes:
        songs = "" if parts else " song" if count == 1 else " songs"
        parts.append(f"{count:,}{songs} {'is' if count == 1 else 'are'} {what}")
    unread = f"; {failed:,} {'file' if failed == 1 else 'files'} cannot be read" if failed else ""
    return f"{', '.join(parts) or 'Nothing has changed'}{unread}."


def main() -> None:
    """Update the library of a home, and print what came of it as JSON."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the server may have had it ignored
    if hasattr(os, "nice"):
        os.nice(10)
    print(json.dumps(update(Home(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
