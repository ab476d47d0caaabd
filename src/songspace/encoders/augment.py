"""Changes that a song survives, on batches of log-mel spectrograms in decibels.

What a recording went through (volume, equaliser, fade, a little dirt) is made random here, so that a
network cannot tell songs apart by it. In decibels all but the masks are sums.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

GAIN, TILT, EQ, FADER = 6.0, 4.0, 3.0, 4.0
"""Decibels: standard deviations of the volume, of the slope from the lowest band to the highest, of an
equaliser's knobs, and of the slope from the first frame to the last."""

KNOBS = 8
MASKS = 2
LARGEST_MASK = 0.15
"""Share of the bands, or of the frames, that one mask can cover."""


def recolor(decibels: Tensor) -> Tensor:
    """Give every spectrogram its own volume, spectral tilt, equaliser curve and fader movement.

    Parameters
    ----------
    decibels : Tensor of shape (n, bands, frames)
        Drawn on with torch's own generator.

    Returns
    -------
    Tensor of the same shape

    Examples
    --------
    >>> import torch
    >>> x = torch.zeros(2, 64, 150)
    >>> recolored = recolor(x)
    >>> recolored.shape == x.shape, bool((recolored[0] != recolored[1]).any())
    (True, True)
    """
    n, bands, frames = decibels.shape
    device = decibels.device
    gain, tilt, fader = torch.randn(3, n, 1, 1, device=device)
    over_bands = torch.linspace(-0.5, 0.5, bands, device=device)[:, None]
    over_frames = torch.linspace(-0.5, 0.5, frames, device=device)
    knobs = torch.randn(n, 1, KNOBS, device=device)
    curve = functional.interpolate(knobs, size=bands, mode="linear", align_corners=True)
    shape = GAIN * gain + TILT * tilt * over_bands + EQ * curve.transpose(1, 2)
    return decibels + shape + FADER * fader * over_frames


def mask(x: Tensor) -> Tensor:
    """Silence random stretches of bands and of frames of standardised spectrograms (n, bands, frames).

    A masked value becomes 0, the band's mean. From D. S. Park et al., "SpecAugment", Interspeech 2019.
    """
    n, bands, frames = x.shape
    hidden = _stretches(n, bands, x.device)[:, :, None] | _stretches(n, frames, x.device)[:, None]
    return x.masked_fill(hidden, 0.0)


def _stretches(n: int, length: int, device: torch.device) -> Tensor:
    width = torch.rand(n, MASKS, 1, device=device) * LARGEST_MASK * length
    start = torch.rand(n, MASKS, 1, device=device) * (length - width)
    at = torch.arange(length, device=device)
    return ((at >= start) & (at < start + width)).any(dim=1)
