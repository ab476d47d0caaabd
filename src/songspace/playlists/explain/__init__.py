"""Why a song is in a list: reasons in words, the seconds that resemble each other, and these seconds as sound."""

from songspace.playlists.explain.reasons import Explainer, Reason

__all__ = ["Explainer", "Reason"]
