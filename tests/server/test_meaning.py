"""Songs by what words mean: a model with a text tower, made here, on the command line, in the API and on the page."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from songspace import Library, SongspaceError, Space, pipeline
from songspace.cli.commands import app
from songspace.encoders.onnx import ONNX
from songspace.library import Home
from songspace.server.app import create_app

VECTORS = np.array([[0.5, 0.5], [1.0, 0.1], [0.2, 1.0], [50.0, -50.0]])  # of no word, low, high, and filling
OUT_OF_ROOM = " ".join(["low"] * 9)  # six tokens are looked at


def run(home: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"SONGSPACE_HOME": str(home)})


@pytest.fixture(scope="module")
def model(onnx_files: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    text = onnx_files.words_model(folder, VECTORS)
    return onnx_files.sound_model(folder / "m.onnx", onnx_files.MERT | {"text": text})


@pytest.fixture(scope="module")
def home(tunes: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has taken the model, which is gone from where it was."""
    folder = tmp_path_factory.mktemp("words")
    shutil.copytree(model.parent, folder / "model")
    pipeline.learn(
        Home(folder / "home"), tunes, encoder="onnx", model=folder / "model" / "m.onnx", windows=3, workers=2
    )
    shutil.rmtree(folder / "model")
    return folder / "home"


def by_hand(home: Path, vector: np.ndarray) -> list[tuple[int, float]]:
    """(song, cosine) of the songs nearest to a vector: the mean of their segments' directions."""
    vectors, songs, _ = Library(home).segments()
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = []
    for song in np.unique(songs):
        mean = directions[songs == song].mean(axis=0)
        found.append((int(song), float(mean @ vector / np.linalg.norm(mean) / np.linalg.norm(vector))))
    return sorted(found, key=lambda each: -each[1])


