"""The errors that songspace raises on purpose.

Each message is one sentence for the user; the command line prints it unchanged. All other exceptions are defects of
songspace.
"""

from __future__ import annotations

import sqlite3


class SongspaceError(Exception):
    """A task cannot be done; the message is the reason in one sentence."""


class AudioError(SongspaceError):
    """A file cannot be decoded; the message is the reason that ``status`` shows."""


class MissingEncoderError(SongspaceError):
    """No installed package has a working encoder of this name."""


class EncodingError(SongspaceError):
    """The vectors of a song are invalid; the encoder may encode other songs."""


FORESEEN = (SongspaceError, sqlite3.Error, OSError)
"""Errors that may end a command and are no defects; :func:`sentence` describes them."""


def sentence(error: Exception) -> str:
    """Return the sentence that describes a foreseen error.

    Examples
    --------
    >>> sentence(FileNotFoundError(2, "No such file or directory", "a.mp3"))
    'a.mp3: No such file or directory.'
    """
    if isinstance(error, sqlite3.Error):
        hint = "" if isinstance(error, sqlite3.OperationalError) else " `songspace update` mends a damaged one."
        return f"The library's catalog could not be used: {error}.{hint}"
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    return str(error)
