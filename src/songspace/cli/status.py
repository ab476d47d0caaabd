"""``songspace status``, ``folders`` and ``doctor``: how the library is, and what could not be read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from songspace.answers.state import Failures, Folders, failed, folders_of, state
from songspace.answers.view import View
from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption, home_of
from songspace.library import Library
from songspace.library.failures import by_kind

_SHOWN = 20


def status(
    failures: Annotated[
        bool, typer.Option("--failures", help="List the files that could not be read, why, and what to do.")
    ] = False,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="List the files and folders that are left out on purpose, and why.")
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show the library: its songs, what failed and why, the encoder and its score, the hubs."""
    library = Library(home)
    if failures:
        _tell_failures(library, json)
        return
    if left_out:
        _tell_left_out(library, json)
        return
    facts = state(View(library))
    if json:
        show.answer(facts)
        return
    show.table(("", ""), [(key, value) for key, value in facts.summary.items()])
    if facts.failures:
        shown = [(show.shown_path(failure.path), failure.reason) for failure in facts.failures[:_SHOWN]]
        show.table(("file", "why it is not in the space"), shown)
        more = f"... and {len(facts.failures) - _SHOWN} more: " if len(facts.failures) > _SHOWN else ""
        show.say(f"{more}`songspace status --failures` lists them all, with what to do.")


def _tell_left_out(library: Library, json: bool) -> None:
    left_out = library.catalog.left_out()
    if json:
        show.answer({"left_out": [{"path": path, "reason": reason} for path, reason in left_out]})
        return
    for path, reason in left_out:
        print(f"{show.shown_path(path)}: {show.clean(reason)}")
    if not left_out:
        show.say("Nothing is left out.")


def _tell_failures(library: Library, json: bool) -> None:
    if json:
        show.answer(Failures(failed(library.catalog)))
        return
    groups = by_kind(library.catalog.failures())
    for kind, files in groups:
        show.paragraph(f"{show.counted(len(files), 'file')}: {kind.name}.")
        show.paragraph(kind.advice, indent=2)
        # Lines are not folded: a program that reads them needs whole paths.
        for path, reason in files:
            print(f"    {show.shown_path(path)}: {show.clean(reason)}")
        print()
    if not groups:
        show.say("Every file of the library could be read.")


def folders(json: JsonOption = False, home: HomeOption = None) -> None:
    """List the folders of the library: the songs in each, and how many of them cannot be reached."""
    folders = folders_of(Library(home).catalog)
    if json:
        show.answer(Folders(folders))
        return
    rows = [(one.path, "there" if one.there else "not there", str(one.songs), str(one.away or "")) for one in folders]
    show.table(("folder", "", "songs", "away"), rows, right=(2, 3))


def doctor(json: JsonOption = False, home: HomeOption = None) -> None:
    """Check decoders, disk, versions and whether the library is whole and up to date; changes nothing.

    Ends with status 1 if something is broken; what should only be looked after is a warning.
    """
    from songspace.doctor import Verdict, examine

    findings = examine(home_of(home))
    if json:
        show.answer({"findings": [asdict(finding) for finding in findings]})
    else:
        rows = [(each.verdict, each.what, f"{each.said} {each.todo}".rstrip()) for each in findings]
        show.table(("", "", ""), rows)
    if any(finding.verdict is Verdict.FAILURE for finding in findings):
        raise typer.Exit(1)
