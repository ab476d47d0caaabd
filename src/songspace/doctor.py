"""Check the installation of songspace and a library, without changing anything."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from songspace import __version__
from songspace.answers.state import away_groups
from songspace.answers.view import open_space
from songspace.audio import read_windows
from songspace.errors import AudioError, MissingEncoderError, SongspaceError
from songspace.formats import FORMATS, Format
from songspace.library import Catalog, Home, Library
from songspace.library.cache import CAP, SpectrogramCache
from songspace.library.learnt import imported_from, learnt, load_learnt
from songspace.library.likes import Likes
from songspace.library.listening import DESCRIPTORS, Listening
from songspace.library.mending import damage
from songspace.server import documents
from songspace.server.user import read_user


class Verdict(StrEnum):
    """The result of a check: in order, needs attention, or broken."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """The result of a check, with advice.

    Attributes
    ----------
    what : str
        The checked part.
    verdict : Verdict
    said : str
        The result in one or two sentences.
    todo : str
        Advice; empty if all is well.
    """

    what: str
    verdict: Verdict
    said: str
    todo: str = ""


def examine(home: Home) -> list[Finding]:
    """Check this machine and the library in a home."""
    return [_versions(), _decoders(), _device(), _page(), *_library(home)]


_RATE = 48_000  # the only rate of Opus
_PITCH = 440.0

_UPDATE = "Run `songspace update`."
_LEARN = "Run `songspace learn FOLDER`."


def _versions() -> Finding:
    """Report the versions of songspace and of the libraries that its results depend on."""
    import torch

    names = [
        f"songspace {__version__}",
        f"Python {platform.python_version()}",
        f"libsndfile {soundfile.__libsndfile_version__}",
        f"PyAV {av.__version__}",
        f"NumPy {np.__version__}",
        f"torch {torch.__version__}",
        f"SQLite {sqlite3.sqlite_version}",
    ]
    return Finding("versions", Verdict.OK, f"{', '.join(names)}.")


def _decoders() -> Finding:
    """Check that a tone is decoded correctly in each format."""
    tone = (0.5 * np.sin(2 * np.pi * _PITCH * np.arange(2 * _RATE) / _RATE)).astype(np.float32)
    heard, deaf, untried = [], [], []
    with tempfile.TemporaryDirectory(prefix="songspace-") as folder:
        for format in FORMATS:
            if not format.encoder:
                continue
            path = Path(folder, format.name + format.extensions[0])
            try:
                _encode(path, format, tone)
            except (av.FFmpegError, ValueError):  # no encoder; the decoder may work
                untried.append(format.name)
                continue
            problem = _mishearing(path)
            if problem:
                deaf.append(f"{format.name} ({problem})")
            else:
                heard.append(format.name)
    rest = f" Not tried, for they cannot be written here: {', '.join(untried)}." if untried else ""
    if deaf:
        said = f"These formats are not read as they should be: {'; '.join(deaf)}.{rest}"
        return Finding("decoders", Verdict.FAILURE, said, "Install songspace anew, with its soundfile and PyAV.")
    return Finding("decoders", Verdict.OK, f"{', '.join(heard)} are read.{rest}")


def _encode(path: Path, format: Format, tone: np.ndarray) -> None:
    """Write a tone to a file of a format, in two channels, the only number of FFmpeg's encoder of Vorbis."""
    experimental = {"strict": "experimental"}  # needed for that encoder
    with av.open(str(path), "w", format=format.demuxers[0]) as container:
        stream: Any = container.add_stream(
            format.encoder, rate=_RATE, layout="stereo", bit_rate=96_000, options=experimental
        )
        convert = av.AudioResampler(format=stream.codec_context.format, layout="stereo", rate=_RATE)
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = _RATE, 0
        for part in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _mishearing(path: Path) -> str:
    """Describe the error in a decoded tone; return "" if it is the one that was written."""
    try:
        heard = read_windows(path, seconds=1.0, count=1, rate=22_050).samples[0]
    except AudioError as error:
        return str(error).rstrip(".")
    pitch = int(np.argmax(np.abs(np.fft.rfft(heard))))  # a window of one second: in Hz
    return "" if abs(pitch - _PITCH) <= 1 else "it sounds other than it is"


