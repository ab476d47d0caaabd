"""Log-mels in 8 bits, marked as such: a plain array of whole numbers may be anybody's picture."""

from __future__ import annotations

from typing import Any

import numpy as np

CODE_ZERO = -80.0
CODE_STEP = 0.5


class Codes(np.ndarray):
    """Decibels in 8 bits: code q stands for -80 + q / 2 dB, from -80 to 47.5.

    An array of ``uint8`` that says what its numbers mean; :meth:`.LogMel.quantize` makes it. Parts of it are of this
    type, too; whatever is worked out of it is an ordinary array. Whoever keeps codes in a file marks them again when
    they are read, which copies nothing.

    Examples
    --------
    >>> codes = np.array([[0, 1], [160, 255]], np.uint8).view(Codes)
    >>> codes[1].decibels()
    array([ 0. , 47.5], dtype=float32)
    >>> type(codes + 1).__name__
    'ndarray'
    """

    __array_priority__ = 1.0  # so that codes put together are codes

    @classmethod
    def of(cls, decibels: Any) -> Codes:
        """Decibels rounded to half of one, those beyond the ends to the last code."""
        codes = np.rint((np.asarray(decibels) - CODE_ZERO) / CODE_STEP)
        return np.clip(codes, 0, 255).astype(np.uint8).view(cls)

    def decibels(self) -> np.ndarray:
        """What the codes stand for, as float32."""
        return from_codes(self)

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain


def from_codes(codes: Any) -> np.ndarray:
    """Codes, marked or not, as float32 decibels, within 0.25 dB of what they were made of."""
    return np.asarray(codes, np.float32) * np.float32(CODE_STEP) + np.float32(CODE_ZERO)


def are_codes(array: Any) -> bool:
    """Whether an array says of itself that it is codes: one that was cast to another type is none."""
    return isinstance(array, Codes) and array.dtype == np.uint8
