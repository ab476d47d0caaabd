"""Clients of others spend an evening at the server, as their users do; each with songs of an artist of its own.

They are the published libraries, untouched. What they make of the answers, often typed models, is compared with what
the library is known to hold. Where a client cannot read what every server sends, it is said here.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import libopensonic
import libsonic
import mpd
import pytest
import soundfile
from knuckles import Subsonic as Knuckles
from knuckles.exceptions import ErrorCode50 as KnucklesNotAllowedError
from libopensonic.errors import CredentialError, DataNotFoundError
from PIL import Image
from subsonic_connector.connector import Connector
from subsonic_connector.list_type import ListType
from typer.testing import Result

Listener = Any  # of conftest.py
Run = Callable[..., Result]

ARTISTS = ["Artist 00", "Artist 01", "Artist 10", "Artist 11", "Artist 20", "Artist 21"]
GENRES = {"High": (6, 2), "Low": (6, 2), "Middle": (6, 2)}
SUNG = ["First light", "Second thoughts"]


def of(artist: str) -> list[int]:
    """The numbers of the tunes by an artist, in the order of their album."""
    style, part = int(artist[-2]), int(artist[-1])
    return [number for number in range(18) if number % 3 == style and number % 2 == part]


def titles(songs: Iterable[Any] | None, name: str = "title") -> list[str]:
    return [song[name] if isinstance(song, dict) else getattr(song, name) for song in songs or ()]


def seconds(data: bytes) -> float:
    """How long the sound in a file lasts."""
    return soundfile.info(io.BytesIO(data)).duration


def size(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def age(text: str) -> float:
    """Seconds since a time of the protocol."""
    return abs((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds())


# py-opensonic: Music Assistant's library. It sends forms, and makes typed objects of all answers.


@pytest.fixture
def opensonic(listener: Listener) -> Iterator[Any]:
    connection = libopensonic.Connection(
        "http://127.0.0.1", listener.name, listener.password, listener.port, app_name="Music Assistant"
    )
    yield connection
    connection.cleanup()


def test_opensonic_browses_and_searches(opensonic: Any, listener: Listener) -> None:
    assert opensonic.ping()
    [letter] = opensonic.get_artists().index
    assert letter.name == "A" and titles(letter.artist, "name") == ARTISTS
    assert titles(opensonic.get_indexes().index[0].artist, "name") == ARTISTS
    ann = opensonic.get_artist(letter.artist[0].id)
    assert (ann.name, ann.album_count) == ("Artist 00", 1)
    [album] = ann.album
    assert (album.name, album.song_count, album.duration, album.genre) == ("Album 0", 3, 24, "Low")
    songs = opensonic.get_album(album.id).song
    assert titles(songs) == [f"Tune {number}" for number in of("Artist 00")]
    first = songs[0]
    assert (first.id, first.year, first.duration, first.suffix) == (listener.id(0), 1990, 8, "flac")
    assert (first.size, first.content_type) == (len(listener.file(0)), "audio/flac")
    assert (first.path, first.album_id, first.artist_id) == ("Artist 00/00.flac", album.id, ann.id)
    assert titles(first.artists, "name") == titles(first.album_artists, "name") == ["Artist 00"]
    [folder] = opensonic.get_music_directory(ann.id).child
    assert folder.is_dir and folder.title == "Album 0"
    assert opensonic.get_music_directory(folder.id).child == songs
    assert opensonic.get_song(first.id) == first

    genres = opensonic.get_genres()
    assert {genre.value: (genre.song_count, genre.album_count) for genre in genres} == GENRES
    assert len(opensonic.get_songs_by_genre("Low", count=20)) == 6
    assert {song.genre for song in opensonic.get_random_songs(4, genre="High")} == {"High"}
    assert titles(opensonic.get_album_list2("alphabeticalByArtist"), "artist") == ARTISTS
    years = [album.year for album in opensonic.get_album_list2("byYear", from_year=1992, to_year=1990)]
    assert years == sorted(years, reverse=True) and set(years) <= {1990, 1991, 1992}

    found = opensonic.search3("tune 12")
    assert (titles(found.song), found.album, found.artist) == (["Tune 12"], [], [])
    found = opensonic.search2("artist 00")
    assert (titles(found.artist, "name"), titles(found.album)) == (["Artist 00"], ["Album 0"])
    whole = opensonic.search3("", song_count=500, album_count=500, artist_count=500)
    assert (len(whole.song), len(whole.album), len(whole.artist)) == (18, 6, 6)
    with pytest.raises(DataNotFoundError):
        opensonic.get_album("al-none")


def test_opensonic_plays_from_the_beginning_and_from_the_middle(listener: Listener) -> None:
    async def evening() -> None:
        connection = libopensonic.AsyncConnection(
            "http://127.0.0.1", listener.name, listener.password, listener.port, app_name="Music Assistant"
        )
        try:
            id, file = listener.id(0), listener.file(0)
            whole = await connection.stream(id)
            assert await whole.read() == file
            assert (whole.headers["Content-Type"], whole.headers["Accept-Ranges"]) == ("audio/flac", "bytes")
            part = await connection.stream(id, byte_range=f"bytes={len(file) // 2}-")
            assert (part.status, await part.read()) == (206, file[len(file) // 2 :])
            later = await connection.stream(id, tformat="mp3", time_offset=5, estimate_length=True)
            data = await later.read()
            assert later.headers["Content-Type"] == "audio/mpeg"
            assert int(later.headers["Content-Length"]) == len(data)
            assert seconds(data) == pytest.approx(3, abs=0.1)
            low = await connection.stream(id, max_bit_rate=64)
            assert len(await low.read()) < len(file) / 2
            assert await (await connection.download(id)).read() == file
            album = (await connection.get_song(id)).cover_art
            assert await (await connection.get_cover_art(album)).read() == listener.cover
            assert size(await (await connection.get_cover_art(id, size=64)).read()) == (64, 64)
        finally:
            await connection.cleanup()

    asyncio.run(evening())


def test_opensonic_likes_and_is_remembered(opensonic: Any, listener: Listener) -> None:
    one, two, _ = map(listener.id, of("Artist 00"))
    song = opensonic.get_song(one)
    before = titles(opensonic.get_starred2().song)
    opensonic.star(sids=[one], album_ids=[song.album_id], artist_ids=[song.artist_id])
    starred = opensonic.get_starred2()
    assert titles(starred.song) == ["Tune 0", *before]
    assert (titles(starred.album, "id"), titles(starred.artist, "id")) == ([song.album_id], [song.artist_id])
    assert age(starred.song[0].starred) < 3600
    assert titles(opensonic.get_album_list2("starred"), "id") == [song.album_id]
    opensonic.unstar(sids=[one], album_ids=[song.album_id], artist_ids=[song.artist_id])
    assert titles(opensonic.get_starred().song) == before

    opensonic.set_rating(one, 4)
    opensonic.set_rating(song.album_id, 5)
    assert opensonic.get_song(one).user_rating == 4
    assert titles(opensonic.get_album_list2("highest"), "id") == [song.album_id]

    opensonic.scrobble(one, submission=False)
    [now] = [entry for entry in opensonic.get_now_playing() if entry.player_name == "Music Assistant"]
    assert (now.title, now.username, now.minutes_ago) == ("Tune 0", "ann", 0)
    opensonic.scrobble(one)
    opensonic.scrobble(two, listen_time=int(time.time()))
    again = opensonic.get_song(one)
    assert again.play_count == 1 and age(again.played) < 3600
    [recent, *_] = opensonic.get_album_list2("recent")
    assert (recent.id, recent.play_count) == (song.album_id, 2)
    assert song.album_id in titles(opensonic.get_album_list2("frequent"), "id")
    opensonic.report_playback(one, "song", 3000, "paused")
    [now] = [entry for entry in opensonic.get_now_playing() if entry.player_name == "Music Assistant"]
    assert (now.state, now.position_ms) == ("paused", 3000)


def test_opensonic_keeps_queues_bookmarks_and_playlists(opensonic: Any, listener: Listener) -> None:
    one, two, three = map(listener.id, of("Artist 00"))
    opensonic.save_play_queue([one, two, three], current=two, position=4321)
    queue = opensonic.get_play_queue()
    assert titles(queue.entry, "id") == [one, two, three]
    assert (queue.current, queue.position, queue.changed_by) == (two, 4321, "Music Assistant")
    opensonic.save_play_queue_by_index([one, one, two], current_index=1, position=7)
    by_index = opensonic.get_play_queue_by_index()
    assert titles(by_index.entry, "id") == [one, one, two]
    assert (by_index.current_index, by_index.position) == (1, 7)

    opensonic.create_bookmark(one, 5000, "the bridge")
    [mark] = opensonic.get_bookmarks()
    assert (mark.entry.id, mark.position, mark.comment, mark.username) == (one, 5000, "the bridge", "ann")
    opensonic.delete_bookmark(one)
    assert opensonic.get_bookmarks() == []

    opensonic.create_playlist(name="Evening", song_ids=[one, two])
    [playlist] = [playlist for playlist in opensonic.get_playlists() if playlist.name == "Evening"]
    assert (playlist.song_count, playlist.duration, playlist.owner) == (2, 16, "ann")
    opensonic.update_playlist(
        playlist.id, name="Late evening", comment="slow", song_ids_to_add=[three], song_indices_to_remove=[0]
    )
    changed = opensonic.get_playlist(playlist.id)
    assert (changed.name, changed.comment) == ("Late evening", "slow")
    assert titles(changed.entry, "id") == [two, three]
    assert changed.cover_art == changed.entry[0].cover_art
    opensonic.create_playlist(playlist_id=playlist.id, song_ids=[three])
    assert titles(opensonic.get_playlist(playlist.id).entry, "id") == [three]
    opensonic.delete_playlist(playlist.id)
    assert playlist.id not in titles(opensonic.get_playlists(), "id")
    with pytest.raises(DataNotFoundError):
        opensonic.get_playlist(playlist.id)


def test_opensonic_finds_what_sounds_alike(opensonic: Any, listener: Listener) -> None:
    assert "sonicSimilarity" in titles(opensonic.get_open_subsonic_extensions(), "name")
    alike, id = listener.likeness(0), listener.id(0)
    matches = opensonic.get_sonic_similar_tracks(id, count=6)
    expected = {title: max(0.0, cosine) for title, cosine in [*alike.items()][:6]}
    assert {match.entry.title: match.similarity for match in matches} == pytest.approx(expected, abs=1e-3)
    assert titles(opensonic.get_similar_songs2(id, count=5)) == [*alike][:5]
    assert titles(opensonic.get_similar_songs(id, count=5)) == [*alike][:5]
    path = opensonic.find_sonic_path(id, listener.id(17), count=5)
    assert len(path) == len({match.entry.id for match in path}) == 5
    assert (path[0].entry.title, path[-1].entry.title) == ("Tune 0", "Tune 17")
    artist = opensonic.get_song(id).artist_id
    others = titles(opensonic.get_artist_info2(artist, count=3).similar_artist, "name")
    assert len(others) == 3 and others[0] == "Artist 01" and "Artist 00" not in others
    assert set(titles(opensonic.get_top_songs("Artist 00"))) == {f"Tune {number}" for number in of("Artist 00")}

    [lyrics] = opensonic.get_lyrics_by_song_id(id)
    assert (lyrics.synced, [line.start for line in lyrics.line]) == (True, [1000, 2500])
    assert titles(lyrics.line, "value") == SUNG
    assert opensonic.get_lyrics("Artist 00", "Tune 0").value == "\n".join(SUNG)


def test_opensonic_logs_in_by_key_and_by_an_old_password(listener: Listener) -> None:
    def asked(**login: Any) -> Any:
        connection = libopensonic.Connection("http://127.0.0.1", port=listener.port, **login)
        try:
            return connection.ping(), connection.token_info().username
        finally:
            connection.cleanup()

    own = {"username": listener.name, "password": listener.password}
    assert asked(api_key=listener.token) == asked(**own) == asked(**own, legacy_auth=True) == (True, "ann")
    assert asked(**own, use_get=True, use_views=False) == (True, "ann")
    with pytest.raises(CredentialError):
        asked(username=listener.name, password="open says me")


# py-sonic: the oldest library for Python; it gives the JSON as it comes.


@pytest.fixture
def sonic(listener: Listener) -> Any:
    return libsonic.Connection("http://127.0.0.1", listener.name, listener.password, listener.port, appName="py-sonic")


def test_sonic_browses_and_plays(sonic: Any, listener: Listener) -> None:
    assert sonic.ping() and sonic.getLicense()["license"]["valid"]
    [folder] = sonic.getMusicFolders()["musicFolders"]["musicFolder"]
    assert folder == {"id": 1, "name": "music"}
    [letter] = sonic.getIndexes(musicFolderId=1)["indexes"]["index"]
    assert titles(letter["artist"], "name") == ARTISTS
    bea = letter["artist"][1]
    [album] = sonic.getMusicDirectory(bea["id"])["directory"]["child"]
    songs = sonic.getMusicDirectory(album["id"])["directory"]["child"]
    assert titles(songs) == [f"Tune {number}" for number in of("Artist 01")]
    assert songs == sonic.getAlbum(album["id"])["album"]["song"]
    assert titles(sonic.search2("tune 15")["searchResult2"]["song"]) == ["Tune 15"]
    assert titles(sonic.search3("artist 01")["searchResult3"]["album"], "id") == [album["id"]]
    listed = {
        genre["value"]: (genre["songCount"], genre["albumCount"]) for genre in sonic.getGenres()["genres"]["genre"]
    }
    assert listed == GENRES

    id, file = songs[0]["id"], listener.file(3)
    assert sonic.stream(id).read() == sonic.download(id).read() == file
    assert seconds(sonic.stream(id, tformat="mp3", timeOffset=6).read()) == pytest.approx(2, abs=0.1)
    assert size(sonic.getCoverArt(album["coverArt"], size=32).read()) == (32, 32)
    assert sonic.getLyrics("Artist 01", "Tune 3")["lyrics"]["value"] == "\n".join(SUNG)
    assert sonic.getUser("ann")["user"]["streamRole"] is True
    assert sonic.getScanStatus()["scanStatus"] == {"scanning": False, "count": 18}
    for nothing in (sonic.getPodcasts, sonic.getVideos, sonic.getChatMessages, sonic.getInternetRadioStations):
        assert nothing()["status"] == "ok"
    with pytest.raises(libsonic.errors.DataNotFoundError):
        sonic.getCoverArt("al-none")


def test_sonic_likes_and_keeps(sonic: Any, listener: Listener) -> None:
    one, two, three = map(listener.id, of("Artist 01"))
    sonic.star(sids=[two, three])
    assert titles(sonic.getStarred2()["starred2"]["song"])[:2] == ["Tune 9", "Tune 15"]
    sonic.unstar(sids=[two])
    assert "Tune 9" not in titles(sonic.getStarred()["starred"]["song"])
    sonic.unstar(sids=[three])
    sonic.setRating(three, 3)
    assert sonic.getSong(three)["song"]["userRating"] == 3
    sonic.scrobble(one, submission=False)
    assert "Tune 3" in titles(sonic.getNowPlaying()["nowPlaying"]["entry"])
    sonic.scrobble(one)
    album = sonic.getSong(one)["song"]["albumId"]
    for call, answer in ((sonic.getAlbumList, "albumList"), (sonic.getAlbumList2, "albumList2")):
        assert titles(call("recent")[answer]["album"], "id")[0] == album
        assert album in titles(call("frequent")[answer]["album"], "id")

    sonic.savePlayQueue([one, two], two, 1234)
    queue = sonic.getPlayQueue()["playQueue"]
    assert (titles(queue["entry"], "id"), queue["current"], queue["position"]) == ([one, two], two, 1234)
    sonic.createBookmark(two, 2500, "so far")
    [mark] = sonic.getBookmarks()["bookmarks"]["bookmark"]
    assert (mark["entry"]["title"], mark["position"], mark["comment"]) == ("Tune 9", 2500, "so far")
    sonic.deleteBookmark(two)
    assert sonic.getBookmarks()["bookmarks"]["bookmark"] == []

    id = sonic.createPlaylist(name="By hand", songIds=[one, two])["playlist"]["id"]
    sonic.updatePlaylist(id, name="By heart", songIdsToAdd=[three], songIndexesToRemove=[0])
    playlist = sonic.getPlaylist(id)["playlist"]
    assert (playlist["name"], titles(playlist["entry"], "id")) == ("By heart", [two, three])
    sonic.deletePlaylist(id)
    assert id not in titles(sonic.getPlaylists()["playlists"]["playlist"], "id")
    alike = [*listener.likeness(3)]
    assert titles(sonic.getSimilarSongs2(one, count=4)["similarSongs2"]["song"]) == alike[:4]
    assert len(sonic.getArtistInfo2(bea := sonic.getSong(one)["song"]["artistId"])["artistInfo2"]["similarArtist"]) == 5
    assert titles(sonic.getSimilarSongs(bea, count=2)["similarSongs"]["song"], "artist")[0] == "Artist 01"


# subsonic-connector: what upmpdcli's media server of Subsonic uses, on top of py-sonic.


class Configuration:
    """What subsonic-connector wants to know."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def getBaseUrl(self) -> str:  # noqa: N802 - its names
        return "http://127.0.0.1"

    def getPort(self) -> str:  # noqa: N802
        return str(self.listener.port)

    def getUserName(self) -> str:  # noqa: N802
        return str(self.listener.name)

    def getPassword(self) -> str:  # noqa: N802
        return str(self.listener.password)

    def getApiVersion(self) -> str:  # noqa: N802
        return str(libsonic.API_VERSION)

    def getAppName(self) -> str:  # noqa: N802
        return "subsonic-connector"

    def getLegacyAuth(self) -> bool:  # noqa: N802
        return False

    def nothing(self) -> None:
        return None

    getServerPath = getToken = getSalt = getUserAgent = getCustomHeaders = nothing  # noqa: N815


