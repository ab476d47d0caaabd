"""Reasons why songs are in a list: in words, as similar seconds of two songs, and as sound."""

from songspace.playlists.explain.reasons import Explainer, Reason

__all__ = ["Explainer", "Reason"]
