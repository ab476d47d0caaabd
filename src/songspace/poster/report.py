"""The report: one HTML file that needs nothing else, and one JSON file from which its tables can be made again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from songspace.categories import printable
from songspace.poster.findings import LEVELS, SPLITS, findings, reference, too_few, unlike_the_poster
from songspace.poster.scores import LEAKY, METRICS
from songspace.poster.work import Work


def write(output: Path, result: Mapping[str, Any], pictures: Mapping[str, bytes], work: Work) -> None:
    """Write ``report.json`` and ``report.html``, each whole or not at all.

    Raises
    ------
    SongspaceError
        If they cannot be written.
    """
    text = json.dumps(result, indent=1, ensure_ascii=True, allow_nan=False)
    work.write(output / "report.json", text.encode("utf-8"))
    work.write(output / "report.html", page(result, pictures).encode("utf-8"))


def page(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Return the report as one HTML page: no script, no request, every name escaped."""
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
    """Make a name printable, which may hold anything; numbers, and what is HTML already, stay."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _score_table(test: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the table of a test shows beside its scores: columns, the best of each, chance, the poster's rows."""
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
    """Return the poster's own rows beside a test: their names, and the figures of some metrics."""
    bars = reference(test)
    named = {f"{name} ({bars['genres']} genres, n = {bars['items']})": row for name, row in bars["rows"].items()}
    named["chance"] = {"v": (bars["chance_v"], bars["chance_v"]), "ami_max": (0.0, 0.0)}
    methods, measures = ("kmeans", "default_mixture"), {"v": "v_measure", "ami_max": "ami_max"}
    return [
        (
            f"the poster’s {name}",
            {f"{method}_{measures[key]}": row[key][i] for key in measures for i, method in enumerate(methods)},
        )
        for name, row in named.items()
    ]


def _difference_table(result: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the heads of the honest tests of all genres, and for each question its two names and its answers there."""
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
    """Return the command that makes this report again."""
    settings = result["settings"]
    exact = bool(settings.get("exact"))
    command = ["songspace poster FOLDER -o DIR", *(["--exact --yes"] if exact else [])]
    for name in ("labels", "per_genre", "segments", "steps", "minutes", "size", "between", "seed", "seeds"):
        if settings[name] is not None and not (exact and name in ("segments", "steps", "size")):
            value = Path(settings[name]).name if name == "labels" else settings[name]
            command.append(f"--{name.replace('_', '-')} {value}")
    return " ".join([*command, f"--subset {','.join(result['subset'])}"])
