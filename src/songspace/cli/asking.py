"""What the commands ask of a library: songs by name, its state."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from songspace.errors import SongspaceError
from songspace.library import Library, Song
from songspace.library.learnt import Segments, in_brief, learnt
from songspace.space import Space


def open_space(library: Library) -> Space:
    """The space of a library that has one.

    Raises
    ------
    SongspaceError
        If nothing has been learnt, or the space is not that of the encoder in use.
    """
    what = learnt(library.catalog, library.encoder)
    space = Space.open(library.home.space)
    if what is None or space.encoder != what.fingerprint:
        raise SongspaceError("The space is older than the encoder: run `songspace update`.")
    return space


def opened(library: Library) -> tuple[Space, list[Song]]:
    """The space of a library, and the song of each of its rows."""
    space = open_space(library)
    songs = {song.id: song for song in library.songs()}
    # A song that left the catalog since the space was built keeps its row until the next update.
    return space, [songs.get(int(id)) or Song(int(id), "(gone)", 0.0) for id in space.ids]


class Asked:
    """The songs that a person named, as rows of a space; files outside the library are given a row of their own.

    Attributes
    ----------
    asked : list of Song
        The songs named, in their order; those from outside the library have negative ids.
    space : Space
        The library's, with the songs from outside at its end.
    rows : list of int
        The rows of the songs named.
    """

    def __init__(self, library: Library, names: Sequence[str]) -> None:
        self._library = library
        self._segments: dict[int, Segments] = {}  # of songs from outside
        self.space = open_space(library)
        self.asked = [self._song(name) for name in names]
        self._outside = [song for song in self.asked if song.id < 0]
        self.rows = [self.space.row(song.id) for song in self.asked]

    def _song(self, name: str) -> Song:
        outside = Path(name).is_file() and self._library.catalog.song_at(os.path.abspath(name)) is None
        return self._from_outside(name) if outside else self._library.find(name, among=lambda: self._listed)

    @cached_property
    def _listed(self) -> list[Song]:
        """All songs of the library, read once."""
        return self._library.songs()

    def _from_outside(self, name: str) -> Song:
        from songspace.library.scan import read_tags
        from songspace.pipeline import encode_file

        segments, duration = encode_file(self._library.home, self._library.catalog, name)
        vector, opening, ending = self.space.place(in_brief(segments.vectors))[:, np.newaxis]
        id = min(0, int(self.space.ids.min())) - 1
        self.space = self.space.extended(vector, [id], openings=opening, endings=ending)
        self._segments[id] = segments
        tags = read_tags(name)
        known = {field: getattr(tags, field) for field in tags.__slots__}
        return Song(id, os.path.abspath(name), duration, **known)

    def segments_of(self, ids: Iterable[int]) -> dict[int, Segments]:
        """The segments of some songs by their ids: in the library, or named by the person."""
        ids = list(ids)
        inside = self._library.segments_of(id for id in ids if id not in self._segments)
        return inside | {id: self._segments[id] for id in ids if id in self._segments}

    def center(self) -> int | np.ndarray:
        """What to look around: the row of the one song named, or the middle of several."""
        return self.rows[0] if len(self.rows) == 1 else self.space.vectors[self.rows].mean(axis=0)

    def everyone(self) -> list[Song]:
        """The song of each row of the space, those from outside at the end."""
        known = {song.id: song for song in [*self._listed, *self._outside]}
        return [known.get(int(id)) or Song(int(id), "(gone)", 0.0) for id in self.space.ids]

    def songs(self, rows: Sequence[int] | np.ndarray) -> list[Song]:
        """The songs of some rows."""
        outside = {song.id: song for song in self._outside}
        found = []
        for id in self.space.ids[np.asarray(rows, int)].tolist():
            song = outside.get(id) or self._library.catalog.song(id)
            found.append(song or Song(id, "(gone)", 0.0))
        return found


def _self_check(library: Library) -> str:
    """The score that needs no labels, in words."""
    from songspace.evaluation import retrieval

    vectors, groups, starts = library.segments()
    try:
        top = retrieval.same_song(vectors, groups, starts=starts)["top1"]
    except SongspaceError:  # every segment overlaps every other of its song
        return "the songs are too short to tell"
    return f"{top['value']:.0%} (chance {top['chance']:.1%})"


def state(library: Library) -> dict[str, Any]:
    """What ``status`` shows: ``summary``, ``failures`` and ``hubs``."""
    from songspace.evaluation import hubness

    catalog = library.catalog
    songs = library.songs()
    failures = [{"path": path, "reason": reason} for path, reason in catalog.failures()]
    reasons = Counter(failure["reason"] for failure in failures)
    summary: dict[str, Any] = {
        "home": str(library.home.folder),
        "folders": ", ".join(catalog.roots()),
        "songs": len(songs),
        "hours": round(sum(song.duration for song in songs) / 3600, 1),
        "failed": ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(3)) or "none",
        "encoder": catalog.fact("encoder") or "none yet",
    }
    hubs: list[dict[str, Any]] = []
    if catalog.fact("encoder") and len(songs) > 2:
        space, in_rows = opened(library)
        summary["a segment's nearest is of its own song"] = _self_check(library)
        what = learnt(catalog, library.encoder)
        if what is not None and what.check is not None:
            check = what.check
            summary[f"on {check['songs']} songs held out of training"] = (
                f"mean average precision {check['learnt']:.2f}, hand-made {check['by_hand']:.2f} "
                f"(chance {check['chance']:.2f})"
            )
        measured = hubness.evaluate(space, k=min(10, max(1, len(songs) // 4)))
        order = "mutual proximity" if space.mutual else "distance"
        summary["hubness"] = (
            f"skewness {measured['skewness']:.2f}, {measured['antihubs']:.1%} never a neighbour (ranked by {order})"
        )
        hubs = [{"song": in_rows[row].name, "neighbour of": count} for row, count in measured["hubs"][:5]]
        summary["largest hubs"] = "; ".join(f"{hub['song']} ({hub['neighbour of']})" for hub in hubs)
    return {"summary": summary, "failures": failures, "hubs": hubs}
