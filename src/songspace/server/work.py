"""Updates of the library that a person begins on the page, and the progress of runs in a terminal.

An update is a separate process of low priority. It is stopped as by Ctrl-C, which loses no finished work.
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
from songspace.reporter import Remarks
from songspace.server.problems import NotReadyError

_STOPPED = "The update was stopped. What was finished is kept, and the next one goes on from here."
_BROKEN = "The update ended before it was done: `songspace update` says why."
_PATIENCE = 20.0  # seconds for an update to end that has been stopped


@answer
class Outcome:
    """The result of an update."""

    ok: bool
    sentence: str = described("Changes, or the reason why nothing could be done.")
    ended: float = described("Seconds since 1970.")


class Updates:
    """The updates of a home by this server, one at a time.

    Attributes
    ----------
    last : Outcome or None
        Result of the latest update.
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
        """True while an update is running."""
        return self._process is not None

    def progress(self) -> Progress | None:
        """Return the progress of the current run on the library, here or in a terminal; None if there is none."""
        progress = read_progress(self._home)
        if progress is None and self.running:  # it does not hold the lock yet
            return Progress("update", "", 0, 0, None, None, self._began)
        return progress

    def begin(self) -> None:
        """Begin an update.

        Raises
        ------
        NotReadyError
            If a run is at work already.
        """
        with self._lock:
            if self.running:
                raise NotReadyError("An update is at work already.")
            if self._home.is_locked():
                progress = read_progress(self._home)
                raise NotReadyError(
                    f"`songspace {progress.command}` works on the library already."
                    if progress is not None
                    else "Another run works on the library already."
                )
            command = [sys.executable, "-P", "-m", "songspace.server.work", str(self._home.folder)]
            # In a session of its own: Ctrl-C in a terminal reaches only the server, which then stops the update.
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
        """Stop the current update; its finished work is kept.

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
        """Stop the current update, and wait until it has ended."""
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
        output, _ = process.communicate()
        try:
            result = json.loads(output)
            ok, sentence = bool(result["ok"]), str(result["sentence"])
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


def update(home: Home) -> dict[str, Any]:
    """Update a library, and return the result as a sentence."""
    from songspace import pipeline

    remarks = Remarks()
    try:
        report = pipeline.update(home, reporter=remarks)
    except KeyboardInterrupt:
        return {"ok": True, "sentence": _STOPPED}
    except FORESEEN as error:
        return {"ok": False, "sentence": sentence(error)}
    changes = summary(report.changes, len(report.tally.failures))
    return {"ok": True, "sentence": " ".join([changes, *report.lost_sight(), *remarks.sentences])}


def summary(changes: Iterable[tuple[int, str]], failed: int) -> str:
    """Return the changes of an update as a sentence.

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
    """Update the library of a home, and print the result as JSON."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the server may have been started with it ignored
    if hasattr(os, "nice"):
        os.nice(10)
    print(json.dumps(update(Home(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
