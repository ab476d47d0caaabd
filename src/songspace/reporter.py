"""The interface for progress reports of long runs."""

from __future__ import annotations


class Reporter:
    """Receiver of the reports of a run; this class ignores them, subclasses show them."""

    def say(self, sentence: str) -> None:
        """Show a sentence to the user."""

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Show that ``done`` of ``total`` parts of a stage are finished."""

    def remaining(self, stage: float | None, whole: float | None) -> None:
        """Show the seconds left of the stage and of the run, if known; called before :meth:`progress`."""

    def begin(self, stage: str) -> None:
        """Note the begin of a stage, with or without progress reports; the stage before has ended."""

    def failed(self, path: str, reason: str) -> None:
        """Note that a file could not be read."""


class Remarks(Reporter):
    """A reporter that keeps all sentences."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)
