"""Reasons are sorted into kinds, and whatever the rooms below can say has advice."""

from __future__ import annotations

import ast
import errno
import os
from pathlib import Path

import pytest

import songspace
from songspace.library.failures import OTHER, by_kind, kind

SOURCE = Path(songspace.__file__).parent
RAISED = {"AudioError", "UndecodableError", "FileFailure"}


def _said(node: ast.expr) -> str:
    """A text in the source; what is put into it at run time is "5"."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_said(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "5"


def _reasons() -> set[str]:
    """Every reason that the audio room and the workers can give, as their source has it."""
    found = set()
    for path in (path for room in ("audio", "library") for path in (SOURCE / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED and node.args:
                found.add(_said(node.args[0]))
    covers = {"The cover is larger than 5 MB.", "The cover claims to have 5: one of at most 5 is shown."}  # no songs
    return found - covers - {"5", "5.", "5: 5."}  # another's reason


def test_every_reason_in_the_source_has_advice_of_its_own() -> None:
    reasons = _reasons()
    assert {"It is a folder.", "the decoder crashed on it", "decoding took longer than 5 s"} <= reasons
    assert [reason for reason in reasons if kind(reason) == OTHER] == []


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("It may not be read: permission is missing.", "permission is missing"),
        ("the folder cannot be read: permission denied", "permission is missing"),
        ("a link that leads nowhere", "links that lead nowhere"),
        ("cannot be read: " + os.strerror(errno.ENOENT).lower(), "not there any more"),
        ("cannot be read: " + os.strerror(errno.ESTALE).lower(), "not there any more"),
        ("cannot be read: " + os.strerror(errno.EIO).lower(), "the disk does not give them"),
        ("cannot be read: " + os.strerror(errno.EMFILE).lower(), "the system does not give them"),
        ("the file is empty", "empty"),
        ("a folder, not a file", "no files of sound"),
        ("nothing but silence", "silent, or without sound"),
        ("it is damaged, or it is not a sound file", "damaged, or not sound"),
        ("it is damaged, or of a kind that no decoder here knows", "of a kind that cannot be read"),
        ("it has 12 channels, more than can be read", "of a kind that cannot be read"),
        ("decoding took longer than 60 s", "too slow to decode"),
        ("an unforeseen error: KeyError: 'permission'", "a decoder failed on them"),
        ("it changed while it was read", "changed while they were read"),
        ("what nobody ever said", "for other reasons"),
    ],
)
def test_kinds(reason: str, name: str) -> None:
    assert kind(reason).name == name


def test_the_largest_kind_comes_first_and_loses_nobody() -> None:
    failures = [("/a", "the file is empty"), ("/b", "nothing but silence"), ("/c", "it is empty")]
    groups = by_kind(failures)
    assert [(kind.name, files) for kind, files in groups] == [
        ("empty", [failures[0], failures[2]]),
        ("silent, or without sound", [failures[1]]),
    ]
