"""The map of the vectors of an encoder that was made elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from songspace import SongspaceError
from songspace.encoders import discriminants
from songspace.encoders.pretrained import Pretrained
from songspace.frontends import LogMel


class Means(Pretrained):
    """The mean of each band."""

    name = "means"

    def __init__(self, frontend: LogMel | None = None) -> None:
        self.frontend = frontend

    def fit(self, X: Any, y: Any = None) -> Means:
        self._start_fit(X)
        return self

    def _own(self, batch: np.ndarray) -> np.ndarray:
        return batch.mean(axis=2)


@pytest.fixture
def sounds() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    songs = np.repeat(np.arange(24), 3)
    X = rng.normal(-30, 3, (72, 64, 20)) + rng.normal(0, 5, (24, 64, 1))[songs]
    return X.astype(np.float32), songs


def test_its_own_vectors_are_kept_and_the_map_makes_others_of_them(sounds: tuple[np.ndarray, np.ndarray]) -> None:
    X, songs = sounds
    encoder = Means().fit(X)
    own = encoder.transform(X)
    before = encoder.fingerprint_
    assert encoder.kept_as_ == before and encoder.placed(own) is own
    np.testing.assert_allclose(own, X.mean(axis=2), rtol=1e-6)
    artists = [f"Artist {song // 3}" for song in songs]
    encoder.fit_map(own, songs, artists)
    assert encoder.kept_as_ == before != encoder.fingerprint_
    np.testing.assert_array_equal(encoder.keep_song(X), own)
    expected = discriminants.fit([own], songs, 128, artists=np.arange(24) // 3)(own)
    assert expected.shape == (72, 23)
    np.testing.assert_allclose(encoder.transform(X), expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(encoder.transform(X), encoder.placed(own))
    np.testing.assert_array_equal(encoder.without_map().transform(X), own)


def test_artists_teach_it_and_nobody_does_not(sounds: tuple[np.ndarray, np.ndarray]) -> None:
    X, songs = sounds
    own = Means().fit(X).transform(X)
    by = {
        who: Means().fit(X).fit_map(own, songs, artists).fingerprint_
        for who, artists in {
            "songs": None,
            "nobody": [None] * len(songs),
            "artists": [f"{song // 3}" for song in songs],
        }.items()
    }
    assert by["songs"] == by["nobody"] != by["artists"]


def test_of_many_songs_a_sample_is_read(sounds: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    X, songs = sounds
    own = Means().fit(X).transform(X)
    monkeypatch.setattr(discriminants, "SAMPLED", 4)
    some = np.isin(songs, [0, 8, 15, 23])
    artists = songs // 3
    found = Means().fit(X).fit_map(own, songs, artists)
    assert found.fingerprint_ == Means().fit(X).fit_map(own[some], songs[some], artists[some]).fingerprint_


def test_a_row_is_placed_the_same_in_whatever_company(sounds: tuple[np.ndarray, np.ndarray]) -> None:
    X, songs = sounds
    encoder = Means().fit(X)
    own = encoder.transform(X)
    encoder.fit_map(own, songs)
    np.testing.assert_array_equal(encoder.placed(own)[5:6], encoder.placed(own[5:6]))


def test_vectors_of_another_length_are_refused(sounds: tuple[np.ndarray, np.ndarray]) -> None:
    X, songs = sounds
    encoder = Means().fit(X)
    encoder.fit_map(encoder.transform(X), songs)
    with pytest.raises(SongspaceError, match="takes 64 numbers, not 8"):
        encoder.placed(np.zeros((2, 8), np.float32))
