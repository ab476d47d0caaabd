"""The report: one HTML file that needs nothing else, and one JSON file from which its tables can be made again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from songspace.categories import printable
from songspace.poster.findings import (
    LEVELS,
    SPLITS,
    findings,
    reference,
    too_few,
    unlike_the_poster,
)
from songspace.poster.scores import LEAKY, METRICS
from songspace.poster.work import Work

FITTED = {"training": "the training set", "scored": "the scored items", "nothing": "nothing"}


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
    """The report as one HTML page: no script, no request, every name escaped."""
    package = files("songspace.poster")
    style = package.joinpath("report.css").read_text(encoding="utf-8")
    template = package.joinpath("report.html").read_text(encoding="utf-8")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    title = f"The poster's experiment on “{_text(result['settings']['folder'])}”"
    sections = [
        _data(result),
        _embeddings(result),
        _scores(result, pictures),
        _training(result, pictures),
        _maps(result, pictures),
        _between(result, pictures),
        _albums(result, pictures),
        _decoded(pictures),
        _again(result),
    ]
    links = "".join(f'<a href="#{id}">{heading}</a>' for id, heading, _ in sections)
    body = "\n".join(f'<section id="{id}"><h2>{heading}</h2>\n{content}</section>' for id, heading, content in sections)
    return Template(template).substitute(
        policy=f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'sha256-{hashed}'",
        title=title,
        style=style,
        body=f"{_head(result, title)}\n<nav>{links}</nav>\n{_findings(result)}\n{body}",
    )


def _text(name: object) -> str:
    """A name that may be anything, as HTML."""
    return escape(printable(str(name)))


def _head(result: Mapping[str, Any], title: str) -> str:
    return (
        f'<h1>{title}</h1><p class="lead">{result["songs"]:,} songs of {len(result["genres"])} genres by '
        f"{result['artists']:,} known artists, {result['segments']:,} segments of five seconds. After <i>Determining "
        "Song Similarity Using Deep Unsupervised Learning</i> (B. Ross and P. Ramakrishnan, 2017). Nothing was learnt "
        "from genres: they only score.</p>"
    )


def _findings(result: Mapping[str, Any]) -> str:
    items = "".join(f"<li>{_text(sentence)}</li>" for sentence in findings(result))
    return (
        f'<div class="findings"><h2>What came out</h2><ul>{items}</ul><p class="note">In brackets are 95 % intervals: '
        "half of the artists are left out and everything is clustered anew, fifty times. Fewer than ten artists give "
        "none. “Surely” means that a difference is more than chance, also among all questions asked of a test (Holm’s "
        "correction).</p></div>"
    )


def _data(result: Mapping[str, Any]) -> tuple[str, str, str]:
    rows = [
        [_text(genre), *(f"{counts[name]:,}" for name in ("songs", "artists", "training", "by_song", "by_artist"))]
        for genre, counts in result["genres"].items()
    ]
    settings = result["settings"]
    failed = result["failures"]
    lost = ""
    if failed:
        some = "; ".join(f"{_text(path)}: {_text(reason)}" for path, reason in failed[:5])
        lost = f"<p>{len(failed):,} files could not be used ({some}{'; …' if len(failed) > 5 else ''}).</p>"
    return (
        "data",
        "Data",
        f"<p>Genres come from {_source(settings['labels'])}. Of every song {settings['segments']} segments of five "
        "seconds were drawn at random and turned into the poster's spectrograms of 257 × 430 numbers "
        "(44.1 kHz, frames of 512 that do not overlap, plain power), and into log-mels of 64 × 251."
        + (f" {result['silent']:,} silent segments are left out." if result["silent"] else "")
        + "</p>"
        "<p>Every encoder learns once, from the training set. One test holds other songs (<i>by song</i>: no song on "
        "both sides, artists may be); the other holds songs of artists of whom nothing was heard in training (<i>by "
        "artist</i>). Songs of unknown artists are never in the test by artist, and count as an artist each. A third "
        "test is <i>as on the poster, leaky</i>: one segment of each training song, at most 50 of a genre, was set "
        "aside while the song’s other segments were trained on.</p>"
        + _table(["genre", "songs", "artists", "training", "test by song", "test by artist"], rows)
        + lost,
    )


def _source(labels: str) -> str:
    return {"genre": "the genre tags", "folder": "the names of the folders"}.get(
        labels, f"the table {_text(Path(labels).name)}"
    )


def _embeddings(result: Mapping[str, Any]) -> tuple[str, str, str]:
    rows = []
    for told in result["embeddings"].values():
        trained = "–"
        if "failed" in told:
            trained = "came apart"
        elif "steps" in told:
            trained = f"{told['steps']:,} steps, {told['seconds'] / 60:.1f} min"
            if too_few(told):
                trained += f"<br><small>too few to say: at least {told['enough']:,}</small>"
        rows.append([_text(told["name"]), ("words", _text(told["what"])), FITTED[told["fitted_on"]], trained])
    size = result["settings"]["size"]
    networks = "the poster's own" if size == "poster" else "small ones, for a processor"
    return (
        "embeddings",
        "Embeddings",
        _table(["embedding", "what it is", "fitted on", "training"], rows, words=1)
        + f'<p class="note">The rungs of ALI are settings of one class; its networks are {networks}. A rung of history '
        "is judged after as many batches as the poster’s had, ALI done right after as many as the poster’s encoder "
        "learnt from, contrastive after the least that <code>learn</code> takes. After fewer there are figures, and no "
        "judgements.</p>",
    )


def _scores(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> tuple[str, str, str]:
    parts = [
        "<p>K-means and a mixture of Gaussians look for as many clusters as there are genres. AMI is corrected for "
        "chance (0) and normalised by the mean of both entropies, or by the larger (max), as on the poster. V-measure "
        "is not: it only means something beside its chance value. All are means over "
        f"{len(result['protocol']['clustering_seeds'])} seeds. K-means is the best of {result['protocol']['starts']} "
        "starts, as scikit-learn’s was by default when the poster was made. The <i>default mixture</i> is the "
        "poster’s: scikit-learn’s with its defaults, full covariances of all numbers; it has no intervals, and is "
        "missing where scikit-learn cannot fit it. The <i>careful mixture</i> sees at most 20 rescaled coordinates, "
        f"with 0.001 added to their variances, and is the best of {result['protocol']['starts']} starts.</p>",
        _figure(
            pictures,
            "scores",
            "AMI of k-means for every embedding, in the honest tests of all genres. Lines: 95 % intervals, where ten "
            "artists or more are scored. Hollow: trained for too few steps to say anything.",
        ),
    ]
    for level in LEVELS:
        parts.append(
            "<h3>Single segments</h3>"
            if level == "segments"
            else "<h3>Whole songs, as users meet "
            'them</h3><p class="note">The mean of a song’s segments, centred and of unit length.</p>'
        )
        parts += [
            _score_table(test, result)
            for test in result["tests"].values()
            if test["level"] == level and test["split"] != LEAKY
        ]
    leaks = [_score_table(test, result) for test in result["tests"].values() if test["split"] == LEAKY]
    if leaks:
        unlike = "".join(f"<li>{_text(sentence)}</li>" for sentence in unlike_the_poster(result))
        parts += ["<h3>As on the poster, leaky</h3>", *leaks]
        parts.append(
            f'<p class="note">The poster’s own figures stand beside these for reference only:</p><ul>{unlike}</ul>'
        )
    parts.append("<h3>Is one better than the other?</h3>" + _differences(result))
    return "scores", "Scores", "\n".join(part for part in parts if part)


def _score_table(test: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    which = ", ".join(map(_text, test["genres"])) if test["subset"] else f"all {len(test['genres'])} genres"
    title = {"artist": "By artist", "song": "By song", LEAKY: "As on the poster, leaky"}[test["split"]]
    caption = (
        f'<p class="above"><b>{title}</b>, {which}: {test["items"]} '
        f"{LEVELS[test['level']]} of {test['artists']} artists ({SPLITS[test['split']]}).</p>"
    )
    scores = test["scores"]
    there = [column for column in METRICS if any(column in by_metric for by_metric in scores.values())]
    judged = {key for key in scores if not too_few(result["embeddings"][key])}
    best = {
        column: max((scores[key][column]["value"] for key in judged if column in scores[key]), default=None)
        for column in there
    }
    rows: list[Any] = []
    for key, told in result["embeddings"].items():
        if key in scores:
            name = _text(told["name"]) + ("" if key in judged else "<br><small>too few steps to say</small>")
            cells: list[Any] = [name]
            for column in there:
                cell = _value(scores[key][column]) if column in scores[key] else "–"
                leads = key in judged and column in scores[key] and scores[key][column]["value"] == best[column]
                cells.append(("best", cell) if leads else cell)
            rows.append(cells)
    chances = []
    for column in there:
        known = [by_metric[column]["chance"] for by_metric in scores.values() if column in by_metric]
        chances.append(sum(known) / len(known))
    rows.append(("chance first", ["chance", *(f"{chance:.3f}" for chance in chances)]))
    if test["split"] == LEAKY:
        rows += [("reference", row) for row in _posters(reference(test), there)]
    return caption + _table(["embedding", *(_narrow(METRICS[column]) for column in there)], rows, style="scores")


def _narrow(head: str) -> str:
    """The head of a column: a word or two a line."""
    return re.sub(r" (?=mixture|AMI|V)", "<br>", head)


def _posters(bars: Mapping[str, Any], columns: Sequence[str]) -> list[list[str]]:
    """The poster's own rows, in the columns of a table."""
    said = f"({bars['genres']} genres, n = {bars['items']})"
    found = [(f"the poster’s {name} {said}", figures) for name, figures in bars["rows"].items()]
    chance = {"v": (bars["chance_v"], bars["chance_v"]), "ami_max": (0.0, 0.0)}
    rows = []
    for name, figures in (*found, ("the poster’s chance", chance)):
        (km_v, mix_v), (km_ami, mix_ami) = figures["v"], figures["ami_max"]
        known = {
            "kmeans_v_measure": km_v,
            "kmeans_ami_max": km_ami,
            "default_mixture_v_measure": mix_v,
            "default_mixture_ami_max": mix_ami,
        }
        rows.append([name, *(f"{known[column]:.3f}" if column in known else "–" for column in columns)])
    return rows


