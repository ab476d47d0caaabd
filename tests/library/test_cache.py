"""The cache of spectrograms: what goes in comes out, and a full one keeps a fair sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from songspace.errors import SongspaceError
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import Catalog
from songspace.library.cue import Part
from songspace.library.records import Track
from songspace.library.scan import Found

SHAPE = (3, 2, 4)
RECORD = 24


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.sqlite", write=True)


def _open(catalog: Catalog, tmp_path: Path, cap: int = 10**6) -> SpectrogramCache:
    return SpectrogramCache(tmp_path / "cache.u8", catalog, shape=SHAPE, cap=cap)


def _put(catalog: Catalog, cache: SpectrogramCache, number: int, segments: int = 3) -> tuple[int, np.ndarray]:
    identity = bytes([number]) * 16
    track = Track(identity, Part(), 9.0, range(segments), [False] * segments)
    [song] = catalog.record(Found(f"/m/{number}", 1, 1), [track])
    codes = np.random.default_rng(number).integers(0, 256, (segments, *SHAPE[1:]), np.uint8)
    cache.put(song, identity, codes)
    return song, codes


def test_what_goes_in_comes_out_also_later(catalog: Catalog, tmp_path: Path) -> None:
    cache = _open(catalog, tmp_path)
    kept = dict(_put(catalog, cache, number, segments) for number, segments in [(9, 3), (2, 1), (5, 2)])
    for opened in (cache, _open(catalog, tmp_path)):
        for song, codes in kept.items():
            assert song in opened
            np.testing.assert_array_equal(opened.get(song), codes)


def test_rows_come_by_identity_with_their_songs(catalog: Catalog, tmp_path: Path) -> None:
    cache = _open(catalog, tmp_path)
    songs = {number: _put(catalog, cache, number, segments) for number, segments in [(9, 3), (2, 1), (5, 2)]}
    X, groups = cache.rows()
    order = [songs[2], songs[5], songs[9]]
    expected = np.concatenate([codes for _, codes in order])
    assert X.shape == expected.shape and X.dtype == np.uint8 and len(X) == 6
    np.testing.assert_array_equal(X[:], expected)
    np.testing.assert_array_equal(X[np.array([5, 0, 2])], expected[[5, 0, 2]])
    assert groups.tolist() == [0, 1, 1, 2, 2, 2]
    assert cache.songs() == [song for song, _ in order]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux says what of a file a process holds")
def test_what_was_read_of_the_rows_does_not_stay_in_the_process(catalog: Catalog, tmp_path: Path) -> None:
    cache = SpectrogramCache(tmp_path / "cache.u8", catalog, shape=(3, 512, 512), cap=10**9)
    for number in range(10):
        identity = bytes([number]) * 16
        track = Track(identity, Part(), 9.0, range(3), [False] * 3)
        [song] = catalog.record(Found(f"/m/{number}", 1, 1), [track])
        cache.put(song, identity, np.full((3, 512, 512), number, np.uint8))
    X, groups = cache.rows()
    for row in range(len(X)):
        assert (X[[row]] == groups[row]).all()
    assert (X[:] == groups[:, None, None]).all()
    held = Path("/proc/self/smaps").read_text().partition(f"{tmp_path / 'cache.u8'}\n")[2]
    assert held, "the file is not mapped"
    name, size, unit = held.splitlines()[3].split()
    assert (name, unit) == ("Rss:", "kB")
    assert int(size) < 1000  # of 7864


@pytest.mark.parametrize("order", [range(20), reversed(range(20)), np.random.default_rng(0).permutation(20).tolist()])
def test_a_full_cache_holds_the_same_sample_in_whatever_order(
    catalog: Catalog, tmp_path: Path, order: list[int]
) -> None:
    cache = _open(catalog, tmp_path, cap=5 * RECORD)
    kept = {}
    for number in order:
        kept[number] = _put(catalog, cache, number)
    for opened in (cache, _open(catalog, tmp_path, cap=5 * RECORD)):
        assert opened.identities() == [bytes([number]) * 16 for number in range(5)]
        for number in range(5):
            np.testing.assert_array_equal(opened.get(kept[number][0]), kept[number][1])
        assert not opened.wants(bytes([5]) * 16)
    assert (tmp_path / "cache.u8").stat().st_size <= 5 * RECORD


def test_a_deleted_file_is_forgotten_and_filled_again(catalog: Catalog, tmp_path: Path) -> None:
    song, _ = _put(catalog, _open(catalog, tmp_path), 1)
    (tmp_path / "cache.u8").unlink()
    cache = _open(catalog, tmp_path)
    assert song not in cache
    cache.forget_lost()
    assert catalog.slots() == []
    again, codes = _put(catalog, cache, 1)
    assert again == song
    np.testing.assert_array_equal(cache.get(song), codes)


def test_a_file_cut_short_loses_only_its_end(catalog: Catalog, tmp_path: Path) -> None:
    cache = _open(catalog, tmp_path)
    (first, codes), (second, _) = _put(catalog, cache, 1), _put(catalog, cache, 2)
    with (tmp_path / "cache.u8").open("r+b") as file:
        file.truncate(RECORD + 3)
    cache = _open(catalog, tmp_path)
    assert first in cache and second not in cache
    np.testing.assert_array_equal(cache.get(first), codes)


def test_the_place_of_a_song_that_left_is_used_again(catalog: Catalog, tmp_path: Path) -> None:
    cache = _open(catalog, tmp_path)
    for number in (1, 2, 3):
        _put(catalog, cache, number)
    catalog.forget(["/m/2"])
    catalog.drop_orphans()
    cache = _open(catalog, tmp_path)
    _put(catalog, cache, 4)
    assert (tmp_path / "cache.u8").stat().st_size == 3 * RECORD


def test_a_kill_between_eviction_and_record_points_nowhere_wrong(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = _open(catalog, tmp_path, cap=2 * RECORD)
    kept = {number: _put(catalog, cache, number) for number in (5, 6)}
    real = catalog.set_slot

    def die_after_writing(song: int, slot: int | None, checksum: int | None = None) -> None:
        if slot is not None:
            raise KeyboardInterrupt
        real(song, slot)

    monkeypatch.setattr(catalog, "set_slot", die_after_writing)
    with pytest.raises(KeyboardInterrupt):
        _put(catalog, cache, 1)
    cache = _open(catalog, tmp_path, cap=2 * RECORD)
    assert cache.identities() == [bytes([5]) * 16]
    np.testing.assert_array_equal(cache.get(kept[5][0]), kept[5][1])


def test_a_changed_byte_is_found_and_costs_its_song_only(catalog: Catalog, tmp_path: Path) -> None:
    cache = _open(catalog, tmp_path)
    (whole, codes), (damaged, _) = _put(catalog, cache, 1), _put(catalog, cache, 2, segments=1)
    content = bytearray((tmp_path / "cache.u8").read_bytes())
    content[-1] ^= 1  # of a segment that the song does not have: what is not looked at may not be trusted either
    (tmp_path / "cache.u8").write_bytes(content)
    cache = _open(catalog, tmp_path)
    assert cache.is_whole(whole) and not cache.is_whole(damaged)
    with pytest.raises(SongspaceError, match="is damaged"):
        cache.get(damaged)
    assert cache.forget_damaged() == 1
    assert whole in cache and damaged not in cache and cache.songs() == [whole]
    np.testing.assert_array_equal(cache.get(whole), codes)
    _, again = _put(catalog, cache, 2, segments=1)
    np.testing.assert_array_equal(_open(catalog, tmp_path).get(damaged), again)
    assert _open(catalog, tmp_path).forget_damaged() == 0


def test_songs_that_left_while_it_was_open_make_room(catalog: Catalog, tmp_path: Path) -> None:
    cache = _open(catalog, tmp_path, cap=2 * RECORD)
    for number in (1, 2):
        _put(catalog, cache, number)
    catalog.forget(["/m/1"])
    catalog.drop_orphans()
    cache.forget_gone()
    song, codes = _put(catalog, cache, 3)
    assert cache.identities() == [bytes([2]) * 16, bytes([3]) * 16]
    np.testing.assert_array_equal(cache.get(song), codes)
    assert (tmp_path / "cache.u8").stat().st_size == 2 * RECORD
