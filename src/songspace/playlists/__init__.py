"""Playlists on a space: radio, path, order, line, mixes, suggestions, and the rules that they keep."""
