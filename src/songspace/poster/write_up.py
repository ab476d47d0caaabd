"""The write-up of an experiment: its findings in sentences, and its report as one HTML file and one JSON file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from songspace.categories import printable
from songspace.intervals import MIN_ARTISTS
from songspace.poster.scores import LEAKY, METRICS
from songspace.poster.store import Store

REFERENCE: dict[str, dict[str, Any]] = {
    "all": {
        "genres": 15,
        "items": 750,
        "chance_v": 0.052,
        "rows": {
            "PCA": {"v": (0.119, 0.103), "ami_max": (0.056, 0.040)},
            "ALI": {"v": (0.190, 0.190), "ami_max": (0.135, 0.135)},
        },
    },
    "subset": {
        "genres": 4,
        "items": 200,
        "chance_v": 0.018,
        "rows": {
            "PCA": {"v": (0.032, 0.032), "ami_max": (0.00, 0.00)},
            "ALI": {"v": (0.349, 0.349), "ami_max": (0.302, 0.302)},
        },
    },
}
"""The poster's figures, read from its bars (errors below 0.008): k-means and mixture; AMI by the larger entropy."""

LEVELS = {"segments": "single segments", "songs": "whole songs"}
SPLITS = {
    "artist": "no artist on both sides",
    "song": "no song on both sides, artists may be",
    "leaky": "of songs that were also trained on, by their other segments",
}
HONEST = ("artist", "song")
THEN = {"PCA": "pca_then", "ALI": "ali_run"}
"""The embeddings behind the poster's two names."""


def too_few(embedding: Mapping[str, Any]) -> str:
    """Describe the steps of an embedding with too few to judge it, as "126 of at least 5,350 steps"; otherwise "".

    Examples
    --------
    >>> too_few({"steps": 126, "enough": 5350}), too_few({"steps": 5350, "enough": 5350}), too_few({})
    ('126 of at least 5,350 steps', '', '')
    """
    if "failed" in embedding or embedding.get("steps", 0) >= embedding.get("enough", 0):
        return ""
    return f"{embedding['steps']:,} of at least {embedding['enough']:,} steps"


