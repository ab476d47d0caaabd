"""``songspace like``, ``unlike``, ``likes``: likes outlive new tags and other folders, and exports hold all of them."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import Result

from songspace import Library, interchange, pipeline
from songspace.errors import SongspaceError
from songspace.interchange import listens
from songspace.library import Home, Song
from songspace.library.likes import Event, EventKind, Likes, Thing

Run = Callable[..., Result]


@pytest.fixture
def home(learnt_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(learnt_home, tmp_path / "home"))


@pytest.fixture
def done(run: Run, home: Path) -> Callable[..., Result]:
    def call(*arguments: object) -> Result:
        result = run(*arguments, "--home", home)
        assert result.exit_code == 0, result.output
        return result

    return call


def test_songs_are_liked_listed_suggested_from_and_unliked(done: Callable[..., Result], home: Path) -> None:
    assert "Rated 4: Artist 11 - Tune 7; " in done("like", "Tune 7", "Tune 9", "--rating", 4).stderr
    assert json.loads(done("likes", "--list", "starred", "--json").stdout)["songs"] == []
    answer = json.loads(done("likes", "--json").stdout)
    assert {(song["title"], song["rating"]) for song in answer["songs"]} == {("Tune 7", 4), ("Tune 9", 4)}
    assert "Tune 7" in done("likes", "--list", "highest").stdout
    file = home / "liked.m3u8"
    assert "Wrote 2 songs" in done("likes", "-o", file).stderr
    assert {entry.title for entry in interchange.entries(file)} == {"Tune 7", "Tune 9"}
    suggested = json.loads(done("suggest", "-n", 5, "--json").stdout)["suggestions"]
    assert {each["because"]["title"] for each in suggested} <= {"Tune 7", "Tune 9"}
    assert "No star and no rating any more" in done("unlike", "Tune 7", "Tune 9").stderr
    assert "There was no star and no rating" in done("unlike", "Tune 7").stderr
    assert json.loads(done("likes", "--json").stdout) == {"songs": [], "total": 0}
    assert done("likes", "--list", "highest").stdout == ""


def test_a_star_takes_a_low_rating_back(done: Callable[..., Result]) -> None:
    assert "left out of new lists" in done("like", "Tune 7", "--rating", 1).stderr
    assert json.loads(done("likes", "--json").stdout)["total"] == 0
    assert json.loads(done("likes", "--list", "skipped", "--json").stdout)["total"] == 1
    assert "Taken back, the low rating" in done("like", "Tune 7").stderr
    [song] = json.loads(done("likes", "--json").stdout)["songs"]
    assert (song["title"], song["rating"], song["starred"] is not None) == ("Tune 7", 0, True)


def test_nothing_liked_is_one_sentence(run: Run, home: Path) -> None:
    result = run("suggest", "--home", home)
    assert result.exit_code == 1 and "songspace like SONG" in str(result.exception)
    assert run("like", "No Such Tune", "--home", home).exit_code == 1
    assert run("like", "Tune 7", "--rating", 6, "--home", home).exit_code == 2
    assert not Home(home).likes.exists()


@pytest.mark.slow
def test_likes_outlive_new_tags_another_folder_and_a_new_catalog(tunes: Path, tmp_path: Path) -> None:
    music = Path(shutil.copytree(tunes, tmp_path / "music"))
    home = Home(tmp_path / "home")
    learn: dict[str, Any] = {"encoder": "pca", "windows": 3, "workers": 1}
    pipeline.learn(home, music, **learn)
    song = Library(home.folder).find("Tune 7")
    Likes(home.likes).add([Event.of(EventKind.star, song, 5.0)])
    file = mutagen.File(song.path)
    file["title"], file["artist"] = "Another", "Somebody"
    file.save()
    Path(song.path).rename(music / "elsewhere.flac")
    home.catalog.unlink()  # somebody began anew
    pipeline.learn(home, music, **learn)
    again = Library(home.folder).find("Another")
    assert Likes(home.likes).history().of(again).starred == 5.0


def test_events_come_out_as_they_went_in(done: Callable[..., Result], home: Path, tmp_path: Path) -> None:
    songs = Library(home).songs()
    album = tuple(song.identity for song in songs[:3])
    events = [
        *(
            Event.of(kind, songs[0], 1.5, player="a “phone”")
            for kind in (EventKind.star, EventKind.play, EventKind.skip)
        ),
        Event.of(EventKind.rate, songs[1], 2.0, value=3),
        Event(EventKind.star, "al-0123", album, 3.0, Thing.album, title="Blue"),
    ]
    likes = Likes(Home(home).likes)
    likes.add(events)
    file = tmp_path / "likes.jsonl"
    assert "Wrote 5 events" in done("likes", "export", file).stderr
    assert "Deleted 5 events" in done("likes", "forget", "--yes").stderr and not likes.path.exists()
    assert "Added 5 events" in done("likes", "import", file).stderr
    assert [*Likes(likes.path).events()] == events
    file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())  # an editor has saved it
    assert "Added 0 events; 5 were there already" in done("likes", "import", file).stderr


@given(
    st.builds(
        Event,
        st.sampled_from([EventKind.star, EventKind.unstar, EventKind.play, EventKind.skip]),
        st.just("ab" * 16),
        st.just((bytes([0xAB] * 16),)),
        st.floats(0, 1e10),
        player=st.text(max_size=5),
        title=st.none() | st.text(min_size=1, max_size=5),
        artist=st.none() | st.text(min_size=1, max_size=5),
    )
)
def test_json_lines_hold_every_event(event: Event) -> None:
    assert listens.event_of(json.loads(json.dumps(listens.event_as_json(event)))) == event


def test_plays_for_listenbrainz_come_back_by_their_names(
    done: Callable[..., Result], home: Path, tmp_path: Path
) -> None:
    songs = Library(home).songs()
    likes = Likes(Home(home).likes)
    likes.add([Event.of(EventKind.play, song, 1e9 + number, player="phone") for number, song in enumerate(songs[:4])])
    likes.add([Event.of(EventKind.star, songs[0], 5.0)])
    file = tmp_path / "a.listens.jsonl"
    assert "Wrote 4 plays" in done("likes", "export", file, "--format", "listenbrainz").stderr
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line, song in zip(lines, songs, strict=False):  # the shape that ListenBrainz publishes
        assert line.keys() == {"listened_at", "track_metadata"} and isinstance(line["listened_at"], int)
        about = line["track_metadata"]
        assert (about["artist_name"], about["track_name"], about["release_name"]) == (
            song.artist,
            song.title,
            song.album,
        )
        more = about["additional_info"]
        assert (more["submission_client"], more["media_player"]) == ("songspace", "phone")
        assert abs(more["duration_ms"] / 1000 - song.duration) < 0.001
    done("likes", "forget", "--yes")
    lines.append({"listened_at": 1, "track_metadata": {"track_name": "Nowhere", "artist_name": "Nobody"}})
    exported = tmp_path / "export.zip"  # as ListenBrainz exports them
    with zipfile.ZipFile(exported, "w") as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("listens/2001/9.jsonl", "\n".join(map(json.dumps, lines)))
    said = done("likes", "import", exported).stderr
    assert "Added 4 events" in said and "not in the library: 1, as Nobody - Nowhere" in said
    assert {event.songs[0] for event in likes.events()} == {song.identity for song in songs[:4]}


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        '{"kind": "star"}',
        '{"time": 1, "kind": "love", "song": "%s"}' % ("00" * 16),
        '{"time": 1, "kind": "star", "song": "00"}',
        '{"time": -1, "kind": "star", "song": "%s"}' % ("00" * 16),
        '{"time": 1, "kind": "rate", "song": "%s", "value": 6}' % ("00" * 16),
        '{"time": 1, "kind": "rate", "song": "%s"}' % ("00" * 16),
        '{"time": 1, "kind": "star", "thing": "album", "id": "al-1", "songs": []}',
        '{"time": 1, "kind": "star", "thing": "album", "id": "\\ud800", "songs": ["%s"]}' % ("00" * 16),
        '{"track_metadata": {"track_name": "a"}}',
        '{"listened_at": 1, "track_metadata": "a"}',
    ],
)
def test_a_file_with_another_line_is_refused_whole(home: Path, tmp_path: Path, line: str, run: Run) -> None:
    song = Library(home).songs()[0]
    good = json.dumps(listens.event_as_json(Event.of(EventKind.star, song, 1.0)))
    file = tmp_path / "likes.jsonl"
    file.write_text(f"{good}\n{line}\n")
    result = run("likes", "import", file, "--home", home)
    assert result.exit_code == 1
    assert str(result.exception).startswith(f"Line 2 of {file} is neither an event nor a listen: ")
    assert not Home(home).likes.exists()


def test_other_files_are_one_sentence(tmp_path: Path) -> None:
    songs: list[Song] = []
    torn = tmp_path / "torn.zip"
    with zipfile.ZipFile(torn, "w") as archive:
        archive.writestr("listens/1.jsonl", '{"listened_at": 1}' * 100)
    torn.write_bytes(torn.read_bytes().replace(b"listened", b"xistened", 1))
    for number, method in enumerate((zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)):
        packed = tmp_path / f"packed{number}.zip"
        with zipfile.ZipFile(packed, "w", method) as archive:
            archive.writestr("listens/1.jsonl", "".join(f'{{"listened_at": {time}}}' for time in range(500)))
        data = bytearray(packed.read_bytes())
        data[60:100] = bytes(byte ^ 0x5A for byte in data[60:100])
        packed.write_bytes(data)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    long = tmp_path / "long.jsonl"
    long.write_bytes(b"x" * 2_000_000)
    for path, said in (
        (torn, "damaged archive"),
        (tmp_path / "packed0.zip", "damaged archive"),
        (tmp_path / "packed1.zip", "damaged archive"),
        (pipe, "no ordinary file"),
        (long, "too long"),
        (tmp_path, "cannot be read"),
        (tmp_path / "no", "No such"),
    ):
        with pytest.raises(SongspaceError, match=said):
            listens.read(path, songs)
