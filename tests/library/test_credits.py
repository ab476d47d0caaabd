"""Whom a song is by."""

from __future__ import annotations

import pytest

from songspace.library import Song
from songspace.library.credits import Credits, makers, teachers
from songspace.library.names import artist_of


def song(artist: str | None = None, *several: str, title: str = "Night", **more: str) -> Song:
    artists = (artist, *several) if artist is not None else ()
    shown = ", ".join(artists) or None
    return Song(1, "/a.flac", 60.0, title, shown, artists=artists, **more)  # type: ignore[arg-type]


LIBRARY = [song("Mau"), song("Rob"), song("Earth, Wind & Fire"), song("Simon & Garfunkel"), song("Zed", "Q")]


def credited(*songs: Song) -> list[tuple[str, ...]]:
    credits = Credits([*LIBRARY, *songs])
    return [credits.of(one) for one in songs]


@pytest.mark.parametrize(
    ("artist", "people"),
    [
        ("MAU", "mau"),
        ("The Mau", "mau"),
        ("Mau, The", "mau"),
        ("Mau feat. Kas", "mau kas"),
        ("Mau Feat Kas", "mau kas"),
        ("Mau ft. Kas", "mau kas"),
        ("Mau ft Kas", "mau kas"),
        ("Mau featuring Kas", "mau kas"),
        ("Mau (feat. Kas)", "mau kas"),
        ("Mau [ft. Kas & Rob]", "mau kas rob"),
        ("Kas feat. Lin", "kas lin"),
        ("Kas; Lin", "kas lin"),
        ("Kas;Mau; kas", "kas mau"),
        ("Mau & Kas", "mau kas"),
        ("Kas & Mau", "kas mau"),
        ("Mau, Kas & Lin", "mau kas lin"),
        ("Kas, Lin, and Mau", "kas lin mau"),
        ("Mau x Kas", "mau kas"),
        ("Mau vs. Kas", "mau kas"),
        ("Mau with Kas", "mau kas"),
        ("Mau/Kas", "mau kas"),
        ("Mau und Kas", "mau kas"),
        ("Kas & Q", "kas q"),
        ("!!!", "!!!"),
        ("+/-", "+/-"),
        ("Sunn O)))", "sunn_o"),
    ],
)
def test_several_artists(artist: str, people: str) -> None:
    assert credited(song(artist)) == [tuple(name.replace("_", " ") for name in people.split())]


@pytest.mark.parametrize(
    "name",
    [
        "Simon & Garfunkel",
        "Earth, Wind & Fire",
        "Tyler, the Creator",
        "AC/DC",
        "10,000 Maniacs",
        "Florence and the Machine",
        "Sleeping with Sirens",
        "Lil Nas X",
        "Kas & Lin",
        "Maunder & Robin",
        "Six ft Under",
        "R&B Mau",
    ],
)
def test_one_name(name: str) -> None:
    assert credited(song(name)) == [(artist_of(name),)]


def test_a_name_with_a_sign_in_it_stays_whole_beside_others() -> None:
    [people] = credited(song("Mau & Earth, Wind & Fire"))
    assert people == ("mau", "earth wind and fire")


def test_each_value_is_an_artist_and_so_are_guests_in_a_title() -> None:
    found = credited(song("Kas", "Lin"), song("Kas & Lin", title="Day (feat. Mau)"), song("Kas", title="Feat (Live)"))
    assert found == [("kas", "lin"), ("kas", "lin", "mau"), ("kas",)]


def test_who_stands_alone_on_a_sleeve_only() -> None:
    assert credited(song("Kas & Lin", albumartist="Lin")) == [("kas", "lin")]


@pytest.mark.parametrize(
    "name",
    [
        *("Various Artists", "various", "VA", "V.A.", "V/A", "Verschiedene Interpreten", "Varios Artistas", "群星"),
        *("Różni wykonawcy", "Разные исполнители", "Unknown Artist", "", " "),
    ],
)
def test_nobody(name: str) -> None:
    assert credited(song(name), song(None, albumartist=name)) == [(), ()]
    assert Credits([song(name)]).main(song(name)) is None


def test_nobody_by_the_id_of_musicbrainz() -> None:
    assert credited(song("Surtido", artist_mbid="89ad4ac3-39f7-470e-963a-56509c546377")) == [()]


def test_behind_various_artists_is_the_albums_artist_or_the_one_in_the_title() -> None:
    [of_album, of_title, of_none, of_note] = credited(
        song("Various Artists", title="Kas - Day", albumartist="Lin"),
        song("Various Artists", title="Kas - Day", albumartist="Various Artists"),
        song("Various Artists", title="Day"),
        song("Various Artists", title="Day - Live"),
    )
    assert (of_album, of_title, of_none, of_note) == (("lin",), ("kas",), (), ())
    assert credited(song("Lin", title="Kas - Day"), song(None, title="Kas - Day")) == [("lin",), ()]


def test_one_spelling_of_each() -> None:
    songs = [song("MAU"), song("Mau feat. Rob"), song("The Mau"), song("Mau & Kas")]
    credits = Credits(songs)
    assert [credits.main(one) for one in songs] == ["Mau"] * 4
    assert credits.written(songs[1]) == ("Mau", "Rob")


def test_a_credit_of_any_length_is_read() -> None:
    long = " & ".join(f"Person {number}" for number in range(5000))
    [people] = credited(song(long, albumartist="Person 3"))
    assert 20 < len(people) < 100


# ── who teaches an encoder ────────────────────────────────────────────────────────────────────────


def made(*songs: tuple[str, str | None, str | None]) -> dict[int, str]:
    """Who made songs of which the path, the artist and the album's artist are given."""
    return makers([Song(number, path, 60.0, artist=a, albumartist=b) for number, (path, a, b) in enumerate(songs)])


def test_the_main_artist_made_a_song_however_it_is_credited() -> None:
    found = made(("/x/1", "The Mau", None), ("/y/2", "mau feat. Rob", None), ("/z/3", "Rob", None))
    assert found == {0: "artist mau", 1: "artist mau", 2: "artist rob"}


def test_of_a_sampler_whose_songs_name_nobody_nobody_is_known() -> None:
    sampler = [(f"/sampler/{number}", "Various Artists", "Various Artists") for number in range(3)]
    assert made(*sampler, ("/mau/1", "Mau", None)) == {3: "artist mau"}


def test_a_folder_stands_for_its_artist_only_if_it_looks_like_an_album() -> None:
    album = [(f"/album/{number}", None, None) for number in range(3)]
    heap = [(f"/heap/{number}", None, None) for number in range(31)]
    found = made(*album, *heap)
    assert found == dict.fromkeys(range(3), "folder /album")
    assert made(*album) == {}  # all that there is may be anything


def test_artists_teach_only_where_some_are_told_from_others() -> None:
    def taught(*artists: str | None, of: range | None = None) -> bool:
        songs = [Song(number, f"/music/{number}", 60.0, artist=artist) for number, artist in enumerate(artists)]
        return bool(teachers(songs, of if of is not None else range(len(songs))))

    assert taught("Mau", "Mau", "Kas") and taught("Mau", "Mau", None)
    assert not taught("Mau", "Kas", "Rob")  # nobody made two
    assert not taught("Mau", "Mau", "Mau")  # nobody made another one
    assert not taught("Mau", "Mau", "Kas", of=range(2)) and not taught("Mau", "Mau", "Kas", of=range(1, 3))
    assert not taught(None, None) and not taught()
