"""ALI, the estimator: its ladder, what it keeps, and that it can be stopped and resumed."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from songspace.encoders import ali_game, load, training
from songspace.encoders.ali import ALI, RUNGS
from songspace.encoders.ali_game import AdversarialGame, Pictures, hold_out, thinned
from songspace.encoders.ali_monitors import Monitors
from songspace.encoders.ali_networks import SIZES, Codec
from songspace.encoders.baselines import PCA
from songspace.errors import SongspaceError
from songspace.frontends import LogMel, PowerSpectrogram

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("narrow")
TINY = {"latent": 8, "batch_size": 4, "steps": 2, "device": "cpu"}
LOSSES = {"step", "discriminator", "encoder", "decoder", "cycle"}
MONITORS = {
    "watched",
    "auc",
    "cycle_x",
    "cycle_x_pca",
    "cycle_z",
    "code_mean",
    "code_spread",
    "effective_rank",
    "repeats",
}


# ── encoding ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def fitted(textures, narrow):
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


def test_history_holds_losses_and_monitors(fitted):
    ali, _ = fitted
    assert ali.history_.keys() == LOSSES | MONITORS
    assert ali.history_["step"] == [1, 10, 12]
    assert ali.history_["watched"] == [1, 12]
    assert all(len(ali.history_[name]) == 3 for name in LOSSES)
    assert all(len(ali.history_[name]) == 2 for name in MONITORS)
    assert "The encoder of step 12 is kept" in ali.verdict_
    assert "retrieval not measured" in ali.verdict_


def test_saved_and_loaded_is_identical(fitted, tmp_path):
    ali, X = fitted
    again = load(ali.save(tmp_path / "ali"))
    codes = ali.transform(X)
    np.testing.assert_array_equal(again.transform(X), codes)
    np.testing.assert_array_equal(again.inverse_transform(codes), ali.inverse_transform(codes))
    assert again.fingerprint_ == ali.fingerprint_
    assert again.history_ == ali.history_
    assert again.verdict_ == ali.verdict_


def test_clone_pickle_pipeline(fitted):
    ali, X = fitted
    codes = ali.transform(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ali)).transform(X), codes)
    np.testing.assert_array_equal(clone(ali).fit(X).transform(X), codes)
    scaled = Pipeline([("ali", clone(ali)), ("scaler", StandardScaler())]).fit_transform(X)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(codes), atol=1e-4)


@pytest.mark.parametrize("stop", [3, 5])
def test_resumes_to_the_same_encoder(textures, tmp_path, monkeypatch, stop):
    """With its monitors, its choice of the best encoder and its averages."""
    monkeypatch.setattr(training, "MONITOR_EVERY", 2)
    X, songs = textures(60, (32, 40)), np.arange(60) // 3
    ali = ALI(**TINY | {"steps": 7, "turns": 2})

    def interrupt(progress):
        if progress.step == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clone(ali).fit(X, groups=songs, checkpoint=tmp_path / "run", on_progress=interrupt)
    steps = []
    resumed = clone(ali)
    resumed.fit(X, groups=songs, checkpoint=tmp_path / "run", on_progress=lambda p: steps.append(p.step))
    assert steps == list(range(stop + 1, 8))
    whole = clone(ali).fit(X, groups=songs)
    np.testing.assert_array_equal(resumed.transform(X), whole.transform(X))
    assert resumed.fingerprint_ == whole.fingerprint_
    assert resumed.history_ == whole.history_
    assert resumed.history_["watched"] == [1, 2, 4, 6, 7]
    assert resumed.verdict_ == whole.verdict_


def watched_by(monkeypatch, scores: list[float]) -> None:
    """Make retrieval what a test says, look by look."""
    monkeypatch.setattr(training, "MONITOR_EVERY", 2)
    monitor = AdversarialGame.monitor

    def told(game, step):
        game.monitors.songs = None
        score, offer = scores[step // 2], game.kept.offer
        monkeypatch.setattr(game.kept, "offer", lambda codec, step, _: offer(codec, step, score))
        figures = monitor(game, step)
        game.kept.offer = offer
        return figures | {"retrieval": score, "chance": 0.1}

    monkeypatch.setattr(AdversarialGame, "monitor", told)


@pytest.mark.parametrize("stop", [None, 5])
def test_the_best_encoder_is_the_result(textures, tmp_path, monkeypatch, stop):
    """And it is in the checkpoint: a run that was stopped after it ends with it."""
    X = textures(6, (32, 40))
    short = ALI(**TINY | {"steps": 4, "annealed": False, "keep": "last"}).fit(X)
    watched_by(monkeypatch, [0.1, 0.2, 0.9, 0.3])
    ali = ALI(**TINY | {"steps": 7, "annealed": False})

    def interrupt(progress):
        if progress.step == stop:
            raise KeyboardInterrupt

    if stop:
        with pytest.raises(KeyboardInterrupt):
            clone(ali).fit(X, checkpoint=tmp_path / "run", on_progress=interrupt)
    ali.fit(X, checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(ali.transform(X), short.transform(X))
    assert "The encoder of step 4 is kept" in ali.verdict_
    assert "retrieval 90.0% (chance 10.0%)" in ali.verdict_
    last = ALI(**TINY | {"steps": 7, "annealed": False, "keep": "last"}).fit(X)
    assert (last.transform(X) != short.transform(X)).any()
    assert "The encoder of step 7 is kept" in last.verdict_


def diverging_at(monkeypatch, step: int) -> None:
    monkeypatch.setattr(training, "MONITOR_EVERY", 2)
    play = AdversarialGame.step

    def diverge(game, batch, progress):
        nan = torch.nan if int(game.average.updates) == step else 0.0
        losses = play(game, batch, progress)
        return losses | {"encoder": losses["encoder"] + nan}

    monkeypatch.setattr(AdversarialGame, "step", diverge)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_game_that_comes_apart_leaves_the_encoder_that_was_kept_until_then(textures, monkeypatch, keep):
    X = textures(6, (32, 40))
    whole = ALI(**TINY | {"steps": 4, "annealed": False}).fit(X)
    diverging_at(monkeypatch, 5)
    ali = ALI(**TINY | {"steps": 9, "annealed": False, "keep": keep}).fit(X)
    np.testing.assert_array_equal(ali.transform(X), whole.transform(X))
    assert ali.verdict_.startswith("Training came apart at step 5 (its encoder became nan)")
    assert "The encoder of step 4 is kept" in ali.verdict_
    assert ali.history_["watched"] == [1, 2, 4]


def test_a_game_that_comes_apart_at_once_is_an_error(textures, monkeypatch):
    diverging_at(monkeypatch, 1)
    with pytest.raises(SongspaceError, match="came apart at step 1"):
        ALI(**TINY | {"steps": 9}).fit(textures(6, (32, 40)))


def test_what_goes_wrong_is_said_once_while_it_happens(textures, monkeypatch):
    X = textures(6, (32, 40))
    monkeypatch.setattr("songspace.encoders.ali_game.PATIENCE", 3)
    watched_by(monkeypatch, [0.1, 0.1, 0.1, 0.1, 0.9, 0.1])
    monkeypatch.setattr("songspace.encoders.ali_monitors.NO_INFORMATION", torch.inf)
    told = []
    ali = ALI(**TINY | {"steps": 10}).fit(X, on_progress=told.append)
    notes = {progress.step: progress.note for progress in told if progress.note}
    assert notes.keys() == {4, 10}  # not at 6, where it still is so
    assert all("ignores its input" in note for note in notes.values())
    assert told[4].monitors == told[3].monitors != told[1].monitors
    assert ali.verdict_.startswith(notes[10])


@pytest.mark.parametrize("figure", ["auc", "cycle_x"])
def test_what_cannot_be_measured_is_not_kept(textures, monkeypatch, figure):
    monkeypatch.setattr(training, "MONITOR_EVERY", 2)
    measure = Monitors.measure
    looks = []

    def measured(monitors, codec):
        looks.append(1)
        return measure(monitors, codec) | ({figure: torch.nan} if len(looks) == 3 else {})

    monkeypatch.setattr(Monitors, "measure", measured)
    ali = ALI(**TINY | {"steps": 9}).fit(textures(6, (32, 40)))
    assert ali.verdict_.startswith(f"Training came apart at step 4 (its {figure} became nan)")
    assert "The encoder of step 2 is kept" in ali.verdict_


# ── songs set aside, and pictures ─────────────────────────────────────────────────────────────────


def test_songs_are_held_out_whole():
    songs = np.random.default_rng(0).permutation(np.repeat(np.arange(100), np.arange(100) % 5 + 1))
    rows = hold_out(songs, seed=0)
    held = np.unique(songs[rows])
    counts = np.bincount(songs)
    assert len(held) == (counts >= 3).sum() // 10
    assert (counts[held] >= 3).all()
    assert set(rows) == set(np.flatnonzero(np.isin(songs, held)))
    for song in held:
        assert (np.diff(rows[songs[rows] == song]) > 0).all()
    assert not np.array_equal(hold_out(songs, seed=1), rows)
    assert len(np.unique(hold_out(np.arange(3000) // 3, seed=0) // 3)) == 50
    assert len(hold_out(np.arange(57) // 3, seed=0)) == len(hold_out(None, seed=0)) == 0
    long = np.repeat(np.arange(2), [40, 4])
    assert thinned(np.arange(44), long).tolist() == [0, 4, 9, 13, 17, 22, 26, 30, 35, 39, 40, 41, 42, 43]


def test_the_game_never_sees_held_out_songs(textures, monkeypatch):
    X, songs = textures(60, (32, 40)), np.arange(60) // 3
    held = hold_out(songs, seed=0)
    seen = []
    play = AdversarialGame.step
    monkeypatch.setattr(AdversarialGame, "step", lambda game, batch, p: seen.append(batch) or play(game, batch, p))
    ali = ALI(**TINY | {"steps": 16}).fit(X, groups=songs)
    pictures = ali.network_.prepare(torch.from_numpy(X))
    found = [int((pictures == picture).flatten(1).all(1).nonzero()) for picture in torch.cat(seen)]
    assert len(held) == 12
    assert len(found) == 64
    assert not set(found) & set(held)
    assert set(found) == set(range(60)) - set(held)


def test_pictures_are_the_same_whether_they_fit_into_memory_or_not(textures, monkeypatch):
    X = textures(150, (40, 50))
    codec = Codec((40, 50), SIZES["small"], 4)
    codec.standardize.measure([X])
    rows = np.arange(1, 150, 2)
    asked = []
    held = Pictures(codec, lambda part: asked.append(len(part)) or X[part], rows, CPU)
    assert max(asked) <= 64
    asked.clear()
    items = np.array([74, 3, 0])
    inside = held[items]
    assert asked == []
    monkeypatch.setattr(ali_game, "ROOM", 10**5)
    outside = Pictures(codec, lambda part: asked.append(len(part)) or X[part], rows, CPU)
    assert asked == []
    torch.testing.assert_close(outside[items], inside, rtol=0, atol=0)
    torch.testing.assert_close(inside, codec.prepare(torch.from_numpy(X[[149, 7, 1]])), rtol=0, atol=0)
    assert sum(map(len, held.spread(20))) == 20


# ── the ladder ────────────────────────────────────────────────────────────────────────────────────


def test_the_rungs_of_the_ladder_are_parameters_of_one_class():
    assert list(RUNGS) == ["random weights", "as run", "as described", "done right"]
    for params in RUNGS.values():
        ali = ALI(**params, size="small", steps=5, minutes=1, random_state=3, device="cpu")
        assert clone(ali).get_params() == ali.get_params()
        assert isinstance(ali.get_frontend(), PowerSpectrogram)
    defaults = ALI().get_params()
    done_right = ALI(**RUNGS["done right"]).get_params()
    assert {name for name in defaults if defaults[name] != done_right[name]} == {"frontend"}
    described, run = RUNGS["as described"], RUNGS["as run"]
    assert {name for name in run if run[name] != described.get(name)} == {"trained", "beta2"}
    assert [params["frontend"].log for params in RUNGS.values()] == [True, False, False, True]


@pytest.mark.parametrize("rung", RUNGS)
def test_every_rung_gives_an_encoder(textures, tmp_path, rung):
    ali = ALI(**RUNGS[rung] | {"batch_size": 4}, size="small", steps=3, device="cpu")
    decibels = textures(8, (257, 86))
    X = decibels if ali.get_frontend().log else 10 ** ((decibels + 90) / 10)
    codes = ali.fit(X).transform(X)
    assert codes.shape == (8, 64)
    assert np.isfinite(codes).all()
    assert ali.inverse_transform(codes).shape == X.shape
    again = load(ali.save(tmp_path / "ali"))
    np.testing.assert_array_equal(again.transform(X), codes)
    assert again.verdict_ == ali.verdict_
    assert again.set_params(device="cpu").get_params() == ali.get_params()


def test_random_weights_are_calibrated_and_learn_nothing(textures):
    X = textures(40, (64, 128))
    ali = ALI(trained="none", latent=8, device="cpu").fit(X)
    codes = ali.transform(X)
    assert ali.verdict_.startswith("Nothing was learnt")
    assert ali.history_["watched"] == [0]
    assert ali.history_.keys() == MONITORS - {"auc"}
    trained = ALI(**TINY).fit(X)
    drawn, learnt = dict(ali.network_.named_parameters()), dict(trained.network_.named_parameters())
    moved = [(drawn[name] - learnt[name]).abs().max() for name in drawn]
    assert 0 < max(moved) < 0.01  # the very same draw, before two small steps
    assert 0.1 < codes.std() < 3
    np.testing.assert_array_equal(codes, clone(ali).fit(X).transform(X))


def test_rules_of_the_game_are_parameters(textures):
    X = textures(4, (32, 40))
    ali = ALI(**TINY | {"steps": 3})
    codes = clone(ali).fit(X).transform(X)
    changes: list[dict[str, Any]] = [
        {"cycle": 0.0},
        {"noise": 0.5},
        {"average": 0.0},
        {"decoder_rate": 1e-3},
        {"unit_codes": False},
    ]
    changes += [{"norm": "keras"}, {"unary": False}, {"dropout": 0.5}, {"penalty": 0.1}, {"standardize": False}]
    changes += [{"annealed": False}, {"soft_targets": True}, {"beta2": 0.5}, {"turns": 2}]
    changes += [{"trained": "without decoder"}, {"trained": "none"}]
    for change in changes:
        assert (clone(ali).set_params(**change).fit(X).transform(X) != codes).any(), change


@pytest.mark.parametrize("shape", [(24, 48), (64, 128), (80, 300)])
def test_the_small_size_takes_any_shape(textures, shape):
    X = textures(5, shape)
    ali = ALI(**TINY).fit(X)
    assert ali.inverse_transform(ali.transform(X)).shape == X.shape


def test_eight_bit_codes(textures):
    X = textures(6)
    codes = LogMel().quantize(X)
    of_codes = ALI(**TINY).fit(codes).transform(codes)
    decibels = LogMel().dequantize(codes)
    np.testing.assert_array_equal(of_codes, ALI(**TINY).fit(decibels).transform(decibels))


@pytest.mark.slow
def test_the_posters_size(textures, tmp_path):
    X = textures(3, (257, 430))
    ali = ALI("poster", batch_size=2, steps=1, device="cpu").fit(X)
    assert ali.get_frontend() == PowerSpectrogram(log=True)
    codes = ali.transform(X)
    assert codes.shape == (3, 64)
    assert ali.inverse_transform(codes).shape == X.shape
    again = load(ali.save(tmp_path / "ali"))
    np.testing.assert_array_equal(again.transform(X), codes)


@pytest.mark.slow
@pytest.mark.parametrize("rung", ["as run", "as described"])
def test_the_posters_exact_game_goes_twenty_batches(textures, rung):
    """Its networks, size and rates, on batches of two spectrograms: a processor takes a third of a second for one."""
    power = np.float32(10 ** ((textures(4, (257, 430)) + 90) / 10))
    game, pictures = ALI(**RUNGS[rung] | {"batch_size": 2}, size="poster", device="cpu").set_up(power)
    players = {"encoder": game.codec.encoder, "decoder": game.codec.decoder, "discriminator": game.discriminator}
    count = {name: sum(p.numel() for p in player.parameters()) for name, player in players.items()}
    assert count == {"encoder": 976_480, "decoder": 1_538_689, "discriminator": 3_339_809}
    moved = []
    for number in range(20):
        before = {name: next(player.parameters()).detach().clone() for name, player in players.items()}
        losses = game.step(pictures[np.array([number % 4, (number + 1) % 4])], number / 5350)
        assert all(torch.isfinite(value) for value in losses.values())
        moved.append(
            {name for name, player in players.items() if not torch.equal(before[name], next(player.parameters()))}
        )
    others = {"encoder"} if rung == "as run" else {"encoder", "decoder"}
    assert moved == [{"discriminator"} if number % 5 == 4 else others for number in range(1, 21)]
    assert {optimizer.param_groups[0]["lr"] for optimizer in game.optimizers.values()} == {5e-5}


@pytest.mark.slow
def test_learns_to_rebuild(textures):
    X = textures(64, (64, 128))
    ali = ALI(latent=8, batch_size=8, steps=60, encoder_rate=1e-3, decoder_rate=2e-3, device="cpu").fit(X)
    cycle = ali.history_["cycle"]
    assert cycle[-1] < 0.6 * cycle[0]
    error = np.abs(ali.inverse_transform(ali.transform(X)) - X).mean()
    assert error < 0.75 * np.abs(X - X.mean(axis=(0, 2), keepdims=True)).mean()


def test_input_errors(textures):
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
        ("trained", "some"),
        ("norm", "layer"),
        ("keep", "first"),
        ("unary", 1),
        ("standardize", None),
        ("unit_codes", "yes"),
        ("dropout", 1.0),
        ("penalty", -1),
        ("beta2", 1.0),
        ("turns", 0),
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


def test_controls_are_the_game_not_played_and_a_pca():
    encoder = ALI(latent=7, steps=3, random_state=2, device="cpu")
    untrained, linear = encoder.controls().values()
    assert untrained.get_params() == encoder.get_params() | {"trained": "none"}
    assert not untrained.controls()
    assert isinstance(linear, PCA) and linear.n_components == 7
