"""The state of a library: how much there is, what failed and why, how good its space is."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime
from typing import Any

from songspace.answers.answer import answer, described
from songspace.answers.view import View
from songspace.encoders.registry import BY_HAND, STUDENT, usual
from songspace.errors import SongspaceError
from songspace.library import Catalog, Library
from songspace.library.failures import kind
from songspace.library.learnt import imported_from, learnt
from songspace.library.presence import groups_of_away
from songspace.library.records import FileRow
from songspace.library.scan import is_inside

Summary = dict[str, str | int | float]
"""Facts in a word or a sentence each, by what they are called."""


@answer
class Failure:
    """A file that could not be read."""

    path: str
    reason: str
    kind: str = described("What it has in common with others for which the same is to be done.")
    advice: str = described("What to do about it.")


@answer
class Failures:
    """All files that could not be read."""

    failures: list[Failure]


@answer
class AwayPlace:
    """A place where songs cannot be reached now."""

    path: str
    songs: int
    since: str = described('A date, or "now".')
    why: str


@answer
class Hub:
    """A song that is among the nearest of many."""

    song: str
    neighbour_of: int = described(name="neighbour of")


@answer
class Holdings:
    """Counts of a library: its songs, those that are away, failed files."""

    summary: Summary
    away: list[AwayPlace] = described("Where songs cannot be reached now, since when and why.")
    failures: list[Failure]


@answer
class Quality:
    """Measures of the quality of a library's space."""

    summary: Summary
    hubs: list[Hub]


@answer
class State(Holdings):
    """Both."""

    hubs: list[Hub]


@answer
class Folder:
    """A folder of the library."""

    path: str
    there: bool
    songs: int
    away: int


@answer
class Folders:
    """All folders of the library."""

    folders: list[Folder]


def state(view: View) -> State:
    """Return what ``status`` shows."""
    held, good = holdings(view), quality(view)
    return State(held.summary | good.summary, held.away, held.failures, good.hubs)


def holdings(view: View) -> Holdings:
    """Count what there is, and list what failed; read from the catalog at once."""
    catalog = view.library.catalog
    failures, away = failed(catalog), away_groups(catalog)
    left_out = len(catalog.left_out())
    reasons = Counter(failure.reason for failure in failures)
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
    # Songs that were imported lie in no folder, and their durations may be unknown.
    for what in ("folders", "imported", "away", "left out", "learnt from", *(["hours"] if summary["imported"] else [])):
        if not summary[what]:
            del summary[what]
    return Holdings(summary, away, failures)


GROWN = 1.5
"""Times as many songs as a library had when it was learnt, from which on it pays to learn again."""


def _learnt_from(catalog: Catalog) -> str:
    """Return what the encoder in use was learnt from, and whether the library has outgrown it.

    Empty if nothing is known.
    """
    name = catalog.fact("encoder") or ""
    what = learnt(catalog, name)
    if what is None or not what.songs:
        return ""
    told = f"{what.songs} {'song' if what.songs == 1 else 'songs'}"
    told += " and who made them" if what.teacher == "artists" else ""
    now = catalog.count()
    due = what.library < now and name == usual(what.library)[-1] != usual(now)[-1]  # large enough for a network
    if what.library and (due or now >= GROWN * what.library):
        again = "songspace learn FOLDER" + ("" if name in (*usual(now), BY_HAND) else f" --encoder {name}")
        told += f"; {now} are here now: learn again, by `{again}`"
    return told


def away_groups(catalog: Catalog) -> list[AwayPlace]:
    """List where songs are away, the place with the most songs first.

    Also where a folder is not there that was when `update` looked last: "now".
    """
    files, roots = catalog.files(), catalog.roots()
    places = [
        AwayPlace(group.path, group.songs, _date(group.since), group.why)
        for group in groups_of_away(files, roots, {song.id for song in catalog.away()})
    ]
    missed_now = {root: _songs_in(root, files, away=False) for root in roots if not os.path.isdir(root)}
    places += [
        AwayPlace(root, len(songs), "now", "the folder is not there") for root, songs in missed_now.items() if songs
    ]
    return sorted(places, key=lambda one: -one.songs)


def _songs_in(folder: str, files: dict[str, FileRow], *, away: bool) -> set[int]:
    """Return the songs of a folder: those that were away when `update` looked last, or the others."""
    return {
        song
        for path, row in files.items()
        if (row.away is not None) == away and is_inside(path, folder)
        for song in row.songs
    }


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "minutes")


def _away_in_words(places: list[AwayPlace]) -> str:
    return "; ".join(f"{one.songs} in {one.path} since {one.since}: {one.why}" for one in places[:3])


def folders_of(catalog: Catalog) -> list[Folder]:
    """List the folders of the library."""
    files, folders = catalog.files(), []
    for root in catalog.roots():
        there, here = os.path.isdir(root), _songs_in(root, files, away=False)
        away = (_songs_in(root, files, away=True) - here) if there else here | _songs_in(root, files, away=True)
        folders.append(Folder(root, there, len(here | away), len(away)))
    return folders


def failed(catalog: Catalog) -> list[Failure]:
    """List each file that is no song, why, and what to do about it."""
    return [Failure(path, reason, (what := kind(reason)).name, what.advice) for path, reason in catalog.failures()]


def quality(view: View) -> Quality:
    """Measure how good the space is; this reads every segment of the library."""
    from songspace.encoders.ears import EARS
    from songspace.evaluation import hubness
    from songspace.evaluation.worth import Check

    library = view.library
    songs = library.catalog.count()
    if library.catalog.fact("encoder") is None or songs <= 2:
        return Quality({}, [])
    space, imported = view.space, imported_from(library.catalog)
    summary: Summary = {} if imported else {"a segment's nearest is of its own song": _self_check(library)}
    if (ear := EARS.get(library.encoder)) is not None:
        summary["listens with a trained ear"] = f"{ear.name}: {ear.about}"
    elif library.encoder == STUDENT:
        summary["listens with a trained ear"] = "a student: it says what an ear taught it on a sample of the songs"
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
    hubs = [Hub(view.song(row).name, count) for row, count in measured["hubs"][:5]]
    summary["largest hubs"] = "; ".join(f"{hub.song} ({hub.neighbour_of})" for hub in hubs)
    return Quality(summary, hubs)


def _self_check(library: Library) -> str:
    """Return the score that needs no labels, in words."""
    from songspace.evaluation import retrieval

    vectors, groups, starts = library.segments()
    what = learnt(library.catalog, library.encoder)
    gap = what.heard if what is not None else 5.0
    try:
        top = retrieval.same_song(vectors, groups, starts=starts, min_gap=gap)["top1"]
    except SongspaceError:  # every segment overlaps every other of its song
        return "the songs are too short to tell"
    return f"{top['value']:.0%} (chance {top['chance']:.1%})"