def _device() -> Finding:
    """Report the device on which encoders are learnt."""
    import torch

    from songspace.encoders.devices import choose_device

    chosen = choose_device("auto")
    if chosen.type == "cuda":
        return Finding("device", Verdict.OK, f"Encoders are learnt on {torch.cuda.get_device_name(chosen)}.")
    threads = torch.get_num_threads()
    return Finding("device", Verdict.OK, f"Encoders are learnt on the processor, threads: {threads}.")


def _page() -> Finding:
    """Check that this installation contains the page of `songspace serve`."""
    if (documents.BUILT / "index.html").is_file():
        return Finding("page", Verdict.OK, "The page that `songspace serve` shows is there.")
    said = "The page that plays was not built: `songspace serve` has its API only."
    return Finding("page", Verdict.WARNING, said, "Install a released songspace, or build the page from web/.")


def _library(home: Home) -> Iterator[Finding]:
    """Check all files in a home; a damaged catalog is not read further."""
    yield _user(home)
    if home.likes.exists():
        yield _likes(home)
    if home.log.exists():
        yield Finding("log", Verdict.OK, f"What `learn` and `update` did is written in {home.log}.")
    if not home.catalog.exists():
        yield _disk(home, 0)
        yield Finding("library", Verdict.WARNING, f"There is no library in {home.folder} yet.", _LEARN)
        return
    try:
        problems, mends = damage(home.catalog), "`songspace update` mends what is damaged."
        opened = None if problems else Library(home.folder)
    except (SongspaceError, sqlite3.Error) as error:  # from a newer version, or without permission
        problems, mends, opened = [str(error).rstrip(".")], "", None
    if opened is None:
        yield _disk(home, 0)
        said = f"The catalog {home.catalog} cannot be used: {'; '.join(problems)}."
        yield Finding("catalog", Verdict.FAILURE, said, mends)
        return
    with opened.catalog as catalog:
        cache = _cache_of(home, catalog)
        yield _disk(home, _wanted(home, catalog))
        yield Finding("catalog", Verdict.OK, "The catalog is whole.")
        yield _folders(catalog)
        yield _files(catalog)
        if (source := imported_from(catalog)) is not None:
            yield Finding("songs", Verdict.OK, f"{catalog.count()} songs, imported as vectors from {source}.")
        else:
            yield _songs(catalog)
            yield _encoder(home, catalog)
            yield _cache(cache)
        if catalog.fact("encoder") is not None:
            yield _space(opened)


def _user(home: Home) -> Finding:
    try:
        user = read_user(home.user)
    except SongspaceError as error:
        return Finding("user", Verdict.FAILURE, str(error))
    said = "No user for players is set." if user is None else f"Players log in as {user.name}; only you can read how."
    return Finding("user", Verdict.OK, said)


def _likes(home: Home) -> Finding:
    try:
        history = Likes(home.likes).history()
    except SongspaceError as error:
        advice = "Until then nothing counts as liked on the server, and `songspace suggest` and `radio` stop."
        return Finding("likes", Verdict.FAILURE, str(error), advice)
    plays = sum(record.plays for record in history.songs.values())
    return Finding("likes", Verdict.OK, f"{len(history.liked())} songs are liked; {plays} plays are kept.")


def _wanted(home: Home, catalog: Catalog) -> int:
    """Compute the bytes that the next run may need: the rest of the cache, and new copies beside the old ones."""
    listening = Listening.of(catalog)
    record = listening.windows * int(np.prod(listening.frontend.shape))
    here = [path.stat().st_size if path.exists() else 0 for path in (home.cache, home.catalog, home.space)]
    return max(0, min(CAP, record * catalog.count()) - here[0]) + here[1] + here[2]


def _disk(home: Home, wanted: int) -> Finding:
    folder = next(path for path in (home.folder, *home.folder.parents) if path.is_dir())
    if not os.access(folder, os.W_OK):
        return Finding("disk", Verdict.FAILURE, f"{folder} cannot be written.", "See to its permissions, or its disk.")
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB are free where the library lives"
    if free < wanted:
        todo = "Make room, or give `--cache` less."
        return Finding("disk", Verdict.WARNING, f"{said}; the next run may need {wanted / 1e9:.1f} GB.", todo)
    return Finding("disk", Verdict.OK, f"{said}.")


