"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it is: in order, to be looked after, or broken."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    what : str
        What was looked at.
    verdict : Verdict
    said : str
        What was found: one or two sentences.
    todo : str
        What to do about it; nothing if all is well.
    """

    what: str
    verdict: Verdict
    said: str
    todo: str = ""
