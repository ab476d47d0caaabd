"""The contrastive encoder and the random one that stands beside it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from songspace.encoders import contrastive_game as augment
from songspace.encoders import discriminants, load
from songspace.encoders.contrastive import Contrastive
from songspace.encoders.contrastive_game import Bank, ContrastiveGame, Crops, Pairs, nt_xent, relations
from songspace.encoders.convnet import ConvNet, RandomConv, calibrate, folded
from songspace.encoders.descriptors import descriptors, textures
from songspace.encoders.devices import seeded
from songspace.errors import SongspaceError
from songspace.frontends import LogMel

CPU = torch.device("cpu")
SMALL = {"width": 4, "batch_size": 8, "crop": 24, "statistics": False, "n_components": 64, "steps": 4, "device": "cpu"}


def songs(n_songs: int, n_segments: int, *, bands: int = 24, frames: int = 48, seed: int = 0):
    """Decibels of songs that differ in how their sound moves, at the same mean level in each band."""
    random = np.random.default_rng(seed)
    time, band = np.arange(frames), np.arange(bands)[:, None]
    rows = []
    for _ in range(n_songs):
        period, slant = random.uniform(4, 16), random.uniform(-0.5, 0.5)
        for _ in range(n_segments):
            phase = random.uniform(0, 2 * np.pi)
            wave = 12 * np.sin(2 * np.pi * time / period + slant * band + phase)
            rows.append(-30 + wave + random.normal(0, 2, (bands, frames)))
    return np.float32(rows), np.repeat(np.arange(n_songs), n_segments)


def found_again(vectors: np.ndarray, groups: np.ndarray) -> float:
    """Share of rows whose nearest other row is of the same song."""
    unit = vectors - vectors.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -2)
    return float((groups[similarity.argmax(axis=1)] == groups).mean())


# ── the loss ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_nt_xent_equals_the_plain_sum(temperature):
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, 5, 7))
    both = np.concatenate([a, b])
    losses = []
    for i in range(10):
        partner = (i + 5) % 10
        cosine = [both[i] @ both[k] / np.linalg.norm(both[i]) / np.linalg.norm(both[k]) for k in range(10)]
        others = sum(np.exp(cosine[k] / temperature) for k in range(10) if k != i)
        losses.append(-np.log(np.exp(cosine[partner] / temperature) / others))
    loss = nt_xent(torch.from_numpy(a), torch.from_numpy(b), temperature=temperature)
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-9)


def test_nt_xent_sees_only_directions():
    a, b = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
    scaled = nt_xent(5 * a, b * torch.rand(6, 1) + 1e-3 * b, temperature=0.2)
    assert scaled.item() == pytest.approx(nt_xent(a, b, temperature=0.2).item(), rel=1e-5)
    same = torch.ones(6, 8)
    assert nt_xent(same, same, temperature=0.2).item() == pytest.approx(np.log(11), rel=1e-6)


@pytest.mark.parametrize("own", [1.0, 0.3])
def test_relations_equal_the_plain_sum(own):
    random = np.random.default_rng(2)
    places = random.normal(size=(7, 5))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    places[4] = 0  # never seen
    songs = [2, 6]
    wanted = np.zeros((2, 7))
    for row, song in enumerate(songs):
        others = [k for k in range(7) if k not in (song, 4)]
        near = np.array([np.exp(places[song] @ places[k] / 0.1) for k in others])
        wanted[row, others] = (1 - own) * near / near.sum()
        wanted[row, song] = own
    found = relations(torch.from_numpy(places), torch.tensor(songs), own=own, temperature=0.1)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_the_first_songs_of_a_run_have_no_relations_yet():
    found = relations(torch.zeros(4, 3), torch.tensor([1, 3]), own=0.5, temperature=0.1)
    assert found.tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]


def test_the_bank_is_a_mean_that_slowly_forgets():
    bank = Bank(3, 1)
    for seen in (2.0, 4.0, 6.0):
        bank.update(torch.tensor([1]), torch.tensor([[seen]]))
    assert bank.places.ravel().tolist() == pytest.approx([0, 4, 0])
    for _ in range(200):
        bank.update(torch.tensor([1]), torch.tensor([[-1.0]]))
    assert bank.places[1].item() == pytest.approx(-1, abs=1e-3)
    assert bank.directions().ravel().tolist() == [0, -1, 0]


# ── what is compared ──────────────────────────────────────────────────────────────────────────────


def numbered_pairs(groups, *, frames=20, crop=8, batch_size=4, seed=0):
    """Pairs whose crops tell their row (band 0) and their frame (band 1)."""

    def rows(index):
        row = np.broadcast_to(index[:, None], (len(index), frames))
        return np.stack([row, np.broadcast_to(np.arange(frames), row.shape)], axis=1)

    more = {"frames": frames, "crop": crop, "batch_size": batch_size, "seed": seed}
    return Pairs(rows, np.asarray(groups), **more)


def test_a_batch_holds_two_segments_of_each_of_its_songs():
    groups = np.array([0, 1, 2, 1, 0, 2, 3, 4, 4, 4, 3])
    pairs = numbered_pairs(groups)
    seen = set()
    for step in range(200):
        crops = pairs(step)
        batch = crops.decibels
        assert batch.shape == (8, 2, 8)
        assert len(crops) == 8
        first, second = batch[:4, 0, 0], batch[4:, 0, 0]
        assert (groups[first] == groups[second]).all()
        assert (groups[first] == crops.songs).all()
        assert (first != second).all()
        assert len(set(groups[first])) == 4
        starts = batch[:, 1, 0]
        assert (batch[:, 1] == starts[:, None] + np.arange(8)).all()
        assert starts.min() >= 0
        assert starts.max() <= 12
        seen |= set(zip(first, second, strict=True)) | {("start", start) for start in starts}
    assert {(0, 4), (4, 0), (7, 8), (9, 7), (8, 9)} <= seen
    assert {("start", start) for start in range(13)} <= seen


def test_a_song_of_one_segment_gives_its_beginning_and_its_end():
    pairs = numbered_pairs([0, 1, 2], batch_size=8)
    for step in range(50):
        batch = pairs(step).decibels
        assert batch.shape == (6, 2, 8)
        assert (batch[:3, 0, 0] == batch[3:, 0, 0]).all()
        assert batch[:3, 1, 0].max() <= 3
        assert batch[3:, 1, 0].min() >= 9


def test_pairs_are_a_function_of_the_step():
    one, other = numbered_pairs([0, 0, 1, 1, 2]), numbered_pairs([0, 0, 1, 1, 2])
    other(3)
    np.testing.assert_array_equal(one(11).songs, other(11).songs)
    np.testing.assert_array_equal(one(11).decibels, other(11).decibels)
    another = numbered_pairs([0, 0, 1, 1, 2], seed=1)
    assert any((one(k).decibels != another(k).decibels).any() for k in range(3))


def test_crops_of_short_segments_are_whole():
    assert numbered_pairs([0, 1], crop=150)(0).decibels.shape == (4, 2, 20)


# ── augmentation ──────────────────────────────────────────────────────────────────────────────────


def test_recolouring_adds_curves_over_bands_and_over_frames():
    x = torch.randn(200, 64, 30)
    with seeded(CPU, 0):
        change = augment.recolor(x) - x
    # A sum of a function of the band and one of the frame has no interaction.
    mean = change.mean(2, keepdim=True) + change.mean(1, keepdim=True) - change.mean((1, 2), keepdim=True)
    assert (change - mean).abs().max() < 1e-3
    gain = change.mean((1, 2))
    assert 4.5 < gain.std() < 8
    assert gain.mean().abs() < 2
    assert change.mean(2).std(1).min() > 0.1
    fade = change.mean(1)
    assert (fade.diff(dim=1) - fade.diff(dim=1)[:, :1]).abs().max() < 1e-3
    assert 2.5 < (fade[:, -1] - fade[:, 0]).std() < 6


def test_masks_hide_stretches_and_leave_the_rest():
    x = torch.ones(300, 40, 60)
    with seeded(CPU, 0):
        masked = augment.mask(x)
    assert set(masked.unique().tolist()) == {0.0, 1.0}
    assert x.min() == 1
    for axis, length in ((2, 40), (1, 60)):
        hidden = (masked == 0).all(dim=axis)
        assert 0 < hidden.float().mean() < 0.2
        assert hidden.sum(1).max() <= 2 * (0.15 * length + 1)
        stretches = (hidden[:, 1:] & ~hidden[:, :-1]).sum(1) + hidden[:, 0]
        assert stretches.max() <= 2


# ── the network ───────────────────────────────────────────────────────────────────────────────────


def test_the_network_has_seven_hundred_thousand_weights():
    assert sum(p.numel() for p in ConvNet(64, 24).parameters()) == pytest.approx(0.7e6, rel=0.02)


def test_standardisation_is_measured_on_the_data():
    X, _ = songs(6, 2)
    X[:, 3] = X[:, 3] * 2 + 10
    X[:, 5] = -80  # a band without sound
    encoder = RandomConv(width=4).fit(X)
    z = encoder.network_.standardize(torch.from_numpy(X)).numpy()
    moving = np.delete(np.arange(24), 5)
    np.testing.assert_allclose(z.mean((0, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(z.std((0, 2))[moving], 1, atol=1e-4)
    assert np.isfinite(z).all()
    back = encoder.network_.standardize.undo(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(back, X, atol=1e-3)


def test_calibrated_activations_are_sane():
    X, _ = songs(40, 2)
    with seeded(CPU, 0):
        network = ConvNet(24, 8)
    network.standardize.measure([X])
    calibrate(network, [X[:40], X[40:]])
    network.eval()
    spreads = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _, __, out: spreads.append(float(out.std())))
    with torch.no_grad():
        network(torch.from_numpy(X))
    assert len(spreads) == 13
    assert 0.7 < min(spreads) <= max(spreads) < 1.4


def test_folding_changes_rounding_only():
    X, _ = songs(8, 2)
    with seeded(CPU, 0):
        network = ConvNet(24, 8)
    network.standardize.measure([X])
    calibrate(network, [X])
    network.eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):  # as training leaves them: no identity
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
        trained = {name: value.clone() for name, value in network.state_dict().items()}
        quick = folded(network)
        assert not [module for module in quick.modules() if isinstance(module, nn.BatchNorm2d)]
        expected = network(torch.from_numpy(X))
        torch.testing.assert_close(quick(torch.from_numpy(X)), expected, rtol=1e-4, atol=1e-4 * float(expected.std()))
    assert all(torch.equal(value, trained[name]) for name, value in network.state_dict().items())


# ── the estimators ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_learns_to_find_pieces_of_the_same_song():
    X, groups = songs(40, 4)
    held_out, held_out_groups = songs(40, 4, seed=1)
    encoder = Contrastive(**SMALL | {"width": 8, "batch_size": 40, "crop": 32, "steps": 200})
    encoder.fit(X, groups=groups)
    loss = encoder.history_["loss"]
    assert np.mean(loss[-3:]) < 0.75 * loss[0]
    chance = 3 / (len(held_out) - 1)
    assert np.mean(encoder.history_["relation"][-3:]) < encoder.history_["relation"][0]
    share = found_again(encoder.transform(held_out), held_out_groups)
    untrained = RandomConv(width=8).fit(X).transform(held_out)
    assert share > 15 * chance
    assert share > 1.4 * found_again(untrained, held_out_groups)


def test_every_weight_moves_in_a_step():
    X, _ = songs(8, 2)
    with seeded(CPU, 0):
        network = ConvNet(24, 4)
        rules = {"temperature": 0.1, "relation": 0.5, "learning_rate": 1e-2, "weight_decay": 0.0}
        game = ContrastiveGame(network, 8, device=CPU, **rules)
        before = {
            (name, key): value.clone()
            for name, module in game.modules.items()
            for key, value in module.named_parameters()
        }
        game.step(Crops(np.arange(8), X), 0.3)
    assert (game.bank.visits == 1).all()
    for name, module in game.modules.items():
        for key, value in module.named_parameters():
            assert not torch.equal(value, before[name, key]), (name, key)


def with_statistics() -> Contrastive:
    return Contrastive(**SMALL | {"statistics": True})


@pytest.mark.parametrize("make", [with_statistics, lambda: Contrastive(**SMALL), lambda: RandomConv(width=4)])
class TestAll:
    def test_shapes_and_determinism(self, make):
        X, groups = songs(8, 2)
        vectors = make().fit(X, groups=groups).transform(X)
        assert vectors.shape == (16, 64 if isinstance(make(), RandomConv) else 7)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        np.testing.assert_array_equal(make().fit(X, groups=groups).transform(X), vectors)
        other = make().set_params(random_state=1).fit(X, groups=groups).transform(X)
        assert np.abs(other - vectors).max() > 1e-3

    def test_a_vector_depends_on_its_row_only(self, make):
        X, groups = songs(20, 4)
        encoder = make().fit(X, groups=groups)
        together = encoder.transform(X)
        alone = np.concatenate([encoder.transform(X[k : k + 1]) for k in range(0, 80, 7)])
        np.testing.assert_array_equal(alone, together[::7])
        np.testing.assert_array_equal(encoder.transform(X[::-1])[::-1], together)

    def test_saved_and_loaded_is_identical(self, make, tmp_path):
        X, groups = songs(8, 2)
        encoder = make().fit(X, groups=groups)
        again = load(encoder.save(tmp_path / "encoder"))
        np.testing.assert_array_equal(again.transform(X), encoder.transform(X))
        assert again.fingerprint_ == encoder.fingerprint_
        assert getattr(again, "history_", None) == getattr(encoder, "history_", None)

    def test_loading_draws_no_random_numbers(self, make, tmp_path):
        X, groups = songs(8, 2)
        make().fit(X, groups=groups).save(tmp_path / "encoder")
        state = torch.get_rng_state()
        load(tmp_path / "encoder")
        assert torch.equal(torch.get_rng_state(), state)

    def test_clone_pickle_pipeline(self, make):
        X, groups = songs(8, 2)
        encoder = make().fit(X, groups=groups)
        vectors = encoder.transform(X)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(X), vectors)
        np.testing.assert_array_equal(clone(encoder).fit(X, groups=groups).transform(X), vectors)
        pipeline = Pipeline([("encoder", make()), ("scaler", StandardScaler())])
        scaled = pipeline.fit(X, encoder__groups=groups).transform(X)
        np.testing.assert_allclose(scaled, StandardScaler().fit_transform(vectors), atol=1e-5)

    def test_codes_and_rows_read_from_a_store(self, make):
        X, groups = songs(8, 2)
        codes = LogMel().quantize(X)

        class Store:
            shape, dtype = codes.shape, codes.dtype
            most = 0

            def __getitem__(self, rows):
                found = codes[rows]
                self.most = max(self.most, len(found))
                return found

        store = Store()
        from_store = make().fit(store, groups=groups).transform(store)
        from_floats = make().fit(LogMel().dequantize(codes), groups=groups)
        np.testing.assert_array_equal(from_store, from_floats.transform(LogMel().dequantize(codes)))
        assert store.most <= 32

    def test_input_errors(self, make):
        X, groups = songs(4, 2)
        with pytest.raises(ValueError, match="NaN or infinity"):
            make().fit(np.where(X.max() - 1 < X, np.nan, X), groups=groups)
        with pytest.raises(ValueError, match=r"shape \(n, bands, frames\)"):
            make().fit(X[0])
        encoder = make().fit(X, groups=groups)
        with pytest.raises(ValueError, match="fitted on 24x48"):
            encoder.transform(X[:, :, 1:])
        with pytest.raises(ValueError, match="width must be a whole number of at least 1"):
            make().set_params(width=0).fit(X, groups=groups)
        with pytest.raises(ValueError, match="random_state"):
            make().set_params(random_state=None).fit(X, groups=groups)


def test_parameters_of_contrastive_are_checked():
    X, groups = songs(4, 2)
    for name, value in [
        ("temperature", 0),
        ("relation", 1.1),
        ("relation", -0.1),
        ("n_components", 0),
        ("statistics", "yes"),
        ("learning_rate", -1),
        ("weight_decay", -1),
        ("crop", 0),
        ("batch_size", 1.5),
        ("batch_size", 1),
        ("steps", 0),
        ("minutes", 0),
        ("device", "tpu"),
    ]:
        with pytest.raises(ValueError, match=name):
            Contrastive(**SMALL | {name: value}).fit(X, groups=groups)
    with pytest.raises(ValueError, match="groups"):
        Contrastive(**SMALL).fit(X, groups=groups[1:])


def test_hand_made_statistics_are_refused_where_there_can_be_none():
    X, groups = songs(4, 2, bands=8, frames=12)
    with pytest.raises(ValueError, match="statistics must be False unless"):
        Contrastive(**SMALL | {"statistics": True}).fit(X, groups=groups)


def test_one_song_is_too_few():
    X, _ = songs(1, 6)
    with pytest.raises(SongspaceError, match="2 songs"):
        Contrastive(**SMALL).fit(X, groups=[0] * 6)
    with pytest.raises(SongspaceError, match="2 songs"):
        Contrastive(**SMALL).fit(X[:1])


def test_two_songs_are_enough_and_without_groups_each_row_is_one():
    X, groups = songs(2, 3)
    assert Contrastive(**SMALL).fit(X, groups=groups).transform(X).shape == (6, 1)
    assert Contrastive(**SMALL).fit(X[:2]).transform(X).shape == (6, 1)


@pytest.mark.parametrize("n", [2, 17, 33])
def test_small_spectrograms_in_any_number(n):
    X, _ = songs(n, 1, bands=8, frames=12)
    assert np.isfinite(RandomConv(width=4).fit_transform(X)).all()
    assert np.isfinite(Contrastive(**SMALL).fit_transform(X)).all()


def test_names_of_songs_do_not_matter():
    X, groups = songs(6, 2)
    names = np.array(["a", "b", "c", "d", "e", "f"])[groups]
    by_name = Contrastive(**SMALL).fit(X, groups=names).transform(X)
    np.testing.assert_array_equal(by_name, Contrastive(**SMALL).fit(X, groups=groups).transform(X))


def test_another_run_does_not_resume_from_this_checkpoint(tmp_path):
    X, groups = songs(8, 2)
    path = tmp_path / "run"
    encoder = Contrastive(**SMALL).fit(X, groups=groups, checkpoint=path)

    def steps_done(X, groups, **params) -> int:
        told = []
        written = path.read_bytes()
        Contrastive(**SMALL | params).fit(X, groups=groups, checkpoint=path, on_progress=told.append)
        path.write_bytes(written)
        return len(told)

    assert steps_done(X, groups) == 0
    assert steps_done(X, groups, device="auto") == 0
    assert steps_done(X, groups, temperature=0.3) == 4
    assert steps_done(X, groups, steps=5) == 5
    assert steps_done(X, groups[::-1]) == 4
    assert steps_done(X + 1, groups) == 4
    assert steps_done(X[:-2], groups[:-2]) == 4
    again = Contrastive(**SMALL).fit(X, groups=groups, checkpoint=path)
    np.testing.assert_array_equal(again.transform(X), encoder.transform(X))
    assert again.history_ == encoder.history_


def test_minutes_leave_a_usable_encoder():
    X, groups = songs(8, 2)
    encoder = Contrastive(**SMALL | {"steps": None, "minutes": 0.002}).fit(X, groups=groups)
    assert np.isfinite(encoder.transform(X)).all()
    assert encoder.history_["step"][0] == 1


def test_descriptors_that_are_known_are_not_worked_out_again():
    X, groups = songs(8, 3)
    encoder = with_statistics().fit(X, groups=groups)
    known = descriptors(X, frame_rate=LogMel().frame_rate)
    expected = encoder.transform(X)
    np.testing.assert_array_equal(encoder.transform_described(X, known), expected)
    assert not np.allclose(encoder.transform_described(X, known + 1), expected)
    with pytest.raises(ValueError, match="descriptors of 24 spectrograms, got those of 23"):
        encoder.transform_described(X, known[1:])
    with pytest.raises(ValueError, match="descriptors of shape"):
        encoder.transform_described(X, known[:, 1:])


def test_many_songs_are_encoded_side_by_side_to_the_same_bits_in_their_order():
    X, groups = songs(12, 3)
    encoder = Contrastive(**SMALL).fit(X, groups=groups)
    each = [X[groups == song] for song in range(12)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for expected, found in zip(map(encoder.transform, each), encoder.transform_each(each), strict=True):
            np.testing.assert_array_equal(found, expected)
        assert torch.get_num_threads() == 2
        few = encoder.transform_each(iter(each))
        next(few)
        few.close()  # whoever stops in between leaves everything as it was
        assert torch.get_num_threads() == 2
        with pytest.raises(ValueError, match="fitted on"):
            list(encoder.transform_each([each[0], each[1][:, :, :-1]]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_controls_lack_what_they_are_called_after():
    """Untrained is the network as it was drawn under new discriminants; no-network never asks a network."""
    X, songs = np.random.default_rng(0).normal(-30, 10, (24, 64, 251)).astype(np.float32), np.repeat(np.arange(8), 3)
    encoder = Contrastive(width=4, steps=2, n_components=5, random_state=3, device="cpu")
    controls = encoder.controls()
    assert list(controls) == ["untrained", "no-network"]
    for control in controls.values():
        assert control.get_params() == encoder.get_params() and not control.controls()
        control.fit(X, groups=songs)
    drawn = RandomConv(width=4, random_state=3).fit(X)
    numbers = [drawn.transform(X), descriptors(X, frame_rate=50), *textures(X, frame_rate=50)]
    for name, blocks in (("untrained", numbers), ("no-network", numbers[1:])):
        wanted = discriminants.fit(blocks, songs, 5)(np.concatenate(blocks, axis=1))
        # The directions are known but for their signs.
        np.testing.assert_allclose(pdist(controls[name].transform(X)), pdist(wanted), rtol=1e-2, atol=1e-2)
    assert list(Contrastive(statistics=False).controls()) == ["untrained"]
