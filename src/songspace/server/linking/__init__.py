"""Ids of songs on media servers: the library of a server is read through its own API, and matched to this one.

Each kind of server is one file: a class with an address (``url``) and a method that yields its songs (``items``).
"""

from songspace.server.linking.jellyfin import Emby, Jellyfin
from songspace.server.linking.lyrion import Lyrion
from songspace.server.linking.matching import Linked, link
from songspace.server.linking.plex import Plex
from songspace.server.linking.server import Item, Server
from songspace.server.linking.subsonic import Subsonic

__all__ = ["Emby", "Item", "Jellyfin", "Linked", "Lyrion", "Plex", "Server", "Subsonic", "link"]
