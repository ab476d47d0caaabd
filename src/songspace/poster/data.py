"""The songs of an experiment: their choice from a folder, their genres and their segments."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from songspace.errors import SongspaceError
from songspace.evaluation.labels import Labels, labels
from songspace.frontends import Frontend
from songspace.library.records import Song
from songspace.library.scan import Found, scan
from songspace.library.tags import read_tags
from songspace.poster.segments import JournalEntry, Shelf
from songspace.reporter import Reporter

FEWEST = 4
"""Fewest songs of a genre: two for training, and one for each test."""

MOST = 1000
"""The most songs of a genre by default, as on the poster."""


@dataclass(frozen=True)
class Clip:
    """A song of the experiment.

    Attributes
    ----------
    path : str
        Path relative to the folder of music, so that the folder can be moved.
    genre : str
    artist, album : str or None
    year : int or None
    identity : str
        Identity of the file's content, hexadecimal.
    slot : int
        Number of its record on the shelf.
    starts : tuple of float
        Start of each segment, in seconds.
    silent : tuple of bool
        True for silent segments, which are left out everywhere.
    """

    path: str
    genre: str
    artist: str | None
    album: str | None
    year: int | None
    identity: str
    slot: int
    starts: tuple[float, ...]
    silent: tuple[bool, ...]


@dataclass
class Data:
    """The songs of an experiment, in the order of their paths, and their segments.

    The row of a segment is ``segments`` times the number of its song, plus its number within the song.
    """

    clips: list[Clip]
    shelf: Shelf
    source: str
    failures: list[tuple[str, str]] = field(default_factory=list)

    @cached_property
    def genres(self) -> list[str]:
        """The genres, sorted by name."""
        return sorted({clip.genre for clip in self.clips}, key=str.casefold)

    @cached_property
    def songs(self) -> np.ndarray:
        """The song of each row."""
        return np.repeat(np.arange(len(self.clips)), self.shelf.segments)

    @cached_property
    def sounding(self) -> np.ndarray:
        """True for each row that is not silent."""
        return ~np.concatenate([clip.silent for clip in self.clips])

    def rows_of(self, songs: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the rows of songs that are not silent, ascending."""
        rows = np.sort(np.asarray(songs, int))[:, None] * self.shelf.segments + np.arange(self.shelf.segments)
        return rows[self.sounding[rows]]

    def spectrograms(self, frontend: Frontend, rows: np.ndarray) -> Any:
        """Return the spectrograms of rows by a frontend, as an array that need not fit in memory."""
        slots = np.array([clip.slot for clip in self.clips])
        return self.shelf.rows(frontend, slots[self.songs[rows]], rows % self.shelf.segments)

    @cached_property
    def key(self) -> list[Any]:
        """Identity of the rows: the content of the songs, and the draw of the segments. (Labels only score.)"""
        return [self.shelf.segments, self.shelf.seed, [clip.identity for clip in self.clips]]


def rank(seed: int, *names: str) -> bytes:
    """Return a random number for the order of the draw; it depends on the seed and the names alone."""
    text = "\0".join([str(seed), *names])
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()


