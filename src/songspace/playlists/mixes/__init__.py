"""Mixes: the library as a few coherent playlists, with names from their tags, written into a folder."""

from songspace.playlists.mixes.cut import LENGTH, Mix, mix_within, mixes
from songspace.playlists.mixes.folder import write_lists
from songspace.playlists.mixes.naming import file_name, name_lists

__all__ = ["LENGTH", "Mix", "file_name", "mix_within", "mixes", "name_lists", "write_lists"]
