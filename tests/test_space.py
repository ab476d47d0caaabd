"""The metric space: its distances are a metric, its neighbours exact, its file whole or refused."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file
from sklearn.neighbors import NearestNeighbors

from songspace import geometry, tensorfile
from songspace.errors import SongspaceError
from songspace.evaluation import hubness, report
from songspace.playlists.mixes import mix_within, mixes
from songspace.playlists.order import order
from songspace.playlists.path import path as path_between
from songspace.playlists.radio import radio
from songspace.playlists.taste import suggest
from songspace.space import Space

coordinates = st.floats(-100, 100, width=32)
some_songs = hnp.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 5)), elements=coordinates)


def clustered(n: int = 500, d: int = 24, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((10, d)) * 2
    return (centers[rng.integers(10, size=n)] + rng.standard_normal((n, d)) + 5).astype(np.float32)


def slow_neighbors(space: Space, query: np.ndarray, k: int, without: set[int]) -> list[int]:
    """Sort all songs by (distance, row), one by one, in double precision."""
    ranked = sorted(
        (float(np.sqrt(((space.vectors[row].astype(np.float64) - query) ** 2).sum())), row)
        for row in range(len(space))
        if row not in without
    )
    return [row for _, row in ranked[:k]]


class TestMaking:
    def test_vectors_are_centred_and_of_unit_length(self) -> None:
        raw = clustered()
        space = Space.from_vectors(raw, encoder="abc")
        moved = raw.astype(np.float64) - raw.mean(axis=0, dtype=np.float64)
        expected = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        np.testing.assert_allclose(space.vectors, expected, atol=1e-6)
        np.testing.assert_allclose(space.center, raw.mean(axis=0), rtol=1e-6)
        assert space.vectors.dtype == np.float32
        assert space.encoder == "abc"
        assert len(space) == 500
        assert repr(space) == "<Space of 500 songs in 24 dimensions, encoder 'abc'>"

    def test_rows_keep_the_order_given_whatever_the_ids(self) -> None:
        raw, ids = clustered(6), [9, 3, 2**40, 1, -5, 4]
        space = Space.from_vectors(raw, ids)
        assert space.ids.tolist() == ids
        assert [space.row(id) for id in ids] == list(range(6))
        np.testing.assert_array_equal(space.vectors, Space.from_vectors(raw).vectors)

    def test_an_id_that_is_not_there(self) -> None:
        space = Space.from_vectors(clustered(5), [1, 2, 3, 5, 6])
        for missing in (0, 4, 7):
            with pytest.raises(SongspaceError, match=f"Song {missing} is not in the space"):
                space.row(missing)

    def test_one_song_has_no_direction(self) -> None:
        space = Space.from_vectors(np.float64([[0.1, 0.7, 1e9]]))
        assert not space.vectors.any()
        assert space.undirected.tolist() == [0]
        rows, distances = space.neighbors(0)
        assert len(rows) == len(distances) == 0
        assert space.distance(0, 0) == 0

    def test_songs_that_are_all_alike_have_no_direction(self) -> None:
        space = Space.from_vectors(np.tile(np.float32([0.1, 1 / 3, -7.7]), (7, 1)))
        assert space.undirected.tolist() == list(range(7))
        rows, distances = space.neighbors(3, k=3)
        assert rows.tolist() == [0, 1, 2]
        assert not distances.any()

    def test_a_song_on_the_mean_lies_at_distance_one_from_the_others(self) -> None:
        space = Space.from_vectors([[1, 0], [-1, 0], [0, 0], [0, 2], [0, -2]])
        assert space.undirected.tolist() == [2]
        rows, distances = space.neighbors(2, k=4)
        assert rows.tolist() == [0, 1, 3, 4]
        np.testing.assert_allclose(distances, 1)
        rows, distances = space.neighbors(0, k=4)
        assert rows.tolist() == [2, 3, 4, 1]
        np.testing.assert_allclose(distances, [1, np.sqrt(2), np.sqrt(2), 2])

    def test_arrays_cannot_be_changed(self) -> None:
        space = Space.from_vectors(clustered(5))
        for array in (space.vectors, space.ids, space.center, space.undirected):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0

    def test_the_callers_arrays_stay_his_own(self) -> None:
        raw, ids = clustered(5), np.arange(5)
        kept = raw.copy()
        Space.from_vectors(raw, ids)
        raw[0] += 1
        ids[0] = 7
        np.testing.assert_array_equal(raw[1:], kept[1:])

    @pytest.mark.parametrize(
        ("vectors", "ids", "said"),
        [
            ([], None, "at least one song"),
            (np.zeros((0, 4)), None, "at least one song"),
            (np.zeros((4, 0)), None, "at least one song"),
            ([1.0, 2.0], None, "shape"),
            (np.zeros((2, 2, 2)), None, "shape"),
            ([[1.0, np.nan]], None, "finite"),
            ([[1.0, -np.inf]], None, "finite"),
            ([[1.0, 1e300]], None, "finite"),
            ([["a", "b"]], None, "real numbers"),
            ([[1 + 2j]], None, "real numbers"),
            ([[1.0], [2.0]], [1], "2 ids"),
            ([[1.0], [2.0]], [1, 1], "same id"),
            ([[1.0], [2.0]], ["a", "a"], "same id"),
            ([[1.0], [2.0]], [1, True], "same id"),
            ([[1.0], [2.0]], [["a"], ["b"]], "can be hashed"),
            ([[1.0], [2.0]], [1.0, np.nan], "NaN"),
            ([[1.0], [2.0]], np.eye(2, dtype=int), "2 ids"),
            ([[1.0], [2.0]], "ab", "2 ids"),
            ([[1.0], [2.0]], 5, "2 ids"),
        ],
    )
    def test_what_is_no_space(self, vectors: object, ids: object, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            Space.from_vectors(vectors, ids)


parts = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
# What the file keeps as text has to be told apart from any other: paths that are no Unicode, tuples in tuples.
paths = st.text(st.characters()).map(lambda text: text + "\udce9")
some_ids = st.lists(
    st.recursive(parts | paths, lambda id: st.lists(id, max_size=3).map(tuple)), min_size=1, max_size=9, unique=True
)


class TestIds:
    @example(["\ud800\udce9"])  # two halves of a character, which JSON would join
    @given(some_ids)
    @settings(max_examples=200, deadline=None)
    def test_whatever_can_be_hashed(self, tmp_path_factory: pytest.TempPathFactory, ids: list) -> None:
        raw = np.arange(2.0 * len(ids)).reshape(-1, 2) ** 2
        space = Space.from_vectors(raw, ids, encoder="abc")
        again = Space.open(space.save(tmp_path_factory.getbasetemp() / "named"))
        for one in (space, again):
            assert one.ids.tolist() == ids
            assert [type(id) for id in one.ids.tolist()] == [type(id) for id in ids]
            assert [one.row(id) for id in ids] == list(range(len(ids)))
            np.testing.assert_array_equal(one.vectors, Space.from_vectors(raw).vectors)
        assert again.verify() and again.checksum
        assert (
            again.save(tmp_path_factory.getbasetemp() / "again").read_bytes()
            == (tmp_path_factory.getbasetemp() / "named").read_bytes()
        )

    @given(some_ids, st.data())
    @settings(max_examples=100, deadline=None)
    def test_some_of_them_and_more(self, ids: list, data: st.DataObject) -> None:
        space = Space.from_vectors(np.eye(len(ids), 3), ids)
        kept = data.draw(st.lists(st.sampled_from(range(len(ids))), min_size=1, unique=True))
        assert space.only(kept).ids.tolist() == [ids[row] for row in kept]
        new = ("from", "outside", ("nobody", "drew", "that"))
        wider = space.extended(space.place([[1.0, 2.0, 3.0]]), [new])
        assert wider.row(new) == len(ids) and wider.ids.tolist() == [*ids, new]

    @pytest.mark.parametrize("ids", [["b", "a", "c"], [("x", 1), ("x", 2), ("y", 1)], np.array(["b", "c", "a"])])
    def test_neighbors_do_not_depend_on_names(self, ids: object) -> None:
        raw = clustered(3)
        space = Space.from_vectors(raw, ids)
        np.testing.assert_array_equal(space.neighbors(1)[0], Space.from_vectors(raw).neighbors(1)[0])
        assert space.numbers.tolist() == [0, 1, 2]

    def test_names_that_are_not_there(self) -> None:
        for ids, missing in ((["a", "b"], "c"), (["a", "b"], 0), (["a", "b"], ["a"]), ([1, 2], "a"), ([1, 2], 2**70)):
            space = Space.from_vectors(clustered(2), ids)
            with pytest.raises(SongspaceError, match="is not in the space"):
                space.row(missing)

    def test_numbers_of_any_kind_are_numbers(self) -> None:
        for ids in ([4, 2], np.array([4, 2], np.uint8), np.array([4, 2], object), [np.int32(4), np.int64(2)]):
            space = Space.from_vectors(clustered(2), ids)
            assert space.ids.dtype == np.int64 and space.numbers.tolist() == [4, 2]
            assert space.row(np.int64(2)) == 1
        large = Space.from_vectors(clustered(2), np.array([2**63, 1], np.uint64))
        assert large.ids.tolist() == [2**63, 1] and large.row(2**63) == 0

    def test_names_that_cannot_be_written(self, tmp_path: Path) -> None:
        space = Space.from_vectors(clustered(2), [frozenset("a"), frozenset("b")])
        assert space.row(frozenset("b")) == 1
        with pytest.raises(SongspaceError, match="an id of the type frozenset cannot be written"):
            space.save(tmp_path / "space")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        "text", [b"", b"[]", b'["a"]', b'["a","a"]', b'[{},"a"]', b'[{"bytes":1},"a"]', b"[[" * 9999]
    )
    def test_a_hostile_file(self, tmp_path: Path, text: bytes) -> None:
        named = Space.from_vectors(clustered(2), ["a", "b"])
        path = named.save(tmp_path / "space")
        arrays, said = tensorfile.open_mapped(path)
        tensorfile.write(tmp_path / "other", arrays | {"names": np.frombuffer(text, np.int8)}, said, aligned="vectors")
        space = Space.open(tmp_path / "other")
        with pytest.raises(SongspaceError, match="its ids are not those that were written"):
            space.row("a")


class TestMetric:
    @given(some_songs, st.data())
    @settings(max_examples=200, deadline=None)
    def test_it_is_a_metric(self, raw: np.ndarray, data: st.DataObject) -> None:
        space = Space.from_vectors(raw)
        a, b, c = (data.draw(st.integers(0, len(space) - 1)) for _ in range(3))
        assert space.distance(a, a) == 0
        assert space.distance(a, b) == space.distance(b, a)
        assert 0 <= space.distance(a, b) <= 2 + 1e-6
        assert space.distance(a, c) <= space.distance(a, b) + space.distance(b, c) + 1e-12
        if space.distance(a, b) == 0:
            np.testing.assert_array_equal(space.vectors[a], space.vectors[b])

    def test_all_ways_to_ask_agree(self) -> None:
        space = Space.from_vectors(clustered(60))
        rows = [5, 0, 59, 5]
        one_by_one = [space.distance(7, row) for row in rows]
        np.testing.assert_array_equal(space.distances(7, rows), one_by_one)
        np.testing.assert_array_equal(space.distances(space.vectors[7], rows), one_by_one)
        np.testing.assert_array_equal(space.distances(7)[rows], one_by_one)
        np.testing.assert_allclose(space.pairwise([7, 3], rows)[0], one_by_one, atol=1e-7)
        found, distances = space.neighbors(7, k=59)
        np.testing.assert_array_equal(distances, space.distances(7, found))
        assert space.distances(7, []).shape == (0,)

    def test_near_duplicates_keep_their_distances_and_order(self) -> None:
        """Products of float32 numbers would put all of these at one distance, or at none."""
        rng = np.random.default_rng(3)
        base = rng.standard_normal(64)
        away = rng.standard_normal(64)
        raw = np.stack([base + step * 1e-5 * away for step in rng.permutation(50)] + [-base] * 50)
        space = Space.from_vectors(raw)
        rows, distances = space.neighbors(0, k=49, mutual=False)
        assert rows.tolist() == slow_neighbors(space, space.vectors[0], 49, {0})
        exact = np.linalg.norm(space.vectors[rows].astype(np.float64) - space.vectors[0], axis=1)
        np.testing.assert_allclose(distances, exact, rtol=1e-12)
        assert 0 < distances[0] < distances[-1] < 1e-3
        np.testing.assert_allclose(space.pairwise([0], rows)[0], exact, atol=1e-7)

    def test_a_row_that_is_not_there(self) -> None:
        space = Space.from_vectors(clustered(5))
        for row in (-1, 5, True, "0", None):
            with pytest.raises(ValueError, match=r"no row|real numbers|Expected a row"):
                space.distance(row, 0)


class TestNeighbors:
    def test_they_are_those_of_scikit_learn(self) -> None:
        space = Space.from_vectors(clustered())
        reference = NearestNeighbors(n_neighbors=11, algorithm="brute").fit(space.vectors.astype(np.float64))
        expected_distances, expected_rows = reference.kneighbors(space.vectors.astype(np.float64))
        for row in range(0, 500, 7):
            rows, distances = space.neighbors(row, k=10, mutual=False)
            np.testing.assert_array_equal(rows, expected_rows[row, 1:])
            np.testing.assert_allclose(distances, expected_distances[row, 1:], atol=1e-6)

    @given(some_songs, st.integers(1, 14), st.data())
    @settings(max_examples=200, deadline=None)
    def test_they_are_exact_and_ties_go_by_row(self, raw: np.ndarray, k: int, data: st.DataObject) -> None:
        space = Space.from_vectors(np.round(raw / 50))  # coarse, so that songs coincide
        row = data.draw(st.integers(0, len(space) - 1))
        without = data.draw(st.sets(st.integers(0, len(space) - 1)))
        rows, distances = space.neighbors(row, k, exclude=without, mutual=False)
        expected = slow_neighbors(space, space.vectors[row], k, without | {row})
        if rows.tolist() != expected:  # what is as far in truth may differ in the last digit
            exact = np.linalg.norm(space.vectors.astype(np.float64) - space.vectors[row], axis=1)
            np.testing.assert_allclose(exact[rows], exact[expected], rtol=0, atol=1e-6)
        for one, after in pairwise(rows.tolist()):
            assert one < after or (space.vectors[one] != space.vectors[after]).any()
        assert (np.diff(distances) >= 0).all()

    @pytest.mark.parametrize("mutual", [False, True])
    def test_a_song_from_outside(self, mutual: bool) -> None:
        raw = clustered()
        space = Space.from_vectors(raw, mutual=mutual)
        placed = space.place(raw[42])
        np.testing.assert_array_equal(placed, space.vectors[42])
        np.testing.assert_array_equal(space.place(raw[40:44]), space.vectors[40:44])
        rows, distances = space.neighbors(placed, k=4)
        assert rows[0] == 42
        assert distances[0] == 0
        np.testing.assert_array_equal(rows[1:], space.neighbors(42, k=3)[0])

    def test_the_middle_of_several_songs(self) -> None:
        space = Space.from_vectors(clustered())
        middle = space.vectors[[1, 2, 3]].mean(axis=0)
        rows, distances = space.neighbors(middle, k=5, mutual=False)
        assert rows.tolist() == slow_neighbors(space, middle, 5, set())
        np.testing.assert_allclose(distances, np.linalg.norm(space.vectors[rows] - middle, axis=1), rtol=1e-5)

    @pytest.mark.parametrize(
        ("vector", "said"),
        [
            ([3.0, 4.0], "place"),
            ([1.0, 0.0, 0.0], "vector of 2"),
            ([[1.0, 0.0]], "vector of 2"),
            ([np.nan, 0.0], "finite"),
            (2.0, "vector of 2"),
            (["a", "b"], "real numbers"),
        ],
    )
    def test_what_is_no_song(self, vector: object, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            Space.from_vectors(clustered(9, 2)).neighbors(vector)

    def test_what_cannot_be_placed(self) -> None:
        space = Space.from_vectors(clustered(9, 2))
        for vectors in ([1.0, 2.0, 3.0], 1.0, np.zeros((1, 1, 2)), [[np.inf, 0]]):
            with pytest.raises(ValueError, match="Expected"):
                space.place(vectors)

    @pytest.mark.parametrize("k", [0, -3])
    def test_fewer_than_one_neighbor(self, k: int) -> None:
        with pytest.raises(ValueError, match="at least 1"):
            Space.from_vectors(clustered(9)).neighbors(0, k)


class TestExtending:
    @pytest.mark.parametrize("mutual", [False, True])
    def test_a_song_from_outside_has_the_same_neighbors_with_a_row_as_without(self, mutual: bool) -> None:
        raw = clustered(60)
        space = Space.from_vectors(raw[:59], mutual=mutual)
        placed = space.place(raw[59])
        wider = space.extended([placed], [-1])
        assert wider.mutual == mutual
        for found, expected in zip(wider.neighbors(59, 20), space.neighbors(placed, 20), strict=True):
            np.testing.assert_array_equal(found, expected)

    def test_some_songs_keep_what_they_have_among_all(self) -> None:
        space = Space.from_vectors(clustered(30), np.arange(30) * 2, encoder="abc", mutual=True)
        some = space.only([7, 3, 20])
        assert (some.ids.tolist(), some.encoder, some.mutual) == ([14, 6, 40], "abc", True)
        np.testing.assert_array_equal(some.vectors, space.vectors[[7, 3, 20]])
        np.testing.assert_array_equal(some.moments, space.moments[[7, 3, 20]])
        assert some.distance(0, 2) == space.distance(7, 20)
        np.testing.assert_allclose(some.remoteness([1]), space.remoteness([3])[:, [7, 3, 20]], rtol=1e-4)
        for rows in ([30], [1, 1]):
            with pytest.raises(ValueError, match=r"no row 30|same id"):
                space.only(rows)

    def test_songs_from_outside_come_after_its_own(self) -> None:
        raw = clustered(12)
        space = Space.from_vectors(raw[:10], encoder="abc")
        wider = space.extended(space.place(raw[10:]), [-1, -2])
        assert len(wider) == 12
        assert (wider.row(3), wider.row(-2), wider.encoder) == (3, 11, "abc")
        np.testing.assert_array_equal(wider.vectors[:10], space.vectors)
        assert wider.distance(11, 4) == space.distance(space.place(raw[11]), 4)
        assert len(space) == 10

    @pytest.mark.parametrize(("vector", "id"), [([9.0, 9.0], -1), ([1.0, 0.0], 3), ([1.0], -1)])
    def test_what_does_not_fit(self, vector: list[float], id: float) -> None:
        with pytest.raises(ValueError, match=r"place|same id|vector of 2"):
            Space.from_vectors(clustered(9, 2)).extended([vector], [id])


class TestFile:
    @pytest.fixture
    def space(self) -> Space:
        raw = clustered(101, 7)  # an odd number of numbers: what follows them is not aligned by luck
        raw[13] = raw.mean(axis=0)
        return Space.from_vectors(raw, np.arange(101)[::-1] * 3, encoder="0123456789abcdef")

    @pytest.mark.parametrize("mutual", [False, True])
    def test_it_comes_back_as_it_was(self, space: Space, tmp_path: Path, mutual: bool) -> None:
        space.mutual = mutual
        path = space.save(tmp_path / "space")
        again = Space.open(path)
        for name in ("vectors", "ids", "center", "undirected", "moments"):
            np.testing.assert_array_equal(getattr(again, name), getattr(space, name))
            assert not getattr(again, name).flags.writeable
        assert (again.encoder, again.mutual) == (space.encoder, space.mutual)
        assert again.verify()
        assert again.row(300) == 0
        np.testing.assert_array_equal(again.neighbors(5)[0], space.neighbors(5)[0])
        assert os.listdir(tmp_path) == ["space"]

    def test_safetensors_reads_it(self, space: Space, tmp_path: Path) -> None:
        arrays = load_file(space.save(tmp_path / "space"))
        assert set(arrays) == {"vectors", "ids", "versions", "center", "undirected", "moments"}
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, getattr(space, name))
            assert array.dtype == getattr(space, name).dtype

    @pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 3), (3, 5), (64, 16)])
    def test_vectors_begin_at_a_round_address_and_are_not_copied(self, tmp_path: Path, n: int, d: int) -> None:
        space = Space.open(Space.from_vectors(clustered(n, d)).save(tmp_path / "space"))
        for name in ("vectors", "ids", "center", "undirected", "moments"):
            array = getattr(space, name)
            assert array.flags.aligned
            assert not array.flags.owndata
        assert space.vectors.ctypes.data % 64 == 0

    def test_a_new_one_replaces_it_while_the_old_is_in_use(self, space: Space, tmp_path: Path) -> None:
        if sys.platform == "win32":
            pytest.skip("Windows does not replace a file that is mapped")
        path = space.save(tmp_path / "space")
        old = Space.open(path)
        before = old.neighbors(0)[0]
        Space.from_vectors(clustered(20, 3, seed=1)).save(path)
        np.testing.assert_array_equal(old.neighbors(0)[0], before)
        assert len(Space.open(path)) == 20

    def test_a_save_that_fails_leaves_the_old_one(
        self, space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = space.save(tmp_path / "space")

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(SongspaceError, match="No space left on device"):
            Space.from_vectors(clustered(20, 3)).save(path)
        assert os.listdir(tmp_path) == ["space"]
        assert len(Space.open(path)) == 101

    def test_a_folder_that_is_not_there(self, space: Space, tmp_path: Path) -> None:
        with pytest.raises(SongspaceError, match="cannot be written"):
            space.save(tmp_path / "nowhere" / "space")
        with pytest.raises(SongspaceError, match="There is no space at"):
            Space.open(tmp_path / "nowhere" / "space")

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(SongspaceError, match="cannot be read"):
            Space.open(tmp_path)

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything")
    def test_no_permission(self, space: Space, tmp_path: Path) -> None:
        path = space.save(tmp_path / "space")
        path.chmod(stat.S_IWUSR)
        with pytest.raises(SongspaceError, match="Permission denied"):
            Space.open(path)

    def test_a_file_cut_off_anywhere_is_refused(self, tmp_path: Path) -> None:
        path = Space.from_vectors(clustered(5, 3)).save(tmp_path / "space")
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with pytest.raises(SongspaceError, match=r"cut off|damaged"):
                Space.open(path)
        path.write_bytes(whole + b"\0")
        with pytest.raises(SongspaceError, match="damaged"):
            Space.open(path)

    def test_a_damaged_header_is_refused_and_damaged_numbers_are_found(self, tmp_path: Path) -> None:
        path = Space.from_vectors(clustered(5, 3), encoder="abc").save(tmp_path / "space")
        whole = path.read_bytes()
        begin = 8 + int.from_bytes(whole[:8], "little")
        padding = len(whole[8:begin]) - len(whole[8:begin].rstrip())
        for at in range(len(whole)):
            if begin - padding <= at < begin:
                continue  # a space more or less, or any other white space, says the same
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            if at < begin:
                with pytest.raises(SongspaceError, match=r"damaged|cut off|not a file"):
                    Space.open(path)
            else:
                assert not Space.open(path).verify()

    @given(st.binary(max_size=300))
    @settings(max_examples=100, deadline=None)
    def test_anything_else_is_refused(self, tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
        path = tmp_path_factory.getbasetemp() / "junk"
        for data in (junk, len(junk).to_bytes(8, "little") + junk):
            path.write_bytes(data)
            with pytest.raises(SongspaceError):
                Space.open(path)

    @pytest.mark.parametrize(
        "header",
        [
            [],
            {},
            {"__metadata__": None},
            {"__metadata__": {}},
            {"__metadata__": {"seal": "0"}, "vectors": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}},
        ],
    )
    def test_another_safetensors_file_is_refused(self, tmp_path: Path, header: object) -> None:
        text = json.dumps(header).encode()
        path = tmp_path / "space"
        path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(16))
        with pytest.raises(SongspaceError):
            Space.open(path)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"ids": np.arange(4)}, "do not belong together"),
            ({"versions": np.arange(4)}, "do not belong together"),
            ({"moments": np.zeros((5, 3), np.float32)}, "do not belong together"),
            ({"center": np.zeros(2, np.float32)}, "do not belong together"),
            ({"vectors": np.zeros((5, 3, 1), np.float32)}, "do not belong together"),
            ({"vectors": np.zeros((5, 0), np.float32), "center": np.zeros(0, np.float32)}, "do not belong together"),
            ({name: np.zeros((4, 3), np.int8) for name in ("openings", "endings")}, "do not belong together"),
            ({"openings": np.zeros((5, 3), np.int8)}, "no space"),
            ({"more": np.zeros(2)}, "no space"),
        ],
    )
    def test_a_file_of_other_arrays_is_refused(self, tmp_path: Path, change: dict[str, np.ndarray], said: str) -> None:
        space = Space.from_vectors(clustered(5, 3))
        arrays = {
            name: getattr(space, name) for name in ("ids", "versions", "undirected", "vectors", "center", "moments")
        }
        metadata = {"format": "songspace.space/3", "encoder": "", "order": "distance"}
        tensorfile.write(tmp_path / "space", arrays | change, metadata, aligned="vectors")
        with pytest.raises(SongspaceError, match=said):
            Space.open(tmp_path / "space")
        tensorfile.write(tmp_path / "space", arrays, metadata, aligned="vectors")
        assert len(Space.open(tmp_path / "space")) == 5

    def test_beginnings_and_endings_are_kept(self, tmp_path: Path) -> None:
        raw, rng = clustered(5, 3), np.random.default_rng(0)
        openings, endings = rng.normal(size=(2, 5, 3))
        space = Space.from_vectors(raw, openings=openings, endings=endings).with_versions([3, 1, 1, 9, 3])
        again = Space.open(space.save(tmp_path / "space"))
        assert again.verify()
        assert again.versions.tolist() == [3, 1, 1, 9, 3]
        everyone = np.arange(5)
        np.testing.assert_allclose(again.openings(everyone), space.place(openings), atol=0.01)
        np.testing.assert_allclose(again.endings(everyone), space.place(endings), atol=0.01)
        expected = [[np.linalg.norm(end - begin) for begin in space.openings(everyone)] for end in space.endings([2])]
        np.testing.assert_allclose(again.transitions([2], everyone), expected, atol=1e-6)
        some = again.only([3, 1])
        np.testing.assert_array_equal(some.openings([0]), space.openings([3]))
        longer = some.extended(space.vectors[:1], [99], openings=space.openings([0]), endings=space.endings([0]))
        np.testing.assert_allclose(longer.endings([2]), space.endings([0]), atol=0.01)
        assert longer.versions.tolist() == [9, 1, 10]

    def test_beginnings_of_another_shape_are_refused(self) -> None:
        with pytest.raises(ValueError, match="a version for each of 5 songs"):
            Space.from_vectors(clustered(5, 3)).with_versions([1, 2])
        with pytest.raises(ValueError, match=r"openings and endings of shape \(5, 3\), both or none"):
            Space.from_vectors(clustered(5, 3), openings=np.zeros((4, 3)))

    def test_a_file_of_another_version_says_what_to_do(self, tmp_path: Path) -> None:
        space = Space.from_vectors(clustered(5, 3))
        arrays = {name: getattr(space, name) for name in ("ids", "undirected", "vectors", "center")}
        for version in (2, 4):
            metadata = {"format": f"songspace.space/{version}", "encoder": ""}
            tensorfile.write(tmp_path / "space", arrays, metadata, aligned="vectors")
            with pytest.raises(SongspaceError, match="another version of songspace: run `songspace update`"):
                Space.open(tmp_path / "space")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("shape", [5.0, 3.0]),
            ("shape", [-5, -3]),
            ("shape", [True, 15]),
            ("shape", ["5", "3"]),
            ("shape", [2**62, 2**62]),
            ("data_offsets", [0, 60]),
            ("data_offsets", [-60, 0]),
            ("dtype", "F16"),
            ("dtype", None),
        ],
    )
    def test_a_header_that_lies_is_refused(self, tmp_path: Path, field: str, value: object) -> None:
        """Even one that is sealed as :mod:`songspace.tensorfile` seals its own."""
        path = Space.from_vectors(clustered(5, 3)).save(tmp_path / "space")
        data = path.read_bytes()
        begin = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:begin])
        header["vectors"][field] = value
        del header["__metadata__"]["seal"]
        seal = hashlib.blake2b(json.dumps(header, sort_keys=True).encode(), digest_size=8).hexdigest()
        header["__metadata__"]["seal"] = seal
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[begin:])
        with pytest.raises(SongspaceError, match=r"header is damaged|cut off or damaged"):
            Space.open(path)

    def test_a_header_as_deep_as_a_well_is_refused(self, tmp_path: Path) -> None:
        text = b"[" * 60_000
        path = tmp_path / "space"
        path.write_bytes(len(text).to_bytes(8, "little") + text)
        with pytest.raises(SongspaceError):
            Space.open(path)


class TestNamedSongs:
    def test_every_room_answers_of_songs_with_names_as_of_songs_with_numbers(self) -> None:
        raw = clustered(80, 6)
        named = Space.from_vectors(raw, [(f"artist {row % 9}", f"{row}.mp3") for row in range(80)])
        numbered = Space.from_vectors(raw)
        labels = ["jazz" if row < 40 else "rock" for row in range(80)]
        for ask in (
            lambda space: radio(space, [3, 4], length=7),
            lambda space: path_between(space, 3, 70, length=7),
            lambda space: order(space, range(9)),
            lambda space: [mix.rows for mix in mixes(space, count=3, length=5)],
            lambda space: mix_within(space, range(30), length=6),
            lambda space: suggest(space, [1, 2, 50], disliked=[9], count=5),
            lambda space: str(geometry.describe(space, labels)),
            lambda space: hubness.evaluate(space, k=5)["skewness"],
            lambda space: report.evaluate({"a": space}, labels, seeds=1)["encoders"]["a"],
        ):
            assert repr(ask(named)) == repr(ask(numbered))