def test_connector_spends_an_evening(listener: Listener) -> None:
    connector = Connector(Configuration(listener))
    assert connector.ping()
    letters = connector.getArtists().getObj().getArtistListInitials()
    carl = letters[0].getArtistListItems()[2]
    assert (carl.getName(), carl.getAlbumCount()) == ("Artist 10", 1)
    [album] = connector.getArtist(carl.getId()).getObj().getAlbumList()
    assert (album.getTitle(), album.getArtist(), album.getSongCount(), album.getGenres()) == (
        *("Album 1", "Artist 10", 3, ["Middle"]),
    )
    songs = connector.getAlbum(album.getId()).getObj().getSongs()
    assert [song.getTitle() for song in songs] == [f"Tune {number}" for number in of("Artist 10")]
    one = songs[0]
    assert (one.getId(), one.getDuration(), one.getSuffix(), one.getYear()) == (listener.id(4), 8, "flac", 1994)
    assert [genre.getName() for genre in connector.getGenres().getObj().getGenres()] == [*GENRES]
    assert [folder.getName() for folder in connector.getMusicFolders().getObj().getMusicFolders()] == ["music"]
    found = connector.search("tune 16")
    assert [song.getId() for song in found.getSongs()] == [listener.id(16)]
    assert len(connector.getRandomSongs(4).getObj().getSongs()) == 4
    assert len(connector.getNewestAlbumList(size=3).getObj().getAlbums()) == 3

    def got(url: str, **headers: str) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return bytes(answer.read())

    url, file = connector.buildSongUrl(one.getId()), listener.file(4)
    assert got(url) == file and got(url, Range="bytes=1000-1999") == file[1000:2000]
    assert seconds(got(connector.buildSongUrl(one.getId(), format="mp3"))) == pytest.approx(8, abs=0.1)
    assert got(connector.buildCoverArtUrl(one.getCoverArt())) == listener.cover
    cover = connector.getCoverByArtistId(carl.getId())
    assert cover.getAlbumId() == album.getId()
    assert connector.getCoverArtForGenre("Middle") in {album.getId(), one.getCoverArt()} | {
        other.getCoverArt() for other in connector.getAlbumList(ListType.BY_GENRE, genre="Middle").getObj().getAlbums()
    }

    connector.scrobble(one.getId())
    recent = connector.getAlbumList(ListType.RECENT).getObj().getAlbums()
    assert recent[0].getId() == album.getId()
    alike = connector.getSimilarSongs(one.getId(), 4).getObj().getSongs()
    assert [song.getTitle() for song in alike] == [*listener.likeness(4)][:4]
    top = connector.getTopSongs("Artist 10").getObj().getSongs()
    assert top[0].getTitle() == "Tune 4"  # the one that was played
    near = connector.getArtistInfo(carl.getId(), count=2).getObj().getSimilarArtists()
    assert len(near) == 2 and all(artist.getId() and artist.getName() in ARTISTS for artist in near)
    assert connector.getStarred().getObj().getAlbums() == []
    assert connector.getPlaylists().getObj().getPlaylists() == []
    other = libsonic.Connection("http://127.0.0.1", listener.name, listener.password, listener.port)
    id = other.createPlaylist(name="For upmpdcli", songIds=[one.getId()])["playlist"]["id"]
    assert [playlist.getId() for playlist in connector.getPlaylists().getObj().getPlaylists()] == [id]
    playlist = connector.getPlaylist(id).getObj()
    [entry] = playlist.getEntries()
    assert (playlist.getName(), entry.getTitle(), entry.getArtist()) == ("For upmpdcli", "Tune 4", "Artist 10")
    other.deletePlaylist(id)


