"""``songspace suggest``: songs that fit a taste given by playlists, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from songspace.answers.lists import rows_of
from songspace.answers.suggestions import Suggestions, make_suggestions
from songspace.answers.view import View
from songspace.cli import show
from songspace.cli.options import CommonOptions, OutputOptions, RuleOptions, grouped, queue
from songspace.library import Library


@grouped(most_of_artist=3)
def suggest(
    like: Annotated[list[Path], typer.Option(metavar="FILE", help="A playlist of songs that you like (repeatable).")],
    *,
    dislike: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="One of songs that you do not.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 20,
    rules: RuleOptions,
    target: OutputOptions,
    common: CommonOptions,
) -> None:
    """Songs that fit a taste, or several: what you like is given by playlists, and every song says why it is there."""
    from songspace import interchange

    elsewhere, reporter = target.elsewhere, show.Lines()
    view = View(Library(common.home))
    liked, disliked = (
        list(
            dict.fromkeys(
                row
                for file in some
                for row in rows_of(view.library, file, view.songs, prefixes=elsewhere, reporter=reporter)
            )
        )
        for some in (like, dislike or [])
    )
    made = make_suggestions(view, liked, disliked, rules.ruling, count=count, reporter=reporter)
    if len(made) < count:
        show.say(f"The library has only {len(made)} songs that fit and keep the rules.")
    songs = [each.song for each in made]
    queue(songs, target, elsewhere)
    if target.output is not None:
        title = f"Like {', '.join(path.stem for path in like)}"
        alike = [min(1.0, max(0.0, each.found.similarity)) for each in made]
        interchange.write(
            target.output, songs, title=title, relative=not target.absolute, prefixes=elsewhere, similarity=alike
        )
        show.say(f"Wrote {len(made)} songs to {target.output}.")
    if common.json:
        show.answer(Suggestions([each.answer() for each in made]))
        return
    show.table(
        ("", "similarity", "song", "why"),
        [(number, f"{each.found.similarity:.2f}", each.song.name, each.reason) for number, each in enumerate(made, 1)],
        right=(0, 1),
    )
