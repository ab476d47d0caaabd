"""Versions of one song are found, and different songs stay different."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songspace.library.records import Song
from songspace.library.titles import title_of
from songspace.space import Space
from songspace.space.versions import CLOSE, SAME, reach, versions

NEAR, ALIKE = CLOSE * 2**0.5, SAME * 2**0.5
"""The limits where all songs but some lie at right angles."""
RECORDING = "e8f9b188-f819-4e43-ab0f-4bd26ce9ff56"


def space_of(n: int, *pairs: tuple[int, int, float]) -> Space:
    """A space of n songs at right angles to each other, but for some pairs (a, b, distance) with b next to a."""
    vectors = np.eye(n + 1)[:n]
    for a, b, distance in pairs:
        angle = 2 * np.arcsin(distance / 2)
        vectors[b] = np.cos(angle) * vectors[a] + np.sin(angle) * vectors[b]
    return centred(vectors)


def centred(vectors: np.ndarray) -> Space:
    """A space in which unit vectors stay where they are: their opposites, which make their mean zero, leave again."""
    return Space.from_vectors(np.concatenate([vectors, -vectors]), mutual=False).only(range(len(vectors)))


def together(songs: list[Song], *pairs: tuple[int, int, float]) -> list[list[int]]:
    """The ids of the songs that are versions of each other."""
    numbers = versions(songs, space_of(len(songs), *pairs)).tolist()
    groups = [[song.id for song, number in zip(songs, numbers, strict=True) if number == row] for row in set(numbers)]
    return sorted(group for group in groups if len(group) > 1)


def two(a: str, b: str, *, distance: float = np.sqrt(2), **both: object) -> bool:
    """Whether two titles by one artist, on two albums, are of one song."""
    first = Song(0, "/x/a.mp3", 200.0, a, "Ann", album="One", track=1)
    second = Song(1, "/y/b.mp3", 250.0, b, "Ann", album="Two", track=2)
    songs = [replace(first, **both), replace(second, **both)]  # type: ignore[arg-type]
    return together(songs, (0, 1, float(distance))) == [[0, 1]]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Karma Dogs", "Karma Dogs:"),
        ("Heroes", "Heroes - 2017 Remaster"),
        ("Heroes", "“Heroes” (2017 Remastered Version)"),
        ("Heroes", "Heroes [Remastered 1999]"),
        ("Heroes", "Heroes - Remastered 2017"),
        ("Heroes", "Heroes - 2017 - Remaster"),
        ("Heroes", "Heroes (1999 Digital Remaster)"),
        ("Heroes", "Heroes (Remastered Deluxe Edition)"),
        ("Hurt", "Hurt (Live)"),
        ("Hurt", "Hurt - Live"),
        ("Hurt", "Hurt (Live at Wembley Stadium, 12 July 1986)"),
        ("Hurt", "Hurt - Live At The Isle Of Wight Festival / 1970"),
        ("Hurt", "Hurt [Live from Abbey Road] (2011 Remaster)"),
        ("Hurt", "Hurt (live 1975)"),
        ("Hurt", "Hurt (Live Paris 1998)"),
        ("Hurt", "Hurt (Recorded Live in Berlin)"),
        ("Hurt", "Hurt – Live Version"),
        ("Hurt", "Hurt (En Vivo)"),
        ("Hurt", "Hurt - Ao Vivo"),
        ("Hurt (Live at A)", "Hurt (Live at B)"),
        ("Dreams", "Dreams [Instrumental]"),
        ("Dreams", "Dreams_instrumental"),
        ("Dreams", "Dreams (karaoke)"),
        ("Dreams", "Dreams (Instrumental Version)"),
        ("Dreams", "Dreams - Karaoke Version"),
        ("Dreams", "Dreams (A Cappella)"),
        ("Dreams", "Dreams (Acoustic)"),
        ("Dreams", "Dreams (MTV Unplugged)"),
        ("Dreams", "Dreams - Acoustic at KROQ"),
        ("Dreams", "Dreams (Demo)"),
        ("Dreams", "Dreams (Early Demo Version)"),
        ("Dreams", "Dreams (Alternate Take 3)"),
        ("Dreams", "Dreams (BBC Session)"),
        ("Dreams", "Dreams (Peel Session, 1979)"),
        ("Dreams", "Dreams (Rough Mix)"),
        ("Dreams", "Dreams (Mono)"),
        ("Dreams", "Dreams - Stereo Version"),
        ("Dreams", "Dreams (2009 Stereo Mix)"),
        ("Dreams", "Dreams - Radio Edit"),
        ("Dreams", "Dreams (Single Version)"),
        ("Dreams", "Dreams (12\" Extended Mix)"),
        ("Dreams", "Dreams (Original Mix)"),
        ("Dreams", "Dreams (Taylor's Version)"),
        ("Dreams", "Dreams (German Version)"),
        ("Dreams", "Dreams (Re-Recorded)"),
        ("Dreams", "Dreams (Bonus Track)"),
        ("Dreams", "Dreams [Explicit]"),
        ("Dreams", "Dreams (Official Video)"),
        ("Dreams", "Dreams (Slowed + Reverb)"),
        ("Dreams", "Dreams（ライブ）"),
        ("Dreams", "Dreams (feat. Bob)"),
        ("Dreams", "Dreams ft. Bob & Cy"),
        ("Dreams feat. Bob", "Dreams [Featuring Bob] (Radio Edit)"),
        ("Dreams", "Dreams (prod. Bob)"),
        ("Let It Go", "Let It Go - From \"Frozen\""),
        ("Dreams", "(Live) Dreams"),
        ("Dreams", "Ann - Dreams"),
        ("1979", "1979 - Remastered 2012"),
        ("Rock & Roll", "Rock 'n' Roll"),
        ("Don't Stop", "DONT STOP (Live)"),
        ("Été", "Ete (Version acoustique)"),
        ("Shine On, Pt. 1", "Shine On (Part I) [Live]"),
        ("Song 2", "Song 2 (Live)"),
        ("(Don't Fear) The Reaper", "(Don't Fear) The Reaper - Live"),
        ("Sunset (Night Journey Remix)", "Sunset - Night Journey Remix"),
        ("Symphony No. 5: II. Andante", "Symphony No. 5: II. Andante (Live)"),
        ("Gimme Shelter (2002)", "Gimme Shelter"),
    ],
)  # fmt: skip
def test_versions_by_their_titles(a: str, b: str) -> None:
    assert two(a, b)
    assert two(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Blue", "Blue Moon"),
        ("Blue", "Blues"),
        ("Shine On, Pt. 1", "Shine On, Pt. 2"),
        ("Shine On (Part I)", "Shine On (Part II)"),
        ("Shine On", "Shine On, Pt. 2"),
        ("Shine On (Part 1) [Live]", "Shine On (Part 2) [Live]"),
        ("Symphony No. 5: II. Andante", "Symphony No. 5: III. Allegro"),
        ("Symphony No. 5: II", "Symphony No. 5: III"),
        ("Symphony No. 5", "Symphony No. 6"),
        ("Sonata 1 (Largo)", "Sonata 1 (Allegro)"),
        ("Song 2", "Song 3"),
        ("Song", "Song II"),
        ("Song", "Song (Reprise)"),
        ("Song", "Song (Interlude)"),
        ("Song", "Song - Prelude"),
        ("(Don't Fear) The Reaper", "The Reaper"),
        ("Long", "Long Live"),
        ("Forever", "Forever (Live Forever)"),
        ("Live", "Demo"),
        ("Live and Let Die", "Live"),
        ("1979", "1999"),
        ("Disorder", "Disorder - 1979"),
        ("Chapter One - Blue", "Chapter One - Red"),
        ("Blue/Red", "Blue"),
        ("Blue (Red)", "Blue (Green)"),
        ("Version", "Version of Me"),
        ("Mono", "Stereo"),
        ("Take Five", "Take Six"),
        # These prove nothing by themselves, and do not sound alike here.
        ("Intro", "Intro"),
        ("Intro (Live)", "Intro"),
        ("Untitled", "[untitled]"),
        ("Track 01", "Track 01"),
        ("Interlude II", "Interlude II"),
        ("Allegro ma non troppo", "Allegro ma non troppo"),
        ("II. Adagio", "II. Adagio"),
        ("Live", "Live"),
        ("Part 1", "Part 1"),
        ("...", "..."),
        ("Sunset (Night Journey Remix)", "Sunset (138 BPM Remix)"),
        ("Sunset (Night Journey Remix)", "Sunset"),
        ("Sunset - Todd's Edit", "Sunset"),
        ("Sunset (with Bob)", "Sunset (with Cy)"),
    ],
)  # fmt: skip
def test_different_songs_by_their_titles(a: str, b: str) -> None:
    assert not two(a, b)
    assert not two(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Intro", "Intro"),
        ("Sunset (Night Journey Remix)", "Sunset (138 BPM Remix)"),
        ("Sunset (Night Journey Remix)", "Sunset"),
    ],
)
def test_where_titles_leave_doubt_the_sound_decides(a: str, b: str) -> None:
    assert two(a, b, distance=0.9 * NEAR)
    assert not two(a, b, distance=1.1 * NEAR)


def test_a_title_that_an_album_uses_twice_proves_nothing() -> None:
    a, b = (Song(i, f"/{i}.mp3", 200.0, "Phenix", "Ann", album="One", track=i) for i in (1, 2))
    c = Song(3, "/3.mp3", 200.0, "Phenix", "Ann", album="Two", track=5)
    assert together([a, b]) == []
    assert together([a, b, c]) == []
    assert together([a, b, c], (0, 2, 0.9 * NEAR)) == [[1, 3]]
    assert together([a, c]) == [[1, 3]]
    assert together([a, replace(b, track=1)]) == [[1, 2]]
    assert together([a, replace(b, title="Phenix (Demo)")]) == [[1, 2]]


@pytest.mark.parametrize(
    ("a", "b", "one"),
    [
        ("The Beatles", "beatles", True),
        ("Beatles, The", "The Beatles", True),
        ("Sigur Rós", "sigur ros", True),
        ("Simon & Garfunkel", "Simon and Garfunkel", True),
        ("Ann feat. Bob", "Ann", True),
        ("Ann ft. Bob", "Ann featuring Cy", True),
        ("!!!", "!!!", True),
        ("The The", "The The", True),
        ("Ann", "Bea", False),
        ("Ann", "Ann & Bob", False),
        ("Ann", "Karaoke Masters", False),
        ("Various Artists", "Various Artists", False),
        ("Unknown Artist", "Unknown Artist", False),
        (None, None, False),
        ("Ann", None, False),
    ],
)
def test_artists(a: str | None, b: str | None, one: bool) -> None:
    songs = [Song(0, "/a.mp3", 200.0, "Hurt", a), Song(1, "/b.mp3", 200.0, "Hurt", b)]
    assert (together(songs) == [[0, 1]]) == one


def test_album_artists() -> None:
    pressure = Song(0, "/a.mp3", 200.0, "Under Pressure", "Queen & David Bowie", albumartist="Queen")
    assert together([pressure, Song(1, "/b.mp3", 200.0, "Under Pressure (Live)", "Queen")]) == [[0, 1]]
    # On a compilation two artists may have songs of one name.
    mixed = [Song(i, f"/{i}.mp3", 200.0, "Home", artist, albumartist="DJ Mix") for i, artist in enumerate("ab")]
    assert together([*mixed, Song(2, "/c.mp3", 200.0, "Home", "DJ Mix")]) == []
    # Where the artist is missing, the album's will do.
    only = [Song(i, f"/{i}.mp3", 200.0, "Home", albumartist="Ann") for i in range(2)]
    assert together(only) == [[0, 1]]


def test_one_recording_by_its_id() -> None:
    a = Song(0, "/a.mp3", 200.0, "Blue", "Ann", recording_mbid=RECORDING)
    b = Song(1, "/b.mp3", 300.0, "Rouge", "Bea", recording_mbid=RECORDING.upper())
    assert together([a, b]) == [[0, 1]]
    assert together([a, replace(b, recording_mbid=None)]) == []
    # Another id is no proof of another song: each version has its own.
    assert together([a, Song(2, "/c.mp3", 200.0, "Blue (Live)", "Ann", recording_mbid=RECORDING[::-1])]) == [[0, 2]]


class TestWithoutTags:
    TAGGED = Song(0, "/x/Blue.mp3", 200.0, "Blue", "Ann")
    BARE = Song(1, "/y/0001.mp3", 200.3)

    def test_the_same_sound_and_length(self) -> None:
        assert together([self.TAGGED, self.BARE], (0, 1, 0.9 * ALIKE)) == [[0, 1]]
        assert together([self.TAGGED, self.BARE], (0, 1, 1.1 * ALIKE)) == []
        longer = replace(self.BARE, duration=201.0)
        assert together([self.TAGGED, longer], (0, 1, 0.9 * ALIKE)) == []

    def test_tags_that_speak_against_it(self) -> None:
        def as_one(**tags: object) -> bool:
            other = replace(self.BARE, **tags)  # type: ignore[arg-type]
            return bool(together([self.TAGGED, other], (0, 1, 0.5 * ALIKE)))

        assert as_one(title="Blue")
        assert as_one(artist="Ann")
        assert as_one(title="Intro", artist="Ann")
        assert not as_one(title="Red")
        assert not as_one(artist="Bea")
        # Both say what they are: that they sound the same is no proof.
        assert not as_one(title="Red", artist="Ann")
        assert not as_one(title="Blue", artist="Bea")

    def test_nothing_is_known_of_the_length(self) -> None:
        unknown = [replace(self.BARE, id=i, duration=duration) for i, duration in enumerate((0.0, 0.0))]
        assert together(unknown, (0, 1, 0.0)) == []

    def test_file_names_help(self) -> None:
        names = ["01 - Ann - Blue", "07 Ann - Blue - Live", "Ann - Blue_instrumental", "Ann - Red", "Blue - Live"]
        files = [Song(i, f"/{i}/{name}.mp3", 100.0 + i) for i, name in enumerate(names)]
        assert together(files) == [[0, 1, 2]]
        assert together([*files, replace(self.TAGGED, id=9)]) == [[0, 1, 2, 9]]

    def test_songs_that_have_left(self) -> None:
        assert together([Song(i, "(gone)", 0.0) for i in range(3)]) == []

    def test_many_of_one_length(self) -> None:
        """A collection of clips: their lengths say nothing, and to compare all with all would take long."""
        clips = [Song(i, f"/{i:05d}.mp3", 30.0) for i in range(4100)]
        vectors = np.random.default_rng(0).normal(size=(4100, 2))
        assert len(set(versions(clips, Space.from_vectors(vectors, mutual=False)).tolist())) == 4100


def test_bad_arguments_and_small_libraries() -> None:
    with pytest.raises(ValueError, match="a song for each of 2 rows, got 1"):
        versions([Song(1, "/a.mp3", 1.0)], space_of(2))
    assert versions([Song(1, "/a.mp3", 1.0)], space_of(1)).tolist() == [0]


# Titles of a few words and notes: enough of both that many are versions of each other.
titles = st.lists(
    st.sampled_from(
        ["Blue", "red", "(Live)", "- Live at X", "[Remix]", "Pt. 1", "part i", "Intro", "feat. B", "Été", "("]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)  # fmt: skip
some_songs = st.lists(
    st.builds(
        Song,
        id=st.integers(0, 99),
        path=st.sampled_from(["/a/Blue.mp3", "/b/01 red.mp3", "/x.mp3"]),
        duration=st.sampled_from([0.0, 100.0, 100.4, 100.8]),
        title=st.none() | titles,
        artist=st.sampled_from([None, "Ann", "ann feat. B", "Bea", "Various Artists"]),
        albumartist=st.sampled_from([None, "Ann"]),
        album=st.sampled_from([None, "One", "Two"]),
        track=st.sampled_from([None, 1, 2]),
        recording_mbid=st.sampled_from([None, None, None, RECORDING]),
    ),
    min_size=1,
    max_size=9,
)


def partition(numbers: list[int]) -> set[frozenset[int]]:
    return {frozenset(row for row, number in enumerate(numbers) if number == one) for one in numbers}


@given(some_songs, st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_neither_order_nor_spelling_matters(songs: list[Song], seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Neighbours within a tenth, a quarter, or neither.
    vectors = rng.normal(size=(3, 4))[rng.integers(0, 3, len(songs))] + 0.03 * rng.normal(size=(len(songs), 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def found(songs: list[Song], rows: list[int]) -> list[int]:
        return versions(songs, centred(vectors[rows])).tolist()

    rows = list(range(len(songs)))
    numbers = found(songs, rows)
    assert all(numbers[number] == number <= row for row, number in enumerate(numbers))

    shuffled = rows.copy()
    random.Random(seed).shuffle(shuffled)
    again = found([songs[row] for row in shuffled], shuffled)
    assert {frozenset(shuffled[i] for i in group) for group in partition(again)} == partition(numbers)

    def respelt(text: str | None) -> str | None:
        return text and text.upper().replace(" ", "  ").replace("É", "E\u0301")

    spelt = [replace(song, title=respelt(song.title), artist=respelt(song.artist)) for song in songs]
    assert found(spelt, rows) == numbers


@given(st.text(max_size=40), st.none() | st.text(max_size=10))
@settings(max_examples=150)
def test_any_title_is_taken_apart(text: str, artist: str | None) -> None:
    title = title_of(text, artist)
    assert title.song or not title.telling
    assert title_of(f" {text} ", artist).song == title.song


@pytest.mark.parametrize("piece", ["(", "(live)", " - ", " - live", "_", "( ", "feat. ", "live at ", "[(", "with a "])
def test_a_hostile_title_takes_no_time_to_speak_of(piece: str) -> None:
    """A playlist from elsewhere may hold anything, and some of the work grows as a square."""
    assert len(title_of(piece * 200_000).song) <= 1000


def test_guests_are_written_in_several_ways() -> None:
    credits = [
        ("Ann", ()),
        ("Ann feat. Bea", ()),
        ("Ann (ft. Bea)", ()),
        ("Ann, Bea", ("Ann", "Bea")),
        ("Ann & Bob", ()),
    ]
    songs = [
        Song(number, f"/{number}.mp3", 200.0 + number, "Blue Hour", artist, artists=several)
        for number, (artist, several) in enumerate(credits, 1)
    ]
    assert versions(songs, Space.from_vectors(np.eye(len(songs)))).tolist() == [0, 0, 0, 0, 4]


def test_how_near_is_near_depends_on_how_songs_crowd_in_the_space() -> None:
    """A space in which all lie in a tenth of the angle, and one that is a part of another."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 40)) + 8 * rng.normal(size=40)
    space = centred(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    apart = np.sqrt(np.maximum(2 - 2 * space.vectors @ space.vectors.T, 0))
    assert reach(space) == pytest.approx(np.median(np.sort(apart, axis=1)[:, 5]), rel=1e-4)
    assert reach(space) < 0.4

    a, b = Song(0, "/a.mp3", 200.0, "Intro", "Ann"), Song(1, "/b.mp3", 250.0, "Intro", "Ann")
    pair = space_of(2, (0, 1, 0.3))
    assert versions([a, b], pair).tolist() == [0, 0]
    assert versions([a, b], pair, within=reach(space)).tolist() == [0, 1]


def test_a_library_that_holds_every_song_many_times_has_some_reach_all_the_same() -> None:
    for seed in range(20):
        drawn = np.random.default_rng(seed).normal(size=(9, 128))
        space = Space.from_vectors(np.repeat(drawn, 7, axis=0).astype(np.float32))
        songs = [Song(id, f"/{id}.mp3", 200.0) for id in range(63)]
        assert 0 < reach(space) < 0.1
        assert versions(songs, space).tolist() == [7 * (id // 7) for id in range(63)]
