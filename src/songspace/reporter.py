"""What a long run tells while it works."""

from __future__ import annotations


class Reporter:
    """Keeps silent; whoever wants to hear more makes a subclass."""

    def say(self, sentence: str) -> None:
        """Something that the person should know."""

    def progress(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """``done`` of ``total`` of a stage is finished."""
