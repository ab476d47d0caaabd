"""The figures that a game is watched by, against plain references, and what is made of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity
from torch import nn

from songspace.encoders.ali_monitors import (
    Monitors,
    area_under_curve,
    effective_rank,
    nearest_distances,
    same_song_retrieval,
    trouble,
    verdict,
)
from songspace.encoders.ali_networks import SIZES, Codec
from songspace.encoders.devices import seeded

CPU = torch.device("cpu")


def test_area_under_the_curve_is_scikit_learns():
    random = np.random.default_rng(0)
    for n, m, shift in [(20, 30, 0.5), (7, 3, -1.0), (50, 50, 4.0)]:
        higher, lower = (random.normal(shift, 1, n)).round(1), random.normal(0, 1, m).round(1)  # with ties
        expected = roc_auc_score([1] * n + [0] * m, np.concatenate([higher, lower]))
        assert area_under_curve(higher, lower) == pytest.approx(expected)


def test_effective_rank_is_its_formula():
    random = np.random.default_rng(0)
    V = random.normal(size=(300, 6)) * [5, 3, 1, 1, 0.1, 0]
    values = np.linalg.eigvalsh(np.cov(V.T))
    shares = values[values > 1e-12] / values.sum()
    assert effective_rank(V) == pytest.approx(np.exp(-np.sum(shares * np.log(shares))))
    assert effective_rank(random.normal(size=(5000, 16))) == pytest.approx(16, abs=0.2)
    assert effective_rank(np.outer(random.normal(size=50), np.ones(4))) == pytest.approx(1)
    assert effective_rank(np.ones((5, 3))) == 0
    V[3, 2] = np.nan
    assert np.isnan(effective_rank(V))


def test_retrieval_is_a_plain_search():
    random = np.random.default_rng(0)
    songs = np.repeat(np.arange(6), [3, 5, 4, 10, 3, 7])
    V = random.normal(size=(6, 5))[songs] + random.normal(size=(32, 5))
    similar = cosine_similarity(V - V.mean(axis=0))
    found, chance = [], []
    for i in range(32):
        others = [j for j in range(32) if not (songs[j] == songs[i] and abs(i - j) <= 1)]
        best = max(others, key=lambda j: similar[i, j])
        found.append(songs[best] == songs[i])
        chance.append(np.mean([songs[j] == songs[i] for j in others]))
    retrieval = same_song_retrieval(V, songs)
    assert retrieval == pytest.approx((np.mean(found), np.mean(chance)))
    assert retrieval[1] < retrieval[0] < 1


def test_nearest_distances():
    points = torch.tensor([[0.0, 0], [3, 4], [3, 5], [-6, 0]])
    assert nearest_distances(points).tolist() == pytest.approx([5, 1, 1, 6])


class Fixed(nn.Module):
    """A codec that keeps what is asked of it: the first numbers of the mean of each picture's rows."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.latent = latent

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0].mean(2)[:, : self.latent]

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        picture = torch.zeros(len(z), 1, 64, 128)
        picture[:, 0, : self.latent] = z[:, :, None]
        return picture


@pytest.fixture(scope="module")
def pictures(textures) -> torch.Tensor:
    X = textures(60, (64, 128))
    return torch.from_numpy((X - X.mean()) / X.std())[:, None]


def test_figures_of_a_codec_are_what_they_are_called(pictures, monkeypatch):
    x, train = pictures[:30], pictures[30:, 0].numpy()
    monitors = Monitors(x, np.repeat(np.arange(6), 5), train, 8)
    monkeypatch.setattr("songspace.encoders.ali_monitors.fast_autocast", lambda device: torch.no_grad())
    with seeded(CPU, 0):
        figures = monitors.measure(Fixed(8))
    plain = x[:, 0].numpy().astype(float)
    variance = plain.var(axis=0).mean()
    rebuilt = np.zeros_like(plain)
    rebuilt[:, :8] = plain.mean(axis=2)[:, :8, None]
    assert figures["cycle_x"] == pytest.approx(((rebuilt - plain) ** 2).mean() / variance, rel=1e-4)
    pca = PCA(8, svd_solver="full").fit(train.reshape(30, -1))
    again = pca.inverse_transform(pca.transform(plain.reshape(30, -1)))
    expected = ((again - plain.reshape(30, -1)) ** 2).mean() / variance
    assert figures["cycle_x_pca"] == pytest.approx(expected, rel=0.02)
    assert figures["cycle_z"] == pytest.approx(0, abs=1e-6)
    codes = plain.mean(axis=2)[:, :8]
    assert figures["code_mean"] == pytest.approx(np.sqrt((codes.mean(axis=0) ** 2).mean()), rel=1e-4)
    assert figures["code_spread"] == pytest.approx(codes.std(axis=0).mean(), rel=1e-4)
    assert figures["effective_rank"] == pytest.approx(effective_rank(codes), rel=1e-3)
    retrieval = same_song_retrieval(codes, np.repeat(np.arange(6), 5))
    assert (figures["retrieval"], figures["chance"]) == pytest.approx(retrieval)