# knuckles: strict. It fails on lists that are left out, and on fields of artists, playlists and queues that it does not
# know. It cannot read what is in the protocol and comes from other servers, too: the extensions, which are a list; the
# time of an index; whether a playlist is `readonly`; a user without a password; artists without a biography.


@pytest.fixture
def knuckles(listener: Listener) -> Knuckles:
    return Knuckles(f"127.0.0.1:{listener.port}", listener.name, listener.password, "knuckles", use_https=False)


def test_knuckles_browses_and_plays(knuckles: Knuckles, listener: Listener, tmp_path: Path) -> None:
    told = knuckles.system.ping()
    assert (told.status, told.type, told.open_subsonic) == ("ok", "songspace", True)
    artists = knuckles.browsing.get_artists()
    assert titles(artists, "name") == ARTISTS
    dora = knuckles.browsing.get_artist(artists[3].id)
    assert dora.albums is not None
    [album] = [knuckles.browsing.get_album(album.id) for album in dora.albums]
    assert (album.name, album.song_count, titles(album.artists, "name")) == ("Album 1", 3, ["Artist 11"])
    assert titles(album.songs) == [f"Tune {number}" for number in of("Artist 11")]
    song = knuckles.browsing.get_song(listener.id(1))
    assert song.album is not None and song.artist is not None and song.cover_art is not None
    assert (song.title, song.album.id, song.artist.id) == ("Tune 1", album.id, dora.id)
    assert titles(knuckles.browsing.get_music_directory(dora.id).songs) == ["Album 1"]
    genres = knuckles.browsing.get_genres()
    assert {genre.value: (genre.song_count, genre.album_count) for genre in genres} == GENRES
    assert titles(knuckles.searching.search("tune 13").songs) == ["Tune 13"]
    assert titles(knuckles.searching.search_non_id3("artist 11").albums) == ["Album 1"]
    assert len(knuckles.lists.get_songs_by_genre("Low")) == 6
    assert titles(knuckles.browsing.get_similar_songs(song.id, 4)) == [*listener.likeness(1)][:4]
    assert len(knuckles.browsing.get_top_songs("Artist 11", 2)) == 2

    retrieval = knuckles.media_retrieval
    with urllib.request.urlopen(retrieval.stream(song.id), timeout=30) as stream:
        assert stream.read() == listener.file(1)
    with urllib.request.urlopen(retrieval.stream(song.id, stream_format="mp3", time_offset=6), timeout=30) as stream:
        assert seconds(stream.read()) == pytest.approx(2, abs=0.1)
    assert retrieval.download(song.id, tmp_path).name == "01.flac"
    assert (tmp_path / "01.flac").read_bytes() == listener.file(1)
    assert size(retrieval.get_cover_art(song.cover_art.id, tmp_path, 48).read_bytes()) == (48, 48)
    assert retrieval.get_lyrics("Artist 11", "Tune 1").lyrics == "\n".join(SUNG)
    status = knuckles.media_library_scanning.get_scan_status()
    assert (status.scanning, status.count) == (False, 18)
    assert knuckles.internet_radio.get_internet_radio_stations() == []
    assert knuckles.chat.get_chat_messages() == []
    assert knuckles.browsing.get_videos() == []
    with pytest.raises(KnucklesNotAllowedError):
        knuckles.sharing.get_shares()


