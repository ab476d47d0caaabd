"""Settings and runs of AudioMuse as far as songspace has them, and refusals of what it cannot do.

AudioMuse analyses and clusters in tasks that a person starts. songspace has one kind: the update of the library, begun
in a terminal or on the page. It is described as AudioMuse describes its analysis.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from songspace.server.audiomuse.lists import MOST_RESULTS, RESULTS, SUBTRACTED
from songspace.server.audiomuse.songs import OF_ONE_ARTIST
from songspace.server.service import Document, Service, service_of

router = APIRouter()

_NOW = {"Cache-Control": "no-store"}
_ANALYSIS = "main_analysis"


@router.get("/api/config")
def config() -> Response:
    """Return the settings that songspace has, too; it clusters nothing in advance and asks no language model."""
    return Document(
        {
            "ai_model_provider": "NONE",
            "alchemy_default_n_results": RESULTS,
            "alchemy_max_n_results": MOST_RESULTS,
            "alchemy_subtract_distance_angular": SUBTRACTED,
            "alchemy_temperature": 0.0,
            "max_songs_per_artist": OF_ONE_ARTIST,
            "mood_labels": [],
            "path_distance_metric": "angular",
            "top_n_moods": 0,
        }
    )


def _active(service: Service) -> dict[str, Any] | None:
    """Return the run on the library as a task; None if there is none."""
    progress = service.updates.progress()
    if progress is None:
        return None
    percent = 100 * progress.done // progress.total if progress.total > 0 else 0
    return {
        "task_id": f"{progress.command}-{progress.began:.0f}",
        "parent_task_id": None,
        "task_type": _ANALYSIS,
        "sub_type_identifier": None,
        "status": "RUNNING",
        "progress": max(0, min(100, percent)),
        "details": {"status_message": progress.stage, "log": [progress.stage] if progress.stage else []},
        "running_time_seconds": max(0.0, round(time.time() - progress.began, 3)),
    }


def _last(service: Service) -> dict[str, Any] | None:
    """Return the last update that this server began as a task; None if there is none."""
    last = service.updates.last
    if last is None:
        return None
    return {
        "task_id": f"ended-{last.ended:.0f}",
        "task_type": _ANALYSIS,
        "status": "SUCCESS" if last.ok else "FAIL",
        "progress": 100,
        "details": {"status_message": last.sentence, "log": [last.sentence]},
        "running_time_seconds": 0.0,
    }


@router.get("/api/active_tasks")
def active_tasks(request: Request) -> Response:
    """Return the run on the library; an empty object if there is none."""
    return Document(_active(service_of(request)) or {}, headers=_NOW)


@router.get("/api/last_task")
def last_task(request: Request) -> Response:
    """Return the run on the library, or the last update."""
    service = service_of(request)
    none = {
        "task_id": None,
        "task_type": None,
        "status": "NO_PREVIOUS_MAIN_TASK",
        "details": {"log": ["No previous main task found."]},
    }
    return Document(_active(service) or _last(service) or none, headers=_NOW)


@router.get("/api/status/{task}")
def status(task: str, request: Request) -> Response:
    """Return the state of a task."""
    service = service_of(request)
    for known in (_active(service), _last(service)):
        if known is not None and known["task_id"] == task:
            told = {name: known[name] for name in ("task_id", "progress", "details", "running_time_seconds")}
            about = {"state": known["status"], "task_type_from_db": _ANALYSIS}
            return Document(told | about | {"status_message": known["details"]["status_message"]}, headers=_NOW)
    unknown = {"state": "UNKNOWN", "status_message": "Task ID not found.", "progress": 0, "details": {}}
    more = {"task_id": task, "task_type_from_db": None, "running_time_seconds": 0}
    return Document(unknown | more, 404, _NOW)


@router.post("/api/cancel_all/{kind}")
def cancel_all(kind: str) -> Response:
    """Say that no task of a kind runs that a plugin could stop."""
    return Document({"message": f"No active tasks of type '{kind}' found to cancel."}, 404)


@router.get("/chat/api/config_defaults")
def chat_defaults() -> Response:
    """Say that songspace asks no language model."""
    return Document({"default_ai_provider": "NONE"})


@dataclass(frozen=True)
class _Refusal:
    """What songspace does not do, and how AudioMuse itself refuses it."""

    sentence: str
    paths: tuple[str, ...]
    status: int = 400
    methods: tuple[str, ...] = ("POST",)
    more: dict[str, Any] = field(default_factory=dict)
    key: str = "error"

    def answer(self) -> Callable[[], Response]:
        def refuse() -> Response:
            return Document({self.key: self.sentence} | self.more, self.status)

        return refuse


_ANY = ("GET", "POST", "PUT", "DELETE")
_REFUSALS = (
    _Refusal(
        "`clap/search` finds songs by words, and songspace keeps nothing of these searches.",
        ("/api/clap/{rest:path}",),
        methods=("GET", "POST"),
        more={"results": []},
    ),
    _Refusal(
        "songspace compares how songs sound, not their lyrics.",
        ("/api/lyrics/{rest:path}",),
        methods=("GET", "POST"),
        more={"results": []},
    ),
    _Refusal(
        "songspace compares how songs sound, not their lyrics: `similar_tracks` finds songs that sound alike.",
        ("/api/sem_grove/{rest:path}",),
        404,
        ("GET", "POST"),
        more={"results": []},
    ),
    _Refusal(
        "songspace has no tree of songs: `similar_tracks` finds songs that sound alike.",
        ("/api/hyperbolic/{rest:path}",),
        methods=("GET", "POST"),
    ),
    _Refusal(
        "songspace listens to new songs by `songspace update`, or on its page.",
        ("/api/analysis/start", "/api/cleaning/start"),
    ),
    _Refusal(
        "songspace makes no clusters in advance: `songspace mixes` makes playlists of the whole library.",
        ("/api/clustering/start",),
    ),
    _Refusal(
        "Only the one who began it can stop a run on the library: on songspace's page, or by Ctrl-C.",
        ("/api/cancel/{task}",),
    ),
    _Refusal("songspace asks no language model.", ("/chat/api/chatPlaylist", "/chat/api/chatPlaylistStream")),
    _Refusal("songspace asks no language model.", ("/chat/api/create_playlist",), key="message"),
    _Refusal(
        "songspace keeps no anchors, radios or moods: `alchemy` adds and subtracts songs, artists and playlists.",
        tuple(f"/api/{name}" for name in ("anchors", "anchors/{id}", "radios", "radios/{id}", "mood_centroids")),
        404,
        _ANY,
    ),
    _Refusal(
        "songspace draws its maps on a page of its own.",
        (
            *("/api/map", "/api/map_cache_status", "/api/rebuild_map_cache"),
            *("/api/artist_projections", "/api/build_artist_projection"),
        ),
        404,
        ("GET", "POST"),
    ),
)
for _refusal in _REFUSALS:
    for _path in _refusal.paths:
        router.add_api_route(_path, _refusal.answer(), methods=[*_refusal.methods])