def gather(
    folder: str | os.PathLike[str],
    work: Path,
    *,
    source: str | None = None,
    per_genre: int | None = None,
    segments: int = 10,
    seed: int = 0,
    workers: int | None = None,
    timeout: float = 60.0,
    reporter: Reporter | None = None,
) -> Data:
    """Choose the songs of an experiment, and decode their segments unless they are decoded already.

    Parameters
    ----------
    folder : path
        Folder of music; nothing is written into it.
    work : Path
        Folder for the segments.
    source : str, optional
        Source of the genres (see :func:`songspace.evaluation.labels.labels`). By default the genre tags, if at least
        half of the songs have one and there are at least two different genres; otherwise the names of the folders.
    per_genre : int, optional
        The most songs of each genre, drawn at random; by default 1000.
    segments : int
        Number of random segments of each song.
    seed : int
        Seed of the draws.

    Raises
    ------
    SongspaceError
        If fewer than two genres have enough songs.
    """
    reporter = reporter or Reporter()
    files, failures = _look_through(folder)
    songs = _read(files, reporter)
    known = _labels(list(songs.values()), source)
    by_genre: dict[str, list[str]] = {}
    for name, genre in zip(songs, known.values, strict=True):
        if genre is not None:
            by_genre.setdefault(genre, []).append(name)
    few = sorted(genre for genre, names in by_genre.items() if len(names) < FEWEST)
    for genre in few:
        del by_genre[genre]
    if few:
        reporter.say(f"Genres of fewer than {FEWEST} songs are left out: {', '.join(few)}.")
    _enough(by_genre, known.source)
    for genre, names in sorted(by_genre.items()):
        names.sort(key=lambda name: rank(seed, name))
        if per_genre is not None and len(names) < per_genre:
            reporter.say(f"{genre} has {len(names)} songs of the {per_genre} asked for: all of them are taken.")

    shelf = Shelf(work, segments, seed)
    while True:
        taken, todo, failed = _walk(by_genre, files, shelf.entries, per_genre or MOST)
        if not todo:
            break
        shelf.decode(
            [(name, files[name]) for name in todo],
            workers=workers,
            timeout=timeout,
            on_progress=lambda done, total: reporter.progress("listening", done, total),
        )
    failures += failed
    if failures:
        reporter.say(f"{len(failures)} files could not be used; the first, {failures[0][0]}: {failures[0][1]}.")
    # A genre may have too few songs without the files that cannot be decoded.
    counts = Counter(genre for genre, _ in taken.values())
    artists = dict(zip(songs, known.artists, strict=True))
    clips = []
    for name, genre in sorted((name, genre) for name, (genre, _) in taken.items()):
        if counts[genre] >= FEWEST:
            song, entry = songs[name], shelf.entries[name]
            segments_of = (entry.identity, entry.slot, entry.starts, entry.silent)
            clips.append(Clip(name, genre, artists[name], song.album, song.year, *segments_of))
    _enough({clip.genre for clip in clips}, known.source)
    return Data(clips, shelf, known.source, failures)


def _look_through(folder: str | os.PathLike[str]) -> tuple[dict[str, Found], list[tuple[str, str]]]:
    """Return the files of a folder by their relative paths, and those that cannot be read, with the reason."""
    folder = os.path.abspath(folder)
    if not os.path.isdir(folder):
        raise SongspaceError(f"There is no folder {folder}: is its disk mounted?")
    files, failures = {}, []
    for file in scan(folder):
        name = os.path.relpath(file.path, folder)
        if file.problem:
            failures.append((name, file.problem))
        else:
            files[name] = file
    if not files:
        raise SongspaceError(f"There is no music in {folder}.")
    return files, failures


def _read(files: dict[str, Found], reporter: Reporter) -> dict[str, Song]:
    songs = {}
    for done, (name, file) in enumerate(files.items(), 1):
        tags = read_tags(file.path)
        songs[name] = Song(done, file.path, 0.0, **{field: getattr(tags, field) for field in tags.__slots__})
        reporter.progress("reading tags", done, len(files))
    return songs


def _labels(songs: list[Song], source: str | None) -> Labels:
    if source is not None:
        return labels(songs, source)
    tagged = [song.genre.casefold() for song in songs if song.genre]
    return labels(songs, "genre" if 2 * len(tagged) >= len(songs) and len(set(tagged)) > 1 else "folder")


def _enough(genres: Any, source: str) -> None:
    if len(genres) < 2:
        count = f"one genre ({next(iter(genres))})" if genres else "no genre"
        where = {"genre": "genre tags", "folder": "folder names"}.get(source, source)
        raise SongspaceError(
            f"There is nothing to compare: by {where} there is {count} of at least {FEWEST} songs that can be "
            "used, and the experiment needs two."
        )


def _walk(
    by_genre: dict[str, list[str]], files: dict[str, Found], entries: dict[str, JournalEntry], per_genre: int
) -> tuple[dict[str, tuple[str, str]], list[str], list[tuple[str, str]]]:
    """Choose the first usable songs of each genre, as far as the journal shows them.

    Returns
    -------
    taken : dict
        Genre and identity of each chosen song, by its name.
    todo : list
        Names of files that have to be decoded first.
    failed : list
        Names of files that cannot be used, with the reason.
    """
    taken: dict[str, tuple[str, str]] = {}
    owners: dict[str, str] = {}
    todo, failed = [], []
    for genre, names in sorted(by_genre.items()):
        wanted = per_genre
        for name in names:
            if not wanted:
                break
            entry = entries.get(name)
            if entry is None or not entry.is_of(files[name]):
                todo.append(name)
            elif entry.failure:
                failed.append((name, entry.failure))
                continue
            elif entry.identity in owners:
                failed.append((name, f"a copy of {owners[entry.identity]}"))
                continue
            else:
                owners[entry.identity] = name
                taken[name] = (genre, entry.identity)
            wanted -= 1
    return taken, todo, failed
