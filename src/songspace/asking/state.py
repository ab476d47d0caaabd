"""The state of a library: how much there is, what failed and why, how good its space is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from songspace.asking.view import View
from songspace.errors import SongspaceError
from songspace.library import Catalog, Library
from songspace.library.failures import kind
from songspace.library.learnt import learnt


def state(view: View) -> dict[str, Any]:
    """What ``status`` shows: ``summary``, ``failures`` and ``hubs``."""
    found = holdings(view)
    told = quality(view)
    return {"summary": found["summary"] | told["summary"], "failures": found["failures"], "hubs": told["hubs"]}


def holdings(view: View) -> dict[str, Any]:
    """What there is: the first part of the ``summary``, and ``failures``; read from the catalog at once."""
    catalog = view.library.catalog
    failures = failed(catalog)
    reasons = Counter(failure["reason"] for failure in failures)
    summary: dict[str, Any] = {
        "home": str(view.library.home.folder),
        "folders": ", ".join(catalog.roots()),
        "songs": catalog.count(),
        "hours": round(catalog.seconds() / 3600, 1),
        "failed": ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(3)) or "none",
        "encoder": catalog.fact("encoder") or "none yet",
    }
    return {"summary": summary, "failures": failures}


def failed(catalog: Catalog) -> list[dict[str, str]]:
    """Each file that is no song, why, and what to do about it."""
    return [
        {"path": path, "reason": reason, "kind": (what := kind(reason)).name, "advice": what.advice}
        for path, reason in catalog.failures()
    ]


def quality(view: View) -> dict[str, Any]:
    """How good the space is: the rest of the ``summary``, and ``hubs``; this reads every segment of the library."""
    from songspace.evaluation import hubness

    library = view.library
    songs = library.catalog.count()
    if library.catalog.fact("encoder") is None or songs <= 2:
        return {"summary": {}, "hubs": []}
    space = view.space
    summary = {"a segment's nearest is of its own song": _self_check(library)}
    what = learnt(library.catalog, library.encoder)
    if what is not None and what.check is not None:
        check = what.check
        summary[f"on {check['songs']} songs held out of training"] = (
            f"mean average precision {check['learnt']:.2f}, hand-made {check['by_hand']:.2f} "
            f"(chance {check['chance']:.2f})"
        )
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
    try:
        top = retrieval.same_song(vectors, groups, starts=starts)["top1"]
    except SongspaceError:  # every segment overlaps every other of its song
        return "the songs are too short to tell"
    return f"{top['value']:.0%} (chance {top['chance']:.1%})"
