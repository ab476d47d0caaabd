"""The networks of adversarially learned inference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from songspace.encoders.ali_networks import CLIP, SIZES, Average, Bounds, Codec
from songspace.encoders.devices import seeded

CPU = torch.device("cpu")


def weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_posters_networks_have_the_posters_sizes():
    size = SIZES["poster"]
    encoder, decoder, discriminator = size.encoder(64), size.decoder(64), size.discriminator(64, Bounds())
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


@pytest.mark.parametrize("name", SIZES)
def test_bounds_of_a_discriminator(name):
    """Batch norm after every LeakyReLU and dropout before every joint layer, as on the poster, or nothing."""
    size = SIZES[name]
    poster = size.discriminator(8, Bounds(norm="batch", unary=False, dropout=0.3))
    kinds = [type(m) for m in poster.modules()]
    assert kinds.count(nn.BatchNorm2d) + kinds.count(nn.BatchNorm1d) == kinds.count(nn.LeakyReLU) == 9
    assert [m.p for m in poster.modules() if isinstance(m, nn.Dropout)] == [0.3] * 3
    assert poster.apart
    assert poster(torch.randn(3, 1, *size.grid), torch.randn(3, 8)).shape == (3, 1)
    bare = size.discriminator(8, Bounds(norm="none", unary=False))
    assert not bare.apart
    assert not [m for m in bare.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)]
    assert {key for key, _ in bare.named_parameters() if "parametrizations" in key} == set()


def test_penalty_is_of_the_last_two_convolutions_of_the_trunk():
    discriminator = SIZES["poster"].discriminator(8, Bounds(norm="batch"))
    convolutions = [m.weight.detach().numpy() for m in discriminator.of_x.modules() if isinstance(m, nn.Conv2d)]
    assert [w.shape for w in convolutions[-2:]] == [(256, 128, 4, 3), (512, 256, 1, 3)]
    expected = sum(np.abs(w).sum() + np.square(w).sum() for w in convolutions[-2:])
    assert discriminator.penalty().item() == pytest.approx(expected, rel=1e-4)


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