def test_knuckles_likes_and_keeps(knuckles: Knuckles, listener: Listener) -> None:
    one, two, _ = map(listener.id, of("Artist 11"))
    knuckles.media_annotation.star_song(two)
    starred = knuckles.lists.get_starred().songs
    assert starred is not None and starred[0].id == two and starred[0].starred is not None
    knuckles.media_annotation.unstar_song(two)
    assert not [song for song in knuckles.lists.get_starred_non_id3().songs or () if song.id == two]
    knuckles.media_annotation.set_rating(two, 2)
    assert knuckles.browsing.get_song(two).user_rating == 2
    knuckles.media_annotation.remove_rating(two)
    assert knuckles.browsing.get_song(two).user_rating is None
    later = datetime.now(UTC) + timedelta(minutes=1)  # its clock is fast; and it sends whole seconds
    knuckles.media_annotation.scrobble([one], [later])
    played = knuckles.browsing.get_song(one)
    assert played.play_count == 1 and played.album is not None and played.played is not None
    assert titles(knuckles.lists.get_album_list_recent(), "id")[0] == played.album.id
    assert played.album.id in titles(knuckles.lists.get_album_list_frequent(), "id")

    knuckles.bookmarks.save_play_queue([one, two], one, 99)
    queue = knuckles.bookmarks.get_play_queue()
    assert (titles(queue.songs, "id"), queue.position, queue.changed_by) == ([one, two], 99, "knuckles")
    assert queue.current is not None and queue.current.id == one
    knuckles.bookmarks.create_bookmark(one, 1000, "here")
    [mark] = knuckles.bookmarks.get_bookmarks()
    assert (mark.song.id, mark.position, mark.comment) == (one, 1000, "here")
    knuckles.bookmarks.delete_bookmark(one)
    assert knuckles.bookmarks.get_bookmarks() == []


