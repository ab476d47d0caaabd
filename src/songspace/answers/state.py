"""The state of a library: how much there is, what failed and why, how good its space is."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from typing import Any

from songspace.answers.view import View
from songspace.encoders.registry import usual
from songspace.errors import SongspaceError
from songspace.library import Catalog, Library
from songspace.library.catalog import FileRow
from songspace.library.failures import kind
from songspace.library.learnt import imported_from, learnt
from songspace.library.presence import groups_of_away
from songspace.library.scan import is_inside


def state(view: View) -> dict[str, Any]:
    """What ``status`` shows: ``summary``, ``away``, ``failures`` and ``hubs``."""
    found = holdings(view)
    told = quality(view)
    return found | {"summary": found["summary"] | told["summary"], "hubs": told["hubs"]}


def holdings(view: View) -> dict[str, Any]:
    """What there is: the first part of the ``summary``, ``away`` and ``failures``; read from the catalog at once."""
    catalog = view.library.catalog
    failures, away = failed(catalog), away_groups(catalog)
    left_out = len(catalog.left_out())
    reasons = Counter(failure["reason"] for failure in failures)
    summary: dict[str, Any] = {
        "home": str(view.library.home.folder),
        "folders": ", ".join(catalog.roots()),
        "imported": imported_from(catalog),
        "songs": catalog.count(),
        "hours": round(catalog.seconds() / 3600, 1),
        "away": _away_in_words(away),
        "failed": ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(3)) or "none",
        "left out": left_out and f"{left_out} hidden or marked places",
        "encoder": catalog.fact("encoder") or "none yet",
        "learnt from": _learnt_from(catalog),
    }
    # Songs that were imported lie in no folder, and nobody may have said how long they are.
    for what in ("folders", "imported", "away", "left out", "learnt from", *(["hours"] if summary["imported"] else [])):
        if not summary[what]:
            del summary[what]
    return {"summary": summary, "failures": failures, "away": away}


GROWN = 1.5
"""Times as many songs as a library had when it was learnt, from which on it pays to learn again."""


def _learnt_from(catalog: Catalog) -> str:
    """What the encoder in use was learnt from, and whether the library has outgrown it; empty if nothing is known."""
    name = catalog.fact("encoder") or ""
    what = learnt(catalog, name)
    if what is None or not what.songs:
        return ""
    told = f"{what.songs} {'song' if what.songs == 1 else 'songs'}"
    told += " and who made them" if what.teacher == "artists" else ""
    now = catalog.count()
    due = what.library < now and name == usual(what.library)[-1] != usual(now)[-1]  # large enough for a network
    if what.library and (due or now >= GROWN * what.library):
        again = "songspace learn FOLDER" + ("" if name in (*usual(now), "timbre") else f" --encoder {name}")
        told += f"; {now} are here now: learn again, by `{again}`"
    return told


def away_groups(catalog: Catalog) -> list[dict[str, Any]]:
    """Where songs are away, since when (a date) and why; the place with the most songs first.

    Also where a folder is not there that was when `update` looked last: "now".
    """
    files, roots = catalog.files(), catalog.roots()
    found = [
        {"path": group.path, "songs": group.songs, "since": _date(group.since), "why": group.why}
        for group in groups_of_away(files, roots, {song.id for song in catalog.away()})
    ]
    missed_now = {root: _songs_in(root, files, away=False) for root in roots if not os.path.isdir(root)}
    found += [
        {"path": root, "songs": len(songs), "since": "now", "why": "the folder is not there"}
        for root, songs in missed_now.items()
        if songs
    ]
    return sorted(found, key=lambda one: -one["songs"])


def _songs_in(folder: str, files: dict[str, FileRow], *, away: bool) -> set[int]:
    """The songs of a folder: those that were away when `update` looked last, or the others."""
    return {
        song
        for path, row in files.items()
        if (row.away is not None) == away and is_inside(path, folder)
        for song in row.songs
    }


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "minutes")


def _away_in_words(groups: list[dict[str, Any]]) -> str:
    return "; ".join(f"{one['songs']} in {one['path']} since {one['since']}: {one['why']}" for one in groups[:3])


def folders_of(catalog: Catalog) -> list[dict[str, Any]]:
    """Each folder of the library, whether it is there, its songs, and how many of them are away."""
    files, found = catalog.files(), []
    for root in catalog.roots():
        there, here = os.path.isdir(root), _songs_in(root, files, away=False)
        away = (_songs_in(root, files, away=True) - here) if there else here | _songs_in(root, files, away=True)
        found.append({"path": root, "there": there, "songs": len(here | away), "away": len(away)})
    return found


def failed(catalog: Catalog) -> list[dict[str, str]]:
    """Each file that is no song, why, and what to do about it."""
    return [
        {"path": path, "reason": reason, "kind": (what := kind(reason)).name, "advice": what.advice}
        for path, reason in catalog.failures()
    ]


def quality(view: View) -> dict[str, Any]:
    """How good the space is: the rest of the ``summary``, and ``hubs``; this reads every segment of the library."""
    from songspace.evaluation import hubness
    from songspace.evaluation.worth import Check

    library = view.library
    songs = library.catalog.count()
    if library.catalog.fact("encoder") is None or songs <= 2:
        return {"summary": {}, "hubs": []}
    space, imported = view.space, imported_from(library.catalog)
    summary = {} if imported else {"a segment's nearest is of its own song": _self_check(library)}
    what = learnt(library.catalog, library.encoder)
    if what is not None and what.check is not None and (check := Check.of(what.check)) is not None:
        held_out = " held out" if check.taught else ""
        for question in check.questions:
            summary[f"of {check.songs} songs{held_out}, {question.what}"] = question.figures
    measured = hubness.evaluate(space, k=min(10, max(1, songs // 4)))
    order = "mutual proximity" if space.mutual else "distance"
    summary["hubness"] = (
        f"skewness {measured['skewness']:.2f}, {measured['antihubs']:.1%} never a neighbour (ranked by {order})"
    )
    hubs = [{"song": view.song(row).name, "neighbour of": count} for row, count in measured["hubs"][:5]]
    summary["largest hubs"] = "; ".join(f"{hub['song']} ({hub['neighbour of']})" for hub in hubs)
    return {"summary": summary, "hubs": hubs}


def _self_check(library: Library) -> str:
    """The score that needs no labels, in words."""
    from songspace.evaluation import retrieval

    vectors, groups, starts = library.segments()
    what = learnt(library.catalog, library.encoder)
    gap = what.heard if what is not None else 5.0
    try:
        top = retrieval.same_song(vectors, groups, starts=starts, min_gap=gap)["top1"]
    except SongspaceError:  # every segment overlaps every other of its song
        return "the songs are too short to tell"
    return f"{top['value']:.0%} (chance {top['chance']:.1%})"
