"""Kinds of reasons why files cannot be read, and advice for each kind.

The reasons themselves come from the modules that read files: the audio room, the scan and the workers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class FailureKind(NamedTuple):
    """A kind of reasons with the same advice.

    Attributes
    ----------
    name : str
        Name, to be shown after a number of files.
    advice : str
        One or two sentences.
    """

    name: str
    advice: str


_AGAIN = "then run `songspace update`"
_ONCE_MORE = "touch the file and run `songspace update`"  # a lasting failure is not tried again before that

_KINDS: tuple[tuple[str, str, str], ...] = (  # (pattern of the reason, name, advice); the first that matches
    (
        r"^the decoder crashed|^an unforeseen",
        "a decoder failed on them",
        "Convert the file to FLAC, or get it anew; please report it as a defect.",
    ),
    (
        r"permission|not permitted|access is denied",
        "permission is missing",
        f"Let yourself read them (`chmod u+r`, folders `u+rx`), {_AGAIN}.",
    ),
    (r"link", "links that lead nowhere", "Mount the disk that they point to, or put the links right or delete them."),
    (
        r"no such|stale|not connected|host is down|no route|timed out|network",
        "not there any more",
        f"Is the disk mounted, and the network up? Mount it, {_AGAIN}.",
    ),
    (
        r"could not be read from the disk|input/output|i/o error",
        "the disk does not give them",
        f"Look after the disk and its cable; then {_ONCE_MORE}.",
    ),
    (r"cannot be (read|reached):", "the system does not give them", f"See to what the reason says, {_AGAIN}."),
    (
        r"changed while",
        "changed while they were read",
        "Wait until they are copied or tagged, then run `songspace update`.",
    ),
    (
        r"took longer",
        "too slow to decode",
        "A slow disk, or damage: touch the file and run `songspace update --timeout 600`; or convert it to FLAC.",
    ),
    (
        r"^(it is |the file is )?empty",
        "empty",
        "A copy or a download that was stopped: get the file anew, or delete it.",
    ),
    (
        r"folder|pipe|not a regular file|can have that name",
        "no files of sound",
        "Nothing, or give it a name that does not end like a song's.",
    ),
    (
        r"silence|holds no sound|too short",
        "silent, or without sound",
        "Nothing, if that is meant; else get the file anew.",
    ),
    (
        r"kind that no decoder|rate changes|channels|several streams|does not say how long|are no sound",
        "of a kind that cannot be read",
        "Convert the file with a program that plays it, to FLAC in stereo.",
    ),
    (
        r"damaged|not a sound file|not an mp3|header|shorter|ends before|bit rate",
        "damaged, or not sound",
        "If a player plays it, convert it to FLAC (what is copy-protected cannot be read); "
        "else get it anew, or delete it.",
    ),
)

OTHER = FailureKind("for other reasons", f"See to what the reason says; then {_ONCE_MORE}.")


def kind(reason: str) -> FailureKind:
    """Return the kind of a reason.

    Examples
    --------
    >>> kind("decoding took longer than 60 s").name
    'too slow to decode'
    """
    for pattern, name, advice in _KINDS:
        if re.search(pattern, reason, re.IGNORECASE):
            return FailureKind(name, advice)
    return OTHER


def by_kind(failures: Iterable[tuple[str, str]]) -> list[tuple[FailureKind, list[tuple[str, str]]]]:
    """Group (path, reason) of files by the kind of the reason; the kind with the most files comes first."""
    groups: dict[FailureKind, list[tuple[str, str]]] = {}
    for path, reason in failures:
        groups.setdefault(kind(reason), []).append((path, reason))
    return sorted(groups.items(), key=lambda group: -len(group[1]))
