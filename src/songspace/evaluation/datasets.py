"""Data sets of music information retrieval as they lie on disk: which files, labels, artists and splits they have.

Two layouts are read as they are: FMA's (``fma_metadata/tracks.csv`` beside ``000/000002.mp3``) and GTZAN's
(``genres/blues/blues.00000.wav``, with the fault-filtered lists ``train_filtered.txt``, ``valid_filtered.txt`` and
``test_filtered.txt`` if they lie there). Others come through mirdata where that is installed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from songspace.errors import SongspaceError
from songspace.evaluation.tables import Row, cleaned, read_table

MIRDATA = "mirdata:"
"""What a source begins with that mirdata knows."""

_CLIP = re.compile(r"([a-z]+)\.\d{5}\.\w+")  # blues.00000.wav
_LIST = "_filtered.txt"


def read_folder(folder: Path) -> list[Row]:
    """What FMA's or GTZAN's folder says of its songs.

    Raises
    ------
    SongspaceError
        If it has neither layout.
    """
    for table in (folder / "tracks.csv", folder / "fma_metadata" / "tracks.csv"):
        if table.is_file():
            return read_table(table)
    for clips in (folder, folder / "genres", folder / "genres_original"):
        if rows := list(_gtzan(clips, (folder, clips, clips.parent))):
            return rows
    raise SongspaceError(
        f"The folder {folder} has neither FMA's layout (fma_metadata/tracks.csv) nor GTZAN's "
        "(genres/blues/blues.00000.wav); `--labels folder` takes the names of folders as labels."
    )


def _gtzan(clips: Path, lists: tuple[Path, ...]) -> Iterator[Row]:
    splits: dict[str, str] = {}
    for file in sorted({file for place in lists for file in place.glob(f"*{_LIST}")}):
        try:
            lines = file.read_text("utf-8", "surrogateescape").split()
        except OSError as error:
            raise SongspaceError(f"{file} cannot be read ({error.strerror}).") from error
        splits |= dict.fromkeys((Path(line).stem for line in lines), file.name.removesuffix(_LIST))
    for file in sorted(clips.glob("*/*")):
        if (named := _CLIP.fullmatch(file.name)) and named[1] == file.parent.name:
            yield Row(str(file.absolute()), cleaned(named[1]), split=splits.get(file.stem))


def read_mirdata(source: str) -> list[Row]:
    """What mirdata says of a data set: ``mirdata:NAME`` or ``mirdata:NAME:FOLDER``.

    Raises
    ------
    SongspaceError
        If mirdata is not installed, or does not know the data set, or that has no labels.
    """
    name, _, folder = source.removeprefix(MIRDATA).partition(":")
    try:
        mirdata = importlib.import_module("mirdata")
    except ImportError:
        raise SongspaceError(f"{source} needs mirdata: `pip install mirdata`.") from None
    if name not in mirdata.list_datasets():
        raise SongspaceError(f"mirdata knows no data set {name}; `mirdata.list_datasets()` names them.")
    data = mirdata.initialize(name, data_home=folder or None)
    try:
        tracks = data.load_tracks()
    except FileNotFoundError:
        raise SongspaceError(
            f"mirdata has not the index of {name}: `mirdata.initialize('{name}').download(['index'])` fetches it."
        ) from None
    splits = _splits(data)
    rows = [
        Row(
            track.audio_path,
            _first(track, ("genre", "label", "class_label", "style", "tag")),
            _first(track, ("artist", "artist_name")),
            splits.get(id),
        )
        for id, track in tracks.items()
        if getattr(track, "audio_path", None)
    ]
    if not any(row.label for row in rows):
        raise SongspaceError(f"mirdata gives the songs of {name} no genre and no label.")
    return rows


def _splits(data: Any) -> dict[str, str]:
    try:
        found = data.get_track_splits()
    except (AttributeError, NotImplementedError):  # it has none
        return {}
    return {id: str(name) for name, ids in found.items() for id in ids}


def _first(track: Any, names: tuple[str, ...]) -> str | None:
    values = (getattr(track, name, None) for name in names)
    return next((cleaned(value) for value in values if isinstance(value, str) and cleaned(value)), None)