def _value(score: Mapping[str, Any]) -> str:
    bounds = score["interval"]
    return f"{score['value']:.3f}" + (f" <small>[{bounds[0]:.2f}, {bounds[1]:.2f}]</small>" if bounds else "")


def _differences(result: Mapping[str, Any]) -> str:
    tests = {name: test for name, test in result["tests"].items() if not test["subset"] and test["split"] != LEAKY}
    pairs = dict.fromkeys((a["better"], a["than"]) for test in tests.values() for a in test["differences"])
    names = {key: _text(told["name"]) for key, told in result["embeddings"].items()}
    rows = []
    for better, than in pairs:
        answers = [
            next((_difference(a) for a in test["differences"] if (a["better"], a["than"]) == (better, than)), "–")
            for test in tests.values()
        ]
        rows.append([f"{names[better]} over<br>{names[than]}", *answers])
    heads = [f"{LEVELS[test['level']]},<br>by {test['split']}" for test in tests.values()]
    return '<p class="note">Differences of k-means AMI on the same items, with paired intervals.</p>' + _table(
        ["", *heads], rows
    )


def _difference(answer: Mapping[str, Any]) -> Any:
    bounds = answer["interval"]
    words = "too few artists or songs" if answer["says"] == "unknown" else answer["says"]
    shown = f"{answer['difference']:+.3f}" + (f" <small>[{bounds[0]:+.2f}, {bounds[1]:+.2f}]</small>" if bounds else "")
    cell = f"{shown}<br><small>{words}</small>"
    return (answer["says"], cell) if answer["says"] in ("better", "worse") else cell


