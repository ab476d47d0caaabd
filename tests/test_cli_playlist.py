"""``songspace radio``, ``path``, ``order``: every way to a list, every rule, and what is said where it cannot be."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from songspace import Library, interchange

Run = Callable[..., Result]


@pytest.fixture
def made(run: Run) -> Callable[..., dict[str, Any]]:
    """The JSON answer of a playlist command that must succeed."""

    def call(*arguments: object) -> dict[str, Any]:
        result = run("playlist", *arguments, "--json")
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    return call


Made = Callable[..., dict[str, Any]]


def titles(answer: dict[str, Any]) -> list[str]:
    return [song["title"] for song in answer["songs"]]


@pytest.fixture
def a_list(learnt_home: Path, tmp_path: Path) -> Path:
    """A playlist of five songs, and one that nobody has."""
    songs = Library(learnt_home).songs()
    named = [songs[i].path for i in (0, 9, 3, 12, 6)]
    path = tmp_path / "list.m3u8"
    path.write_text("\n".join([*named, "/nowhere/Lost Song.mp3"]))
    return path


def test_radio_path_and_order_are_what_playlist_did(run: Run, a_list: Path, tmp_path: Path) -> None:
    how = ("--length", 6, "--artist-gap", 1, "--variety", 0.5, "--seed", 3, "--where", "year > 1900", "--explain")
    for command, former in (
        (("radio", "Tune 7", "Tune 9", "--minus", "Tune 2", *how), ("Tune 7", "Tune 9", "--minus", "Tune 2", *how)),
        (("path", "Tune 0", "Tune 8", "--via", "Tune 3", *how), ("Tune 0", "--to", "Tune 8", "--via", "Tune 3", *how)),
        (("order", a_list, "--first", "Tune 3"), ("--order", a_list, "--first", "Tune 3")),
    ):
        files = [tmp_path / f"{len(list(tmp_path.iterdir()))}{name}.m3u8" for name in "ab"]
        now, then = (
            run(*arguments, "-o", file, "--json")
            for arguments, file in zip((command, ("playlist", *former)), files, strict=True)
        )
        assert now.exit_code == 0 and now.stdout == then.stdout
        assert files[0].read_text() == files[1].read_text()


def test_playlist_radio_is_written_and_reads_back(run: Run, tmp_path: Path, learnt_home: Path) -> None:
    target = tmp_path / "radio.m3u8"
    result = run("playlist", "Tune 7", "--length", 6, "-o", target, "--json")
    answer = json.loads(result.stdout)
    assert answer["songs"][0]["title"] == "Tune 7" and len(answer["songs"]) == 6
    assert len(answer["steps"]) == 5
    assert [os.path.realpath(path) for path in interchange.read(target)] == [
        os.path.realpath(song["path"]) for song in answer["songs"]
    ]


@pytest.mark.parametrize("suffix", ["m3u8", "xspf", "jspf"])
def test_playlist_from_song_to_song(run: Run, tmp_path: Path, suffix: str) -> None:
    result = run("playlist", "Tune 0", "--to", "Tune 17", "--length", 7, "-o", tmp_path / f"p.{suffix}", "--json")
    songs = json.loads(result.stdout)["songs"]
    assert (songs[0]["title"], songs[-1]["title"]) == ("Tune 0", "Tune 17")
    assert len({song["id"] for song in songs}) == 7
    for gap in (1, 2):
        assert all(a["artist"] != b["artist"] for a, b in zip(songs[:-gap], songs[gap:], strict=True))
    assert (tmp_path / f"p.{suffix}").stat().st_size > 100


def test_playlist_in_minutes_and_with_variety(run: Run) -> None:
    short = json.loads(run("playlist", "Tune 0", "--minutes", 1, "--json").stdout)["songs"]
    assert len(short) == round(60 / 8)
    lists = [
        json.loads(run("playlist", "Tune 0", "--length", 6, "--variety", 1, "--seed", seed, "--json").stdout)["songs"]
        for seed in (1, 1, 2, 3)
    ]
    assert lists[0] == lists[1]
    assert lists[0] != lists[2] or lists[0] != lists[3]


def test_playlist_puts_a_list_into_order(run: Run, tmp_path: Path, learnt_home: Path) -> None:
    songs = Library(learnt_home).songs()
    shuffled = [songs[i] for i in (0, 9, 3, 12, 6)]
    (tmp_path / "list.m3u8").write_text("\n".join(song.path for song in shuffled))
    answer = json.loads(run("playlist", "--order", tmp_path / "list.m3u8", "--json").stdout)
    assert sorted(song["id"] for song in answer["songs"]) == sorted(song.id for song in shuffled)


def test_playlist_away_from_a_song(run: Run) -> None:
    towards = json.loads(run("playlist", "Tune 0", "--length", 8, "--json").stdout)["songs"]
    away = json.loads(run("playlist", "Tune 0", "--minus", "Tune 3", "--length", 8, "--json").stdout)["songs"]
    assert [song["id"] for song in towards] != [song["id"] for song in away]


def test_a_path_passes_the_songs_on_its_way(made: Made) -> None:
    found = titles(made("Tune 0", "--to", "Tune 17", "--via", "Tune 10", "--via", "Tune 8", "--length", 9))
    assert (found[0], found[-1], len(found)) == ("Tune 0", "Tune 17", 9)
    assert 0 < found.index("Tune 10") < found.index("Tune 8") < 8


def test_every_rule_holds(made: Made, learnt_home: Path, a_list: Path) -> None:
    answer = made(
        *("Tune 0", "--length", 4, "--artist-gap", 1, "--most-of-artist", 1, "--album-gap", 1),
        *("--where", "year >= 1991 and not title = 'tune 4'", "--shortest", "0:05", "--longest", 9, "--played", a_list),
    )
    songs = answer["songs"]
    assert titles(answer)[0] == "Tune 0"  # asked for, though it is too old
    assert len({song["artist"] for song in songs}) == 4
    albums = [(song["album"], os.path.dirname(song["path"])) for song in songs]
    assert all(a != b for a, b in pairwise(albums))
    assert all(song["year"] >= 1991 and song["title"] != "Tune 4" for song in songs[1:])
    assert not {song["path"] for song in songs[1:]} & set(interchange.read(a_list))


def test_the_versions_of_a_song_come_once(
    song: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    from songspace import pipeline
    from songspace.library import Home

    for number, title in enumerate(["Blue", "Blue (Live)", "Red", "Green", "Blue - 2011 Remaster"]):
        song(tmp_path / "music" / f"{number}.flac", number, title=title, artist="Ann")
    pipeline.learn(Home(tmp_path / "home"), tmp_path / "music", encoder="timbre", windows=2, workers=1)
    monkeypatch.setenv("SONGSPACE_HOME", str(tmp_path / "home"))
    radio = ["playlist", "Red", "--artist-gap", 0, "--json"]
    found = titles(json.loads(run(*radio, "--length", 3).stdout))
    assert sorted(title.split()[0] for title in found) == ["Blue", "Green", "Red"]
    refused = run(*radio, "--length", 4)
    assert refused.exit_code == 1
    assert "several versions of a song or 3 songs would do" in str(refused.exception)
    assert len(titles(json.loads(run(*radio, "--length", 5, "--versions").stdout))) == 5
    # A copy of a song that is in the library, from outside, is a version of it, whatever it is called.
    copy = tmp_path / "elsewhere.flac"
    copy.write_bytes((tmp_path / "music" / "2.flac").read_bytes())
    found = titles(json.loads(run("playlist", copy, "--artist-gap", 0, "--length", 3, "--json").stdout))
    assert "Red" not in found[1:]


def test_every_song_has_its_reason(made: Made, run: Run, a_list: Path) -> None:
    path = made("Tune 0", "--to", "Tune 17", "--length", 5, "--explain")
    whys = [song["why"] for song in path["songs"]]
    assert whys[0].startswith("The path begins here")
    assert all("of the way" in why for why in whys[1:-1])
    radio = made("Tune 0", "--minus", "Tune 2", "--length", 4, "--explain")
    assert all("steers away" in song["why"] for song in radio["songs"][1:])
    order = made("--order", a_list, "--explain")
    assert all("from the song before" in song["why"] for song in order["songs"][1:])
    assert "The path begins here" in run("playlist", "Tune 0", "--to", "Tune 17", "--explain").stdout


def test_order_keeps_its_ends_and_names_what_it_does_not_know(made: Made, run: Run, a_list: Path) -> None:
    songs = titles(made("--order", a_list))
    again = made("--order", a_list, "--first", songs[2], "--last", songs[0])
    assert (titles(again)[0], titles(again)[-1], sorted(titles(again))) == (songs[2], songs[0], sorted(songs))
    assert "1 of 6 are not in the library: /nowhere/Lost Song.mp3." in run("playlist", "--order", a_list).stderr


def test_a_gap_that_a_list_cannot_keep_is_loosened_unless_it_was_asked_for(
    run: Run, learnt_home: Path, tmp_path: Path
) -> None:
    songs = [song for song in Library(learnt_home).songs() if song.artist == "Artist 00"]
    (tmp_path / "one.m3u8").write_text("\n".join(song.path for song in songs))
    loosened = run("playlist", "--order", tmp_path / "one.m3u8")
    assert loosened.exit_code == 0
    assert "These songs cannot keep 2 others between two of one artist: they keep 0." in loosened.stderr
    asked = run("playlist", "--order", tmp_path / "one.m3u8", "--artist-gap", 2)
    assert asked.exit_code == 1
    assert "an artist gap of 0 would do" in str(asked.exception)


def test_a_media_server_gets_its_own_paths(run: Run, tunes: Path, tmp_path: Path) -> None:
    target = tmp_path / "radio.m3u8"
    assert run("playlist", "Tune 0", "--length", 4, "-o", target, "--prefix", f"{tunes}=/music").exit_code == 0
    named = [line for line in target.read_text().splitlines() if not line.startswith("#")]
    assert len(named) == 4
    assert all(name.startswith("/music/Artist ") for name in named)
    # And the way back.
    answer = json.loads(run("playlist", "--order", target, "--prefix", f"{tunes}=/music", "--json").stdout)
    assert len(answer["songs"]) == 4


def test_mpd_gets_paths_below_its_music_directory(run: Run, tunes: Path, tmp_path: Path) -> None:
    target = tmp_path / "radio.m3u8"
    assert run("playlist", "Tune 0", "--length", 4, "-o", target, "--prefix", f"{tunes}=").exit_code == 0
    named = [line for line in target.read_text().splitlines() if not line.startswith("#")]
    assert len(named) == 4
    assert all((tunes / name).is_file() and not os.path.isabs(name) for name in named)


@pytest.mark.parametrize(
    ("player", "suffix"), [("mpd", ".m3u"), ("vlc", ".xspf"), ("navidrome", ".m3u8"), ("kodi", ".m3u8")]
)
def test_each_player_gets_the_file_that_it_wants(
    run: Run, tunes: Path, tmp_path: Path, player: str, suffix: str, learnt_home: Path
) -> None:
    made = run("radio", "Tune 0", "--length", 4, "-o", tmp_path / "radio", "--for", player, "--json")
    assert made.exit_code == 0, made.output
    [file] = tmp_path.iterdir()
    assert file.name == f"radio{suffix}"
    listed = [song["path"] for song in json.loads(made.stdout)["songs"]]
    if player == "mpd":  # paths below its music directory
        named = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        assert [str(tunes / name) for name in named] == listed
    else:
        assert [entry.path for entry in interchange.entries(file)] == listed
    other = ".m3u8" if suffix == ".xspf" else ".xspf"
    wrong = run("radio", "Tune 0", "--length", 4, "-o", tmp_path / f"list{other}", "--for", player)
    assert wrong.exit_code == 2 and suffix in wrong.output
    assert run("mixes", "--count", 2, "-o", tmp_path / "mixes", "--for", player).exit_code == 0
    assert {path.suffix for path in (tmp_path / "mixes").iterdir() if not path.name.startswith(".")} == {suffix}


def test_each_next_song_is_chosen_by_a_key(run: Run, learnt_home: Path) -> None:
    gap = ("--artist-gap", 1, "--json")

    def chosen(keys: str, *more: object) -> tuple[list[str], str]:
        result = run("radio", "Tune 0", "--ask", *gap, *more, input=keys)
        assert result.exit_code == 0, result.output
        return titles(json.loads(result.stdout)), result.stderr

    first, said = chosen("1 1 q")
    assert first[0] == "Tune 0" and len(first) == 3
    assert chosen("11")[0] == first  # the end of the pipe is the end of the list
    assert chosen("1 2 b x 1 q")[0] == first  # back, and a key that means nothing
    assert chosen("b 1 1 q")[0] == first  # the songs that it begins with stay
    assert chosen("1", "--length", 2)[0] == first[:2] and chosen("", "--length", 2)[0] == first[:1]
    offered = re.findall(r"^ +(\d)  (.*) \(", said, re.MULTILINE)
    assert next(name for number, name in offered if number == "1").endswith(first[1])
    others, _ = chosen("o 1 q")
    assert others[1] not in [name.split(" - ")[1] for _, name in offered[:5]]
    artists = {song.title: song.artist for song in Library(learnt_home).songs()}
    whole = chosen("1" * 30)[0]
    assert all(artists[a] != artists[b] for a, b in pairwise(whole)) and len({*whole}) == len(whole)
    assert run("radio", "Tune 0", "--ask", "--minus", "Tune 1").exit_code == 2
    two = run("radio", "Tune 0", "Tune 3", "--ask", *gap, input="1q")
    assert titles(json.loads(two.stdout))[:2] == ["Tune 0", "Tune 3"] and len(titles(json.loads(two.stdout))) == 3
    early = run("radio", "Tune 0", "--ask", "--for", "mpd", input="11q")  # said before anything is chosen
    assert early.exit_code == 2 and "--for goes with -o" in early.output and "Next:" not in early.output


def test_artists_and_albums_start_a_radio(run: Run, learnt_home: Path) -> None:
    songs = Library(learnt_home).songs()
    artist, of = songs[0].artist, {song.title: song for song in songs}
    for arguments in ((artist,), ("--artist", artist), ("--album", f"{artist} - {songs[0].album}")):
        answer = json.loads(run("radio", *arguments, "--length", 7, "--json").stdout)
        made = [of[title] for title in titles(answer)]
        assert made[0].artist == artist and 1 < sum(song.artist == artist for song in made) < 7
        assert answer["title"] == f"Radio: {arguments[-1]}"
    for arguments in (("--artist", "Nobody At All"), ("--album", "No Such Album"), ("--album", songs[0].album)):
        refused = run("radio", *arguments)
        assert refused.exit_code == 1 and str(refused.exception).endswith((".", "?")), refused.output


def test_jspf_says_how_alike_songs_are(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "radio.jspf"
    assert run("playlist", "Tune 0", "--length", 4, "-o", target).exit_code == 0
    text = target.read_text()
    assert text.count('"similarity"') == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Tune 0", "--to", "Tune 0"), "given the same song twice"),
        (("Tune 0", "--to", "Tune 1", "--via", "Tune 0"), "given one of them twice"),
        (("Tune 0", "--to", "Tune 1", "--via", "Tune 2", "--length", 2), "cannot pass 3"),
        (("Tune 0", "--length", 99), "there are only 18"),
        (("Tune 0", "--to", "Tune 1", "--length", 99), "there are only 18 songs"),
        (("Tune 0", "--most-of-artist", 1, "--length", 9), "songs of one artist or 6 songs would do"),
        (("Tune 0", "--where", "year > 3000"), "No song of the library is left by --where “year > 3000”"),
        (("Tune 0", "--where", "yeer > 3000"), "year"),
        (("Tune 0", "--played", "/nowhere.m3u8"), "cannot be read"),
        (("--order", "/nowhere.m3u8"), "cannot be read"),
        (("--order", __file__), "is no playlist file"),
        (("Tune 0", "-o", "/nowhere/at/all.m3u8"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, arguments: tuple[object, ...], said: str) -> None:
    result = run("playlist", *arguments)
    assert result.exit_code == 1
    assert said in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("Tune 0", "--order", "x.m3u8"),
        ("Tune 0", "--via", "Tune 1"),
        ("Tune 0", "Tune 1", "--to", "Tune 2"),
        ("Tune 0", "--first", "Tune 1"),
        ("--order", "x.m3u8", "--length", "5"),
        ("Tune 0", "--shortest", "long"),
        ("Tune 0", "--prefix", "/music"),
        ("Tune 0", "--prefix", "=/music"),
        ("Tune 0", "--transition", "2"),
    ],
)
def test_wrong_use_is_status_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("playlist", *arguments).exit_code == 2


def test_a_list_of_entries_that_nobody_has(run: Run, tmp_path: Path) -> None:
    (tmp_path / "foreign.m3u8").write_text("#EXTM3U\n/else/Where.mp3\n")
    result = run("playlist", "--order", tmp_path / "foreign.m3u8")
    assert "has none of the 1 songs of" in str(result.exception)
    (tmp_path / "foreign.m3u8").write_text("#EXTM3U\n")
    assert "names no songs" in str(run("playlist", "--order", tmp_path / "foreign.m3u8").exception)
