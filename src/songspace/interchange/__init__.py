"""Playlist files: M3U8, XSPF and JSPF, written so that players, media servers and ListenBrainz read them.

M3U8 names files as they are (no ``file://``, nothing percent-encoded: Navidrome would not find them); XSPF and its
JSON form JSPF name them by URI. All three name them relative to the playlist's folder unless told otherwise, so
that music and playlists can be moved together; a media server that sees the music elsewhere gets its own paths by
``prefixes``.

:func:`write` and :func:`entries` are the way out and in, :func:`match` finds the songs that entries mean.

Sources: xspf.org/spec (version 1), xspf.org/jspf, musicbrainz.org/doc/jspf (ListenBrainz's dialect, as
metabrainz/troi writes it).
"""

from songspace.interchange.matching import Matcher, match, understood
from songspace.interchange.reading import Entry, entries, jspf_entry, read
from songspace.interchange.writing import Listed, jspf, jspf_track, put, write, written

__all__ = [
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
