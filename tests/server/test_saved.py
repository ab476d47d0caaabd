"""Playlists that are kept: what cannot be found now keeps its place, and what another hand wrote costs itself only."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from songspace import SongspaceError, interchange
from songspace.interchange import Matcher
from songspace.library import Home, Song
from songspace.library.tags import Tags
from songspace.server import saved as module
from songspace.server.app import create_app
from songspace.server.problems import UnknownError
from songspace.server.questions import LONGEST_SAVED
from songspace.server.saved import Here, Saved, SavedPlaylist
from songspace.server.user import User

MBID = "12345678-1234-1234-1234-1234567890ab"
SONGS = [
    Song(n, f"/music/{n}.mp3", 60.0 + n, title=f"Tune {n}", artist=f"Artist {n}", identity=bytes([n]) * 16)
    for n in range(1, 10)
]


def here(*ids: int, of: Sequence[Song] = SONGS) -> Here:
    """Only these songs are here; of the others the catalog knows that they are away."""
    known = {song.identity: song if song.id in ids else replace(song, away=123.0) for song in of}
    present = [song for song in of if song.id in ids]
    at = {song.path: song for song in known.values()}.get
    return Here({song.id for song in present}, at, known.get, lambda: Matcher(present))


EVERYTHING = here(*range(1, 10))


def ids(saved: Saved, id: str, here: Here = EVERYTHING) -> list[int | None]:
    return [place.song and place.song.id for place in saved.places(id, here)[1]]


def of(*ids: int) -> list[Song]:
    return [SONGS[id - 1] for id in ids]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    return Saved(tmp_path / "playlists")


def kept(saved: Saved, *ids: int) -> str:
    return str(saved.create("Mine", of(*ids)).id)


# What is away


@pytest.mark.parametrize(
    ("before", "away", "after", "right"),
    [
        ((1, 2, 3, 4), (1, 3), (2, 4, 5), [1, 2, 3, 4, 5]),  # one is added at the end
        ((1, 2, 3, 4), (1, 3), (4, 2), [1, 4, 2, 3]),  # another order: each stays behind its song
        ((1, 2, 3, 4), (3,), (1, 4), [1, 3, 4]),  # the song before it is taken out: behind the one before that
        ((1, 2, 3, 4), (3, 4), (2,), [2, 3, 4]),
        ((1, 2, 3, 4), (3, 4), (), [3, 4]),
        ((1, 2, 3), (1, 2, 3), (5,), [1, 2, 3, 5]),
        ((2, 1, 2, 3, 2), (1, 3), (2, 2, 2), [2, 1, 2, 3, 2]),  # the same song several times
        ((2, 1, 2, 3, 2), (1, 3), (2,), [2, 1, 3]),
        ((1, 2), (1,), (5, 6, 7, 2), [1, 5, 6, 7, 2]),
    ],
)
def test_other_songs_leave_what_is_away_in_its_place(
    saved: Saved, before: Sequence[int], away: Sequence[int], after: Sequence[int], right: list[int]
) -> None:
    id = kept(saved, *before)
    saved.change(id, songs=of(*after), here=here(*(set(range(1, 10)) - set(away))))
    assert ids(saved, id) == right


@given(
    before=st.lists(st.integers(1, 9), max_size=12),
    away=st.sets(st.integers(1, 9)),
    after=st.lists(st.integers(1, 9), max_size=12),
)
def test_whatever_is_changed_nothing_that_is_away_is_lost(
    tmp_path_factory: pytest.TempPathFactory, before: list[int], away: set[int], after: list[int]
) -> None:
    saved = Saved(tmp_path_factory.mktemp("home") / "playlists")
    id, after = kept(saved, *before), [number for number in after if number not in away]
    told = saved.change(id, songs=of(*after), here=here(*(set(range(1, 10)) - away)))
    found = ids(saved, id)
    assert sorted(n for n in found if n in away) == sorted(n for n in before if n in away)  # type: ignore[type-var]
    assert [n for n in found if n not in away] == after
    assert told.songs == len(found)
    if after == [n for n in before if n not in away]:
        assert found == before


def test_places_that_players_see_are_those_of_songs_that_are_here(saved: Saved) -> None:
    id, at_hand = kept(saved, 1, 2, 3, 4, 2), here(2, 4, 5)
    saved.edit(id, at_hand, remove={1}, add=of(5), shown=True)  # they see 2, 4, 2
    assert ids(saved, id) == [1, 2, 3, 2, 5]
    assert ids(saved, id, at_hand) == [None, 2, None, 2, 5]
    with pytest.raises(UnknownError, match="no song in that place"):
        saved.edit(id, at_hand, remove={3}, shown=True)
    assert saved.edit(id, at_hand, remove={0, 2}, title="Late").title == "Late"  # all places: what is away, too
    assert ids(saved, id) == [2, 2, 5]
    with pytest.raises(UnknownError):
        saved.edit(id, at_hand, remove={-1})
    assert ids(saved, id) == [2, 2, 5]


def test_two_who_add_at_once_both_do(saved: Saved) -> None:
    id = kept(saved, 1)
    threads = [threading.Thread(target=saved.edit, args=(id, here(2, 3)), kwargs={"add": of(2)}) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(saved, id) == [1] + [2] * 20


def test_a_playlist_that_would_be_too_long_with_what_is_away(saved: Saved) -> None:
    id = kept(saved, 1)
    with pytest.raises(SongspaceError, match="at most"):
        saved.change(id, songs=of(2) * LONGEST_SAVED, here=here(2))
    assert ids(saved, id) == [1]


# What an entry means


def test_an_entry_is_found_by_its_sound_then_its_path_then_its_tags(saved: Saved, tmp_path: Path) -> None:
    tagged = [replace(song, recording_mbid=MBID) for song in of(1)]
    id = str(saved.create("Mine", tagged).id)
    file = tmp_path / "playlists" / f"{id}.jspf"
    [track] = json.loads(file.read_bytes())["playlist"]["track"]
    assert track["identifier"] == [f"https://musicbrainz.org/recording/{MBID}", f"urn:songspace:{'01' * 16}"]

    elsewhere = replace(SONGS[0], id=20, path="/disk/x.flac", title="Other", artist=None)  # moved, and other tags
    in_its_place = replace(SONGS[1], id=21, path="/music/1.mp3")
    called_so = replace(tagged[0], id=22, path="/else/a.mp3", identity=b"b" * 16)
    for songs, found in (
        ([called_so, in_its_place, elsewhere], 20),
        ([called_so, in_its_place], 21),
        ([called_so], 22),
        ([], None),
    ):
        assert ids(saved, id, here(20, 21, 22, of=songs)) == [found]
    away = here(21, 22, of=[called_so, replace(elsewhere, path="/disk/1.flac")])
    _, [place] = saved.places(id, away)  # what is away is not something else that is called so
    assert (place.song, place.away, place.label) == (None, 123.0, "Artist 1 - Tune 1")


def test_what_is_written_by_others_and_by_older_versions_is_found(saved: Saved, tmp_path: Path) -> None:
    id = kept(saved, 1, 2)
    file = tmp_path / "playlists" / f"{id}.jspf"
    document = json.loads(file.read_bytes())
    for track in document["playlist"]["track"]:
        track["identifier"] = {0: "urn:songspace:x", 1: [{"a": 1}, None, 5]}[track["title"] == "Tune 2"]
    document["playlist"]["track"].insert(1, {"location": "file:///gone.mp3", "title": "Gone", "annotation": "keep me"})
    file.write_text(json.dumps(document))
    assert ids(saved, id) == [1, None, 2]
    saved.edit(id, EVERYTHING, add=of(3))
    assert ids(saved, id) == [1, None, 2, 3]
    tracks = json.loads(file.read_bytes())["playlist"]["track"]
    assert tracks[1] == {"location": "file:///gone.mp3", "title": "Gone", "annotation": "keep me"}
    assert tracks[0]["identifier"] == [f"urn:songspace:{'01' * 16}"]  # what is here is written as it is now


def test_the_identity_is_found_in_playlist_files_too(tmp_path: Path) -> None:
    songs = of(1, 2)
    (tmp_path / "a.jspf").write_bytes(interchange.jspf([interchange.jspf_track(song) for song in songs], "A"))
    entries = interchange.entries(tmp_path / "a.jspf")
    assert [entry.identity for entry in entries] == [song.identity for song in songs]
    moved = [replace(song, path=f"/else/{song.id}.flac", title=None, artist=None) for song in songs]
    assert interchange.match(entries, moved) == moved


# What another hand put there

T = '{"playlist":{"title":"x","track":[%s]}}'
ODD = {
    "NaN": T % '{"duration":NaN}',
    "infinite": T % '{"duration":Infinity}',
    "too large a float": T % '{"duration":1e999}',
    "400 digits": T % ('{"duration":1%s}' % ("0" * 400)),
    "deep": '{"playlist":' + "[" * 100_000 + "]" * 100_000 + "}",
    "deep, not closed": "[" * 100_000,
    "a title that is none": '{"playlist":{"title":{"a":1},"track":[]}}',
    "a title of a megabyte": '{"playlist":{"title":"%s","track":[]}}' % ("a" * 10**6),
    "tracks that are none": '{"playlist":{"title":"x","track":{"a":1}}}',
    "a track that is none": T % "null",
    "a place that is none": T % '{"location":[5]}',
    "200,000 tracks": T % ",".join(['{"title":"y"}'] * 200_000),
    "a million numbers": T % ",".join(["1"] * 1_000_000),
    "a list": "[]",
    "nothing": "",
    "no text": "\x00\xff",
    "UTF-16": T % "",
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_playlist_costs_itself_only(
    client: TestClient, served_home: Path, songs: list[Song], odd: str
) -> None:
    made = client.post("/api/v1/playlists", json={"title": "Good", "songs": [songs[0].id]}).json()
    file = served_home / "playlists" / f"{'0' * 15}1.jspf"
    file.write_bytes(ODD[odd].encode("latin-1" if odd == "no text" else "utf-16" if odd == "UTF-16" else "utf-8"))
    try:
        listed = client.get("/api/v1/playlists")
        assert listed.status_code == 200 and made in listed.json()["playlists"]
        assert file.stem not in {one["id"] for one in listed.json()["playlists"]}
        where = f"/api/v1/playlists/{file.stem}"
        assert client.get(where).status_code == client.patch(where, json={"title": "x"}).status_code == 404
        assert client.get(f"/api/v1/playlists/{made['id']}").status_code == 200
    finally:
        file.unlink()
        client.delete(f"/api/v1/playlists/{made['id']}")


def test_what_is_said_of_a_playlist_is_kept_with_it(saved: Saved, tmp_path: Path) -> None:
    id = saved.create("A", of(1, 2), comment="<rain>", public=True).id
    assert saved.change(id, title="B") == SavedPlaylist(id, "B", 2, 123.0, "<rain>", True)
    assert saved.change(id, songs=of(3), here=EVERYTHING).comment == "<rain>"
    changed = saved.edit(id, EVERYTHING, add=of(2), comment="", public=False)
    assert (changed.comment, changed.public) == ("", False) and saved.all() == [changed]
    assert saved.opening(id) == tuple(song.identity for song in of(3, 2))
    file = tmp_path / "playlists" / f"{id}.jspf"
    written = json.loads(file.read_text())
    [extension] = written["playlist"]["extension"].values()
    assert extension["public"] is False and "annotation" not in written["playlist"]
    for wrong in ({"annotation": 5, "extension": []}, {"annotation": "x" * 5000, "extension": {"a": 1}}):
        file.write_text(json.dumps({"playlist": written["playlist"] | wrong}))
        assert saved.all() == [changed]


@pytest.mark.parametrize(
    ("track", "seconds"),
    [
        ('{"duration":-5}', 0),
        ('{"duration":"1"}', 0),
        ('{"duration":true}', 0),
        ('{"duration":1500.0}', 1.5),
        ("{}", 0),
    ],
)
def test_a_length_that_is_none_is_not_counted(saved: Saved, tmp_path: Path, track: str, seconds: float) -> None:
    kept(saved)
    (tmp_path / "playlists" / f"{'0' * 16}.jspf").write_text(T % track)
    [_, odd] = sorted(saved.all(), key=lambda one: one.title)
    assert odd == SavedPlaylist("0" * 16, "x", 1, seconds, "", False)


def test_halves_of_characters_and_paths_that_no_file_can_have(
    client: TestClient, served_home: Path, songs: list[Song]
) -> None:
    (served_home / "playlists").mkdir(exist_ok=True)
    file = served_home / "playlists" / f"{'0' * 15}4.jspf"
    odd = ["file:///\\ud800/a.mp3", "file:///a%00/../b.mp3", "\\u0000", "../../etc/passwd", "file:///%ff%fe.mp3"]
    tracks = ",".join(f'{{"title":"\\udc00","location":["{name}"]}}' for name in odd)
    file.write_text(f'{{"playlist":{{"title":"\\ud800","track":[{tracks}]}}}}')
    where = f"/api/v1/playlists/{file.stem}"
    try:
        assert any(one["id"] == file.stem for one in client.get("/api/v1/playlists").json()["playlists"])
        told = client.get(where).json()
        assert (told["title"], told["entries"], len(told["order"])) == ("?", [], len(odd))
        assert client.patch(where, json={"add": [songs[0].id]}).json()["songs"] == len(odd) + 1
        assert client.patch(where, json={"title": "Better"}).json()["title"] == "Better"
        assert len(client.get(where).json()["missing"]) == len(odd)
    finally:
        file.unlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_a_link_and_a_folder_make_nobody_wait(client: TestClient, served_home: Path, songs: list[Song]) -> None:
    folder = served_home / "playlists"
    made = client.post("/api/v1/playlists", json={"title": "Good", "songs": [songs[0].id]}).json()
    elsewhere = served_home.parent / "other.jspf"
    elsewhere.write_bytes((folder / f"{made['id']}.jspf").read_bytes())
    odd = [folder / f"{'a' * 15}{n}.jspf" for n in range(4)]
    os.mkfifo(odd[0])
    odd[1].symlink_to(elsewhere)
    odd[2].mkdir()
    odd[3].symlink_to("/dev/zero")
    os.mkfifo(folder / f"{made['id']}.jspf.new")  # where it is written beside
    try:
        listed = client.get("/api/v1/playlists").json()["playlists"]
        assert made in listed and not {path.stem for path in odd} & {one["id"] for one in listed}
        for path in odd:
            assert client.get(f"/api/v1/playlists/{path.stem}").status_code == 404
            assert client.patch(f"/api/v1/playlists/{path.stem}", json={"title": "x"}).status_code == 404
        assert client.delete(f"/api/v1/playlists/{odd[2].stem}").status_code == 409
        assert client.patch(f"/api/v1/playlists/{made['id']}", json={"title": "New"}).json()["title"] == "New"
    finally:
        odd[2].rmdir()
        for path in (odd[0], odd[1], odd[3]):
            path.unlink()
        client.delete(f"/api/v1/playlists/{made['id']}")


def test_of_many_only_those_that_changed_are_read(
    saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [kept(saved, 1, 2) for _ in range(30)]
    read: list[str] = []
    real = module.read_plain
    monkeypatch.setattr(module, "read_plain", lambda path, most: read.append(path.stem) or real(path, most))
    assert len(saved.all()) == 30 and sorted(read) == sorted(made)
    read.clear()
    assert len(saved.all()) == 30 and not read
    saved.change(made[3], title="Later")
    read.clear()
    assert [one.id for one in saved.all() if one.title == "Later"] == [made[3]] and read == [made[3]]
    (tmp_path / "playlists" / f"{made[4]}.jspf").unlink()
    assert len(saved.all()) == 29


# As programs see it


@pytest.fixture
def away(
    made_up: Callable[..., Path], clients: Callable[..., TestClient], tmp_path: Path
) -> tuple[TestClient, str, dict[str, int]]:
    """A playlist of four, two of which a library no longer has; and the ids of songs by title."""
    home = made_up(tmp_path / "home", [Tags(title=f"Tune {n}", artist="Ann") for n in range(6)])
    User("ann", "sesame").save(Home(home).user)
    client = clients(create_app(home), **{"X-Songspace": "1"})
    numbers = {one["title"]: one["id"] for one in client.get("/api/v1/songs").json()["songs"]}
    saved = Saved(home / "playlists")
    here = [Song(n, f"/music/{n}.mp3", 200.0, f"Tune {n}", "Ann") for n in range(4)]
    far = [replace(here[n], path=f"/far/far {n}.mp3", title=f"Far {n}", artist="Bea") for n in range(2)]
    id = saved.create("Mine", [far[0], here[1], far[1], here[2]]).id
    return client, str(id), numbers


def in_order(client: TestClient, id: str) -> list[str]:
    return [one["name"].partition(" - ")[2] for one in client.get(f"/api/v1/playlists/{id}").json()["order"]]


def test_the_api_tells_of_every_entry_and_keeps_what_is_away(away: tuple[TestClient, str, dict[str, int]]) -> None:
    client, id, numbers = away
    where = f"/api/v1/playlists/{id}"
    told = client.get(where).json()
    assert [one["title"] for one in told["entries"]] == ["Tune 1", "Tune 2"] and told["songs"] == 4
    assert [Path(name).name for name in told["missing"]] == ["far 0.mp3", "far 1.mp3"]
    assert told["order"] == [
        {"song": None, "name": "Bea - Far 0", "away": None},
        {"song": numbers["Tune 1"], "name": "Ann - Tune 1", "away": None},
        {"song": None, "name": "Bea - Far 1", "away": None},
        {"song": numbers["Tune 2"], "name": "Ann - Tune 2", "away": None},
    ]
    seen = [one["id"] for one in told["entries"]]
    assert client.patch(where, json={"songs": [*seen, numbers["Tune 3"]]}).json()["songs"] == 5
    assert in_order(client, id) == ["Far 0", "Tune 1", "Far 1", "Tune 2", "Tune 3"]
    assert client.patch(where, json={"remove": [2, 3], "add": [numbers["Tune 4"]], "title": "New"}).status_code == 200
    assert in_order(client, id) == ["Far 0", "Tune 1", "Tune 3", "Tune 4"]
    assert client.patch(where, json={"remove": [4]}).status_code == 404
    assert client.patch(where, json={"remove": [0], "songs": seen}).status_code == 422
    assert client.get(where).json()["title"] == "New"


def test_players_change_what_they_see_and_keep_what_is_away(away: tuple[TestClient, str, dict[str, int]]) -> None:
    client, id, numbers = away

    def ask(call: str, **given: Any) -> Any:
        told = client.get(f"/rest/{call}", params={"u": "ann", "p": "sesame", "f": "json"} | given)
        return told.json()["subsonic-response"]

    def seen() -> list[str]:
        return [one["title"] for one in ask("getPlaylist", id=id)["playlist"].get("entry", [])]

    assert seen() == ["Tune 1", "Tune 2"]
    assert ask("updatePlaylist", playlistId=id, songIdToAdd=numbers["Tune 3"])["status"] == "ok"
    assert in_order(client, id) == ["Far 0", "Tune 1", "Far 1", "Tune 2", "Tune 3"]
    assert ask("updatePlaylist", playlistId=id, songIndexToRemove=1)["status"] == "ok"
    assert seen() == ["Tune 1", "Tune 3"]
    assert in_order(client, id) == ["Far 0", "Tune 1", "Far 1", "Tune 3"]
    assert ask("updatePlaylist", playlistId=id, songIndexToRemove=2)["error"]["code"] == 70
    assert ask("updatePlaylist", playlistId=id, name="Other")["status"] == "ok"
    listed = [numbers["Tune 3"], numbers["Tune 1"], numbers["Tune 5"]]
    assert ask("createPlaylist", playlistId=id, songId=listed)["playlist"]["songCount"] == 3
    assert in_order(client, id) == ["Far 0", "Tune 3", "Tune 1", "Far 1", "Tune 5"]
    assert client.get(f"/api/v1/playlists/{id}").json()["title"] == "Other"
