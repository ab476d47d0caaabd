"""Similar songs, paths and search, also by what words mean."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from songspace.answers.meaning import Meaning, WordlessError, find_heard, find_meant
from songspace.answers.playlists import make_path
from songspace.answers.request import ListRequest, Ruling
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.library.names import artist_of, compared, plain
from songspace.playlists.order import order
from songspace.server.api.songs import search
from songspace.server.audiomuse.call import PluginCall, angle, answered, body_of, cosine_distance, document_of
from songspace.server.problems import UnknownError
from songspace.server.questions import LONGEST_LIST
from songspace.server.service import Document

router = APIRouter(prefix="/api")

OF_ONE_ARTIST = 3
"""Most songs of one artist with ``eliminate_duplicates``; AudioMuse's default."""

_WORDS_FOUND, _MOST_WORDS_FOUND = 100, 500  # songs for some words; AudioMuse's default and limit


@router.get("/health")
def health() -> Response:
    """Answer that the server is running."""
    return Document({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/similar_tracks")
def similar_tracks(request: Request) -> Response:
    """Return the songs most similar to a song; ``radius_similarity`` puts them into a smooth order."""

    def make(call: PluginCall) -> Any:
        song, count = _meant(call), call.number("n", 10, 200)
        view, ids = call.at.view, call.ids
        space = view.space
        own = space.row(song.id)
        bounded = call.flag("eliminate_duplicates", True)
        rows, distances = space.neighbors(own, len(space) if ids.linked else 10 * count)
        kept: dict[int, float] = {}
        by: Counter[str] = Counter()
        versions = {int(space.versions[own])}
        for row, distance in zip(rows.tolist(), distances.tolist(), strict=True):
            other, version = view.songs[row], int(space.versions[row])
            if other.id not in ids.item or (bounded and version in versions):
                continue
            artists = call.at.snapshot.credits.of(other)
            if bounded and any(by[artist] >= OF_ONE_ARTIST for artist in artists):
                continue
            by.update(artists)
            versions.add(version)
            kept[row] = cosine_distance(distance)
            if len(kept) == count:
                break
        listed = [*kept]
        if call.flag("radius_similarity", False) and len(listed) > 2:
            listed = order(space, listed, first=listed[0])
        return [call.facts(view.songs[row]) | {"distance": round(kept[row], 6)} for row in listed]

    return answered(request, make)


def _meant(call: PluginCall) -> Song:
    if item := call.text("item_id"):
        return call.song(item)
    title, artist = call.text("title"), call.text("artist")
    if not (title and artist):
        raise SongspaceError("Request must include either 'item_id' or both 'title' and 'artist'.")
    name, credits = compared(title), call.at.snapshot.credits
    whole, main = artist_of(artist), credits.named(artist)[:1]
    for song in call.at.snapshot.listed:
        theirs = artist_of(song.artist or song.albumartist)
        if song.title and compared(song.title) == name and (theirs == whole or {*main} & {*credits.of(song)}):
            return call.at.snapshot.placed(song.id)
    raise UnknownError("There is no song of that title by that artist here.")


@router.get("/find_path")
def find_path(request: Request) -> Response:
    """Return a path from one song to another with at most ``max_steps`` songs."""

    def make(call: PluginCall) -> Any:
        names = call.text("start_song_id"), call.text("end_song_id")
        if not all(names):
            raise SongspaceError("Both a start and end song must be provided.")
        if names[0] == names[1]:
            raise SongspaceError("Start and end songs cannot be the same.")
        songs = [call.song(name) for name in names]
        without = call.not_linked()
        there = len(call.at.view.space) - len(set(without) - {song.id for song in songs})
        length = max(2, min(call.number("max_steps", 25, LONGEST_LIST), there))
        try:
            made = make_path(call.at.view, songs, ListRequest(Ruling(without=without), length=length))
        except SongspaceError:
            made = make_path(call.at.view, songs, ListRequest(Ruling(0, versions=True, without=without), length=length))
        total = sum(map(angle, made.steps))
        return {"path": [call.facts(song) for song in made.songs], "total_distance": round(total, 6)}

    return answered(request, make)


@router.get("/search_tracks")
def search_tracks(request: Request) -> Response:
    """Search songs by words of title, artist and album; return them from ``start`` to ``end`` (by default 20)."""

    def make(call: PluginCall) -> Any:
        text = call.text("search_query") or f"{call.text('artist')} {call.text('title')}".strip()
        if len(plain(text)) < 3:
            return []
        matches = [song for song in search(call.at.snapshot, text) if song.id in call.ids.item]
        begin = call.number("start", 0, 10**6) if call.text("start").strip("0") else 0
        end = call.number("end", begin + 20, 10**6)
        return [call.facts(song) for song in matches[begin : min(end, begin + LONGEST_LIST)]]

    return answered(request, make)


@router.get("/max_distance")
def max_distance(request: Request) -> Response:
    """Return the song that is farthest from a song, and its distance."""

    def make(call: PluginCall) -> Any:
        item = call.text("item_id")
        if not item:
            raise SongspaceError("Missing 'item_id' parameter.")
        space, songs = call.at.view.space, call.at.view.songs
        own = space.row(call.song(item).id)
        others = [row for row, song in enumerate(songs) if song.id in call.ids.item and row != own]
        if not others:
            return {"max_distance": 0.0, "farthest_item_id": None}
        distances = space.distances(own, others)
        far = int(np.argmax(distances))
        farthest = call.ids.item[songs[others[far]].id]
        return {"max_distance": round(cosine_distance(float(distances[far])), 6), "farthest_item_id": farthest}

    return answered(request, make)


@router.get("/track")
def track(request: Request) -> Response:
    """Return what is known of a song."""

    def make(call: PluginCall) -> Any:
        if not (item := call.text("item_id")):
            raise SongspaceError("Missing 'item_id' parameter.")
        return call.facts(call.song(item))

    return answered(request, make)


@router.post("/clap/search")
def clap_search(request: Request, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Return the songs that sound as some words mean, if the encoder in use knows words."""

    def make(call: PluginCall) -> Any:
        document = document_of(body)
        call.choose(document.get("server"))
        query, limit = document.get("query"), document.get("limit", document.get("n", _WORDS_FOUND))
        if not isinstance(query, str) or not query.strip():
            raise SongspaceError('Missing "query" in request body')
        count = max(1, min(limit, _MOST_WORDS_FOUND)) if isinstance(limit, int) else _WORDS_FOUND
        view = call.at.view
        try:
            if view.words is not None:
                meant = find_heard(view, view.words, query[:1000], len(view.space))
            else:
                key = call.at.snapshot.key
                meaning = call.service.once("meaning", key, lambda: Meaning(call.at.library, view.space))
                meant = find_meant(view, meaning, query[:1000], len(view.space))
        except WordlessError as error:
            return Document({"error": str(error), "results": []}, 400)
        pairs = zip(meant.songs, meant.similarities, strict=True)
        found = [(song, alike) for song, alike in pairs if song.id in call.ids.item][:count]
        results = [call.facts(song) | {"similarity": round(alike, 6)} for song, alike in found]
        return {"query": query, "results": results, "count": len(results)}

    return answered(request, make)
