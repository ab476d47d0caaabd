"""Playlists on a space: radio, path, order, the rules that they keep, and the files that they become."""
