"""The map as a page to look around in: one HTML file that needs nothing else and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np

from songspace.categories import Categories, categorize, printable
from songspace.drawing import PALETTE
from songspace.drawing.files import written
from songspace.maps.categories import Color, check, note, span, values_of

RAMP = (
    "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725",
)  # fmt: skip
"""Viridis without its darkest fifth, which a dark page would swallow."""


def draw_html(
    path: str | os.PathLike[str],
    xy: np.ndarray,
    songs: Sequence[Any],
    *,
    color: Color = "genre",
    title: str = "",
    method: str = "tsne",
) -> None:
    """Write a map as one HTML file that works offline.

    It shows a song's title, artist, album, year and genre under the pointer, changes colours between genre,
    artist and year, filters by the legend, finds songs by words, and moves by mouse, fingers and keys. Its
    content security policy forbids every request, and every script but its own.

    Parameters
    ----------
    path : path
        Where to; written beside it and renamed, so that a page is whole or is not there.
    xy : array of shape (n, 2)
        What :func:`songspace.maps.layout` answered.
    songs : sequence of n songs
        With ``title``, ``artist``, ``album``, ``genre``, ``year``, each of which may be None, and ``name``. Paths
        are not written into the page: it can be shown to others.
    color : {"genre", "artist", "year", "tags"}
        The colours at first sight.
    title : str
        The heading.
    method : {"tsne", "pca"}
        What the note below the heading explains.

    Raises
    ------
    SongspaceError
        If the page cannot be written.
    ValueError
        If there is not one place for each song, or no such colouring.
    """
    xy = check(xy, songs, color)
    template, style, *scripts = (
        (files("songspace.maps") / name).read_text(encoding="utf-8")
        for name in ("page.html", "page.css", "page-map.js", "page-controls.js")
    )
    script = "\n".join(scripts)
    policy = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:"
    page = Template(template).substitute(
        policy=f"{policy}; style-src {_hash(style)}; script-src {_hash(script)}",
        title=html.escape(printable(title) or f"{len(songs)} songs"),
        note=html.escape(note(method)),
        style=style,
        script=script,
        data=_json(_data(xy, songs, color)),
    )
    with written(path) as beside:
        beside.write_text(page, encoding="utf-8", newline="\n")


def _data(xy: np.ndarray, songs: Sequence[Any], color: str) -> dict[str, Any]:
    places, (width, height) = _unit(xy)
    years = [None if song.year is None else int(song.year) for song in songs]
    known = np.array([year for year in years if year is not None], dtype=float)
    return {
        "color": color,
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "width": width,
        "height": height,
        "songs": [
            [
                printable(song.title) or printable(song.name),
                *(printable(value) or None for value in (song.artist, song.album, song.genre)),
            ]
            for song in songs
        ],
        "year": years,
        "span": [round(year) for year in span(known)] if len(known) else [0, 1],
        "genre": _grouping(categorize([song.genre for song in songs], most=len(PALETTE))),
        "artist": _grouping(categorize(values_of(songs, "artist"), most=len(PALETTE))),
        "tags": _grouping(categorize(values_of(songs, "tags"), most=len(PALETTE))),
        "palette": PALETTE,
        "ramp": RAMP,
    }


def _unit(xy: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Places with the longer side from 0 to 1 and, as on a screen, y downwards; and what they extend over."""
    if not len(xy):
        return xy, (1.0, 1.0)
    low, high = xy.min(axis=0), xy.max(axis=0)
    size = max(float((high - low).max()), 1e-12)
    places = np.column_stack([xy[:, 0] - low[0], high[1] - xy[:, 1]]) / size
    extent = np.maximum((high - low) / size, 1e-3)
    return np.round(places, 5), (float(extent[0]), float(extent[1]))


def _grouping(found: Categories) -> dict[str, Any]:
    return {"names": found.names, "counts": found.counts, "codes": found.codes.tolist()}


def _json(data: dict[str, Any]) -> str:
    """JSON that stays JSON inside a script element: no tag or comment can begin or end in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
