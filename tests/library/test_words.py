"""Words that an ear has for songs: ranks, those that stand out, and what is asked in a text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from songspace.library.words import MOST, STANDS_OUT, Words

NAMES = ("rock", "female vocalists", "female vocalist", "House", "80s", "alternative", "alternative rock")


def words(songs: int = 50, seed: int = 0) -> Words:
    random = np.random.default_rng(seed)
    return Words.of(NAMES, random.permutation(songs) + 5, random.normal(size=(songs, len(NAMES))), "a fingerprint")


def test_a_rank_is_the_share_of_the_songs_that_are_less_like_it() -> None:
    random = np.random.default_rng(1)
    ids, likeness = random.permutation(40) + 3, random.normal(size=(40, len(NAMES)))
    found = Words.of(NAMES, ids, likeness)
    expected = (rankdata(likeness, axis=0) - 1) / 39
    for row, id in enumerate(ids):
        place = found.row(id)
        assert place is not None
        np.testing.assert_allclose(found.ranks[place], expected[row], rtol=1e-6)
    assert found.row(2) is None and found.row(43) is None and found.told(43) == ()


def test_only_what_stands_out_is_told() -> None:
    found = words()
    for id in found.songs.tolist():
        ranks = dict(zip(found.names, found.ranks[found.row(id)].tolist(), strict=True))
        told = found.told(id)
        assert len(told) <= MOST and [ranks[word] for word in told] == sorted((ranks[w] for w in told), reverse=True)
        assert set(told) == {word for word, rank in ranks.items() if rank >= STANDS_OUT}
    assert sum(map(len, map(found.told, found.songs.tolist()))) == len(NAMES) * 5  # a tenth of fifty songs each


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("Mellow female vocalists 80s", ("female vocalists", "80s"), ("mellow",)),
        ("alternative rock", ("alternative rock",), ()),
        ("rock alternative rock", ("rock", "alternative rock"), ()),
        ("HOUSE, house and   house", ("house",), ("and",)),
        ("female", (), ("female",)),
    ],
)
def test_the_longest_words_are_found(text: str, known: tuple[str, ...], unknown: tuple[str, ...]) -> None:
    assert words().asked(text) == (known, unknown)


@given(st.text(alphabet="abcdefghij 80s,", max_size=40))
def test_any_text_is_parted_into_known_and_unknown(text: str) -> None:
    known, unknown = words().asked(text)
    heard = " ".join(text.lower().replace(",", " ").split())
    assert set(known) <= set(words().names) and all(word in heard for word in (*known, *unknown))
    assert bool(known or unknown) == bool(heard)


def test_several_words_are_the_mean_of_their_ranks() -> None:
    found = words()
    np.testing.assert_allclose(found.sums(["80s", "rock"]), (found.ranks[:, 4] + found.ranks[:, 0]) / 2, rtol=1e-6)


def test_they_come_back_from_their_file_unless_it_is_another_encoders(tmp_path: Path) -> None:
    found, path = words(), tmp_path / "words.safetensors"
    assert Words.open(path, "a fingerprint") is None
    found.save(path)
    again = Words.open(path, "a fingerprint")
    assert again is not None and again.names == found.names
    np.testing.assert_array_equal(again.ranks, found.ranks)
    np.testing.assert_array_equal(again.songs, found.songs)
    assert Words.open(path, "another") is None
    path.write_bytes(path.read_bytes()[:200])
    assert Words.open(path, "a fingerprint") is None


def test_all_songs_at_once_are_told_what_each_is() -> None:
    random = np.random.default_rng(3)
    words = Words.of([f"w{number}" for number in range(12)], random.permutation(90) * 3, random.normal(size=(90, 12)))
    each = words.told_each()
    assert each == {song: words.told(song) for song in words.songs.tolist()}
    assert {len(told) for told in each.values()} > {0, 1, 2}
