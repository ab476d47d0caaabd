"""The weights from which the contrastive network starts: learnt from sound that songspace renders itself.

They have heard no recording. ``bench/start.py`` renders the sound and makes them again.
"""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file

from songspace.encoders.convnet import ConvNet

FILE = Path(__file__).with_name("start.safetensors")


def start_from(network: ConvNet) -> bool:
    """Give a network these weights, if it is one of their shape; returns whether it is."""
    weights = {name: value.float() for name, value in load_file(FILE).items()}
    own = network.state_dict()
    if any(own[name].shape != value.shape for name, value in weights.items()):
        return False
    network.load_state_dict(weights, strict=False)  # how its input is standardised is its own
    return True


def write_start(network: ConvNet, path: Path) -> None:
    """Write what :func:`start_from` reads, in 16 bits."""
    weights = {
        name: value.half().contiguous()
        for name, value in network.state_dict().items()
        if value.is_floating_point() and not name.startswith("standardize.")
    }
    save_file(weights, path)
    path.chmod(0o644)
