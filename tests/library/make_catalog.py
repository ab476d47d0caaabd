"""Makes the catalog file of this version that tests keep: run it once, when a version is released.

    python tests/library/make_catalog.py

A file that is there already is never made anew: it was made by the code of its version, and that is its worth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from songspace.library import schema
from songspace.library.catalog import Catalog
from songspace.library.cue import Part
from songspace.library.records import Link, Track
from songspace.library.scan import Found
from songspace.library.tags import Tags

FOLDER = Path(__file__).with_name("catalogs")


def make(path: Path) -> None:
    """A catalog with everything that this version can keep."""
    with Catalog(path, write=True) as catalog:
        catalog.add_root("/music")
        catalog.set_fact("encoder", "enc")
        catalog.set_left_out("/music", {"/music/.hidden": "a folder that is hidden"})
        loud = {"track_gain": -6.5, "track_peak": 0.9, "album_gain": -7.25, "album_peak": 1.0}
        tags = Tags(
            *("Blau", "Ann, Bea", "Ann", "Farben", "Jazz; Pop", 1990, 3, 1, "r", "l", "a"),
            *(("Ann", "Bea"), ("Jazz", "Pop")),
            side=2,
            pictured=True,
            **loud,
        )
        file = Found("/music/caf\udce9.mp3", 5, 6, None, 7, 8, 9)
        vectors = {"enc": np.arange(6, dtype=np.float32).reshape(2, 3)}
        song = Track(b"a" * 16, Part(tags=tags), 60.0, [0.0, 30.0], [False, True], vectors)
        [id] = catalog.record(file, [song])
        catalog.set_slot(id, 3, 77)
        catalog.set_links("http://s", [Link("x", id, "art")])
        parts = [Part(1, 0.0, 40.0, Tags("Eins")), Part(2, 40.0, None, Tags("Zwei"))]
        tracks = [Track(bytes([n]) * 16, part, 40.0, [0.0], [False]) for n, part in enumerate(parts)]
        catalog.record(Found("/music/usb/album.flac", 1, 2, parts=tuple(parts)), tracks)
        catalog.set_away({"/music/usb/album.flac": "its folder is empty"})
        catalog.record_failure(Found("/music/b.mp3", 8, 9), "no sound")
        [gone] = catalog.record(Found("/music/gone.mp3", 1, 1), [Track(b"g" * 16, Part(), 0.0, [0.0], [False])])
        assert gone == 4
        catalog.forget(["/music/gone.mp3"])
        catalog.drop_orphans()
        catalog._db.execute("UPDATE files SET away = 1e9 WHERE away IS NOT NULL")  # always the same file
        catalog._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        catalog._db.execute("PRAGMA journal_mode = DELETE")
        catalog._db.execute("VACUUM")


if __name__ == "__main__":
    path = FOLDER / f"version-{schema.VERSION}.sqlite"
    if path.exists():
        raise SystemExit(f"{path} is there already.")
    make(path)
