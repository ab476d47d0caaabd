"""The base class of frontends, their registry, and the 8-bit form of spectrograms."""

from __future__ import annotations

import sys
from dataclasses import asdict, is_dataclass
from importlib.metadata import entry_points
from typing import Any, TypeVar

import numpy as np

from songspace.errors import SongspaceError

CODE_ZERO = -80.0
CODE_STEP = 0.5


class Codes(np.ndarray):
    """Decibels in 8 bits: a code q stands for -80 + q / 2 dB, from -80 to 47.5.

    It is an array of ``uint8`` whose type marks its numbers as codes; :meth:`.LogMel.quantize` returns it. Parts of it
    have the same type; results of arithmetic are ordinary arrays. Codes from a file are marked by
    ``array.view(Codes)``, without a copy.

    Examples
    --------
    >>> codes = np.array([[0, 1], [160, 255]], np.uint8).view(Codes)
    >>> codes[1].decibels()
    array([ 0. , 47.5], dtype=float32)
    >>> type(codes + 1).__name__
    'ndarray'
    """

    __array_priority__ = 1.0  # so that concatenated codes are codes

    @classmethod
    def of(cls, decibels: Any) -> Codes:
        """Round decibels to steps of 0.5; those out of the range become the first or the last code."""
        codes = np.rint((np.asarray(decibels) - CODE_ZERO) / CODE_STEP)
        return np.clip(codes, 0, 255).astype(np.uint8).view(cls)

    def decibels(self) -> np.ndarray:
        """Return the codes as float32 decibels."""
        return from_codes(self)

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain


def from_codes(codes: Any) -> np.ndarray:
    """Convert codes, marked or not, to float32 decibels; the error of quantisation is at most 0.25 dB."""
    return np.asarray(codes, np.float32) * np.float32(CODE_STEP) + np.float32(CODE_ZERO)


def are_codes(array: Any) -> bool:
    """Return True if an array is marked as codes and has not been cast to another type."""
    return isinstance(array, Codes) and array.dtype == np.uint8


Array = TypeVar("Array")
"""A NumPy array or a torch tensor; the output is of the same kind as the input."""

FrontendType = TypeVar("FrontendType", bound="type[Frontend]")

GROUP = "songspace.frontends"
"""Group of the entry points by which packages offer frontends."""


class Frontend:
    """Base class of frontends: from windows of sound (n, samples) to spectrograms (n, bands, frames).

    A new frontend is a frozen dataclass with the fields ``rate`` (samples per second), ``seconds`` (length of a window)
    and its own ones. It has a ``shape``, and computes spectrograms in :meth:`compute`. Its fields are plain values such
    as numbers and texts, which are saved with an encoder, together with the name of the class. Its class is found by
    this name if it is registered: by :func:`register`, or as an entry point of the group ``songspace.frontends``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @register
    ... @dataclass(frozen=True)
    ... class Loudness(Frontend):
    ...     rate: int = 100
    ...     seconds: float = 1.0
    ...     parts: int = 10
    ...
    ...     shape = property(lambda self: (1, self.parts))
    ...
    ...     def compute(self, windows):
    ...         return np.square(windows).reshape(len(windows), 1, self.parts, -1).mean(axis=3)
    >>> loudness = Loudness(parts=20)
    >>> loudness(np.ones((2, 100))).shape
    (2, 1, 20)
    >>> build(describe(loudness)) == loudness
    True
    """

    rate: int
    seconds: float

    def __post_init__(self) -> None:
        check_whole("rate", self.rate, 1)
        check(isinstance(self.seconds, (int, float)) and 0 < self.seconds < np.inf, SECONDS, self.seconds)
        check(self.samples >= 1, "a window must be at least a sample long", self)

    @property
    def samples(self) -> int:
        """Samples in a window."""
        return round(self.seconds * self.rate)

    @property
    def shape(self) -> tuple[int, int]:
        """Bands (or bins) and frames of one spectrogram."""
        raise NotImplementedError

    def __call__(self, windows: Array) -> Array:
        """Compute the spectrograms of windows.

        Parameters
        ----------
        windows : array or tensor of shape (n, samples)
            Sound as floats between -1 and 1, or as whole numbers of 8, 16 or 32 bits like in files, which are scaled by
            their type.

        Returns
        -------
        array or tensor of shape (n, bands, frames), float32
            An array or a tensor like ``windows``, on the same device.

        Raises
        ------
        ValueError
            If ``windows`` has not the shape (n, ``samples``), or its numbers are of another type.
        """
        tensor = is_tensor(windows)
        sound: Any = windows if tensor else np.asarray(windows)
        if len(sound.shape) != 2 or sound.shape[1] != self.samples:
            shape = tuple(sound.shape)
            raise ValueError(f"Expected windows of shape (n, {self.samples}), got {shape}")
        sound = _scaled(sound)
        spectrograms: Any = self.compute_tensor(sound, sys.modules["torch"]) if tensor else self.compute(sound)
        return spectrograms

    def compute(self, windows: np.ndarray) -> np.ndarray:
        """Compute the spectrograms of checked windows: floats (n, samples)."""
        raise NotImplementedError

    def compute_tensor(self, windows: Any, torch: Any) -> Any:
        """Compute the same for a tensor; by NumPy, unless a subclass overrides it."""
        spectrograms = np.asarray(self.compute(windows.detach().cpu().numpy()), np.float32)
        return torch.from_numpy(spectrograms).to(windows.device)

    def quantize(self, spectrograms: Any) -> Codes:
        """Round to 8 bits; raise ValueError if the frontend has no 8-bit form."""
        raise ValueError(f"A {type(self).__name__} has no 8-bit form: only a LogMel has.")

    def dequantize(self, codes: Any) -> np.ndarray:
        """Undo :meth:`quantize`; raise ValueError if the frontend has no 8-bit form."""
        raise ValueError(f"A {type(self).__name__} has no 8-bit form: only a LogMel has.")


