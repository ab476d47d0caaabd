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
    """Decibels in 8 bits: code q stands for -80 + q / 2 dB, from -80 to 47.5.

    An array of ``uint8`` that says what its numbers mean; :meth:`.LogMel.quantize` makes it. Parts of it are of this
    type, too; results of arithmetic are ordinary arrays. Codes read from a file are marked again by
    ``array.view(Codes)``, which copies nothing.

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
        """Round decibels to half of one, those beyond the ends to the last code."""
        codes = np.rint((np.asarray(decibels) - CODE_ZERO) / CODE_STEP)
        return np.clip(codes, 0, 255).astype(np.uint8).view(cls)

    def decibels(self) -> np.ndarray:
        """Return the codes as float32 decibels."""
        return from_codes(self)

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain


def from_codes(codes: Any) -> np.ndarray:
    """Return codes, marked or not, as float32 decibels, within 0.25 dB of what they were made of."""
    return np.asarray(codes, np.float32) * np.float32(CODE_STEP) + np.float32(CODE_ZERO)


def are_codes(array: Any) -> bool:
    """Return whether an array is marked as codes: one that was cast to another type is not."""
    return isinstance(array, Codes) and array.dtype == np.uint8


Array = TypeVar("Array")
"""A NumPy array or a torch tensor: what goes in comes out."""

FrontendType = TypeVar("FrontendType", bound="type[Frontend]")

GROUP = "songspace.frontends"
"""The entry points by which packages offer frontends of their own."""


class Frontend:
    """Makes spectrograms (n, bands, frames) of windows of sound (n, samples).

    One of your own is a frozen dataclass that has the fields ``rate`` (samples a second) and ``seconds`` (the length
    of a window) and whatever else it needs, has a ``shape``, and computes spectrograms in :meth:`compute`. Its
    fields are numbers, text or such: they are saved with an encoder, beside the name of the class. To be found by that
    name again it is registered: by :func:`register`, or by its package, as an entry point of the group
    ``songspace.frontends``.

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
            Sound between -1 and 1: floats; or whole numbers of 8, 16 or 32 bits as files hold them, which are scaled
            by their type.

        Returns
        -------
        array or tensor of shape (n, bands, frames), float32
            Of the kind that went in, and on the same device.

        Raises
        ------
        ValueError
            If ``windows`` is not two-dimensional, its rows are not ``samples`` long, or its numbers are no sound.
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
        """Compute the spectrograms of windows that were checked: floats (n, samples)."""
        raise NotImplementedError

    def compute_tensor(self, windows: Any, torch: Any) -> Any:
        """Compute the same for a tensor; through NumPy, unless a frontend overrides it."""
        spectrograms = np.asarray(self.compute(windows.detach().cpu().numpy()), np.float32)
        return torch.from_numpy(spectrograms).to(windows.device)

    def quantize(self, spectrograms: Any) -> Codes:
        """Round to 8 bits, where the frontend has such a form; otherwise a ValueError."""
        raise ValueError(f"A {type(self).__name__} has no 8-bit form: only a LogMel has.")

    def dequantize(self, codes: Any) -> np.ndarray:
        """Undo :meth:`quantize`, where the frontend has an 8-bit form; otherwise a ValueError."""
        raise ValueError(f"A {type(self).__name__} has no 8-bit form: only a LogMel has.")


REGISTERED: dict[str, type[Frontend]] = {}
"""The frontends that can be found by their names: filled by :func:`register`."""


def _find(name: Any) -> type[Frontend] | None:
    """Return the frontend of a name: registered, or of an installed package that offers one."""
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
        # Another package's module may raise anything when it is imported.
        raise SongspaceError(
            f"The frontend {entry.name!r} of {_package(entry)} cannot be loaded ({type(error).__name__}: {error})."
        ) from error
    return frontend


def register(frontend: FrontendType) -> FrontendType:
    """Let a frontend of one's own be found by its name, so that encoders with it can be loaded; a decorator.

    An encoder's file holds the name of a frontend and its fields, and no code: loading it makes only frontends that are
    registered, or that an installed package offers.

    Raises
    ------
    ValueError
        If it is no dataclass that is a :class:`Frontend`, or another one has its name.
    """
    if not (isinstance(frontend, type) and issubclass(frontend, Frontend) and is_dataclass(frontend)):
        raise ValueError(f"a frontend is a dataclass that is a songspace.frontends.Frontend, got {frontend!r}")
    name = frontend.__name__
    known = REGISTERED.setdefault(name, frontend)
    # The same class may be defined again, as in a notebook.
    if (known.__module__, known.__qualname__) != (frontend.__module__, frontend.__qualname__):
        raise ValueError(f"there is a frontend called {name} already, in {known.__module__}: choose another name")
    REGISTERED[name] = frontend
    return frontend


def is_registered(frontend: Frontend) -> bool:
    """Return whether a frontend can be found by what :func:`describe` says of it."""
    return _find(type(frontend).__name__) is type(frontend)


def describe(frontend: Frontend) -> dict[str, Any]:
    """Say what a frontend is in a dictionary that JSON can hold; :func:`build` is its inverse.

    Examples
    --------
    >>> from songspace.frontends import LogMel
    >>> build(describe(LogMel(n_mels=48))) == LogMel(n_mels=48)
    True
    """
    return {"name": type(frontend).__name__, **asdict(frontend)}  # type: ignore[call-overload]  # it is a dataclass


def build(description: dict[str, Any]) -> Frontend:
    """Make the frontend that :func:`describe` described.

    Raises
    ------
    ValueError
        If the name, a field or a value is none that a frontend has.
    SongspaceError
        If a package offers the frontend and cannot be loaded.
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
    """Return whether an array is a torch tensor, without importing torch: where it was never imported, there is none.

    Examples
    --------
    >>> is_tensor(np.zeros(3))
    False
    """
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


_SCALES = {"uint8": (2.0**7, 2.0**7), "int8": (0.0, 2.0**7), "int16": (0.0, 2.0**15), "int32": (0.0, 2.0**31)}
"""Silence and full scale of each type; WAV files have 8 bits without a sign."""


def _scaled(sound: Any) -> Any:
    """Return sound as floats: whole numbers as sound files hold them are scaled by their type."""
    kind = str(sound.dtype).rpartition(".")[2]
    if "float" in kind:
        return sound
    if kind not in _SCALES:
        raise ValueError(f"Expected sound as floats, or as whole numbers of 8, 16 or 32 bits, got {kind}")
    zero, scale = _SCALES[kind]
    return ((sound.astype(np.float32) if isinstance(sound, np.ndarray) else sound.float()) - zero) / scale


SECONDS = "seconds must be a positive number"


def check_whole(field: str, value: Any, least: int) -> None:
    """Check a field that is a whole number."""
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