def reference(test: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the poster's figures for a test: those with the nearest number of genres."""
    return min(REFERENCE.values(), key=lambda each: abs(each["genres"] - len(test["genres"])))


def unlike_the_poster(result: Mapping[str, Any]) -> list[str]:
    """Return the known differences of the leaky test to the poster's, one clause each."""
    settings, rung = result["settings"], result["embeddings"].get(THEN["ALI"], {})
    reasons = [
        "its audio differs: half-minute previews from Spotify, which are no longer available, about 1,000 of each "
        f"of 15 genres; here {result['songs']:,} songs of {len(result['genres'])} genres;",
        "its 50 segments of a genre may have several of one song, whose other segments were mostly trained on; here it "
        "is one of a song, with all of the others trained on;",
        "it clustered once, with an unknown seed; here it is the mean of "
        f"{len(result['protocol']['clustering_seeds'])} seeds;",
    ]
    if settings["size"] != "poster":
        reasons.append("its networks saw 257 × 430 pixels; here they are small ones, which see 64 × 128, averaged;")
    if "steps" in rung:
        batch = settings.get("batch") or 101
        reasons.append(f"it was trained for about 5,350 batches of 101; here for {rung['steps']:,} of {batch};")
    return [*reasons, "its bars are read within 0.008."]


def spoken_of(tests: Mapping[str, Any]) -> list[str]:
    """Return the names of the tests for the findings: one of single segments and one of whole songs, of all genres.

    It is the one by artist, unless only the one by song has enough artists for an interval.
    """
    names = []
    for level in LEVELS:
        there = [f"{split}-{level}" for split in HONEST if f"{split}-{level}" in tests]
        enough = [name for name in there if tests[name]["artists"] >= MIN_ARTISTS]
        names += (enough or there)[:1]
    return names


def findings(result: Mapping[str, Any]) -> list[str]:
    """Return the findings, one or two sentences each.

    Parameters
    ----------
    result : mapping
        The contents of ``report.json``.
    """
    names = {key: embedding["name"] for key, embedding in result["embeddings"].items()}
    unjudged = {key: too_few(embedding) for key, embedding in result["embeddings"].items() if too_few(embedding)}
    sentences = []
    for name in spoken_of(result["tests"]):
        sentences += _of_test(result["tests"][name], names, unjudged)
    sentences += [_of_leak(test, names, unjudged) for test in result["tests"].values() if test["split"] == "leaky"]
    if unjudged:
        sentences.append(
            "Too few steps to say anything, good or bad, of "
            + _listed([f"{names[key]} ({steps})" for key, steps in unjudged.items()])
            + "."
        )
    for embedding in result["embeddings"].values():
        if "failed" in embedding:
            sentences.append(
                f"{embedding['name']} could not be trained to an end, and is not scored: {embedding['failed']}"
            )
    if result["between"]:
        sentences.append(_of_between(result["between"], names))
    return sentences


def _of_test(test: Mapping[str, Any], names: Mapping[str, str], unjudged: Collection[str]) -> list[str]:
    scores = {key: by_metric["kmeans_ami"] for key, by_metric in test["scores"].items() if key not in unjudged}
    order = sorted(scores, key=lambda key: -scores[key]["value"])
    others = [
        f"{names[key]} has {_with_interval(scores[key])}"
        for key in ("ali_right", "pca_then")
        if key in scores and key != order[0]
    ]
    what = LEVELS[test["level"]]
    sentences = [
        f"{_capital(what)} ({SPLITS[test['split']]}; {test['items']} of {len(test['genres'])} genres), AMI of k-means, "
        f"where chance is 0: the best is {names[order[0]]} with {_with_interval(scores[order[0]])}"
        + (f"; {_listed(others)}." if others else ".")
    ]
    asked = [answer for answer in test["differences"] if answer["says"] in _WORDS]
    for first in dict.fromkeys(answer["better"] for answer in asked):
        answers = [answer for answer in asked if answer["better"] == first]
        parts = []
        for says, words in _WORDS.items():
            others = [f"{names[a['than']]} ({a['difference']:+.3f})" for a in answers if a["says"] == says]
            if others:
                parts.append(f"{words} {_listed(others)}")
        sentences.append(f"{_capital(names[first])}, on {what}, {'; '.join(parts)}.")
    return sentences


def _of_leak(test: Mapping[str, Any], names: Mapping[str, str], unjudged: Collection[str]) -> str:
    """Compare the poster's two rows with the figures of its bars."""
    bars = reference(test)
    parts = []
    for name, key in THEN.items():
        if key in test["scores"] and key not in unjudged:
            by_metric = test["scores"][key]
            ours = [by_metric[f"{method}_ami_max"]["value"] for method in _BOTH if f"{method}_ami_max" in by_metric]
            theirs = bars["rows"][name]["ami_max"][: len(ours)]
            parts.append(f"{names[key]} has {_figures(ours)}, where the poster’s {name} had {_figures(theirs)}")
        elif key in unjudged:
            parts.append(f"too few steps to say of {names[key]}")
    which = f"{test['items']} segments of {len(test['genres'])} genres; the poster: {bars['items']} of {bars['genres']}"
    return (
        f"As on the poster, leaky (segments {SPLITS['leaky']}; {which}), AMI by the larger entropy, of k-means and of "
        f"scikit-learn’s mixture: {'; '.join(parts) or 'neither of its rows is there'}."
    )


_BOTH = ("kmeans", "default_mixture")


def _figures(values: Sequence[float]) -> str:
    return " and ".join(f"{value:.3f}" for value in values)


_WORDS = {
    "better": "is surely better than",
    "worse": "is surely worse than",
    "may be chance": "cannot be distinguished from",
    "unknown": "with artists too few (under ten), or songs (under four of a genre), to say whether it is chance, "
    "differs from",
}

_ANSWERS = {
    "yes": "surely in",
    "no": "surely not in",
    "unsure": "unsure in",
    "unknown": "too few artists to say in",
    "too few steps": "too few steps to say in",
}


def _of_between(between: Mapping[str, Any], names: Mapping[str, str]) -> str:
    a, b, c = between["triple"]
    by_answer: dict[str, list[str]] = {answer: [] for answer in _ANSWERS}
    for key, answer in between["answers"].items():
        by_answer[answer["between"]].append(names[key])
    parts = [f"{_ANSWERS[answer]} {_listed(those)}" for answer, those in by_answer.items() if those]
    return f"Does {c} lie between {a} and {b}, nearer to the line than other genres do? {_capital('; '.join(parts))}."


def _with_interval(score: Mapping[str, Any]) -> str:
    bounds = score["interval"]
    return f"{score['value']:.3f}" + (f" [{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else "")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def write(output: Path, result: Mapping[str, Any], pictures: Mapping[str, bytes], store: Store) -> None:
    """Write ``report.json`` and ``report.html``, each atomically.

    Raises
    ------
    SongspaceError
        If they cannot be written.
    """
    text = json.dumps(result, indent=1, ensure_ascii=True, allow_nan=False)
    store.write(output / "report.json", text.encode("utf-8"))
    store.write(output / "report.html", page(result, pictures).encode("utf-8"))


def page(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Return the report as one HTML page without scripts and requests; all names are escaped."""
    template, style = (
        files("songspace.poster").joinpath(name).read_text(encoding="utf-8") for name in ("report.html", "report.css")
    )
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, finalize=_printable
    )
    environment.filters["thousands"] = "{:,}".format
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.from_string(template).render(
        result=result,
        pictures={name: Markup(base64.b64encode(png).decode()) for name, png in pictures.items()},
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'sha256-{hashed}'",
        style=Markup(style),
        levels=LEVELS,
        splits=SPLITS,
        findings=findings(result),
        unlike_the_poster=unlike_the_poster(result),
        too_few=too_few,
        table_name=Path(result["settings"]["labels"]).name,
        score_table=lambda test: _score_table(test, result),
        differences=_difference_table(result),
        command=_command(result),
    )


def _printable(value: Any) -> Any:
    """Make a text printable; numbers and HTML do not change."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _score_table(test: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns, best values, chance and the poster's rows for the table of a test."""
    scores = test["scores"]
    metrics = [metric for metric in METRICS if any(metric in by_metric for by_metric in scores.values())]
    judged = {key for key in scores if not too_few(result["embeddings"][key])}
    best, chances = {}, []
    for metric in metrics:
        best[metric] = max((scores[key][metric]["value"] for key in judged if metric in scores[key]), default=None)
        known = [by_metric[metric]["chance"] for by_metric in scores.values() if metric in by_metric]
        chances.append(sum(known) / len(known))
    return {
        "metrics": metrics,
        "heads": [Markup(re.sub(r" (?=mixture|AMI|V)", "<br>", METRICS[metric])) for metric in metrics],
        "judged": judged,
        "best": best,
        "chances": chances,
        "posters": _posters_rows(test) if test["split"] == LEAKY else [],
    }


def _posters_rows(test: Mapping[str, Any]) -> list[tuple[str, dict[str, float]]]:
    """Return the poster's rows for a test: their names, and their figures by metric."""
    bars = reference(test)
    named = {f"{name} ({bars['genres']} genres, n = {bars['items']})": row for name, row in bars["rows"].items()}
    named["chance"] = {"v": (bars["chance_v"], bars["chance_v"]), "ami_max": (0.0, 0.0)}
    measures = {"v": "v_measure", "ami_max": "ami_max"}
    return [
        (
            f"the poster’s {name}",
            {f"{method}_{measures[key]}": row[key][i] for key in measures for i, method in enumerate(_BOTH)},
        )
        for name, row in named.items()
    ]


def _difference_table(result: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the heads of the tests of all genres without the leaky one, and names and answers of each pair."""
    tests = [test for test in result["tests"].values() if not test["subset"] and test["split"] != LEAKY]
    answers = [{(answer["better"], answer["than"]): answer for answer in test["differences"]} for test in tests]
    names = {key: embedding["name"] for key, embedding in result["embeddings"].items()}
    return {
        "heads": ["", *(Markup(f"{LEVELS[test['level']]},<br>by {test['split']}") for test in tests)],
        "rows": [
            (names[pair[0]], names[pair[1]], [of_test.get(pair) for of_test in answers])
            for pair in dict.fromkeys(pair for of_test in answers for pair in of_test)
        ],
    }


def _command(result: Mapping[str, Any]) -> str:
    """Return the command that repeats this report."""
    settings = result["settings"]
    exact = bool(settings.get("exact"))
    command = ["songspace poster FOLDER -o DIR", *(["--exact --yes"] if exact else [])]
    for name in ("labels", "per_genre", "segments", "steps", "minutes", "size", "between", "seed", "seeds"):
        if settings[name] is not None and not (exact and name in ("segments", "steps", "size")):
            value = Path(settings[name]).name if name == "labels" else settings[name]
            command.append(f"--{name.replace('_', '-')} {value}")
    return " ".join([*command, f"--subset {','.join(result['subset'])}"])
