"""The adversarial game: who learns from what."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from songspace.encoders import ali_game
from songspace.encoders.ali import PLAYERS, POSTER_STEPS, RUNGS
from songspace.encoders.ali_game import AdversarialGame, GameRules, Kept, turn
from songspace.encoders.ali_monitors import Monitors
from songspace.encoders.ali_networks import SIZES, Bounds, Codec
from songspace.encoders.devices import seeded

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("narrow")


def game(
    name: str = "small", bounds: Bounds | None = None, players: str = "all", monitors: Monitors | None = None, **rules
) -> AdversarialGame:
    size, bounds = SIZES[name], bounds or Bounds()
    history = bounds.norm == "keras"
    codec = Codec(size.grid, size, 8, unit_codes=not history, keras=history)
    discriminator = size.discriminator(8, bounds)
    return AdversarialGame(
        codec, discriminator, rules=GameRules(**rules), players=PLAYERS[players], device=CPU, monitors=monitors
    )


def of_history(rung: str, **rules) -> AdversarialGame:
    """The game of a rung of history, whose steps are large enough to be seen in every weight."""
    params = RUNGS[rung] | {"encoder_rate": 1e-3, "decoder_rate": 1e-3, "discriminator_rate": 1e-3} | rules
    own = {name: params[name] for name in GameRules.__dataclass_fields__ if name in params}
    rates = {name: params[f"{name}_rate"] for name in PLAYERS["all"]}
    bounds = Bounds(params["norm"], params["unary"], params["dropout"])
    return game(bounds=bounds, players=params.get("trained", "all"), rates=rates, **own)


def players_of(played: AdversarialGame) -> dict[str, nn.Module]:
    return {"encoder": played.codec.encoder, "decoder": played.codec.decoder, "discriminator": played.discriminator}


def moved(played: AdversarialGame, batch: Tensor, *, steps: int) -> dict[str, bool]:
    """Which players' weights changed in some steps: all of a player's, or none."""
    players = players_of(played)
    before = {name: [p.detach().clone() for p in player.parameters()] for name, player in players.items()}
    for _ in range(steps):
        losses = played.step(batch, 0.0)
    assert all(torch.isfinite(value) for value in losses.values())
    result = {}
    for name, player in players.items():
        (result[name],) = {
            not torch.equal(old, new) for old, new in zip(before[name], player.parameters(), strict=True)
        }
    return result


@pytest.fixture(scope="module")
def pictures(textures) -> Tensor:
    X = textures(8, (64, 128))
    return torch.from_numpy((X - X.mean()) / X.std())[:, None]


@pytest.mark.parametrize("cycle", [1.0, 0.0])
def test_every_weight_of_every_player_moves(pictures, cycle):
    with seeded(CPU, 0):
        assert moved(game(cycle=cycle), pictures[:3], steps=2) == dict.fromkeys(PLAYERS["all"], True)


@pytest.mark.slow
def test_every_weight_of_every_player_moves_in_the_posters_size(textures):
    with seeded(CPU, 0):
        x = torch.from_numpy(textures(3, (257, 430)) / 30 + 1)[:, None]
        assert moved(game("poster"), x, steps=2) == dict.fromkeys(PLAYERS["all"], True)


def test_of_5350_batches_every_fifth_is_the_discriminators_alone():
    """As keras-adversarial counts: batches 4, 9, 14 and so on, from 1."""
    turns = RUNGS["as run"]["turns"]
    assert turns == RUNGS["as described"]["turns"]
    schedule = [turn(batch, turns) for batch in range(POSTER_STEPS)]
    assert [number for number, (judges, _) in enumerate(schedule, 1) if judges][:3] == [4, 9, 14]
    assert (schedule.count((False, True)), schedule.count((True, False))) == (4280, 1070)
    assert {turn(batch, 1) for batch in range(10)} == {(True, True)}
    assert [turn(batch, 2)[0] for batch in range(4)] == [True, False, True, False]


ENCODER, DECODER, DISCRIMINATOR = PLAYERS["all"]


@pytest.mark.parametrize(("rung", "learners"), [("as run", [ENCODER]), ("as described", [ENCODER, DECODER])])
def test_in_history_one_side_learns_of_a_batch(pictures, rung, learners):
    with seeded(CPU, 0):
        played = of_history(rung)
        for number in range(1, 11):
            learn = [DISCRIMINATOR] if number in (4, 9) else learners
            assert moved(played, pictures, steps=1) == {name: name in learn for name in PLAYERS["all"]}, number


def test_as_run_the_decoder_has_no_optimiser_and_the_second_decay_is_a_slip():
    assert of_history("as run").optimizers.keys() == {ENCODER, DISCRIMINATOR}
    for rung, decay in [("as run", 0.001), ("as described", 0.999)]:
        assert {o.param_groups[0]["betas"] for o in of_history(rung).optimizers.values()} == {(0.5, decay)}


def test_in_history_dropout_is_active_in_the_discriminators_own_batches_only(pictures):
    with seeded(CPU, 0):
        played = of_history("as described")
        dropped: list[float] = []
        for layer in played.discriminator.joint:
            if isinstance(layer, nn.Dropout):
                layer.register_forward_hook(lambda _, seen, out: dropped.append(float((out == 0).float().mean())))
        by_batch = []
        for _ in range(9):
            dropped.clear()
            played.step(pictures, 0.0)
            by_batch.append(dropped.copy())
    assert all(len(shares) == 4 for shares in by_batch)  # two layers, of two kinds of pairs
    for number, shares in enumerate(by_batch, 1):
        assert np.allclose(shares, 0.3, atol=0.06) if number in (4, 9) else not any(shares), number


def test_in_history_the_moving_statistics_of_all_networks_move_in_every_batch(pictures):
    """Keras runs the updates of all players' models with whichever of them is trained."""
    with seeded(CPU, 0):
        played = of_history("as described")
        networks = {
            name: [m for m in n.modules() if isinstance(m, nn.BatchNorm2d)] for name, n in players_of(played).items()
        }
        for number in range(1, 6):
            before = {name: [norm.running_mean.clone() for norm in norms] for name, norms in networks.items()}
            played.step(pictures, 0.0)
            for name, norms in networks.items():
                assert norms
                for old, norm in zip(before[name], norms, strict=True):
                    assert not torch.equal(old, norm.running_mean), (number, name)