@pytest.mark.parametrize(
    ("words", "vector"),
    [
        ("low", VECTORS[1]),
        ("high", VECTORS[2]),
        ("low high unheard", VECTORS[1] + VECTORS[2] + VECTORS[0]),
        (OUT_OF_ROOM, VECTORS[1]),
    ],
)
def test_the_nearest_songs_are_those_of_the_largest_cosine(home: Path, words: str, vector: np.ndarray) -> None:
    result = run(home, "search", words, "-n", 4, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    expected = by_hand(home, vector)[:4]
    assert told["words"] == words
    assert [song["id"] for song in told["songs"]] == [id for id, _ in expected]
    np.testing.assert_allclose([song["similarity"] for song in told["songs"]], [s for _, s in expected], atol=1e-5)


def test_words_find_what_they_mean_where_the_centred_space_would_not(home: Path) -> None:
    high = json.loads(run(home, "search", "high", "--json", "-n", 6).stdout)["songs"]
    assert [song["genre"] for song in high] == ["High"] * 6
    table = run(home, "search", "low", "--count", 3)
    assert table.exit_code == 0
    assert "“low”" in table.output and table.stdout.count(".flac") == 3


def test_bytes_that_are_no_characters_are_words_nobody_knows(home: Path) -> None:
    found = [json.loads(run(home, "search", words, "--json").stdout)["songs"] for words in ("low \udcff", "low ?")]
    assert found[0] == found[1] and found[0]


def test_a_text_that_says_nothing_is_told(home: Path) -> None:
    result = run(home, "search", "  ")
    assert result.exit_code == 1 and "no words to search for" in str(result.exception)


def test_who_knows_no_words_says_so(learnt_home: Path) -> None:
    result = run(learnt_home, "search", "sad piano")
    assert result.exit_code == 1
    assert re.match(r"The pca encoder knows no words: .* onnx encoder with a text tower", str(result.exception))


def test_the_api_answers_as_the_command_line(home: Path, learnt_home: Path, clients: Callable[..., Any]) -> None:
    own = clients(create_app(home))
    assert own.get("/api/v1/status").json()["words"] is True
    told = own.get("/api/v1/search", params={"q": "high", "count": 3})
    assert told.json() == json.loads(run(home, "search", "high", "-n", 3, "--json").stdout)
    known = {"If-None-Match": told.headers["etag"]}
    assert own.get("/api/v1/search", headers=known, params={"q": "high", "count": 3}).status_code == 304
    for wrong in ({}, {"q": ""}, {"q": "low", "count": 0}, {"q": "x" * 201}, {"q": "low", "words": "high"}):
        assert own.get("/api/v1/search", params=wrong).status_code == 422
    assert own.get("/api/v1/search", params={"q": " "}).json()["detail"] == "There are no words to search for."
    other = clients(create_app(learnt_home))
    assert other.get("/api/v1/status").json()["words"] is False
    refused = other.get("/api/v1/search", params={"q": "high"})
    assert refused.status_code == 409 and "knows no words" in refused.json()["detail"]


@pytest.fixture(scope="module")
def address(home: Path, serving_home: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page of these songs is."""
    own = Path(shutil.copytree(home, tmp_path_factory.mktemp("page") / "home"))
    with serving_home(own) as address:
        yield address


@pytest.mark.slow
def test_the_page_lists_them_below_what_is_found_by_name(home: Path, opened: Callable[..., Any]) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    page = opened()
    page.locator("#search").fill("high")  # no name holds it
    items = page.locator("#found > li")
    playwright.expect(items.filter(has_text="Sounds as these words mean")).to_have_count(1, timeout=20_000)
    texts = items.all_text_contents()
    assert texts.index("Nothing by these words") < texts.index("Sounds as these words mean")
    options = page.locator("#found [role=option]:not(.offer)")
    assert options.count() == 10
    first = json.loads(run(home, "search", "high", "--json", "-n", 1).stdout)["songs"][0]["title"]
    playwright.expect(options.first).to_contain_text(first)
    page.keyboard.press("Enter")  # the first song, before what else is offered
    playwright.expect(page.locator("#song h2")).to_have_text(first, timeout=20_000)
    page.locator("#search").fill("tune 7")  # a name holds it
    playwright.expect(options.first).to_contain_text("Tune 7")
    playwright.expect(items.filter(has_text="Sounds as these words mean")).to_have_count(1, timeout=20_000)
    names = options.all_text_contents()
    assert "Tune 17" in names[1] and len(names) == len(set(names)) > 10  # none of them comes twice


# What is wrong with a tower


def test_towers_that_do_not_fit(onnx_files: ModuleType, model: Path, tmp_path: Path) -> None:
    def refused(reason: str, **changes: Any) -> None:
        onnx_files.write(tmp_path / "m.onnx", onnx_files.MERT | {"text": onnx_files.TEXT | changes})
        with pytest.raises(SongspaceError, match=reason) as told:
            ONNX(tmp_path / "m.onnx", device="cpu").fit()
        assert "\n" not in str(told.value)

    shutil.copytree(model.parent, tmp_path, dirs_exist_ok=True)
    refused(r"There is no file .*none\.onnx", model="none.onnx")
    refused(r"There is no file .*none\.json", tokenizer="none.json")
    refused(r"m\.json is no file that the tokenizers library can use", tokenizer="m.json")
    whole = json.loads((tmp_path / onnx_files.TEXT["tokenizer"]).read_text())
    around = [{"SpecialToken": {"id": "[UNK]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    token = {"id": "[UNK]", "ids": [0] * 9, "tokens": ["[UNK]"] * 9}
    template = {"type": "TemplateProcessing", "single": around, "pair": [], "special_tokens": {"[UNK]": token}}
    for reason, change in (
        ("makes 1. tokens, and text.max_length is less", {"post_processor": template}),
        (r"can use \(.*Missing \[UNK\] token", {"model": whole["model"] | {"unk_token": "gone"}}),
        (r"can use \(Precompiled", {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}),  # a panic
    ):
        (tmp_path / "other.json").write_text(json.dumps(whole | change))
        refused(rf"other\.json .*{reason}", tokenizer="other.json")
    refused(r"has the inputs ids, mask, and text\.inputs names ids", inputs={"ids": "ids"})
    refused(r"takes 6 tokens: text\.max_length must say so", max_length=5)
    refused("has no output called vector: it has embedding", output={"name": "vector"})
    refused("weights in other files|damaged|ONNX Runtime cannot use|no model", model="words.json")
    onnx_files.words_model(tmp_path, np.ones((4, 3)))
    refused(r"words\.onnx gives 3 numbers and .*m\.onnx 2: they are no pair")


def test_a_saved_tower_is_whole_or_refused(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "home"
    shutil.copytree(home, own)
    [folder] = (own / "encoders").glob("onnx-*")
    assert {path.name for path in folder.iterdir()} == {
        "encoder.json",
        "weights.safetensors",
        "model.onnx",
        "text.onnx",
        "tokenizer.json",
    }
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes().replace(b'"low"', b'"lox"'))
    result = run(own, "search", "low")
    assert result.exit_code == 1 and "tokenizer.json is not the file that was taken" in str(result.exception)
    assert len(Space.open(own / "space.safetensors")) == 18
