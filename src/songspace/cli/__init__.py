"""The command line: parse, call, print."""

from __future__ import annotations

import os
import sqlite3
import sys

from songspace.errors import SongspaceError


def main() -> None:
    """Run ``songspace``: 0 is done, 1 nothing could be done (and one sentence why), 2 wrong use."""
    from songspace.cli.commands import app
    from songspace.cli.show import say

    try:
        app()
    except SongspaceError as error:
        say(str(error))
    except BrokenPipeError:  # whoever read the answer has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except sqlite3.Error as error:
        mended = "" if isinstance(error, sqlite3.OperationalError) else " `songspace update` mends a damaged one."
        say(f"The library's catalog could not be used: {error}.{mended}")
    except OSError as error:
        say(f"{error.filename or 'The system'}: {error.strerror or error}.")
    sys.exit(1)
