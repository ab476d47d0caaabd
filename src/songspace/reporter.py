"""What a long run tells while it works."""

from __future__ import annotations


class Reporter:
    """Keeps silent; whoever wants to hear more makes a subclass."""

    def say(self, sentence: str) -> None:
        """Something that the person should know."""

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """``done`` of ``total`` of a stage is finished."""

    def remaining(self, stage: float | None, whole: float | None) -> None:
        """Seconds until the stage and all of the run are done, as far as can be told; before :meth:`progress`."""

    def begin(self, stage: str) -> None:
        """A stage begins, whether it will tell how far it is or not; the one before has ended."""

    def failed(self, path: str, reason: str) -> None:
        """A file turned out to be no song."""