REGISTERED: dict[str, type[Frontend]] = {}
"""Registered frontends by name, see :func:`register`."""


def _find(name: Any) -> type[Frontend] | None:
    """Return the class of a frontend by its name, from the registry or from an installed package."""
    if isinstance(name, str) and name not in REGISTERED:
        for entry in entry_points(group=GROUP, name=name):
            frontend = _loaded(entry)
            if frontend.__name__ != name:
                raise SongspaceError(f"The frontend {name!r} of {_package(entry)} is called {frontend.__name__}.")
            register(frontend)
    return REGISTERED.get(name) if isinstance(name, str) else None


def _package(entry: Any) -> str:
    return f"the package {entry.dist.name}" if entry.dist is not None else "an installed package"


def _loaded(entry: Any) -> type[Frontend]:
    try:
        frontend: type[Frontend] = entry.load()
    except Exception as error:
        # The import of another package may raise any exception.
        raise SongspaceError(
            f"The frontend {entry.name!r} of {_package(entry)} cannot be loaded ({type(error).__name__}: {error})."
        ) from error
    return frontend


def register(frontend: FrontendType) -> FrontendType:
    """Register a frontend by its name, so that encoders with it can be loaded; a decorator.

    The file of an encoder has the name and the fields of its frontend, and no code. Only registered frontends, and
    those of installed packages, can be loaded.

    Raises
    ------
    ValueError
        If the class is no dataclass or no subclass of :class:`Frontend`, or its name is taken.
    """
    if not (isinstance(frontend, type) and issubclass(frontend, Frontend) and is_dataclass(frontend)):
        raise ValueError(f"a frontend is a dataclass that is a songspace.frontends.Frontend, got {frontend!r}")
    name = frontend.__name__
    known = REGISTERED.setdefault(name, frontend)
    # The same class may be defined again, for instance in a notebook.
    if (known.__module__, known.__qualname__) != (frontend.__module__, frontend.__qualname__):
        raise ValueError(f"there is a frontend called {name} already, in {known.__module__}: choose another name")
    REGISTERED[name] = frontend
    return frontend


def is_registered(frontend: Frontend) -> bool:
    """Return True if :func:`build` can find the class of a frontend."""
    return _find(type(frontend).__name__) is type(frontend)


def describe(frontend: Frontend) -> dict[str, Any]:
    """Describe a frontend in a dictionary for JSON; :func:`build` is the inverse.

    Examples
    --------
    >>> from songspace.frontends import LogMel
    >>> build(describe(LogMel(n_mels=48))) == LogMel(n_mels=48)
    True
    """
    return {"name": type(frontend).__name__, **asdict(frontend)}  # type: ignore[call-overload]  # it is a dataclass


def build(description: dict[str, Any]) -> Frontend:
    """Create a frontend from a description by :func:`describe`.

    Raises
    ------
    ValueError
        If the name, a field or a value is not valid.
    SongspaceError
        If the package of the frontend cannot be loaded.
    """
    fields = dict(description)
    name = fields.pop("name", None)
    frontend = _find(name)
    if frontend is None:
        raise ValueError(f"no frontend is called {name!r}: choose from {', '.join(REGISTERED)}")
    try:
        return frontend(**fields)
    except TypeError as error:
        raise ValueError(f"a {name} cannot be made of {fields}: {error}") from error


def is_tensor(array: Any) -> bool:
    """Return True if an array is a torch tensor, without importing torch.

    Examples
    --------
    >>> is_tensor(np.zeros(3))
    False
    """
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


_SCALES = {"uint8": (2.0**7, 2.0**7), "int8": (0.0, 2.0**7), "int16": (0.0, 2.0**15), "int32": (0.0, 2.0**31)}
"""Silence and full scale of each type; WAV files have unsigned 8 bits."""


def _scaled(sound: Any) -> Any:
    """Convert sound to floats; whole numbers like in sound files are scaled by their type."""
    kind = str(sound.dtype).rpartition(".")[2]
    if "float" in kind:
        return sound
    if kind not in _SCALES:
        raise ValueError(f"Expected sound as floats, or as whole numbers of 8, 16 or 32 bits, got {kind}")
    zero, scale = _SCALES[kind]
    return ((sound.astype(np.float32) if isinstance(sound, np.ndarray) else sound.float()) - zero) / scale


SECONDS = "seconds must be a positive number"


def check_whole(field: str, value: Any, least: int) -> None:
    """Check that a field is a whole number of at least ``least``; raise ValueError otherwise."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
    check(whole, f"{field} must be a whole number >= {least}", value)


def check(holds: bool, rule: str, value: Any) -> None:
    """Check a rule.

    Raises
    ------
    ValueError
        If it does not hold.
    """
    if not holds:
        raise ValueError(f"{rule}, got {value}")
