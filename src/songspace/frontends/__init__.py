"""Frontends: from windows of sound to spectrograms, the input of encoders.

:class:`LogMel` is the default, :class:`PowerSpectrogram` that of the 2017 poster, and :class:`Frontend` the base class
for new ones. Frontends are frozen dataclasses, so that an encoder is saved with its frontend. They take NumPy arrays or
torch tensors. torch is never imported here: decoding workers do not need it.
"""

from songspace.frontends.base import (
    Array,
    Codes,
    Frontend,
    are_codes,
    build,
    describe,
    is_registered,
    is_tensor,
    register,
)
from songspace.frontends.given import MelSpectrogram, Waveform
from songspace.frontends.spectrograms import LogMel, PowerSpectrogram

__all__ = [
    "Array",
    "Codes",
    "Frontend",
    "LogMel",
    "MelSpectrogram",
    "PowerSpectrogram",
    "Waveform",
    "are_codes",
    "build",
    "describe",
    "is_registered",
    "is_tensor",
    "register",
]
