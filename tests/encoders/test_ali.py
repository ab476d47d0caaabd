"""Adversarially learned inference: the networks, the game and the estimator."""

from __future__ import annotations

import pickle
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from songspace.encoders import ali as ali_module
from songspace.encoders import load
from songspace.encoders.ali import ALI, AdversarialGame
from songspace.encoders.ali_networks import CLIP, SIZES, Average, Codec
from songspace.encoders.devices import seeded
from songspace.errors import SongspaceError
from songspace.frontends import LogMel, PowerSpectrogram

CPU = torch.device("cpu")
TINY = {"latent": 8, "batch_size": 4, "steps": 2, "device": "cpu"}


def textures(n: int, shape: tuple[int, int] = (64, 251), *, seed: int = 0) -> np.ndarray:
    """Decibels of smooth spectrograms with two degrees of freedom, a little noisy."""
    random = np.random.default_rng(seed)
    band, frame = np.meshgrid(*(np.linspace(0, 1, length) for length in shape), indexing="ij")
    centre, rate = random.uniform(0.2, 0.8, (n, 1, 1)), random.uniform(1, 4, (n, 1, 1))
    hill = np.exp(-(((band - centre) / 0.15) ** 2))
    decibels = -50 + 30 * hill + 8 * np.sin(2 * np.pi * rate * frame)
    return np.float32(decibels + random.normal(0, 1, decibels.shape))


def weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# ── networks ──────────────────────────────────────────────────────────────────────────────────────


def test_the_posters_networks_have_the_posters_sizes():
    size = SIZES["poster"]
    encoder, decoder, discriminator = size.encoder(64), size.decoder(64), size.discriminator(64)
    assert round(weights(encoder) / 1e6, 2) == 0.98
    assert round(weights(decoder) / 1e6, 2) == 1.54
    assert round(weights(discriminator) / 1e6, 2) == 3.34
    shapes = [(m.out_channels, *m.kernel_size, m.stride[0]) for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    assert shapes == [
        (32, 5, 4, 3),
        (64, 5, 3, 3),
        (128, 5, 3, 3),
        (256, 4, 3, 2),
        (512, 1, 3, 2),
        (64, 1, 1, 1),
    ]
    shapes = [
        (m.out_channels, *m.kernel_size, m.stride[0])
        for m in decoder.modules()
        if isinstance(m, nn.ConvTranspose2d | nn.Conv2d)
    ]
    assert shapes == [
        (256, 4, 6, 1),
        (128, 4, 7, 3),
        (64, 4, 5, 2),
        (32, 4, 5, 3),
        (32, 5, 4, 3),
        (32, 1, 1, 1),
        (1, 1, 1, 1),
    ]


@pytest.mark.parametrize("name", SIZES)
def test_networks_fit_together(name):
    size = SIZES[name]
    x, z = torch.randn(2, 1, *size.grid), torch.randn(2, 16)
    with torch.no_grad():
        assert size.encoder(16)(x).shape == (2, 16)
        assert size.decoder(16)(z).shape == x.shape
        assert size.discriminator(16)(x, z).shape == (2, 3)


def test_the_discriminator_is_spectrally_normalised_and_has_no_batch_norm():
    with seeded(CPU, 0):
        discriminator = SIZES["small"].discriminator(8)
        for _ in range(60):  # power iteration
            discriminator(torch.randn(2, 1, 64, 128), torch.randn(2, 8))
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 12
    for layer in layers:
        largest = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0]
        assert largest == pytest.approx(1, abs=0.02)
    assert not [m for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d)]


def test_unary_heads_see_one_side_only():
    discriminator = SIZES["small"].discriminator(8).eval()
    x, z = torch.randn(3, 1, 64, 128), torch.randn(3, 8)
    with torch.no_grad():
        scores = discriminator(x, z)
        other_z, other_x = discriminator(x, torch.randn(3, 8)), discriminator(torch.randn_like(x), z)
    changed_by_z = (scores != other_z).any(dim=0).tolist()
    changed_by_x = (scores != other_x).any(dim=0).tolist()
    assert changed_by_z == [True, False, True]
    assert changed_by_x == [True, True, False]