# Mopidy-Subidy: the backend that plays Subsonic in Mopidy, as the actor that Mopidy starts.


def test_mopidy_browses_searches_and_keeps_playlists(listener: Listener) -> None:
    reason = "Mopidy with Mopidy-Subidy is not installed (it needs setuptools before 82)"
    backend = pytest.importorskip("mopidy_subidy.backend", reason=reason)
    from mopidy.models import Track

    login = {"url": listener.address, "username": listener.name, "password": listener.password}
    about = {"legacy_auth": False, "api_version": "1.16.1"}
    actor = backend.SubidyBackend.start({"subidy": login | about}, None)
    try:
        subidy = actor.proxy()

        def browse(uri: str) -> dict[str, str]:
            return {ref.name: ref.uri for ref in subidy.library.browse(uri).get()}

        rooms = browse(subidy.library.root_directory.get().uri)
        assert [*rooms] == ["Albums", "Artists", "Directories"]
        artists = browse(rooms["Artists"])
        assert [*artists] == [*browse(rooms["Directories"])] == ARTISTS
        assert len(subidy.library.browse(rooms["Albums"]).get()) == 6
        albums = browse(artists["Artist 20"])
        songs = browse(albums["Album 2"])
        assert [*songs] == [f"Tune {number}" for number in of("Artist 20")]
        folders = browse(browse(rooms["Directories"])["Artist 20"])
        assert browse(folders["Album 2"]) == songs

        [track] = subidy.library.lookup(songs["Tune 2"]).get()
        assert (track.name, track.length, track.date, track.genre) == ("Tune 2", 8000, "1992", "High")
        assert ([artist.name for artist in track.artists], track.album.name) == (["Artist 20"], "Album 2")
        assert [track.name for track in subidy.library.lookup(artists["Artist 20"]).get()] == [*songs]
        assert [track.name for track in subidy.library.lookup(folders["Album 2"]).get()] == [*songs]
        found = subidy.library.search({"any": ["tune 14"]}).get()
        assert [track.name for track in found.tracks] == ["Tune 14"]
        found = subidy.library.search({"artist": ["artist 20"]}).get()
        assert [artist.name for artist in found.artists] == ["Artist 20"]
        with urllib.request.urlopen(subidy.playback.translate_uri(track.uri).get(), timeout=30) as stream:
            assert stream.read() == listener.file(2)

        kept = subidy.playlists.create("From Mopidy").get()
        two = [Track(uri=songs[name]) for name in ("Tune 14", "Tune 8")]
        assert subidy.playlists.save(kept.replace(tracks=two)).get() is not None
        assert [ref.name for ref in subidy.playlists.as_list().get()] == ["From Mopidy"]
        assert [ref.name for ref in subidy.playlists.get_items(kept.uri).get()] == ["Tune 14", "Tune 8"]
        again = subidy.playlists.lookup(kept.uri).get()
        assert (again.name, [track.name for track in again.tracks]) == ("From Mopidy", ["Tune 14", "Tune 8"])
        subidy.playlists.delete(kept.uri).get()
        assert subidy.playlists.as_list().get() == []
    finally:
        actor.stop()


