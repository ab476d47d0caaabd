"""The networks of adversarially learned inference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from songspace.encoders.ali import RUNGS
from songspace.encoders.ali_networks import CLIP, SIZES, Average, Bounds, Codec
from songspace.encoders.devices import seeded

CPU = torch.device("cpu")
HISTORY = {name: RUNGS["as run"][name] for name in ("norm", "unary", "dropout")}


def weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def statistics(module: nn.Module) -> int:
    """The moving statistics of batch norms, which Keras counts among a model's weights as not trainable."""
    return sum(buffer.numel() for name, buffer in module.named_buffers() if "running" in name)


def test_the_posters_networks_have_the_posters_sizes():
    size = SIZES["poster"]
    codec = Codec(size.grid, size, 64, unit_codes=False, keras=True)
    encoder, decoder, discriminator = codec.encoder, codec.decoder, size.discriminator(64, Bounds(**HISTORY))
    assert (weights(encoder), weights(decoder)) == (976_480, 1_538_689)  # 0.98 and 1.54 million, either way
    assert (statistics(encoder), statistics(decoder)) == (1984, 1088)
    # What is reported is what is trained: the moving statistics of the trunk's 992 maps would be 1,984 more.
    assert weights(discriminator) == 3_339_809
    assert statistics(discriminator) == 1984
    parts = [weights(part) for part in (discriminator.of_z, discriminator.of_x, discriminator.joint)]
    assert parts == [295_936, 943_648, 2_100_225]
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
        assert size.discriminator(16, Bounds())(x, z).shape == (2, 3)


def test_the_discriminator_is_spectrally_normalised_and_has_no_batch_norm():
    with seeded(CPU, 0):
        discriminator = SIZES["small"].discriminator(8, Bounds())
        for _ in range(60):  # power iteration
            discriminator(torch.randn(2, 1, 64, 128), torch.randn(2, 8))
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 12
    for layer in layers:
        largest = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0]
        assert largest == pytest.approx(1, abs=0.02)
    assert not [m for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d)]


def test_unary_heads_see_one_side_only():
    discriminator = SIZES["small"].discriminator(8, Bounds()).eval()
    x, z = torch.randn(3, 1, 64, 128), torch.randn(3, 8)
    with torch.no_grad():
        scores = discriminator(x, z)
        other_z, other_x = discriminator(x, torch.randn(3, 8)), discriminator(torch.randn_like(x), z)
    changed_by_z = (scores != other_z).any(dim=0).tolist()
    changed_by_x = (scores != other_x).any(dim=0).tolist()
    assert changed_by_z == [True, False, True]
    assert changed_by_x == [True, True, False]


def test_what_the_networks_see(textures):
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


def kinds(module: nn.Module) -> str:
    """The layers of a network in their order: convolution or dense, leaky, norm, dropout, pool."""
    letters = {
        nn.Conv2d: "c",
        nn.Linear: "c",
        nn.LeakyReLU: "l",
        nn.BatchNorm2d: "n",
        nn.Dropout: "d",
        nn.AvgPool2d: "p",
    }
    return "".join(letters.get(type(m), "") for m in module.modules())


@pytest.mark.parametrize(("name", "trunk"), [("poster", "clnclnclnpclncln"), ("small", "cln" * 5)])
def test_the_discriminator_of_history_has_norms_in_its_trunk_and_dropout_in_its_joint_layers(name, trunk):
    size = SIZES[name]
    poster = size.discriminator(8, Bounds(**HISTORY))
    assert kinds(poster.of_x) == trunk
    assert kinds(poster.of_z) == "clcl"
    assert kinds(poster.joint) == "cldcldc"
    assert [m.p for m in poster.modules() if isinstance(m, nn.Dropout)] == [0.3] * 2
    assert {m.negative_slope for m in poster.modules() if isinstance(m, nn.LeakyReLU)} == {0.1}
    assert poster.apart
    assert poster(torch.randn(3, 1, *size.grid), torch.randn(3, 8)).shape == (3, 1)
    bare = size.discriminator(8, Bounds(norm="none", unary=False))
    assert not bare.apart
    assert not [m for m in bare.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)]
    assert {key for key, _ in bare.named_parameters() if "parametrizations" in key} == set()