def test_what_the_networks_see():
    X = textures(6)
    X[0, 0, 40:90] = 500  # an outlier
    codec = Codec((64, 251), SIZES["small"], 8)
    codec.standardize.measure([X])
    seen = codec.prepare(torch.from_numpy(X))
    assert seen.shape == (6, 1, 64, 128)
    z = (X - X.mean((0, 2), keepdims=True)) / X.std((0, 2), keepdims=True)
    edges = [(251 * k // 128, -(-251 * (k + 1) // 128)) for k in range(128)]
    averaged = np.stack([z[:, :, start:end].mean(2) for start, end in edges], axis=2)
    assert averaged.max() > CLIP
    np.testing.assert_allclose(seen[:, 0], np.clip(averaged, -CLIP, CLIP), atol=1e-3)


def test_the_average_forgets_its_beginning_and_then_is_slow():
    codec = Codec((64, 128), SIZES["small"], 4)
    average = Average(codec, 0.99)
    with torch.no_grad():
        for value in codec.parameters():
            value.fill_(1.0)
    for _ in range(100):
        average.update(codec)
    for key, value in average.codec.named_parameters():
        assert (value - 1).abs().max() < 1e-3, key
    with torch.no_grad():
        for value in codec.parameters():
            value.fill_(2.0)
    average.update(codec)
    value = next(average.codec.parameters()).mean().item()
    assert value == pytest.approx(1 + 1 - max(0.9, min(0.99, 101 / 110)), abs=2e-3)
    assert not any(parameter.requires_grad for parameter in average.parameters())


# ── the game ──────────────────────────────────────────────────────────────────────────────────────


def game(name: str = "small", *, cycle: float = 1.0, noise: float = 0.1) -> AdversarialGame:
    size = SIZES[name]
    codec = Codec(size.grid, size, 8)
    rates = {"encoder": 4e-4, "decoder": 1e-4, "discriminator": 2e-4}
    more = {"cycle": cycle, "noise": noise, "average": 0.999, "device": CPU}
    return AdversarialGame(codec, size.discriminator(8), rates=rates, **more)


@pytest.mark.parametrize(
    ("name", "cycle"),
    [("small", 1.0), ("small", 0.0), pytest.param("poster", 1.0, marks=pytest.mark.slow)],
)
def test_every_weight_of_every_player_moves(name, cycle):
    with seeded(CPU, 0):
        played = game(name, cycle=cycle)
        players = {
            "encoder": played.codec.encoder,
            "decoder": played.codec.decoder,
            "discriminator": played.discriminator,
        }
        before = {
            (name, key): value.clone() for name, player in players.items() for key, value in player.named_parameters()
        }
        batch = textures(3, played.codec.grid)
        played.codec.standardize.measure([batch])
        for _ in range(2):
            losses = played.step(batch, 0.0)
    assert all(torch.isfinite(value) for value in losses.values())
    for (name, key), value in before.items():
        assert not torch.equal(value, players[name].get_parameter(key)), (name, key)


def test_each_player_has_its_own_optimiser():
    played = game()
    players = {
        "encoder": played.codec.encoder,
        "decoder": played.codec.decoder,
        "discriminator": played.discriminator,
    }
    assert played.optimizers.keys() == players.keys()
    for name, optimizer in played.optimizers.items():
        (group,) = optimizer.param_groups
        assert {id(p) for p in group["params"]} == {id(p) for p in players[name].parameters()}
        assert group["betas"] == (0.5, 0.999)


def test_losses_are_those_of_the_least_squares_game(monkeypatch):
    """Against the same formulas, written out on the scores that the discriminator gave."""
    monkeypatch.setattr(ali_module, "fast_autocast", lambda device: nullcontext())
    with seeded(CPU, 0):
        played = game(noise=0.0)
        played.discriminator.eval()  # no power iteration, so that scores can be had again
        batch = textures(5, (64, 128))
        played.codec.standardize.measure([batch])
        songs = played.codec.prepare(torch.from_numpy(batch))
    for optimizer in played.optimizers.values():
        optimizer.step = lambda: None  # the losses, without the learning
    with seeded(CPU, 1):
        losses = played.step(batch, 0.0)
    with seeded(CPU, 1), torch.no_grad():
        codes = torch.randn(5, 8)
        encoded, decoded = played.codec.encoder(songs), played.codec.decoder(codes)
        of_songs = played.discriminator(songs, encoded)
        of_codes = played.discriminator(decoded, codes)
        rebuilt = played.codec.decoder(encoded)
    expected = {
        "discriminator": ((of_songs - 1) ** 2).mean() + (of_codes**2).mean(),
        "encoder": (of_songs**2).mean(),
        "decoder": ((of_codes - 1) ** 2).mean(),
        "cycle_x": (rebuilt - songs).abs().mean(),
        "score_encoder": of_songs[:, 0].mean(),
        "score_decoder": of_codes[:, 0].mean(),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), rel=1e-4, abs=1e-5), name


def test_the_discriminator_learns_to_tell_and_its_opponents_to_deceive():
    with seeded(CPU, 0):
        played = game(noise=0.0)
        batch = textures(8, (64, 128))
        played.codec.standardize.measure([batch])
        for name in ("encoder", "decoder"):
            played.rates[name] = 0.0
        played.rates["discriminator"] = 1e-3
        alone = [played.step(batch, 0.0) for _ in range(12)]
        assert alone[-1]["discriminator"] < 0.6 * alone[0]["discriminator"]
        assert alone[-1]["score_encoder"] > alone[-1]["score_decoder"] + 0.2
        played.rates |= {"encoder": 1e-3, "decoder": 1e-3, "discriminator": 0.0}
        against = [played.step(batch, 0.0) for _ in range(12)]
        deceit = [step["encoder"] + step["decoder"] for step in against]
        assert deceit[-1] < 0.8 * deceit[0]


def test_watching_changes_nothing():
    with seeded(CPU, 0):
        played = game()
        batch = textures(4, (64, 128))
        played.step(batch, 0.0)
        modules = nn.ModuleDict(played.modules)
        before = {key: value.clone() for key, value in modules.state_dict().items()}
        watched = played.watch(batch)
    assert watched.keys() == {"cycle_z"}
    assert watched["cycle_z"] > 0
    for key, value in modules.state_dict().items():
        assert torch.equal(value, before[key]), key


# ── the estimator ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def fitted():
    X = textures(12)
    return ALI(**TINY | {"steps": 12}).fit(X), X


def test_encodes_and_decodes(fitted):
    ali, X = fitted
    codes = ali.transform(X)
    assert codes.shape == (12, 8)
    assert codes.dtype == np.float32
    decoded = ali.inverse_transform(codes)
    assert decoded.shape == X.shape
    assert decoded.dtype == np.float32
    assert abs(decoded.mean() - X.mean()) < 15  # decibels again, not standard deviations
    prior = np.random.default_rng(0).normal(size=(40, 8))
    assert ali.inverse_transform(prior).shape == (40, 64, 251)


def test_a_code_depends_on_its_row_only(fitted):
    ali, X = fitted
    together = ali.transform(X)
    alone = np.concatenate([ali.transform(X[k : k + 1]) for k in range(12)])
    np.testing.assert_array_equal(alone, together)


def test_history_holds_losses_scores_and_cycles(fitted):
    ali, _ = fitted
    assert ali.history_["step"] == [1, 10, 12]
    assert ali.history_.keys() == {
        "step",
        "discriminator",
        "encoder",
        "decoder",
        "cycle_x",
        "cycle_z",
        "score_encoder",
        "score_decoder",
    }
    assert all(len(values) == 3 for values in ali.history_.values())


def test_saved_and_loaded_is_identical(fitted, tmp_path):
    ali, X = fitted
    again = load(ali.save(tmp_path / "ali"))
    codes = ali.transform(X)
    np.testing.assert_array_equal(again.transform(X), codes)
    np.testing.assert_array_equal(again.inverse_transform(codes), ali.inverse_transform(codes))
    assert again.fingerprint_ == ali.fingerprint_
    assert again.history_ == ali.history_


def test_clone_pickle_pipeline(fitted):
    ali, X = fitted
    codes = ali.transform(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ali)).transform(X), codes)
    np.testing.assert_array_equal(clone(ali).fit(X).transform(X), codes)
    scaled = Pipeline([("ali", clone(ali)), ("scaler", StandardScaler())]).fit_transform(X)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(codes), atol=1e-4)


