"""The one family of errors that songspace raises on purpose.

Every message is one sentence for the person who caused the error: the command line prints it as it
stands. Anything else that is raised is a defect of songspace.
"""

from __future__ import annotations

import sqlite3


class SongspaceError(Exception):
    """Something could not be done, and the message says why in one sentence."""


class AudioError(SongspaceError):
    """A file could not be turned into sound; the message is the reason that ``status`` shows."""


class MissingEncoderError(SongspaceError):
    """No package that works here has an encoder of that name."""


class EncodingError(SongspaceError):
    """The vectors of one song are invalid; the encoder may well encode others."""


FORESEEN = (SongspaceError, sqlite3.Error, OSError)
"""Errors that may end a command and are no defect: :func:`sentence` describes them."""


def sentence(error: Exception) -> str:
    """Return the sentence that describes a foreseen error.

    Examples
    --------
    >>> sentence(FileNotFoundError(2, "No such file or directory", "a.mp3"))
    'a.mp3: No such file or directory.'
    """
    if isinstance(error, sqlite3.Error):
        mended = "" if isinstance(error, sqlite3.OperationalError) else " `songspace update` mends a damaged one."
        return f"The library's catalog could not be used: {error}.{mended}"
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    return str(error)
