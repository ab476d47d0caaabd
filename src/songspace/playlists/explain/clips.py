"""The seconds of two songs that resemble each other, as sound: two files for each pair, and a page beside them.

Clips are WAV files of 16 bits at 44.1 kHz, which everything plays. They are mono, as the encoders hear: what a
listener compares is what was compared. The two clips of a pair are equally loud (RMS), so that no difference of
mastering is heard as one of music, and begin and end with short fades instead of clicks.
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
_CEILING = 10 ** (-1 / 20)  # the highest peak
_FADE = 0.02  # s, at either end
_PAGE = "index.html"
_OURS = '<meta name="generator" content="songspace clips">'
_LONGEST_NAME = 120  # bytes, without number and suffix; encrypted folders allow 143 in all

# What some file system or shell does not take in a name: control characters, separators, wildcards, halves of
# surrogate pairs (in Python the mark of a byte that is no character).
_NOT_IN_A_NAME = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff/\\\\:*?"<>|]+')


@dataclass(frozen=True)
class Excerpt:
    """Some seconds of a song.

    Attributes
    ----------
    path : str
        Its file.
    name : str
        What to call it.
    seconds : (float, float)
        From and to.
    begins : float
        Where the song begins in its file, in seconds.
    """

    path: str
    name: str
    seconds: Seconds
    begins: float = 0.0


@dataclass(frozen=True)
class Pair:
    """Two excerpts to be heard one after the other, and what is said of them."""

    first: Excerpt
    second: Excerpt
    sentence: str


@dataclass(frozen=True)
class Written:
    """What became of a pair: the names of its two files, or none and the reason why."""

    files: tuple[str, ...]
    problem: str | None = None


def write(folder: str | os.PathLike[str], pairs: Sequence[Pair], *, title: str) -> list[Written]:
    """Write the clips of some pairs, and a page to hear them side by side, into a folder.

    Everything is made in a hidden folder first and then moved to its place, so that a disk that becomes full leaves
    what was there. Clips that were written there before are replaced; whatever else the folder holds is left alone.

    Parameters
    ----------
    folder : path
        It is made if it is not there.
    pairs : sequence of Pair
    title : str
        The heading of the page, ``index.html``.

    Returns
    -------
    list of Written
        One for each pair; a song that cannot be read costs its pair only.

    Raises
    ------
    SongspaceError
        If no pair could be read, the file system refuses, or a file that is not songspace's is in the way.
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
                with suppress(OSError):  # it is not empty, as it should be
                    folder.rmdir()
    except OSError as error:
        raise SongspaceError(f"The clips cannot be written to {folder} ({error.strerror or error}).") from error
    return written


def _write_clips(folder: Path, pairs: Sequence[Pair]) -> list[Written]:
    digits = max(2, len(str(len(pairs))))
    written = []
    for number, pair in enumerate(pairs, 1):
        excerpts = {"a": pair.first, "b": pair.second}
        names = tuple(_name(f"{number:0{digits}d} {letter}", excerpt.name) for letter, excerpt in excerpts.items())
        try:
            clips = matched(*map(_read, excerpts.values()))
        except AudioError as error:
            written.append(Written((), str(error)))
            continue
        for name, clip in zip(names, clips, strict=True):
            (folder / name).write_bytes(_wav(clip))
        written.append(Written(names))
    if not any(done.files for done in written):
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
    """Clips with fades at their ends, of the same RMS, as loud as their peaks allow.

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
    """Return a name that every file system takes, and that puts a pair's clips one after the other."""
    safe = _NOT_IN_A_NAME.sub("_", unicodedata.normalize("NFC", name))
    safe = safe.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .")
    return f"{number} {safe}".rstrip() + ".wav"


def _put(beside: Path, folder: Path) -> None:
    """Move finished files into a folder instead of the clips that are there."""
    before, names = _earlier(folder), {path.name for path in beside.iterdir()}
    for name in sorted(names - before):
        if os.path.lexists(folder / name):
            raise SongspaceError(f"{folder / name} is no file of songspace's clips: choose another folder for them.")
    for name in sorted(names, key=lambda name: (name == _PAGE, name)):  # the page comes last
        os.replace(beside / name, folder / name)
    for name in before - names:
        (folder / name).unlink(missing_ok=True)


def _earlier(folder: Path) -> set[str]:
    """Return the files that were written there before: the page, if it is ours, and what it plays."""
    try:
        page = (folder / _PAGE).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return set()
    if _OURS not in page:
        return set()
    played = map(unquote, re.findall(r'<audio [^>]*src="([^"]+)"', page))
    return {_PAGE} | {name for name in played if name == os.path.basename(name) and name.endswith(".wav")}


def _page(pairs: Sequence[Pair], written: Sequence[Written], title: str) -> str:
    template, style = (
        (files("songspace.playlists.explain") / name).read_text("utf-8") for name in ("clips.html", "clips.css")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Template(template).substitute(
        ours=_OURS,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; media-src 'self' file:",
        title=_escaped(title),
        style=style,
        pairs="\n".join(_pair(pair, done) for pair, done in zip(pairs, written, strict=True)),
    )


def _pair(pair: Pair, done: Written) -> str:
    players = f"<p>{_escaped(done.problem or '')}</p>"
    if done.files:
        players = "".join(
            f"<figure><figcaption>{_escaped(excerpt.name)} <b>{clock(excerpt.seconds)}</b></figcaption>"
            f'<audio controls preload="metadata" src="{quote(name)}"></audio></figure>'
            for excerpt, name in zip((pair.first, pair.second), done.files, strict=True)
        )
    return f"<li><h2>{_escaped(pair.second.name)}</h2><p>{_escaped(pair.sentence)}</p><div>{players}</div></li>"


def _escaped(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))
