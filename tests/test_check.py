"""Which songs are held out of training, and what is said of what was learnt."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songspace.evaluation.worth import Check, Question
from songspace.library.records import Song
from songspace.pipeline.check import held_out, units


def library(*artists: str | None) -> list[Song]:
    names = [(artist,) if artist else () for artist in artists]
    return [Song(id, f"/music/{id}.mp3", 60.0, artist=artist, artists=names[id]) for id, artist in enumerate(artists)]


@given(st.lists(st.sampled_from([None, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"]), max_size=250))
def test_whole_artists_are_held_out_or_songs_as_they_come(artists: list[str | None]) -> None:
    songs = library(*artists)
    out = held_out(songs, units(songs))
    count = 0 if len(songs) < 20 else len(songs) // 5 if len(songs) < 50 else min(max(10, len(songs) // 10), 200)
    assert len(set(out)) == len(out) <= count and out == sorted(out)
    assert len(out) >= count // 2
    whose = units(songs)
    inside = {whose[song.id] for song in songs if song.id in out}
    outside = {whose[song.id] for song in songs if song.id not in out}
    assert inside.isdisjoint(outside) or len(out) == count


def test_artists_are_one_whatever_the_case_and_the_guests() -> None:
    songs = library(*(f"artist {number // 2}" for number in range(40)))
    songs[1] = replace(songs[1], artist="The ARTIST  0 feat. Bea", artists=("The ARTIST  0 feat. Bea",))
    out = held_out(songs, units(songs))
    assert len(out) == 8 and {0, 1} <= set(out)


def test_nobody_is_no_artist() -> None:
    """The songs of many samplers are not one artist's, who would be held out or taught as a whole."""
    songs = [
        Song(id, f"/music/{id // 3}/{id}.mp3", 60.0, artist="Various Artists", artists=("Various Artists",))
        for id in range(60)
    ]
    assert len(set(units(songs).values())) == 20


def test_a_folder_stands_for_an_artist_whom_nobody_named() -> None:
    songs = [Song(id, f"/music/{id // 3}/{id}.mp3", 60.0) for id in range(60)]
    out = held_out(songs, units(songs))
    assert 7 <= len(out) <= 10
    for id in out:
        assert {3 * (id // 3) + other for other in range(3)} <= set(out)


def test_the_folder_above_an_album_stands_for_an_artist_whom_nobody_named() -> None:
    """Or an artist whose other album was learnt from would be called held out."""
    paths = [f"/music/Artist {id // 6}/Album {id // 3}/{id}.mp3" for id in range(12)]
    paths += ["/music/Alone/12.mp3", "/music/13.mp3"]
    whose = units([Song(id, path, 60.0) for id, path in enumerate(paths)])
    assert list(whose.values()) == [
        *["folder /music/Artist 0"] * 6,
        *["folder /music/Artist 1"] * 6,
        "folder /music/Alone",
        "folder /music",
    ]


def test_with_one_artist_songs_are_held_out() -> None:
    songs = library(*["A"] * 100)
    assert held_out(songs, units(songs)) == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]


def question(
    asked: str, own: float, interval: list[float] | None = None, sure: bool = False, albums: int = 0
) -> Question:
    scores = {"learnt": own, "untrained": 0.5, "no-network": 0.4, "timbre": 0.3}
    differences = {
        name: {"value": own - value, "interval": interval, "p_holm": None, "sure": sure}
        for name, value in scores.items()
        if name != "learnt"
    }
    return Question(asked, 20, albums, 0.05, scores, differences)


def test_the_artists_songs_decide_where_artists_are_enough() -> None:
    parts, others = question("song", 0.9), question("artist", 0.2, [-0.2, 0.0])
    assert Check(20, 12, True, (parts, others)).judged == others
    assert not Check(20, 12, True, (parts, others)).better
    few = Check(20, 5, True, (parts, question("artist", 0.2)))
    assert few.judged == parts and few.better


@pytest.mark.parametrize(
    ("own", "sure", "ending"),
    [
        (
            0.6,
            True,
            "+0.30 [+0.00, +0.20] over the hand-made space; +0.10 [+0.00, +0.20] over the untrained network; "
            "+0.20 [+0.00, +0.20] over no network.",
        ),
        (0.6, False, "over no network (it may be chance)."),
        (
            0.45,
            False,
            "over the untrained network (it may be chance); +0.05 [+0.00, +0.20] over no network (it may be chance).",
        ),
    ],
)
def test_what_is_said_follows_the_figures(own: float, sure: bool, ending: str) -> None:
    found = Check(20, 12, True, (question("artist", own, [0.0, 0.2], sure, albums=20),))
    head, figures, worth = found.sentences("ali")
    assert head == "On 20 songs by 12 artists held out of training, the ali space finds"
    assert figures == (
        f"  songs on its artist's other albums: mean average precision {own:.2f}; with its network untrained 0.50, "
        "without a network 0.40, hand-made 0.30 (chance 0.05)."
    )
    assert worth.startswith("What learning adds in finding songs on its artist's other albums: ")
    assert worth.endswith(ending)


def test_what_is_surely_worse_is_called_so() -> None:
    worth = Check(20, 12, True, (question("artist", 0.2, [-0.3, -0.1], sure=True),)).sentences("ali")[-1]
    assert worth.endswith("-0.20 [-0.30, -0.10] over no network (worse).")


def test_a_gain_of_few_artists_is_not_called_chance() -> None:
    worth = Check(20, 3, True, (question("song", 0.6),)).sentences("ali")[-1]
    assert worth.endswith("+0.20 over no network (too few artists to say whether that is chance).")


@pytest.mark.parametrize(
    ("artists", "folders", "whole", "said"),
    [
        (12, 0, True, "by 12 artists"),
        (1, 0, True, "by 1 artist"),
        (12, 2, True, "by 10 artists, and in 2 folders that name none,"),
        (12, 12, True, "in 12 folders that name no artist,"),
        (1, 1, False, "in folders that it was learnt from, too,"),
        (2, 1, False, "by artists whom it was learnt from, too,"),
    ],
)
def test_a_folder_is_not_called_an_artist(artists: int, folders: int, whole: bool, said: str) -> None:
    found = Check(20, artists, whole, (question("song", 0.9),), folders)
    assert found.sentences("ali")[0] == f"On 20 songs {said} held out of training, the ali space finds"


def test_a_model_that_no_song_taught_has_learnt_nothing_from_those_that_ask() -> None:
    by_people = Check(20, 12, True, (question("song", 0.9),), taught=False).sentences("onnx")
    assert by_people[0] == "On 20 songs by 12 artists, the onnx space finds"
    assert by_people[-1].startswith("The difference in finding other parts of the song: ")
    in_folders = Check(20, 12, True, (question("song", 0.9),), folders=12, taught=False)
    assert in_folders.sentences("onnx")[0] == "On 20 songs in 12 folders that name no artist, the onnx space finds"


def test_a_check_survives_the_catalog() -> None:
    found = Check(20, 12, False, (question("song", 0.9, [0.1, 0.2], True), question("artist", 0.2)))
    assert Check.of(json.loads(json.dumps(found.as_dict()))) == found
    assert "by artists whom it was learnt from, too, held out" in found.sentences("ali")[0]