# MPD, with python-mpd2 as its remote control: it plays the songs as files and from the server.

MPD = """
music_directory "{music}"
playlist_directory "{folder}/playlists"
db_file "{folder}/database"
bind_to_address "{folder}/socket"
zeroconf_enabled "no"
input {{
    plugin "curl"
}}
audio_output {{
    type "null"
    name "nothing"
}}
"""


@pytest.fixture
def remote(tunes: Path) -> Iterator[mpd.MPDClient]:
    """A remote control of a real MPD that has the tunes."""
    if shutil.which("mpd") is None:
        pytest.skip("mpd is not installed (Debian: apt-get install mpd)")
    with tempfile.TemporaryDirectory(prefix="mpd-") as name:  # the path of a socket may have 107 bytes
        folder = Path(name)
        (folder / "playlists").mkdir()
        (folder / "mpd.conf").write_text(MPD.format(music=tunes, folder=folder))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(["mpd", "--no-daemon", "--stderr", folder / "mpd.conf"], stdout=log, stderr=log)
        client = mpd.MPDClient()
        client.timeout = 30
        try:
            for _ in range(600):
                try:
                    client.connect(f"{folder}/socket")
                    break
                except OSError:
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.05)
            while "updating_db" in client.status():
                client.idle("update")
            client.folder = folder
            yield client
        finally:
            client.disconnect()
            process.terminate()
            process.wait()


