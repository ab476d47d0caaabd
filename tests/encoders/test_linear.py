"""The linear encoder: its numbers, its teachers, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from songspace import SongspaceError
from songspace.encoders import Linear, discriminants, load
from songspace.encoders.checks import teacher_codes
from songspace.encoders.descriptors import descriptors, textures
from songspace.frontends import LogMel, PowerSpectrogram


def sounds(songs: int = 12, segments: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(songs), segments)
    slope = random.uniform(-40, 0, (songs, 1, 1))[groups] * np.linspace(0, 1, 64)[:, None]
    return (slope + random.normal(-30, 6, (len(groups), 64, 251))).astype(np.float32), groups


def test_it_is_the_discriminants_of_the_hand_made_numbers() -> None:
    X, songs = sounds()
    artists = [song // 3 for song in songs]
    found = Linear(n_components=6).fit(X, groups=songs, artists=artists)
    blocks = [descriptors(X, frame_rate=50), *textures(X, frame_rate=50)]
    wanted = discriminants.fit(blocks, songs, 6, artists=np.arange(12) // 3)(np.concatenate(blocks, axis=1))
    # The directions are known but for their signs.
    np.testing.assert_allclose(pdist(found.transform(X)), pdist(wanted), rtol=1e-3)
    np.testing.assert_array_equal(found.transform_described(X, blocks[0]), found.transform(X))


def test_artists_change_the_map_and_nobody_does_not() -> None:
    X, songs = sounds()
    by_songs = Linear().fit(X, groups=songs)
    by_artists = Linear().fit(X, groups=songs, artists=[f"Artist {song // 3}" for song in songs])
    by_nobody = Linear().fit(X, groups=songs, artists=[None] * len(songs))
    assert by_artists.fingerprint_ != by_songs.fingerprint_ == by_nobody.fingerprint_


def test_of_many_songs_a_sample_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    X, songs = sounds()
    monkeypatch.setattr(discriminants, "SAMPLED", 4)
    found = Linear().fit(X, groups=songs, artists=songs)
    some = np.isin(songs, [0, 4, 7, 11])
    assert found.fingerprint_ == Linear().fit(X[some], groups=songs[some], artists=songs[some]).fingerprint_


def test_one_song_is_enough_for_an_answer() -> None:
    X, songs = sounds(songs=1)
    assert np.isfinite(Linear().fit(X, groups=songs).transform(X)).all()


@pytest.mark.parametrize(
    ("make", "how", "message"),
    [
        (lambda: Linear(n_components=0), {}, "n_components must be a whole number of at least 1"),
        (lambda: Linear(frontend=PowerSpectrogram()), {}, "need a LogMel"),
        (lambda: Linear(frontend=LogMel(n_mels=16)), {}, "at least 21 bands and 9 frames"),
        (Linear, {"artists": ["Ada"]}, "one artist for each of the 6 rows, got 1"),
        (Linear, {"artists": list("AAABBC")}, "the same artist for all rows of a song"),
    ],
)
def test_what_it_refuses(make: Callable[[], Linear], how: dict, message: str) -> None:
    encoder = make()
    X = np.random.default_rng(0).normal(-30, 5, (6, *encoder.get_frontend().shape))
    with pytest.raises(ValueError, match=message):
        encoder.fit(X, groups=[0, 0, 0, 1, 1, 1], **how)


def test_teachers_are_known_or_nobody() -> None:
    songs = np.array([2, 0, 1, 0])
    assert teacher_codes(None, songs) is None
    found = teacher_codes(["", "Ada", None, "Ada"], songs)
    assert found is not None and found.tolist() == [0, -1, -1]


def test_a_map_of_other_numbers_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """An older version had other hand-made numbers."""
    X, songs = sounds()
    encoder = Linear().fit(X, groups=songs)
    older = encoder.discriminants_
    encoder.discriminants_ = discriminants.Discriminants(older.mean[:700], older.directions[:700])
    encoder.save(tmp_path / "encoder")
    with pytest.raises(SongspaceError, match=r"its map takes 700 numbers, and there are 1004 here\): learn again"):
        load(tmp_path / "encoder")
