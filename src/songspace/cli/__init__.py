"""The command line: parse, call, print."""

from __future__ import annotations

import os
import sys

from songspace.errors import FORESEEN, sentence


def main() -> None:
    """Run ``songspace``: 0 is done, 1 nothing could be done (and one sentence why), 2 wrong use."""
    from songspace.cli.commands import app
    from songspace.cli.show import choice, say

    try:
        app()
    except BrokenPipeError:  # whoever read the answer has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except FORESEEN as error:
        from songspace.library.names import AmbiguousError

        say(sentence(error))
        if isinstance(error, AmbiguousError):
            choice(error.songs)
    sys.exit(1)
