"""Every convolution of every network, as it is met in training, with oneDNN and without it.

Run as a program of its own: what writes past its memory kills a process. Prints a line for each network: how many
convolutions it has, the largest difference of an output or a gradient, relative to the largest right value, in 32-bit
floats and in those that training takes here (bfloat16 where the processor multiplies it), and its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from songspace.encoders.ali_networks import SIZES, Bounds, Codec
from songspace.encoders.convnet import ConvNet, folded
from songspace.encoders.devices import fast_autocast

CPU = torch.device("cpu")
WIDTHS = (1, 2, 4, 7, 8, 12, 15, 16, 20, 24)
SHAPES = {"a piece": (24, 64, 150), "a large picture": (2, 128, 256)}
"""Batch, bands and frames. At some sizes only is a gradient worked out in several parts."""


def convolutions(network: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]


def watched(network: nn.Module, play: Callable[[], Tensor]) -> Iterator[tuple[nn.Module, Tensor, Tensor]]:
    """Each convolution with what it is given, and numbers to flow back to it, in the layouts of a step of training.

    They are random: those of a real step nearly cancel each other where a batch norm follows.
    """
    given: list[tuple[nn.Module, Tensor]] = []
    back: dict[int, Tensor] = {}

    def see(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        number = len(given)
        given.append((module, inputs[0].detach().clone()))
        output.register_hook(lambda gradient: back.__setitem__(number, torch.randn_like(gradient)))

    hooks = [module.register_forward_hook(see) for module in convolutions(network)]
    play().float().square().mean().backward()
    for hook in hooks:
        hook.remove()
    assert {id(module) for module, _ in given} == {id(module) for module in convolutions(network)}
    for number, (module, x) in enumerate(given):
        yield module, x, back[number]


def results(module: nn.Module, weight: Tensor, x: Tensor, slope: Tensor) -> list[Tensor]:
    """The output, and the gradients of the weights and of what came in."""
    weight, x = (each.detach().clone().requires_grad_() for each in (weight, x))
    convolve = functional.conv2d if isinstance(module, nn.Conv2d) else functional.conv_transpose2d
    output = convolve(x, weight, module.bias, module.stride, module.padding)
    output.backward(slope.to(output.dtype))
    return [output.detach(), weight.grad, x.grad]


def apart(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, relative to the largest right value."""
    error = float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-20))
    return error if torch.isfinite(ours).all() else torch.inf


def differences(network: nn.Module, play: Callable[[], Tensor]) -> tuple[int, float, float]:
    """How many convolutions there are, and how far they are from right, in 32-bit floats and as they are trained."""
    count, whole, half = 0, 0.0, 0.0
    for module, x, slope in watched(network, play):
        weight = module.weight  # once: where its norm is kept in bounds, it moves a little each time
        found = results(module, weight, x, slope)
        with fast_autocast(CPU):
            trained = results(module, weight, x, slope)
        with torch.backends.mkldnn.flags(enabled=False):
            right = results(module, weight, x, slope)
        whole = max(whole, *map(apart, found, right))
        half = max(half, *map(apart, trained, right))
        count += 1
    return count, whole, half


def networks() -> Iterator[tuple[str, nn.Module, Callable[[], Tensor]]]:
    for width in WIDTHS:
        for shape, (batch, bands, frames) in SHAPES.items():
            network, x = ConvNet(bands, width).train(), torch.randn(batch, bands, frames)
            yield f"convnet {width}, {shape}", network, lambda network=network, x=x: network(x)
            if width in (1, 4, 24):
                plain = folded(network)
                yield f"folded {width}, {shape}", plain, lambda plain=plain, x=x: plain(x)
    for size, latent, batch in (
        ("small", 1, 16),
        ("small", 5, 16),
        ("small", 64, 16),
        ("poster", 1, 2),
        ("poster", 64, 2),
    ):
        codec = Codec(SIZES[size].grid, SIZES[size], latent).train()
        x, z = torch.randn(batch, 1, *SIZES[size].grid), torch.randn(batch, latent)
        yield f"{size} encoder {latent}", codec.encoder, lambda codec=codec, x=x: codec.encode(x)
        yield f"{size} decoder {latent}", codec.decoder, lambda codec=codec, z=z: codec.decode(z)
        if latent == 64:
            judge = SIZES[size].discriminator(latent, Bounds()).train()
            yield f"{size} discriminator", judge, lambda judge=judge, x=x, z=z: judge(x, z)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(torch.backends.cpu.get_cpu_capability())
    for name, network, play in networks():
        count, whole, half = differences(network, play)
        print(f"{count}\t{whole:.3g}\t{half:.3g}\t{name}", flush=True)
