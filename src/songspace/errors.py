"""The one family of errors that songspace raises on purpose.

Every message is one sentence for the person who caused the error: the command line prints it as it
stands. Anything else that is raised is a defect of songspace.
"""

from __future__ import annotations


class SongspaceError(Exception):
    """Something could not be done, and the message says why in one sentence."""


class AudioError(SongspaceError):
    """A file could not be turned into sound; the message is the reason that ``status`` shows."""
