"""``songspace search``: songs that sound as some words mean."""

from __future__ import annotations

from typing import Annotated

import typer

from songspace.cli import show
from songspace.cli.options import HomeOption, JsonOption
from songspace.library import Library


def search(
    words: Annotated[str, typer.Argument(help='As in "sad piano".')],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 10,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Songs that sound as some words mean, to a trained ear or to an onnx model with a text tower."""
    from songspace.answers.meaning import Meaning, demand_words, find_heard, find_meant
    from songspace.answers.view import View

    view = View(Library(home))
    if view.words is not None:
        found = find_heard(view, view.words, words, count)
    else:
        demand_words(view.library)
        found = find_meant(view, Meaning(view.library, view.space), words, count)
    if found.unknown:
        show.say(f"What the ear does not know is left out: {', '.join(found.unknown)}.")
    if json:
        show.answer(found.answer(words))
        return
    show.say(f"Sounds most like “{words}”:")
    rows = [
        (f"{similarity:.3f}", song.name, song.genre or "", show.shown_path(song.path))
        for song, similarity in zip(found.songs, found.similarities, strict=True)
    ]
    show.table(("similarity", "song", "genre", "file"), rows, right=(0,))
