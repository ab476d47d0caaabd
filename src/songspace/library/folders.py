"""The folders that make up a library: none inside another, so that every file is worked on once."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from dataclasses import dataclass

from songspace.library.catalog import Catalog, Row
from songspace.library.scan import is_inside


def admit(catalog: Catalog, folder: str) -> str:
    """Make a folder part of the library, and say which path it is worked on at.

    What is part of the library already, also through a link, is not added; folders inside the new one become a part of
    it.
    """
    real = os.path.realpath(folder)
    inside = []
    for root in catalog.roots():
        known = os.path.realpath(root)
        if is_inside(real, known):
            return os.path.join(root, os.path.relpath(real, known)) if real != known else root
        if is_inside(known, real):
            inside.append(root)
    if not all(is_inside(root, folder) for root in inside):
        folder = real  # a link: the paths of the songs that are known stay as they are
    catalog.replace_roots(inside, folder)
    return folder


@dataclass(frozen=True)
class Group:
    """Songs that are away for one reason.

    Attributes
    ----------
    path : str
        The nearest folder that holds all of them.
    songs : int
    since : float
        When the first of them was missed, in seconds since 1970.
    why : str
    """

    path: str
    songs: int
    since: float
    why: str


def groups_of_away(rows: dict[str, Row], roots: Iterable[str], songs: Container[int]) -> list[Group]:
    """Where those ``songs`` are that are away, by folder of the library and reason; most songs first."""
    listed = list(roots)
    groups: dict[tuple[str, str], list[tuple[str, Row]]] = {}
    for path, row in rows.items():
        if row.away is not None and any(song in songs for song in row.songs):
            root = next((root for root in listed if is_inside(path, root)), os.path.dirname(path))
            groups.setdefault((root, row.why or ""), []).append((path, row))
    found = [
        Group(
            os.path.commonpath([os.path.dirname(path) for path, _ in files]),
            len({song for _, row in files for song in row.songs}),
            min(row.away for _, row in files if row.away is not None),
            why,
        )
        for (_, why), files in groups.items()
    ]
    return sorted(found, key=lambda group: (-group.songs, group.path))
