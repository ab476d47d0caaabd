"""Clips of similar seconds of two songs: two sound files for each pair, and a page to play them.

Clips are WAV files of 16 bits at 44.1 kHz, which every program plays. They are mono, as the input of the encoders. The
two clips of a pair are equally loud (RMS), so that differences of mastering are not heard, and have short fades at
their ends, so that they do not click.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Template
from urllib.parse import quote, unquote

import numpy as np
import soundfile

from songspace.audio import read_excerpt
from songspace.errors import AudioError, SongspaceError
from songspace.playlists.explain.matching import Seconds, clock

RATE = 44_100
_LOUDNESS = 10 ** (-20 / 20)  # RMS of every clip, unless its peaks would be too high
_CEILING = 10 ** (-1 / 20)  # largest peak
_FADE = 0.02  # s, at either end
_PAGE = "index.html"
_OURS = '<meta name="generator" content="songspace clips">'
_LONGEST_NAME = 120  # bytes, without number and suffix; encrypted folders allow 143 in all

# Characters that some file systems or shells refuse: control characters, separators, wildcards, halves of surrogate
# pairs (in Python they stand for bytes that are not UTF-8).
_NOT_IN_A_NAME = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff/\\\\:*?"<>|]+')


@dataclass(frozen=True)
class Excerpt:
    """Some seconds of a song.

    Attributes
    ----------
    path : str
        File of the song.
    name : str
        Name of the song.
    seconds : (float, float)
        Start and end in the song.
    begins : float
        Start of the song in its file, in seconds.
    """

    path: str
    name: str
    seconds: Seconds
    begins: float = 0.0


@dataclass(frozen=True)
class Pair:
    """Two excerpts to be heard one after the other, and a sentence about them."""

    first: Excerpt
    second: Excerpt
    sentence: str


@dataclass(frozen=True)
class WrittenPair:
    """The result for a pair: the names of its two files, or none and the reason why."""

    files: tuple[str, ...]
    problem: str | None = None


def write(folder: str | os.PathLike[str], pairs: Sequence[Pair], *, title: str) -> list[WrittenPair]:
    """Write the clips of some pairs into a folder, and a page to play them.

    All files are written into a hidden folder first, and then moved, so that a full disk does not destroy earlier
    clips. Earlier clips in the folder are replaced; other files are left alone.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    pairs : sequence of Pair
    title : str
        Title of the page, ``index.html``.

    Returns
    -------
    list of WrittenPair
        One for each pair; if a song cannot be read, only its pair is missing.

    Raises
    ------
    SongspaceError
        If no pair could be read, a file cannot be written, or another program's file has the same name.
    """
    folder = Path(folder)
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".clips-", dir=folder))
        try:
            written = _write_clips(beside, pairs)
            (beside / _PAGE).write_text(_page(pairs, written, title), encoding="utf-8", newline="\n")
            _put(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            if is_new:
                with suppress(OSError):  # not empty, if the clips were written
                    folder.rmdir()
    except OSError as error:
        raise SongspaceError(f"The clips cannot be written to {folder} ({error.strerror or error}).") from error
    return written


def _write_clips(folder: Path, pairs: Sequence[Pair]) -> list[WrittenPair]:
    digits = max(2, len(str(len(pairs))))
    written = []
    for number, pair in enumerate(pairs, 1):
        excerpts = {"a": pair.first, "b": pair.second}
        names = tuple(_name(f"{number:0{digits}d} {letter}", excerpt.name) for letter, excerpt in excerpts.items())
        try:
            clips = matched(*map(_read, excerpts.values()))
        except AudioError as error:
            written.append(WrittenPair((), str(error)))
            continue
        for name, clip in zip(names, clips, strict=True):
            (folder / name).write_bytes(_wav(clip))
        written.append(WrittenPair(names))
    if not any(result.files for result in written):
        why = f": {written[0].problem}" if written else "."
        raise SongspaceError(f"There is nothing to hear{why}")
    return written


def _read(excerpt: Excerpt) -> np.ndarray:
    try:
        start, stop = (excerpt.begins + second for second in excerpt.seconds)
        return read_excerpt(excerpt.path, start, stop, rate=RATE)
    except AudioError as error:
        raise AudioError(f"“{excerpt.name}” cannot be heard. {error}") from error


def matched(*clips: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return clips with fades at their ends and the same RMS, as loud as their peaks allow.

    Examples
    --------
    >>> time = np.arange(RATE) / RATE
    >>> loud, soft = matched(np.sin(6283 * time), 0.01 * np.sin(1885 * time))
    >>> for clip in (loud, soft):
    ...     print(clip[0], f"{np.sqrt(np.mean(clip**2)):.3f}")
    0.0 0.100
    0.0 0.100
    """
    faded = []
    for clip in clips:
        length = min(round(_FADE * RATE), len(clip) // 2)
        ramp = (1 - np.cos(np.pi * np.arange(length) / max(length, 1))) / 2
        envelope = np.ones(len(clip))
        envelope[:length], envelope[len(clip) - length :] = ramp, ramp[::-1]
        faded.append(clip * envelope)
    levels = [float(np.sqrt(np.mean(np.square(clip)))) or 1.0 for clip in faded]
    peaks = [float(np.abs(clip).max()) / level for clip, level in zip(faded, levels, strict=True)]
    loudness = min(_LOUDNESS, _CEILING / max(*peaks, 1.0))
    return tuple(clip * (loudness / level) for clip, level in zip(faded, levels, strict=True))


def _wav(samples: np.ndarray) -> bytes:
    buffer = BytesIO()
    soundfile.write(buffer, samples, RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _name(number: str, name: str) -> str:
    """Return a name that every file system accepts, and that sorts the clips of a pair one after the other."""
    safe = _NOT_IN_A_NAME.sub("_", unicodedata.normalize("NFC", name))
    safe = safe.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .")
    return f"{number} {safe}".rstrip() + ".wav"


def _put(beside: Path, folder: Path) -> None:
    """Move finished files into a folder, and delete the earlier clips there."""
    before, names = _earlier(folder), {path.name for path in beside.iterdir()}
    for name in sorted(names - before):
        if os.path.lexists(folder / name):
            raise SongspaceError(f"{folder / name} is no file of songspace's clips: choose another folder for them.")
    for name in sorted(names, key=lambda name: (name == _PAGE, name)):  # the page comes last
        os.replace(beside / name, folder / name)
    for name in before - names:
        (folder / name).unlink(missing_ok=True)


def _earlier(folder: Path) -> set[str]:
    """Return the names of earlier files of songspace in a folder: the page, and the clips that it plays."""
    try:
        page = (folder / _PAGE).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return set()
    if _OURS not in page:
        return set()
    played = map(unquote, re.findall(r'<audio [^>]*src="([^"]+)"', page))
    return {_PAGE} | {name for name in played if name == os.path.basename(name) and name.endswith(".wav")}


def _page(pairs: Sequence[Pair], written: Sequence[WrittenPair], title: str) -> str:
    template, style = (
        (files("songspace.playlists.explain") / name).read_text("utf-8") for name in ("clips.html", "clips.css")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Template(template).substitute(
        ours=_OURS,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; media-src 'self' file:",
        title=_escaped(title),
        style=style,
        pairs="\n".join(_pair(pair, result) for pair, result in zip(pairs, written, strict=True)),
    )


def _pair(pair: Pair, result: WrittenPair) -> str:
    players = f"<p>{_escaped(result.problem or '')}</p>"
    if result.files:
        players = "".join(
            f"<figure><figcaption>{_escaped(excerpt.name)} <b>{clock(excerpt.seconds)}</b></figcaption>"
            f'<audio controls preload="metadata" src="{quote(name)}"></audio></figure>'
            for excerpt, name in zip((pair.first, pair.second), result.files, strict=True)
        )
    return f"<li><h2>{_escaped(pair.second.name)}</h2><p>{_escaped(pair.sentence)}</p><div>{players}</div></li>"


def _escaped(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
