"""What the poster did, as it did it: its mixture, its t-SNE, its colours, and its own size, steps and batch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn import manifold
from sklearn.metrics import adjusted_mutual_info_score, v_measure_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import scale
from typer.testing import CliRunner, Result

from songspace.cli import main
from songspace.cli.commands import app
from songspace.encoders.ali import RUNGS
from songspace.evaluation import clustering
from songspace.poster import exact, gallery, run, scores
from songspace.poster.experiment import ExperimentSettings
from songspace.poster.learning import BY_KEY, Training
from songspace.poster.plots import ORDER, Look, in_order
from songspace.poster.scores import default_mixture

# ── scores ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def items() -> tuple[np.ndarray, list[str]]:
    """Four genres of 40 items of 64 numbers, not far apart."""
    random = np.random.default_rng(3)
    labels = np.repeat(["edm", "folk", "jazz", "rock"], 40)
    return random.normal(size=(4, 64)).repeat(40, axis=0) * 0.4 + random.normal(size=(160, 64)), labels.tolist()


def test_the_default_mixture_is_scikit_learns_as_it_comes_on_all_numbers(items: tuple[np.ndarray, list[str]]) -> None:
    vectors, labels = items
    found = default_mixture(vectors.astype(np.float32), labels, seeds=[3, 4])
    clusters = [GaussianMixture(n_components=4, random_state=s).fit(vectors.astype(np.float32)) for s in (3, 4)]
    predicted = [mixture.predict(vectors) for mixture in clusters]
    for metric, scored in {
        "ami": lambda c: adjusted_mutual_info_score(labels, c),
        "ami_max": lambda c: adjusted_mutual_info_score(labels, c, average_method="max"),
        "v_measure": lambda c: v_measure_score(labels, c),
    }.items():
        score = found[f"default_mixture_{metric}"]
        assert score.value == pytest.approx(np.mean([scored(c) for c in predicted]), abs=1e-9), metric
        assert score.as_dict()["interval"] is None
    shuffled = [v_measure_score(np.random.default_rng(n).permutation(labels), predicted[0]) for n in range(300)]
    assert found["default_mixture_v_measure"].chance == pytest.approx(np.mean(shuffled), abs=0.003)


def test_the_mixture_has_every_default(items: tuple[np.ndarray, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    class Watched(GaussianMixture):
        def fit_predict(self, X: np.ndarray, y: None = None) -> np.ndarray:
            made.append({**self.get_params(), "numbers": X.shape[1]})
            return super().fit_predict(X, y)

    monkeypatch.setattr(scores, "GaussianMixture", Watched)
    default_mixture(*items, seeds=[7])
    assert made == [{**GaussianMixture(4, random_state=7).get_params(), "numbers": 64}]
    assert (made[0]["covariance_type"], made[0]["reg_covar"], made[0]["n_init"]) == ("full", 1e-6, 1)


def test_k_means_has_the_defaults_of_2017(items: tuple[np.ndarray, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten starts of k-means++, 300 iterations, a tolerance of 0.0001: those of scikit-learn 0.19."""
    made: list[dict[str, Any]] = []

    class Watched(clustering.KMeans):  # type: ignore[misc, name-defined]  # scikit-learn is not typed
        def fit_predict(self, X: np.ndarray, y: None = None, sample_weight: None = None) -> np.ndarray:
            made.append({**self.get_params(), "numbers": X.shape[1]})
            return super().fit_predict(X, y)

    monkeypatch.setattr(clustering, "KMeans", Watched)
    clustering.scores(*items, seeds=1)
    wanted = {"init": "k-means++", "n_init": 10, "max_iter": 300, "tol": 1e-4, "n_clusters": 4, "numbers": 64}
    assert wanted.items() <= made[0].items()  # what comes after is for the intervals


def test_a_mixture_that_scikit_learn_cannot_fit_is_missing() -> None:
    """Numbers so large that what scikit-learn adds to singular covariances is lost in rounding."""
    vectors = 1e9 * np.random.default_rng(0).normal(size=(20, 30))
    assert default_mixture(vectors, ["folk", "jazz"] * 10, seeds=[0]) == {}


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────