@pytest.mark.parametrize("name", SIZES)
def test_the_networks_of_history_begin_as_in_keras(name):
    """Glorot-uniform weights, biases of 0; batch norms with epsilon 0.001 and, in Keras' words, momentum 0.99."""
    size = SIZES[name]
    with seeded(CPU, 0):
        codec = Codec(size.grid, size, 64, unit_codes=False, keras=True)
        discriminator = size.discriminator(64, Bounds(**HISTORY))
    layers = [m for network in (codec, discriminator) for m in network.modules()]
    weighted = [m for m in layers if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    assert len(weighted) == {"poster": 6 + 7 + 10, "small": 5 + 5 + 10}[name]
    for layer in weighted:
        incoming, outgoing = layer.weight.shape[1], layer.weight.shape[0]
        limit = np.sqrt(6 / ((incoming + outgoing) * layer.weight[0, 0].numel()))
        values = layer.weight.detach().abs()
        assert values.max() <= limit
        if values.numel() > 1000:
            assert values.max() > 0.98 * limit
            assert values.mean() == pytest.approx(limit / 2, rel=0.1)
        assert not layer.bias.any()
    norms = [m for m in layers if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == {"poster": 5 + 6 + 5, "small": 4 + 4 + 5}[name]
    assert {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}
    assert all((m.weight == 1).all() and not m.bias.any() for m in norms)


def test_the_other_networks_begin_as_in_torch():
    codec, discriminator = Codec((64, 128), SIZES["small"], 8), SIZES["small"].discriminator(8, Bounds(norm="none"))
    assert {(m.eps, m.momentum) for m in codec.modules() if isinstance(m, nn.BatchNorm2d)} == {(1e-5, 0.1)}
    layers = [
        m for network in (codec, discriminator) for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)
    ]
    assert all(layer.bias.any() for layer in layers)


@pytest.mark.parametrize("name", SIZES)
def test_penalty_is_of_the_last_two_convolutions_of_the_trunk_and_of_the_joint_layers(name):
    discriminator = SIZES[name].discriminator(8, Bounds(**HISTORY))
    convolutions = [m for m in discriminator.of_x.modules() if isinstance(m, nn.Conv2d)]
    joint = [m for m in discriminator.joint if isinstance(m, nn.Linear)]
    layers = [*convolutions[-2:], *joint]
    if name == "poster":
        shapes = [(256, 128, 4, 3), (512, 256, 1, 3), (1024, 1024), (1024, 1024), (1, 1024)]
        assert [tuple(layer.weight.shape) for layer in layers] == shapes
    weights = [layer.weight.detach().double().numpy() for layer in layers]
    penalty = discriminator.penalty()
    assert penalty.item() == pytest.approx(sum(np.abs(w).sum() + np.square(w).sum() for w in weights), rel=1e-4)
    penalty.backward()
    pulled = [parameter for parameter in discriminator.parameters() if parameter.grad is not None]
    assert {id(parameter) for parameter in pulled} == {id(layer.weight) for layer in layers}


def test_without_standardising_the_networks_see_plain_values(textures):
    X = 1e6 * textures(3, (64, 128))
    codec = Codec((64, 128), SIZES["small"], 8, standardize=False)
    np.testing.assert_array_equal(codec.prepare(torch.from_numpy(X))[:, 0], X)


def test_codes_have_the_moments_of_the_prior(textures):
    X = torch.from_numpy(textures(32, (64, 128)) / 30 + 1)
    with torch.no_grad():
        unit, free = (
            Codec((64, 128), SIZES["small"], 8, unit_codes=yes, standardize=False)(X) for yes in (True, False)
        )
    np.testing.assert_allclose(unit.mean(0), np.zeros(8), atol=1e-5)
    np.testing.assert_allclose(unit.std(0, correction=0), np.ones(8), atol=1e-3)
    assert (free.std(0) < 0.9).all()
