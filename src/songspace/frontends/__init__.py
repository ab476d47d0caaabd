"""Windows of sound to spectrograms: what every encoder looks at.

:class:`LogMel` is what songspace hears with, :class:`PowerSpectrogram` the 2017 poster's, and :class:`Frontend` what
one of your own is made of. All are frozen sets of numbers, so that an encoder can be saved with the frontend that it
was trained on, and take NumPy arrays or torch tensors. torch itself is never imported here: decoding workers do
without it.
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
