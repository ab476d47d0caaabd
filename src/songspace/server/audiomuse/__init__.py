"""The API of AudioMuse at ``/api``, for its plugins for media servers (Navidrome, Jellyfin, Lyrion).

It follows the public sources of NeptuneHub/AudioMuse-AI and its plugins. Songs and artists have the ids of a media
server, read by ``songspace link``; while no server is linked, they have those of songspace's own OpenSubsonic API.
Songs that the media server does not have are left out. Every call needs the token of the server, if there is one
(``Authorization: Bearer``); creating a playlist needs it always. What songspace cannot do is refused with the status
and in the form that AudioMuse itself uses.
"""

from __future__ import annotations

from fastapi import APIRouter

from songspace.server.audiomuse import artists, lists, songs, tasks

OPEN = frozenset({"/api/health"})
"""Paths without a token: they reveal nothing about the library."""

router = APIRouter(include_in_schema=False)
for part in (songs, artists, lists, tasks):
    router.include_router(part.router)