@pytest.mark.parametrize("number", [1, 4])
def test_gradients_of_history_are_those_of_its_losses(pictures, number):
    """Against the game written out plainly: 32-bit floats, a side at a time, the penalty with the discriminator."""
    with seeded(CPU, 0):
        played = of_history("as described", noise=0.0, soft_targets=False, penalty=0.01)
        played.discriminator.joint[2].p = played.discriminator.joint[5].p = 0.0  # scores that can be had again
        for _ in range(number - 1):
            played.step(pictures, 0.0)
    for optimizer in played.optimizers.values():
        optimizer.step = lambda: None  # the gradients, without the learning
        optimizer.zero_grad()
    with seeded(CPU, 1):
        losses = played.step(pictures, 0.0)
    found = {name: [p.grad for p in player.parameters()] for name, player in players_of(played).items()}
    with seeded(CPU, 1):
        codes = torch.randn(len(pictures), 8)
    encoded, decoded = played.codec.encode(pictures), played.codec.decode(codes)
    of_songs, of_codes = played.discriminator(pictures, encoded), played.discriminator(decoded, codes)
    plain = {
        "discriminator": of_songs.square().mean() + (of_codes - 1).square().mean(),
        "encoder": (of_songs - 1).square().mean(),
        "decoder": of_codes.square().mean(),
    }
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(
        {name: loss.item() for name, loss in plain.items()}, rel=1e-4
    )
    judge = played.discriminator
    penalised = [
        *[m for m in judge.of_x.modules() if isinstance(m, nn.Conv2d)][-2:],
        judge.joint[0],
        judge.joint[3],
        judge.joint[6],
    ]
    sides = {
        "encoder": plain["encoder"],
        "decoder": plain["decoder"],
        "discriminator": plain["discriminator"]
        + 0.01 * sum(layer.weight.abs().sum() + layer.weight.square().sum() for layer in penalised),
    }
    for name, player in players_of(played).items():
        learns = (name == DISCRIMINATOR) == (number == 4)
        assert all((slope is not None) == learns for slope in found[name]), name
        if learns:
            for mine, theirs in zip(
                found[name], torch.autograd.grad(sides[name], list(player.parameters()), retain_graph=True), strict=True
            ):
                np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-6 + 1e-3 * float(theirs.abs().max()))