def test_t_sne_has_the_posters_settings(items: tuple[np.ndarray, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[dict[str, Any], np.ndarray]] = []

    class Watched(manifold.TSNE):  # type: ignore[misc, name-defined]  # scikit-learn is not typed
        def fit_transform(self, X: np.ndarray, y: None = None) -> np.ndarray:
            given.append((self.get_params(), X))
            return X[:, :2]

    monkeypatch.setattr(manifold, "TSNE", Watched)
    vectors = items[0] * np.arange(1, 65) + 5
    for perplexity in (gallery.PERPLEXITY, gallery.PERPLEXITY_OF_FEW):
        gallery.tsne(vectors, perplexity=perplexity, seed=5)
    for (settings, X), perplexity in zip(given, (28, 20), strict=True):
        wanted = {"perplexity": perplexity, "learning_rate": 50, "max_iter": 1000, "init": "random", "random_state": 5}
        assert wanted.items() <= settings.items()
        assert {"early_exaggeration": 12.0, "metric": "euclidean", "method": "barnes_hut"}.items() <= settings.items()
        np.testing.assert_allclose(X, scale(vectors), atol=1e-4)


def test_t_sne_of_few_or_equal_items() -> None:
    eleven = np.random.default_rng(0).normal(size=(11, 3))
    assert gallery.tsne(eleven, perplexity=28, seed=0).shape == (11, 2)
    assert not gallery.tsne(np.ones((20, 5), np.float32), perplexity=28, seed=0).any()


def test_of_more_numbers_than_items_each_number_is_standardised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distances between items are those of the standardised pixels."""
    monkeypatch.setattr(manifold.TSNE, "fit_transform", lambda self, X: X)
    pixels = np.random.default_rng(0).normal(3, 1, size=(15, 400)) * np.arange(1, 401)
    found = gallery.tsne(pixels, perplexity=28, seed=0)
    assert found.shape == (15, 15)
    np.testing.assert_allclose(pdist(found), pdist(scale(pixels)), rtol=1e-4)


POSTERS_ORDER = (
    "classical, jazz, latin, folk, country, funk, indie rock, rock, metal, pop, r&b, hip hop, rap, house, edm"
).split(", ")


def test_genres_are_coloured_from_acoustic_to_electronic() -> None:
    assert [names[0] for names in ORDER if names] == POSTERS_ORDER
    assert in_order(sorted(POSTERS_ORDER)) == POSTERS_ORDER
    look = Look(tuple(POSTERS_ORDER))
    colors = np.array([look.of(genre)["color"][:3] for genre in POSTERS_ORDER])
    assert colors[0, 2] > 0.9 and colors[-1, 0] > 0.9 and colors[-1, 2] < 0.1  # from violet to red
    assert (np.abs(np.diff(colors, axis=0)).sum(axis=1) > 0.1).all()
    assert all(look.of(a)["marker"] != look.of(b)["marker"] for a, b in pairwise(POSTERS_ORDER))
    assert {Look(("rock", "edm")).of(genre)["marker"] for genre in ("rock", "edm")} == {"o"}


def test_genres_that_the_poster_does_not_name_have_their_places() -> None:
    assert in_order(
        ["Techno", "Soul-RnB", "Blues", "Old-Time / Historic", "Bachata", "Singer-Songwriter", "Death Metal"]
    ) == [
        "Blues",
        "Old-Time / Historic",
        "Singer-Songwriter",
        "Death Metal",
        "Bachata",
        "Soul-RnB",
        "Techno",
    ]
    assert in_order(["x", "", "?"]) == ["", "?", "x"]


# ── its own size, steps and batch ─────────────────────────────────────────────────────────────────


def asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **options: Any) -> tuple[ExperimentSettings, Any]:
    """What an experiment is told, and what its rungs are made of, without running it."""
    told: list[ExperimentSettings] = []
    monkeypatch.setattr(
        "songspace.poster.experiment.run_experiment",
        lambda folder, output, settings, **more: told.append(settings) or {},
    )
    run(tmp_path, tmp_path / "out", **options)
    from songspace.poster.experiment import _plan

    return told[0], _plan(told[0], "cpu")


def test_exact_is_the_posters_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings, plan = asked_for(monkeypatch, tmp_path, exact=True, steps=3, size="small", segments=2, minutes=1.0)
    assert (settings.steps, settings.minutes, settings.size, settings.segments) == (5350, None, "poster", 10)
    assert settings.per_genre is None and settings.exact
    for key in ("ali_run", "ali_described", "ali_right"):
        ali: Any = BY_KEY[key].make(plan)
        assert (ali.size, ali.steps, ali.minutes, ali.batch_size) == ("poster", 5350, None, 101)
        assert ali.get_frontend().shape == (257, 430)
    _, usual = asked_for(monkeypatch, tmp_path, steps=3)
    assert usual == Training(3, None, "small", 0, "cpu")
    assert [BY_KEY[key].make(usual).batch_size for key in ("ali_run", "ali_right")] == [101, 64]


def test_every_rung_of_the_poster_says_after_how_many_steps_it_is_judged() -> None:
    least = {key: kind.enough for key, kind in BY_KEY.items() if kind.trained}
    assert least == {"ali_run": 5350, "ali_described": 5350, "ali_right": 4280, "contrastive": 1500}
    drawn: Any = BY_KEY["ali_drawn"].make(Training(3, None, "small", 0, "cpu"))
    assert (
        drawn.get_params() | {"trained": "all"}
        == type(drawn)(**RUNGS["as described"], size="small", steps=3, device="cpu").get_params()
    )
    assert drawn.trained == "none"


def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> tuple[int, str]:
    """The status and the words of a whole command line."""
    monkeypatch.setattr("sys.argv", ["songspace", "poster", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().err


def test_exact_says_how_long_it_takes_and_stops(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exact, "speed", lambda device: 3.1)
    monkeypatch.setattr("songspace.poster.run", lambda *_, **__: pytest.fail("it began"))
    status, said = refused(capsys, monkeypatch, tmp_path, "-o", tmp_path / "out", "--exact", "--device", "cpu")
    assert status == 1
    assert "3.1 spectrograms a second measured on this processor about 6 days, on a GPU about 27 min" in said
    assert said.strip().endswith("add --yes to begin.") and said.count("\n") == 2
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(exact, "speed", lambda device: pytest.fail("it was measured"))
    _, said = refused(capsys, monkeypatch, tmp_path / "no", "-o", tmp_path / "out", "--exact", "--device", "cpu")
    assert said.startswith(f"There is no folder {tmp_path / 'no'}")


def test_exact_begins_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun: list[dict[str, Any]] = []
    monkeypatch.setattr(exact, "speed", lambda device: 3.1)
    monkeypatch.setattr("songspace.poster.run", lambda *_, **options: begun.append(options) or {})
    monkeypatch.setattr("songspace.poster.write_up.findings", lambda result: [])
    result = poster(tmp_path, "-o", tmp_path / "out", "--exact", "--yes", "--device", "cpu")
    assert result.exit_code == 0 and "about 6 days" in result.stderr and begun[0]["exact"]


def poster(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["poster", *map(str, arguments)])


@pytest.mark.parametrize("more", [["--steps", "5"], ["--minutes", "5"], ["--size", "small"], ["--segments", "3"]])
def test_exact_takes_no_other_length_or_size(tmp_path: Path, more: list[str]) -> None:
    result = poster(tmp_path, "-o", tmp_path, "--exact", *more)
    assert result.exit_code == 2 and "is the poster's own" in " ".join(result.stderr.replace("│", " ").split())
    assert poster(tmp_path, "-o", tmp_path, "--yes").exit_code == 2


def test_on_a_gpu_it_is_measured_there() -> None:
    said = exact.forecast(2000, "cuda")
    assert said.endswith("at the 2,000 spectrograms a second measured on this GPU about 14 min")


@pytest.mark.slow
def test_the_speed_is_measured_over_the_three_rungs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 11.0, 20.0, 21.0, 30.0, 32.0])
    monkeypatch.setattr(exact.time, "monotonic", lambda: next(clock))
    assert exact.speed("cpu", steps=1, batch=2) == 6 / 4
