"""Calls of the protocol that songspace does not do: each answers with an error of the protocol that says why.

Players hide errors of code 0, so none has it. What Navidrome answers with status 501 has this status here, too: players
know it from there, and ask no more.
"""

from __future__ import annotations

from songspace.server.opensubsonic.call import Answered, Call, Handler
from songspace.server.opensubsonic.envelope import NOT_ALLOWED, NOT_FOUND, UPGRADE, SubsonicError, refuse

_USERS = "songspace has one user, whom `songspace user NAME` sets on the machine where songspace is."
_SHARES = "songspace shares nothing with strangers."
_PODCASTS = "songspace fetches no podcasts."
_STATIONS = "songspace keeps no radio stations."
_CHAT = "songspace has no chat."
_JUKEBOX = "songspace plays no sound itself."
_VIDEO = "songspace has no videos."

_REFUSED: dict[str, tuple[int, str, int]] = {
    **dict.fromkeys(("createUser", "updateUser", "deleteUser", "changePassword"), (NOT_ALLOWED, _USERS, 501)),
    **dict.fromkeys(("getShares", "createShare", "updateShare", "deleteShare"), (NOT_ALLOWED, _SHARES, 501)),
    **dict.fromkeys(
        (
            "refreshPodcasts",
            "createPodcastChannel",
            "deletePodcastChannel",
            "deletePodcastEpisode",
            "downloadPodcastEpisode",
        ),
        (NOT_ALLOWED, _PODCASTS, 501),
    ),
    "jukeboxControl": (NOT_ALLOWED, _JUKEBOX, 501),
    "getPodcastEpisode": (NOT_FOUND, _PODCASTS, 200),
    **dict.fromkeys(
        ("createInternetRadioStation", "updateInternetRadioStation", "deleteInternetRadioStation"),
        (NOT_ALLOWED, _STATIONS, 200),
    ),
    "addChatMessage": (NOT_ALLOWED, _CHAT, 200),
    **dict.fromkeys(("getVideoInfo", "getCaptions", "hls", "hls.m3u8"), (NOT_FOUND, _VIDEO, 200)),
    "getAvatar": (NOT_FOUND, "The user has no picture.", 200),
    "search": (UPGRADE, "songspace has search2 and search3.", 200),
    **dict.fromkeys(("getTranscodeDecision", "getTranscodeStream"), (UPGRADE, "songspace has stream.", 200)),
}


def _refusal(code: int, sentence: str, status: int) -> Handler:
    def refused(call: Call) -> Answered:
        return refuse(SubsonicError(code, sentence), call.text("f", "xml"), status=status)

    return refused


HANDLERS: dict[str, Handler] = {name: _refusal(*how) for name, how in _REFUSED.items()}
