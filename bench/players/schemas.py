"""The published schemas of OpenSubsonic over every call of a running server.

    git clone https://github.com/opensubsonic/open-subsonic-api
    python bench/players/schemas.py open-subsonic-api http://127.0.0.1:17017 USER PASSWORD

Every endpoint of the specification is called, with ids that the server gave before, and its answer in JSON is held to
the schema of the endpoint (package jsonschema). A line for each: what the schema says of the answer, or the error with
which the server refused. Fields that a schema does not know are named; it allows them. Playlists and bookmarks that the
calls make are deleted by them, too; stars, ratings, plays and the queue change: use a home of the rendered demo.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BINARY = frozenset({"stream", "download", "getCoverArt", "hls", "getCaptions", "getAvatar", "getTranscodeStream"})
LATE = ("deleteBookmark", "deletePlaylist", "unstar")  # they take back what others did


class Server:
    """A server with its login."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url, self._login = url.rstrip("/"), {"u": user, "p": password, "v": "1.16.1", "c": "schemas", "f": "json"}

    def ask(self, call: str, **parameters: object) -> dict[str, Any]:
        query = urlencode(self._login | parameters, doseq=True)
        try:
            with urlopen(f"{self._url}/rest/{call}?{query}") as answer:
                return dict(json.load(answer)["subsonic-response"])
        except OSError as error:
            if not hasattr(error, "read"):
                raise
            return dict(json.loads(error.read())["subsonic-response"])


def parameters_of(server: Server) -> dict[str, dict[str, object]]:
    """Return the parameters of each call that needs some, with ids of the server."""
    song, other = server.ask("search3", query="", songCount=2)["searchResult3"]["song"]
    playlist = server.ask("createPlaylist", name="schemas", songId=[song["id"], other["id"]])["playlist"]["id"]
    id, artist, album = ({"id": song[name]} for name in ("id", "artistId", "albumId"))
    return {
        **dict.fromkeys(("getSong", "getSimilarSongs", "getSimilarSongs2", "getSonicSimilarTracks", "scrobble"), id),
        **dict.fromkeys(("star", "unstar", "getLyricsBySongId", "deleteBookmark", "getAlbumInfo"), id),
        **dict.fromkeys(("getArtist", "getArtistInfo", "getArtistInfo2"), artist),
        **dict.fromkeys(("getAlbum", "getAlbumInfo2", "getMusicDirectory"), album),
        **{key: {"type": "newest"} for key in ("getAlbumList", "getAlbumList2")},
        **{key: {"query": song["title"]} for key in ("search2", "search3")},
        **{key: {"id": playlist} for key in ("getPlaylist", "deletePlaylist")},
        "updatePlaylist": {"playlistId": playlist, "comment": "a comment", "public": "true"},
        "createPlaylist": {"playlistId": playlist, "songId": [song["id"]]},
        "createBookmark": {**id, "position": 1000, "comment": "here"},
        "findSonicPath": {"startSongId": song["id"], "endSongId": other["id"]},
        "getSongsByGenre": {"genre": song.get("genre", "")},
        "getTopSongs": {"artist": song["artist"]},
        "getUser": {"username": server.ask("tokenInfo").get("tokenInfo", {}).get("username", "")},
        "reportPlayback": {"mediaId": song["id"], "mediaType": "song", "state": "playing", "positionMs": 1000},
        "savePlayQueue": {"id": [song["id"], other["id"]], "current": other["id"], "position": 2000},
        "savePlayQueueByIndex": {"id": [song["id"], other["id"]], "currentIndex": 1, "position": 2000},
        "search": {"any": "a"},
        "setRating": {**id, "rating": 4},
    }


def retrieve(uri: str) -> Resource[Any]:
    return Resource(json.loads(Path(uri.removeprefix("file://")).read_text("utf-8")), DRAFT202012)


def unknown(schema: Any, value: Any, where: str, at: Path, names: bool = True) -> Iterator[str]:
    """Yield the fields of a value that its schema does not name."""
    if "$ref" in schema:
        target = (at.parent / schema["$ref"]).resolve()
        yield from unknown(json.loads(target.read_text("utf-8")), value, where, target, names)
    elif isinstance(value, list):
        for one in value:
            yield from unknown(schema.get("items", {}), one, f"{where}[]", at)
    elif isinstance(value, dict):
        known = dict(_properties(schema, at))
        for name, part in value.items():
            if name in known:
                yield from unknown(known[name][0], part, f"{where}.{name}", known[name][1])
            elif known:
                yield f"{where}.{name}"


def _properties(schema: Any, at: Path) -> Iterator[tuple[str, tuple[Any, Path]]]:
    if "$ref" in schema:
        target = (at.parent / schema["$ref"]).resolve()
        yield from _properties(json.loads(target.read_text("utf-8")), target)
    for part in (*schema.get("allOf", ()), *schema.get("oneOf", ())):
        yield from _properties(part, at)
    yield from ((name, (part, at)) for name, part in schema.get("properties", {}).items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("specification", "url", "user", "password"):
        parser.add_argument(name)
    given = parser.parse_args()
    endpoints = Path(given.specification).resolve() / "openapi/endpoints"
    server = Server(given.url, given.user, given.password)
    known, wrong, refused = parameters_of(server), 0, 0
    registry: Registry[Any] = Registry(retrieve=retrieve)
    calls = sorted(path.stem for path in endpoints.glob("*.json"))
    for call in sorted(set(calls) - BINARY, key=lambda call: (call in LATE, call)):
        path = endpoints / f"{call}.json"
        answers = json.loads(path.read_text("utf-8")).get("get", {}).get("responses", {})
        described = answers.get("200", {}).get("content", {}).get("application/json", {}).get("schema")
        if described is None:
            continue
        target = (path.parent / described["$ref"]).resolve()
        told = server.ask(call, **known.get(call, {}))
        if told["status"] != "ok":
            refused += 1
            print(f"{call}: refused, {told['error']['code']}: {told['error']['message']}")
            continue
        validator = Draft202012Validator({"$ref": f"file://{target}"}, registry=registry)
        errors = [*validator.iter_errors({"subsonic-response": told})]
        more = sorted({*unknown({"$ref": str(target)}, {"subsonic-response": told}, "", path)})
        wrong += bool(errors)
        if errors or more:
            says = "; ".join(f"{error.json_path}: {error.message[:200]}" for error in errors[:5]) or "fits"
            print(f"{call}: {says}{f' (unknown: {more})' if more else ''}")
    print(f"{len(calls)} endpoints: {wrong} answers do not fit, {refused} refused, the others fit their schemas.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
