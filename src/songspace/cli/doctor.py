"""``songspace doctor``: whether everything works here, and what to do if not."""

from __future__ import annotations

from dataclasses import asdict

import typer

from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.library import Home


def doctor(json: JsonOption = False, home: HomeOption = None) -> None:
    """Check decoders, disk, versions and whether the library is whole and up to date; changes nothing.

    Ends with status 1 if something is broken; what should only be looked after is a warning.
    """
    from songspace.doctor import Verdict, examine

    findings = examine(Home(home.absolute()) if home else Home.default())
    if json:
        show.answer({"findings": [asdict(finding) for finding in findings]})
    else:
        rows = [(each.verdict, each.what, f"{each.said} {each.todo}".rstrip()) for each in findings]
        show.table(("", "", ""), rows)
    if any(finding.verdict is Verdict.FAILURE for finding in findings):
        raise typer.Exit(1)