def test_history_is_played_in_32_bit_floats(pictures, monkeypatch):
    asked: list[torch.device] = []
    monkeypatch.setattr(ali_game, "fast_autocast", lambda device: asked.append(device) or nullcontext())
    of_history("as run").step(pictures, 0.0)
    assert asked == []
    game().step(pictures, 0.0)
    assert asked


def test_each_player_has_its_own_optimiser():
    played = game()
    players = players_of(played)
    assert played.optimizers.keys() == players.keys()
    for name, optimizer in played.optimizers.items():
        (group,) = optimizer.param_groups
        assert {id(p) for p in group["params"]} == {id(p) for p in players[name].parameters()}
        assert group["betas"] == (0.5, 0.999)


def plainly(played: AdversarialGame, songs: Tensor) -> dict[str, Tensor]:
    """The losses of a step without noise or soft targets, as their formulas say them."""
    codes = torch.randn(len(songs), 8)
    encoded = played.codec.encode(songs)
    decoded, rebuilt = played.codec.decode(torch.cat([codes, encoded[: len(songs) // 2]])).split(len(songs))
    of_songs, of_codes = played.discriminator(songs, encoded), played.discriminator(decoded, codes)
    return {
        "discriminator": (of_songs**2).mean() + ((of_codes - 1) ** 2).mean(),
        "encoder": ((of_songs - 1) ** 2).mean(),
        "decoder": (of_codes**2).mean(),
        "cycle": (rebuilt - songs[: len(songs) // 2]).abs().mean(),
    }


def test_losses_and_gradients_are_those_of_the_least_squares_game(pictures, monkeypatch):
    """Against the same game written out plainly, a backward pass for each side."""
    monkeypatch.setattr(ali_game, "fast_autocast", lambda device: nullcontext())
    with seeded(CPU, 0):
        played = game(noise=0.0, cycle=0.7)
        played.discriminator.eval()  # no power iteration, so that scores can be had again
    for optimizer in played.optimizers.values():
        optimizer.step = lambda: None  # the gradients, without the learning
    with seeded(CPU, 1):
        losses = played.step(pictures[:5], 0.0)
    found = {name: [p.grad.clone() for p in player.parameters()] for name, player in players_of(played).items()}
    with seeded(CPU, 1):
        expected = plainly(played, pictures[:5])
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), rel=1e-4, abs=1e-5), name
    against = expected["encoder"] + expected["decoder"] + 0.7 * expected["cycle"]
    sides = {"discriminator": expected["discriminator"], "encoder": against, "decoder": against}
    for name, player in players_of(played).items():
        plain = torch.autograd.grad(sides[name], list(player.parameters()), retain_graph=True)
        for mine, theirs in zip(found[name], plain, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5 + 1e-3 * float(theirs.abs().max()))


def test_soft_targets_and_penalty(pictures, monkeypatch):
    """A perfect discriminator would give 0 and 1.28, an even game 0.32 and 0.32: the poster's figures."""
    with seeded(CPU, 0):
        played = game(noise=0.0, cycle=0.0, soft_targets=True)
        for of_songs, of_codes, expected in [(0.0, 0.8, (0.0033, 1.28)), (0.4, 0.4, (0.32, 0.32))]:
            scores = (torch.full((4000, 1), of_songs, requires_grad=True), torch.full((4000, 1), of_codes))
            monkeypatch.setattr(played, "_scores", lambda pairs, noise, scores=scores: scores)
            monkeypatch.setattr(played, "_targets", lambda n: AdversarialGame._targets(played, 4000))
            monkeypatch.setattr(torch.autograd, "grad", lambda loss, ends, **more: [torch.zeros_like(e) for e in ends])
            losses = played.step(pictures[:4], 0.0)
            both = losses["encoder"] + losses["decoder"]
            assert (losses["discriminator"].item(), both.item()) == pytest.approx(expected, abs=0.02)


def test_the_penalty_pulls_the_weights_of_the_discriminator(pictures):
    last = []
    for penalty in (0.0, 1.0):
        with seeded(CPU, 0):
            played = of_history("as described", penalty=penalty, turns=1)
            for _ in range(5):
                played.step(pictures, 0.0)
            last.append(played.discriminator.penalty().item())
    assert last[1] < 0.9 * last[0]


def test_the_discriminator_learns_to_tell_and_its_opponents_to_deceive(pictures):
    with seeded(CPU, 0):
        rates = {"encoder": 0.0, "decoder": 0.0, "discriminator": 1e-3}
        played = game(noise=0.0, rates=rates)
        alone = [played.step(pictures, 0.0) for _ in range(12)]
        assert alone[-1]["discriminator"] < 0.6 * alone[0]["discriminator"]
        rates |= {"encoder": 1e-3, "decoder": 1e-3, "discriminator": 0.0}
        against = [played.step(pictures, 0.0) for _ in range(12)]
        deceit = [step["encoder"] + step["decoder"] for step in against]
        assert deceit[-1] < 0.8 * deceit[0]


@pytest.mark.parametrize(("annealed", "expected"), [(True, [0.0, 0.0]), (False, [2.0, 1.0])])
def test_noise_fades_and_rates_fall_if_they_shall(pictures, monkeypatch, annealed, expected):
    played = game(noise=2.0, annealed=annealed)
    heard = []
    scores = played._scores
    monkeypatch.setattr(played, "_scores", lambda pairs, noise: heard.append(noise) or scores(pairs, noise))
    played.step(pictures[:2], 0.0)
    largest = played.optimizers["encoder"].param_groups[0]["lr"]
    assert largest == played.rules.rates["encoder"]
    played.step(pictures[:2], 1.0)
    assert heard[0] == 2.0
    assert [heard[1], played.optimizers["encoder"].param_groups[0]["lr"] / largest] == expected


def test_monitoring_moves_nothing(pictures):
    monitors = Monitors(pictures, None, pictures[:, 0].numpy(), 8)
    for bounds in (Bounds(), Bounds(norm="keras", unary=False, dropout=0.3)):
        with seeded(CPU, 0):
            played = game(bounds=bounds, monitors=monitors)
            played.step(pictures[:4], 0.0)
            watched = nn.ModuleDict({name: played.modules[name] for name in ("codec", "discriminator", "average")})
            before = {key: value.clone() for key, value in watched.state_dict().items()}
            figures = played.monitor(1)
        assert 0 <= figures["auc"] <= 1
        for key, value in watched.state_dict().items():
            assert torch.equal(value, before[key]), key


def test_the_best_codec_is_kept():
    codec = Codec((64, 128), SIZES["small"], 4)

    def offered(*scores: float | None, keep: str) -> tuple[int, float]:
        kept = Kept(codec, keep)
        for step, score in enumerate(scores, start=1):
            with torch.no_grad():
                next(codec.parameters()).fill_(float(step))
            kept.offer(codec, step, score)
        return int(kept.step), float(next(kept.codec.parameters()).flatten()[0])

    assert offered(0.1, 0.5, 0.3, keep="best") == (2, 2.0)
    assert offered(0.1, 0.5, 0.5, 0.4, keep="best") == (3, 3.0)  # of equals the later
    assert offered(None, None, keep="best") == (2, 2.0)
    assert offered(0.1, 0.5, 0.3, keep="last") == (3, 3.0)
