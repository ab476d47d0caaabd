"""A small library of synthetic songs of known styles, to try songspace without music.

Twenty-four invented artists play eighty half-minute songs of eight styles. Styles differ in tempo, harmony, rhythm and
drums; artists of one style differ in instruments, register and sound. The same seed gives the same samples, with any
number of workers.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import mutagen
import numpy as np
import soundfile
from mutagen import id3
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from songspace.demo.instruments import RATE
from songspace.demo.songs import DemoSong, plan
from songspace.errors import SongspaceError
from songspace.reporter import Reporter

__all__ = ["DemoSong", "plan", "render"]

_README = """\
These songs were rendered by `songspace demo`. They are synthetic: no musician, no recording and no sample is
behind them, and the artists, albums, years and styles in their tags are made up. They are there so that
songspace can be tried without a music collection. What it scores here says nothing about real music.
"""

_CODECS = {
    ".mp3": ("MP3", "MPEG_LAYER_III", MP3),
    ".ogg": ("OGG", "VORBIS", OggVorbis),
    ".flac": ("FLAC", "PCM_16", FLAC),
    ".wav": ("WAV", "PCM_16", WAVE),
}
_BLOCK = 1 << 15
"""Frames in one write: libsndfile's Vorbis encoder puts each write on the stack."""


def render(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    songs: int | None = None,
    seconds: float = 30.0,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> list[Path]:
    """Render the demo library into a folder, as ``Artist/Album/NN Title.ext``, with tags.

    Existing songs are not rendered again, and other files are not touched.

    Parameters
    ----------
    folder : path
        Folder of the library; it is created if needed.
    seed : int, at least 0
        Seed of the songs and of the habits of the artists.
    songs : int, optional
        Number of songs, evenly over the styles (by default all 80).
    seconds : float, at least 5
        Approximate length of a song, which ends with a whole bar.
    workers : int, optional
        Number of processes; by default that of the cores. They are spawned, so that a script with more than one worker
        needs the usual ``if __name__ == "__main__":``.
    reporter : Reporter, optional
        Receives the progress.

    Returns
    -------
    list of Path
        The files, in the order of :func:`plan`.

    Raises
    ------
    SongspaceError
        If the folder cannot be written to, or another file has the path of a song.
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = render(folder, songs=2, seconds=5, workers=1)
    ...     [file.relative_to(folder).parts[0] for file in files]
    ['Hollow Tide', 'Coin-Op Orchard']
    """
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    if songs is not None and songs < 1:
        raise ValueError(f"songs must be at least 1, got {songs}")
    if not seconds >= 5:
        raise ValueError(f"seconds must be at least 5, got {seconds}")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    folder = Path(folder)
    wanted = {folder / song.path: song for song in plan(seed=seed)[:songs]}
    try:
        missing = []
        for path, song in wanted.items():
            if not os.path.lexists(path):
                missing.append((song, path, seconds))
            elif not _is_written(song, path, seconds=seconds):
                raise SongspaceError(f"{path} is in the way and is not this song: render into another folder.")
        for parent in {path.parent for _, path, _ in missing}:
            parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(folder / "README.txt"):
            (folder / "README.txt").write_text(_README, encoding="utf-8")
        _render_all(missing, workers or os.cpu_count() or 1, reporter or Reporter())
    except (OSError, soundfile.LibsndfileError) as error:
        raise SongspaceError(f"The demo library cannot be written to {folder} ({error}).") from error
    except BrokenProcessPool as error:
        raise SongspaceError("A process that rendered songs was killed: run it again to go on from there.") from error
    return list(wanted)


def _render_all(jobs: Sequence[tuple[DemoSong, Path, float]], workers: int, reporter: Reporter) -> None:
    if workers == 1 or len(jobs) < 2:
        for done, job in enumerate(jobs, 1):
            _render_one(*job)
            reporter.progress("render", done, len(jobs))
        return
    # Spawned: the caller may have threads, and a fork would copy their locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        tasks = [pool.submit(_render_one, *job) for job in jobs]
        try:
            for done, task in enumerate(as_completed(tasks), 1):
                task.result()
                reporter.progress("render", done, len(jobs))
        except BaseException:  # Ctrl-C, too: songs that still wait are not rendered
            pool.shutdown(cancel_futures=True)
            raise


def _render_one(song: DemoSong, path: Path, seconds: float) -> None:
    """Render a song and write it with its tags, under another name first, so that it is complete or absent."""
    beside = path.with_name(path.name + ".new")
    container, codec, tagged = _CODECS[song.suffix]
    samples = np.round(song.samples(seconds=seconds).T * 32767) / 32768
    with beside.open("wb") as raw, soundfile.SoundFile(raw, "w", RATE, 2, codec, format=container) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
    _tag(tagged(beside), song, _mark(song, seconds))
    beside.replace(path)


def _is_written(song: DemoSong, path: Path, *, seconds: float) -> bool:
    """Return True if the file is this rendering, by the mark in its tags."""
    try:
        tags = _CODECS[song.suffix][2](path).tags
    except (mutagen.MutagenError, OSError):
        return False
    if isinstance(tags, id3.ID3):
        return any(_mark(song, seconds) in frame.text for frame in tags.getall("COMM"))
    return tags is not None and _mark(song, seconds) in tags.get("comment", ())


def _mark(song: DemoSong, seconds: float) -> str:
    return f"rendered by songspace demo: synthetic, seed {song.key[0]}, {seconds:g} s"


def _tag(file: mutagen.FileType, song: DemoSong, mark: str) -> None:
    values = {
        "title": song.title,
        "artist": song.artist,
        "albumartist": song.artist,
        "album": song.album,
        "genre": song.style,
        "date": str(song.year),
        "tracknumber": str(song.track),
        "comment": mark,
    }
    if isinstance(file, (MP3, WAVE)):
        frames = (id3.TIT2, id3.TPE1, id3.TPE2, id3.TALB, id3.TCON, id3.TDRC, id3.TRCK, id3.COMM)
        file.add_tags()
        for frame, text in zip(frames, values.values(), strict=True):
            file[frame.__name__] = frame(encoding=id3.Encoding.UTF8, text=[text])
    else:
        file.update({key: [text] for key, text in values.items()})
    file.save()