def until(client: mpd.MPDClient, state: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """The status of MPD as soon as it is like that."""
    for _ in range(600):
        status: dict[str, str] = client.status()
        assert "error" not in status, status["error"]
        if state(status):
            return status
        time.sleep(0.05)
    raise AssertionError(status)


def test_mpd_plays_lists_of_songspace(
    remote: mpd.MPDClient, run: Run, learnt_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPD_HOST", f"{remote.folder}/socket")
    monkeypatch.delenv("MPD_PORT", raising=False)
    target = remote.folder / "playlists" / "evening.m3u"
    done = run("playlist", "Tune 5", "--length", 5, "--for", "mpd", "-o", target)
    assert done.exit_code == 0, done.output
    assert titles(remote.listplaylists(), "playlist") == ["evening"]
    listed = remote.listplaylistinfo("evening")
    assert titles(listed)[0] == "Tune 5" and len(set(titles(listed))) == 5
    assert {float(song["duration"]) for song in listed} == {8.0}
    remote.load("evening")
    assert titles(remote.playlistinfo()) == titles(listed)

    remote.clear()
    done = run("radio", "Tune 5", "--length", 3, "--mpd")
    assert done.exit_code == 0, done.output
    first, *rest = remote.playlistinfo()
    assert (first["title"], first["artist"], len(rest)) == ("Tune 5", "Artist 21", 2)
    remote.repeat(1)  # or it would have ended before a busy machine looks
    remote.play(0)
    assert until(remote, lambda status: status["state"] == "play")["song"] == "0"
    remote.pause(1)
    remote.seekcur(3)
    assert float(until(remote, lambda status: float(status["elapsed"]) >= 3)["elapsed"]) < 4
    assert remote.currentsong()["title"] == "Tune 5"


def test_mpd_plays_and_seeks_in_streams_of_the_server(remote: mpd.MPDClient, listener: Listener) -> None:
    query = {"u": listener.name, "p": listener.password, "v": "1.16.1", "c": "mpd", "id": listener.id(11)}
    for more, rate in (({}, "22050"), ({"format": "mp3"}, "44100")):  # the file; and what is encoded on the way
        remote.clear()
        remote.repeat(1)
        remote.add(f"{listener.address}/rest/stream?{urllib.parse.urlencode(query | more)}")
        remote.play(0)
        playing = until(remote, lambda status: status["state"] == "play" and "duration" in status)
        assert float(playing["duration"]) == pytest.approx(8, abs=0.1)
        assert playing["audio"].split(":")[0] == rate
        remote.pause(1)
        remote.seekcur(6)
        assert float(until(remote, lambda status: float(status["elapsed"]) >= 6)["elapsed"]) < 7
        remote.stop()


# beets: its own plugins for Subsonic. The plugin for beets that songspace has is in tests/test_beets.py.

BEETS = """
directory: {folder}/music
library: {folder}/library.db
plugins: [subsonicplaylist, subsonicupdate]
subsonicplaylist:
    base_url: {address}
    username: {name}
    password: {password}
    playlist_names: [Low evening, High evening]
subsonic:
    url: {address}
    user: {name}
    pass: {password}
import:
    copy: no
    write: no
    autotag: no
"""


def test_beets_reads_playlists_and_starts_an_update(
    listener: Listener, sonic: Any, tunes: Path, tmp_path: Path
) -> None:
    facts = {"folder": tmp_path, "address": listener.address, "name": listener.name, "password": listener.password}
    (tmp_path / "config.yaml").write_text(BEETS.format(**facts))

    def beet(*arguments: str) -> str:
        command = [sys.executable, "-m", "beets", *arguments]
        done = subprocess.run(
            command, env=os.environ | {"BEETSDIR": str(tmp_path)}, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    made = {
        name: sonic.createPlaylist(name=name, songIds=[listener.id(number) for number in numbers])["playlist"]["id"]
        for name, numbers in {"Low evening": [0, 3], "High evening": [3, 5]}.items()
    }
    music = shutil.copytree(tunes, tmp_path / "tunes")
    said = beet("-v", "import", "-q", "-s", str(music))
    assert "Updating Subsonic; scanning" in said  # at the end of what changes its library
    beet("subsonicplaylist")
    listed = beet("list", "-f", "$title:$subsonic_playlist", "subsonic_playlist::.").splitlines()
    assert sorted(line for line in listed if ";" in line) == [
        "Tune 0:;Low evening;",
        "Tune 3:;Low evening;High evening;",
        "Tune 5:;High evening;",
    ]
    for id in made.values():
        sonic.deletePlaylist(id)
    for _ in range(600):
        status = sonic.getScanStatus()["scanStatus"]
        if not status["scanning"]:
            break
        time.sleep(0.05)
    assert status == {"scanning": False, "count": 18}
