"""The interface through which a long run reports its progress."""

from __future__ import annotations


class Reporter:
    """Receives what a run reports; this one ignores it, a subclass shows it."""

    def say(self, sentence: str) -> None:
        """Show a sentence to the person."""

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Show that ``done`` of ``total`` of a stage is finished."""

    def remaining(self, stage: float | None, whole: float | None) -> None:
        """Show the seconds until the stage and the run are done, if known; called before :meth:`progress`."""

    def begin(self, stage: str) -> None:
        """Note that a stage begins, whether or not it will report progress; the one before has ended."""

    def failed(self, path: str, reason: str) -> None:
        """Note that a file could not be read."""


class Remarks(Reporter):
    """A reporter that keeps all sentences."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)
