"""The JSON beside an ONNX model, which describes its inputs and outputs. All fields are checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songspace.errors import SongspaceError
from songspace.frontends import Frontend, MelSpectrogram, Waveform
from songspace.plainfiles import read_json

_LONGEST = 1 << 20
SEGMENT = 5.0
"""Seconds of a segment of a song, from which one or more inputs are taken."""

_MEL = ("n_fft", "hop", "n_mels", "fmin", "fmax", "mel", "norm", "window", "center", "power", "log")
_FASTEST, _LONGEST_INPUT = 384_000, 600  # samples a second, and seconds
_LARGEST = {"n_fft": 1 << 18, "n_mels": 4096}
MOST_NUMBERS = 1 << 25
"""The most numbers of an input and of each intermediate result: ten minutes at 48 kHz have fewer samples."""
_MOST_PATCHES = 20
_MOST_TOKENS = 4096


@dataclass(frozen=True)
class Port:
    """An input or output of a model.

    Attributes
    ----------
    name : str
    axes : tuple of str
        Meaning of each axis, in order.
    """

    name: str
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """Settings of a text tower.

    Attributes
    ----------
    model, tokenizer : str
        Names of files.
    max_length : int
        The most tokens of a text.
    pad : int or None
        Token that fills up to ``max_length``; None without filling.
    ids, mask, types : str or None
        Names of the inputs for the tokens, their mask (0 for filling), and their types (zeros).
    output : Port
    """

    model: str
    tokenizer: str
    max_length: int
    pad: int | None
    ids: str
    mask: str | None
    types: str | None
    output: Port


@dataclass(frozen=True)
class Settings:
    """The inputs and outputs of a model.

    Attributes
    ----------
    frontend : Frontend
    input, output : Port
    patches : int
        Number of inputs taken from a segment of a song.
    pooling : str
        Pooling of their vectors: "mean" or "max".
    text : Text or None
    document : dict
        The contents of the JSON.
    """

    frontend: Frontend
    input: Port
    output: Port
    patches: int
    pooling: str
    text: Text | None
    document: dict[str, Any]


def read_settings(path: Path) -> Settings:
    """Read the JSON beside a model.

    Raises
    ------
    SongspaceError
        If there is none, or a field is missing, unknown or wrong; the message names the field.
    """
    try:
        document = read_json(path, _LONGEST, links=True)
    except FileNotFoundError:
        raise SongspaceError(
            f"There is no {path}: it has to say what the model takes (see docs/encoders.md)."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SongspaceError(f"{path} cannot be read: {reason}.") from error
    try:
        return settings_of(document)
    except ValueError as error:
        raise SongspaceError(f"{path}: {error}.") from None


def settings_of(document: Any) -> Settings:
    """Check the contents of a JSON, and return the settings.

    Raises
    ------
    ValueError
        If a field is missing, unknown or wrong.
    """
    top = _Fields("", document, ("rate", "seconds", "frontend", "input"), ("output", "patches", "pooling", "text"))
    rate, seconds = top.number("rate", whole=True, most=_FASTEST), top.number("seconds", most=_LONGEST_INPUT)
    frontend = _frontend(rate, seconds, top.inner("frontend"))
    sound = ("samples",) if isinstance(frontend, Waveform) else ("bands", "frames")
    patches = top.number("patches", 1, whole=True, most=_MOST_PATCHES)
    if patches > 1 and seconds >= SEGMENT:
        raise ValueError(f"patches must be 1 where seconds is {SEGMENT:g} or more, got {patches}")
    output = _port(top, "output", ("batch", "features"), ("time", "channel"))
    return Settings(
        frontend,
        _port(top, "input", ("batch", *sound), ("channel",)),
        output,
        int(patches),
        top.choice("pooling", ("mean", "max"), "mean"),
        _text(top.inner("text")) if "text" in top.document else None,
        document,
    )


def _frontend(rate: float, seconds: float, document: Any) -> Frontend:
    kind = _Fields("frontend.", document, ("kind",), None).choice("kind", ("mel", "waveform"))
    if kind == "waveform":
        _Fields("frontend.", document, ("kind",), ())
        sound = Waveform(int(rate), float(seconds))
        _check_size("the samples of an input", sound.samples)
        return sound
    fields = _Fields("frontend.", document, ("kind", *_MEL), ("padding", "win_length", "frames"))
    for key, most in _LARGEST.items():
        fields.number(key, whole=True, most=most)
    if document["center"] is True and "padding" not in document:
        raise ValueError("frontend.padding is missing")
    log = _Fields("frontend.log.", fields.inner("log"), ("kind",), ("scale", "offset", "floor")).document
    given = {
        key: document[key] for key in (*_MEL, "padding", "win_length", "frames") if key in document and key != "log"
    }
    given |= {"log": log["kind"]} | {key: value for key, value in log.items() if key != "kind"}
    try:
        frontend = MelSpectrogram(rate=int(rate), seconds=float(seconds), **given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"frontend: {error}") from None
    _check_size("the samples of an input", frontend.samples)
    _check_size("its frames times n_fft", frontend.shape[1] * frontend.n_fft)
    _check_size("its frames times n_mels", frontend.shape[1] * frontend.n_mels)
    _check_size("n_mels times n_fft", frontend.n_mels * frontend.n_fft)
    return frontend


def _check_size(what: str, numbers: int) -> None:
    if numbers > MOST_NUMBERS:
        raise ValueError(f"frontend: {what} are {numbers}, and must be at most {MOST_NUMBERS}")


def _port(fields: _Fields, key: str, needed: tuple[str, ...], more: tuple[str, ...]) -> Port:
    where = f"{fields.where}{key}."
    inner = _Fields(where, fields.inner(key, {}), ("axes",) if key == "input" else (), ("name", "axes"))
    axes = inner.document.get("axes", list(needed))
    known = (*needed, *more)
    if not (isinstance(axes, list) and all(axis in known for axis in axes)):
        raise ValueError(f"{where}axes must be a list of {', '.join(known)}, got {axes!r}")
    for axis in known:
        count = axes.count(axis)
        if axis != "channel" and (count > 1 or (axis in needed and not count)):
            raise ValueError(f"{where}axes must name {axis} once, got {axes!r}")
    return Port(inner.text("name", ""), tuple(axes))


def _text(document: Any) -> Text:
    fields = _Fields("text.", document, ("model", "tokenizer", "max_length", "inputs"), ("pad", "output"))
    inputs = _Fields("text.inputs.", fields.inner("inputs"), ("ids",), ("mask", "types"))
    names = []
    for key in ("model", "tokenizer"):
        name = fields.text(key)
        if name in ("", ".", "..") or set(name) & set("/\\:\0"):
            raise ValueError(f"text.{key} must be the name of a file beside this one, got {name!r}")
        names.append(name)
    return Text(
        model=names[0],
        tokenizer=names[1],
        max_length=int(fields.number("max_length", whole=True, most=_MOST_TOKENS)),
        pad=int(fields.number("pad", whole=True, least=0)) if "pad" in fields.document else None,
        ids=inputs.text("ids"),
        mask=inputs.text("mask") if "mask" in inputs.document else None,
        types=inputs.text("types") if "types" in inputs.document else None,
        output=_port(fields, "output", ("batch", "features"), ("time", "channel")),
    )


class _Fields:
    """An object of the JSON, with the fields ``needed`` and ``more``; with ``more`` None any other field is allowed.

    Raises
    ------
    ValueError
        If it is no object, a field is missing, or one is unknown.
    """

    def __init__(self, where: str, document: Any, needed: Iterable[str], more: Iterable[str] | None) -> None:
        if not isinstance(document, dict):
            raise ValueError(f"{where.rstrip('.') or 'it'} must be an object with fields, got {document!r}")
        needed = tuple(needed)
        for key in needed:
            if key not in document:
                raise ValueError(f"{where}{key} is missing")
        if more is not None:
            for key in document:
                if key not in (known := (*needed, *more)):
                    raise ValueError(f"there is no field {where}{key}: known are {', '.join(dict.fromkeys(known))}")
        self.where, self.document = where, document

    def inner(self, key: str, default: Any = None) -> Any:
        return self.document.get(key, default)

    def number(
        self, key: str, default: float | None = None, *, whole: bool = False, least: float = 0.0, most: float = 1e6
    ) -> float:
        value: Any = self.document.get(key, default)
        fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not fits or not least <= value <= most or (value == 0 and key != "pad"):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{self.where}{key} must be {kind} above 0 and at most {most:g}, got {value!r}")
        number: float = value
        return number

    def text(self, key: str, default: str | None = None) -> str:
        value = self.document.get(key, default)
        if not isinstance(value, str) or (default is None and not value):
            raise ValueError(f"{self.where}{key} must be text, got {value!r}")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        value = self.document.get(key, default)
        if value not in choices:
            raise ValueError(f"{self.where}{key} must be one of {', '.join(choices)}, got {value!r}")
        return str(value)
