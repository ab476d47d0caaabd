"""The documentation as a site: it has all pages, links lead somewhere, and the reference names all that is public."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import songspace
from songspace.library.where import Where, parse

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAV = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]


def anchors(page: Path) -> set[str]:
    """Those of headings: letters, digits and hyphens of the words."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_every_page_is_in_the_navigation_once() -> None:
    named = re.findall(r"[\w/-]+\.md$", NAV, re.MULTILINE)
    assert sorted(named) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), link
        if anchor and not anchor.startswith("object-"):
            assert anchor in anchors(target), link


@pytest.mark.parametrize(
    "page", ["how-it-works.md", "ears.md", "encoders.md", "listening.md", "playlists.md", "data.md"]
)
def test_modules_that_it_names_are_there(page: str) -> None:
    for name in re.findall(r"`([\w/]+\.py)`", (DOCS / page).read_text("utf-8")):
        assert any((ROOT / start / name).is_file() for start in ("", "src", "src/songspace")) or (
            "/" not in name and list((ROOT / "src/songspace").rglob(name))
        ), name


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/extend.md", "docs/decisions.md"]
)
def test_files_that_it_names_are_there(page: str) -> None:
    """A package index shows the README without the files beside it: names in words are all that it has."""
    for name in re.findall(r"\b((?:docs|bench)/[\w./-]+\.(?:md|py|ipynb|in|jsonl))", (ROOT / page).read_text("utf-8")):
        assert (ROOT / name).is_file(), name


def test_listeners_read_no_terms_of_the_field() -> None:
    readme = (ROOT / "README.md").read_text("utf-8").partition("## As a library")[0].lower()
    assert len(readme) > 5000
    assert not re.search(r"embedding|fingerprint|latent|spectrogram", readme)


def test_filters_that_are_shown_are_filters() -> None:
    text = (DOCS / "playlists.md").read_text("utf-8").partition("\n## Filters\n")[2].partition("\n## ")[0]
    filters = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    assert len(filters) > 8 and all(isinstance(parse(each), Where) for each in filters)


def test_every_public_package_has_a_page() -> None:
    shown = {name for page in PAGES for name in re.findall(r"^::: (\S+)$", page.read_text("utf-8"), re.MULTILINE)}
    public = {songspace} | {
        found for name in songspace.__all__ if isinstance(found := getattr(songspace, name), ModuleType)
    }
    for package in public:
        modules = getattr(package, "__all__", ())
        if package.__name__ in shown:
            continue
        assert modules or f"{package.__name__}.radio" in shown
        assert {f"{package.__name__}.{name}" for name in modules} <= shown
    for name in shown:
        importlib.import_module(name)


def test_the_http_api_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    try:
        hooks = importlib.import_module("reference_hooks")
    finally:
        sys.modules.pop("reference_hooks", None)
    text = hooks.on_page_markdown("<!-- routes -->")
    document = hooks.document()
    for path, operations in document["paths"].items():
        for method in operations:
            assert f"### `{method.upper()} {path.removeprefix('/api/v1')}`\n" in text
    linked = set(re.findall(r"\]\(#([\w-]+)\)", text)) | {"object-problem"}
    assert len(linked) > 20
    assert linked <= set(re.findall(r"\{ #([\w-]+) \}", text))
    assert hooks.on_page_markdown("as it is") == "as it is"