def _training(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> tuple[str, str, str]:
    said = [
        f"<dt>{_text(told['name'])}</dt><dd>{_text(_verdict(told))}</dd>"
        for key, told in result["embeddings"].items()
        if key.startswith("ali") and ("failed" in told or told.get("verdict"))
    ]
    figure = _figure(
        pictures,
        "training",
        "Above, the losses against batches, as on the poster; below, what tells how the game goes, without labels. In "
        "an even game the discriminator's area under the curve (AUC) is 0.5; at 1 it has won. A cycle error of codes "
        "of 1 means that the encoder knows nothing of what the decoder made; that of songs is the share of variance "
        "that is missed.",
    )
    return "training", "Training", f"{figure}<dl>{''.join(said)}</dl>"


def _verdict(told: Mapping[str, Any]) -> str:
    few = too_few(told)
    return f"Too few steps to say: {few}." if few else str(told.get("failed") or told["verdict"])


def _maps(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> tuple[str, str, str]:
    tsne = result["protocol"]["tsne"]
    parts = [
        _figure(
            pictures,
            "genres",
            "Single segments of all genres under each embedding, of songs that were not trained on, by t-SNE as on the "
            f"poster: of standardised numbers, perplexity {tsne['perplexity']:g} (a third of the segments, if that is "
            f"less), learning rate "
            f"{tsne['learning_rate']:g}, {tsne['max_iter']:,} iterations; colours go from acoustic genres (violet) to "
            "electronic ones (red). Who lies near whom means something; axes, and distances between far groups, do "
            "not.",
        )
    ]
    if "subset" in pictures:
        chosen = ", ".join(map(_text, result["subset"]))
        parts.append(
            "<h3>The chosen genres</h3>"
            + _figure(
                pictures,
                "subset",
                f"The same of {chosen}, laid out anew with perplexity {tsne['perplexity_of_few']:g} (or a third of the "
                "segments).",
            )
        )
    else:
        parts.append('<p class="note">The chosen genres are all there are: their picture is the one above.</p>')
    return "maps", "Maps", "".join(parts)


def _between(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> tuple[str, str, str]:
    asked = result["between"]
    if asked is None:
        return "between", "A + B ?= C", "<p>There are not three genres that lie apart: nothing to ask.</p>"
    a, b, c = map(_text, asked["triple"])
    rows = []
    for key, answer in asked["answers"].items():
        others = 1 + len(answer["others"])
        rows.append(
            [
                _text(result["embeddings"][key]["name"]),
                _value(answer["position"]),
                _value(answer["offset"]),
                _value(answer["margin"]) if answer["margin"] else "–",
                f"{answer['rank']} of {others}",
                {"unknown": "too few artists"}.get(answer["between"], answer["between"]),
            ]
        )
    head = ["embedding", "position", "offset", "nearer by", "rank", "between?"]
    return (
        "between",
        f"{a} + {b} ?= {c}",
        f"<p>Does {c} lie between {a} and {b}? Its <i>position</i> on the way from the centre of {a} (0) to that of "
        f"{b} (1), and its <i>offset</i> from the line, as a share of the way’s length, over the "
        f"{asked['songs']:,} songs that nothing was learnt from; how much <i>nearer</i> to the line it is than the "
        "median of the other genres, because in many dimensions everything has some place on every way; and its "
        "rank among them.</p>"
        + _table(head, rows)
        + _figure(
            pictures,
            "between",
            "Left: songs by their place along the straight line between both centres (large), and by the greatest "
            "spread across it. Right: the same songs by t-SNE.",
        ),
    )


def _albums(result: Mapping[str, Any], pictures: Mapping[str, bytes]) -> tuple[str, str, str]:
    told = result["albums"]
    if told is None or "albums" not in pictures:
        return "albums", "An artist's albums", "<p>No artist has two albums whose years are known: skipped.</p>"
    years = sorted(told["years"].values())
    caption = (
        f"The {told['songs']} songs of {_text(told['artist'])} by album, from {years[0]} to {years[-1]}, by the first "
        "two principal components. Crosses are the albums’ centres, joined from the oldest to the newest. The artist "
        "is the one with albums of most different years; some of the songs may have been trained on."
    )
    return "albums", "An artist's albums, oldest to newest", _figure(pictures, "albums", caption)


def _decoded(pictures: Mapping[str, bytes]) -> tuple[str, str, str]:
    if "rebuilt" not in pictures:
        return "decoded", "What the decoders make", "<p>ALI could not be trained: nothing to decode.</p>"
    return (
        "decoded",
        "What the decoders make",
        _figure(
            pictures,
            "rebuilt",
            "Segments that nothing was learnt from, and what is left of them after encoding to 64 numbers and "
            "decoding, on each rung. Decibels; each row has its own scale of colours. On the rungs of plain power a "
            "pixel is black where the decoder answers less than no power.",
        )
        + _figure(
            pictures, "samples", "ALI done right: spectrograms of songs that do not exist, decoded from the prior."
        )
        + _figure(
            pictures,
            "way",
            "ALI done right: the way between two songs (at the ends), decoded at even steps of the straight line "
            "between their codes.",
        ),
    )


def _again(result: Mapping[str, Any]) -> tuple[str, str, str]:
    settings = result["settings"]
    command = ["songspace poster", "FOLDER", "-o DIR"]
    exact = bool(settings.get("exact"))
    command += ["--exact --yes"] if exact else []
    for name in ("labels", "per_genre", "segments", "steps", "minutes", "size", "between", "seed", "seeds"):
        if settings[name] is not None and not (exact and name in ("segments", "steps", "size")):
            value = Path(settings[name]).name if name == "labels" else settings[name]
            command.append(f"--{name.replace('_', '-')} {value}")
    command.append(f"--subset {','.join(result['subset'])}")
    rows = [[_text(name), _text(value)] for name, value in result["versions"].items()]
    seeds = ", ".join(map(str, result["protocol"]["clustering_seeds"]))
    ended = ""
    if settings["minutes"] is not None:
        ended = (
            "<p>Training ended by time. On another day it would end after other numbers of steps, and the figures "
            "would differ a little; <code>--steps</code> makes them the same. A rerun in the same folder takes what "
            "was learnt.</p>"
        )
    return (
        "again",
        "To make it again",
        f'<p><code>{_text(" ".join(command))}</code></p>{ended}<p class="note">Clustering seeds: {seeds}. Every table '
        "above can be made again from <code>report.json</code>.</p>" + _table(["package", "version"], rows),
    )


def _figure(pictures: Mapping[str, bytes], name: str, caption: str) -> str:
    if name not in pictures:
        return ""
    data = base64.b64encode(pictures[name]).decode()
    alt = caption.split(". ")[0]
    return f'<figure><img src="data:image/png;base64,{data}" alt="{alt}"><figcaption>{caption}</figcaption></figure>'


def _table(head: Sequence[str], rows: Iterable[Any], *, words: int | None = None, style: str = "") -> str:
    """A table of cells that are HTML already; a row or a cell may be a pair of its class and itself."""
    lines = []
    for row in rows:
        kind_of_row, cells = row if isinstance(row, tuple) else ("", row)
        shown = []
        for number, cell in enumerate(cells):
            kind, text = cell if isinstance(cell, tuple) else ("name" if number == 0 else "", cell)
            shown.append(f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>")
        lines.append((f'<tr class="{kind_of_row}">' if kind_of_row else "<tr>") + "".join(shown) + "</tr>")
    heads = "".join(
        f'<th class="words">{cell}</th>' if number == words else f"<th>{cell}</th>" for number, cell in enumerate(head)
    )
    opens = f'<table class="{style}">' if style else "<table>"
    return f'<div class="wide">{opens}<thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