def test_a_decoder_that_repeats_itself_is_noticed(pictures):
    class Repeating(Fixed):
        def decode(self, z: torch.Tensor) -> torch.Tensor:
            return super().decode(z.sign()[:, :1].expand(-1, self.latent))

    monitors = Monitors(pictures, None, pictures[:, 0].numpy(), 8)
    with seeded(CPU, 0):
        honest, repeating = monitors.measure(Fixed(8)), monitors.measure(Repeating(8))
    assert honest["repeats"] < 0.3
    assert repeating["repeats"] == 1
    assert repeating["cycle_z"] > 0.5
    assert "retrieval" not in honest


def test_measuring_draws_from_torch_and_changes_nothing(pictures):
    with seeded(CPU, 0):
        codec = Codec((64, 128), SIZES["small"], 8).eval()
    monitors = Monitors(pictures[:20], None, pictures[:, 0].numpy(), 8)
    before = {key: value.clone() for key, value in codec.state_dict().items()}
    runs = []
    for _ in range(2):
        with seeded(CPU, 1):
            runs.append(monitors.measure(codec))
    assert runs[0] == runs[1]
    for key, value in codec.state_dict().items():
        assert torch.equal(value, before[key])


# What is made of them


def history(steps: int = 2000, **last: float) -> dict[str, list[float]]:
    """Monitors of a run that goes well, except for what is said of its end."""
    watched = [1, *range(200, steps + 1, 200)]
    well = {
        "auc": 0.8,
        "cycle_x": 0.3,
        "cycle_x_pca": 0.2,
        "cycle_z": 0.2,
        "effective_rank": 30.0,
        "retrieval": 0.4,
        "chance": 0.02,
    }
    return {"watched": [float(step) for step in watched]} | {
        name: [value] * (len(watched) - 1) + [last.get(name, value)] for name, value in well.items()
    }


def test_nothing_is_said_of_a_game_that_goes_well():
    assert trouble(history()) is None
    said = verdict(history(), 1800)
    assert said.startswith("Nothing has gone wrong. The encoder of step 1,800 is kept")
    assert "same-song retrieval 40.0% (chance 2.0%)" in said


def test_a_won_game_is_called_so_after_a_thousand_steps():
    won = history()
    won["auc"][-6:] = [0.99] * 6  # at 1,000 to 2,000
    assert "The discriminator has won (area under the curve 0.990" in trouble(won).sentence
    won["auc"][-6] = 0.97
    assert trouble(won) is None
    early = history(800)
    early["auc"] = [1.0] * len(early["auc"])
    assert trouble(early) is None


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"effective_rank": 1.2}, "ignores its input: its codes vary in 1.2 directions"),
        (
            {"retrieval": 0.03},
            "ignores its input: a segment finds its own song in 3.0% of cases, and by chance in 2.0%",
        ),
        ({"cycle_z": 0.97}, "Codes do not survive decoding and encoding (error 0.97"),
    ],
)
def test_an_encoder_that_ignores_its_input_is_called_so(last, said):
    assert said in trouble(history(**last)).sentence
    assert said in verdict(history(**last), 200)


def test_without_held_out_songs_retrieval_is_said_to_be_missing():
    unknown = {name: values for name, values in history().items() if name not in ("retrieval", "chance")}
    assert trouble(unknown) is None
    assert "same-song retrieval not measured" in verdict(unknown, 200)