def test_resumes_to_the_same_encoder(tmp_path):
    X = textures(10)
    params = TINY | {"steps": 6}

    def interrupt(progress):
        if progress.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ALI(**params).fit(X, checkpoint=tmp_path / "run", on_progress=interrupt)
    steps = []
    resumed = ALI(**params).fit(X, checkpoint=tmp_path / "run", on_progress=lambda p: steps.append(p.step))
    assert steps == [4, 5, 6]
    whole = ALI(**params).fit(X)
    np.testing.assert_array_equal(resumed.transform(X), whole.transform(X))
    assert resumed.fingerprint_ == whole.fingerprint_
    assert resumed.history_ == whole.history_


def test_rules_of_the_game_are_parameters():
    X = textures(6)
    codes = ALI(**TINY).fit(X).transform(X)
    for change in ({"cycle": 0.0}, {"noise": 0.5}, {"average": 0.0}, {"decoder_rate": 1e-3}):
        assert (ALI(**TINY | change).fit(X).transform(X) != codes).any(), change


@pytest.mark.parametrize("shape", [(24, 48), (64, 128), (80, 300)])
def test_the_small_size_takes_any_shape(shape):
    X = textures(5, shape)
    ali = ALI(**TINY).fit(X)
    assert ali.inverse_transform(ali.transform(X)).shape == X.shape