def _folders(catalog: Catalog) -> Finding:
    roots = catalog.roots()
    lost = [root for root in roots if not Path(root).is_dir()]
    if lost:
        todo = "Mount the disk, or wait for it; if the songs are elsewhere now, `songspace update` and that folder."
        return Finding("music", Verdict.WARNING, f"Not there: {', '.join(lost)}.", todo)
    if groups := away_groups(catalog):
        listed = "; ".join(f"{g.songs} in {g.path} since {g.since} ({g.why})" for g in groups[:3])
        todo = "Mount the disk, or put the link or the permission right; then run `songspace update`."
        return Finding("music", Verdict.WARNING, f"Songs are away: {listed}.", todo)
    return Finding("music", Verdict.OK, f"The folders are there: {', '.join(roots) or 'none yet'}.")


def _files(catalog: Catalog) -> Finding:
    failed = len(catalog.failures())
    if failed:
        said = f"{failed} of {len(catalog.files())} files could not be read."
        return Finding("files", Verdict.WARNING, said, "`songspace status --failures` says what to do with each.")
    return Finding("files", Verdict.OK, "Every file could be read.")


def _songs(catalog: Catalog) -> Finding:
    count = catalog.count()
    if not count:
        return Finding("songs", Verdict.WARNING, "There are no songs yet.", _LEARN)
    name = catalog.fact("encoder")
    what = learnt(catalog, name) if name else None
    keys = {DESCRIPTORS} | ({what.vectors} if what else set())
    here = {song.id for song in catalog.songs()}
    bare = len({song for key in keys for song in catalog.without_vectors(key) if song in here})
    if bare:
        return Finding("songs", Verdict.WARNING, f"Of {count} songs, {bare} have not been encoded.", _UPDATE)
    return Finding("songs", Verdict.OK, f"{count} songs, all of them encoded.")


def _encoder(home: Home, catalog: Catalog) -> Finding:
    name = catalog.fact("encoder")
    if name is None:
        return Finding("encoder", Verdict.WARNING, "Nothing has been learnt yet.", _LEARN)
    try:
        encoder = load_learnt(home, catalog, name)
    except MissingEncoderError as error:
        todo = "Install the package that it came with, then run `songspace update`."
        return Finding("encoder", Verdict.WARNING, f"{error} What it has encoded still answers.", todo)
    except SongspaceError as error:
        return Finding("encoder", Verdict.FAILURE, str(error), _LEARN)
    return Finding("encoder", Verdict.OK, f"The {name} encoder {encoder.fingerprint_} can be loaded.")


def _cache_of(home: Home, catalog: Catalog) -> SpectrogramCache:
    listening = Listening.of(catalog)
    return SpectrogramCache(home.cache, catalog, shape=(listening.windows, *listening.frontend.shape))


def _cache(cache: SpectrogramCache) -> Finding:
    damaged = sum(not cache.is_whole(song) for song in cache.songs())
    if damaged:
        said = f"The spectrograms of {damaged} of {len(cache)} songs are damaged."
        return Finding("cache", Verdict.WARNING, said, f"{_LEARN} It decodes them anew.")
    return Finding("cache", Verdict.OK, f"The spectrograms of {len(cache)} songs are whole.")


def _space(opened: Library) -> Finding:
    try:
        space = open_space(opened)
        whole = space.verify()
    except SongspaceError as error:
        return Finding("space", Verdict.FAILURE, str(error), _UPDATE)
    if not whole:
        return Finding("space", Verdict.FAILURE, f"{opened.home.space} is damaged.", _UPDATE)
    placed, known = set(space.ids.tolist()), {song.id for song in opened.songs()}
    if placed != known:
        said = f"The space lacks {len(known - placed)} songs of the library, and has {len(placed - known)} that left."
        return Finding("space", Verdict.WARNING, said, _UPDATE)
    return Finding("space", Verdict.OK, f"The space has all {len(placed)} songs, as the encoder in use places them.")
