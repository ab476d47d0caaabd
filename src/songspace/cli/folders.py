"""``songspace folders``: what the library looks at, and what of it cannot be reached now."""

from __future__ import annotations

from songspace.answers.state import Folders, folders_of
from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.library import Library


def folders(json: JsonOption = False, home: HomeOption = None) -> None:
    """The folders of the library: how many songs each holds, and how many of them are away."""
    found = folders_of(Library(home).catalog)
    if json:
        show.answer(Folders(found))
        return
    rows = [(one.path, "there" if one.there else "not there", str(one.songs), str(one.away or "")) for one in found]
    show.table(("folder", "", "songs", "away"), rows, right=(2, 3))