def test_eight_bit_codes():
    X = textures(6)
    codes = LogMel().quantize(X)
    of_codes = ALI(**TINY).fit(codes).transform(codes)
    decibels = LogMel().dequantize(codes)
    np.testing.assert_array_equal(of_codes, ALI(**TINY).fit(decibels).transform(decibels))


@pytest.mark.slow
def test_the_posters_size(tmp_path):
    X = textures(3, (257, 430))
    ali = ALI("poster", batch_size=2, steps=1, device="cpu").fit(X)
    assert ali.get_frontend() == PowerSpectrogram(log=True)
    codes = ali.transform(X)
    assert codes.shape == (3, 64)
    assert ali.inverse_transform(codes).shape == X.shape
    again = load(ali.save(tmp_path / "ali"))
    np.testing.assert_array_equal(again.transform(X), codes)


@pytest.mark.slow
def test_learns_to_rebuild():
    X = textures(64, (64, 128))
    ali = ALI(latent=8, batch_size=8, steps=160, device="cpu").fit(X)
    cycle = ali.history_["cycle_x"]
    assert cycle[-1] < 0.6 * cycle[0]
    error = np.abs(ali.inverse_transform(ali.transform(X)) - X).mean()
    assert error < 0.75 * np.abs(X - X.mean(axis=(0, 2), keepdims=True)).mean()


def test_input_errors():
    X = textures(4, (24, 48))
    for name, value in [
        ("size", "huge"),
        ("latent", 0),
        ("batch_size", 0),
        ("encoder_rate", 0),
        ("decoder_rate", -1),
        ("discriminator_rate", "fast"),
        ("cycle", -1),
        ("noise", -0.1),
        ("average", 1.0),
        ("steps", 0),
        ("device", "tpu"),
        ("random_state", None),
    ]:
        with pytest.raises(ValueError, match=name):
            ALI(**TINY | {name: value}).fit(X)
    with pytest.raises(ValueError, match="257x430"):
        ALI("poster", **TINY).fit(X)
    with pytest.raises(SongspaceError, match="at least 2 spectrograms"):
        ALI(**TINY).fit(X[:1])
    with pytest.raises(ValueError, match="NaN or infinity"):
        ALI(**TINY).fit(np.where(X.max() - 1 < X, np.inf, X))


def test_codes_of_another_length_cannot_be_decoded(fitted):
    ali, _ = fitted
    with pytest.raises(ValueError, match=r"codes of shape \(n, 8\)"):
        ali.inverse_transform(np.zeros((3, 9)))
