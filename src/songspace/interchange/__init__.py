"""Playlist files: M3U8, XSPF and JSPF for players, media servers and ListenBrainz.

M3U8 holds plain file names (without ``file://`` and percent-encoding: Navidrome would not find them); XSPF and its JSON
form JSPF hold URIs. By default names are relative to the folder of the playlist, so that music and playlists can be
moved together. ``prefixes`` gives a media server its own paths, if it sees the music under another folder.

:func:`write` writes a playlist, :func:`entries` reads one, and :func:`match` finds the songs of entries.

Sources: xspf.org/spec (version 1), xspf.org/jspf, musicbrainz.org/doc/jspf (ListenBrainz's dialect, as
metabrainz/troi writes it).
"""

from songspace.interchange.matching import Matcher, match, understood
from songspace.interchange.reading import Entry, entries, jspf_entry, read
from songspace.interchange.writing import JSPF_EXTENSION, Listed, jspf, jspf_track, put, write, written

__all__ = [
    "JSPF_EXTENSION",
    "Entry",
    "Listed",
    "Matcher",
    "entries",
    "jspf",
    "jspf_entry",
    "jspf_track",
    "match",
    "put",
    "read",
    "understood",
    "write",
    "written",
]
