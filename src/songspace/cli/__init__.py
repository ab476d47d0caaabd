"""The command line: parse, call, print."""

from __future__ import annotations

import sys

from songspace.errors import FORESEEN, sentence


def main() -> None:
    """Run ``songspace``: 0 done, 1 nothing could be done (a sentence says why), 2 wrong use, 141 reader gone."""
    from songspace.cli import streams

    streams.prepare()
    from songspace.cli.commands import app
    from songspace.cli.show import choice, say

    try:
        try:
            app()
        except SystemExit:
            sys.stdout.flush()  # report now what cannot be written
            raise
    except FORESEEN as error:
        from songspace.library.names import AmbiguousError

        say(sentence(error))
        if isinstance(error, AmbiguousError):
            choice(error.songs)
    sys.exit(1)
