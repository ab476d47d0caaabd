# Two commands matter: `make demo` (MUSIC=/your/folder for your own music) and `make test`. `make poster` (MUSIC=...)
# repeats the poster's experiment; `make bench` (MUSIC=...) measures speed and memory, and writes docs/benchmarks.md.
# They set everything up in .venv; a second run is quick.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SONGSPACE := $(BIN)/songspace
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

# The rendered library and the person's own are kept apart.
ifdef MUSIC
FOLDER := $(MUSIC)
HOME_DIR := demo/yours
else
FOLDER := demo/music
HOME_DIR := demo/home
endif
MINUTES ?= 2

.PHONY: demo poster bench docs test lint package coverage format clean

PAGE := hatch_build.py $(wildcard web/*.html web/*.json web/*.ts web/src/* web/public/*)

$(VENV)/installed: pyproject.toml constraints.txt $(PAGE)
	@$(PYTHON) -c 'import sys; sys.exit("songspace needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/checked: $(VENV)/installed
	$(PIP) install -c constraints.txt -e '.[test,lint]'
	@touch $@

demo: export SONGSPACE_HOME := $(HOME_DIR)
demo: $(VENV)/installed
ifndef MUSIC
	$(SONGSPACE) demo $(FOLDER)
endif
	$(SONGSPACE) learn "$(FOLDER)"
	@set -e; \
	show() { echo; echo "$$ songspace $$*"; $(SONGSPACE) "$$@"; }; \
	set -- $$($(BIN)/python -c 'from songspace import Library; s = Library().songs(); print(s[0].id, s[len(s) // 2].id)'); \
	show similar $$1 --count 5; \
	show path $$1 $$2 --length 8 -o demo/path.m3u8 || true; \
	show mixes --count 4 --length 8 -o demo/mixes; \
	show geometry genres -o demo/genres.png || true; \
	show map -o demo/map.html; \
	show map -o demo/map.png; \
	show evaluate --labels genre || true; \
	show status; \
	echo; \
	echo "Look at demo/map.html, hear demo/path.m3u8, then try:"; \
	echo "  export SONGSPACE_HOME=$(HOME_DIR) PATH=$(BIN):\$$PATH"; \
	echo "  songspace similar \"part of an artist or title\""; \
	echo "  songspace radio $$2 --length 12 --explain -o radio.m3u8"; \
	echo "  songspace similar $$1 --clips demo/why"; \
	echo "  songspace like $$1; songspace suggest"; \
	echo "  songspace geometry artists"; \
	echo "  songspace serve"; \
	echo "and with your own music: make demo MUSIC=/your/folder"

# The poster's experiment: on the rendered library small enough for a few minutes, on one's own for MINUTES an encoder.
poster: $(VENV)/installed
ifdef MUSIC
	$(SONGSPACE) poster "$(MUSIC)" -o demo/poster-yours --minutes $(MINUTES)
else
	$(SONGSPACE) demo demo/music
	$(SONGSPACE) poster demo/music -o demo/poster --segments 5 --steps 60
endif

# About three quarters of an hour on two quiet cores. Other programs stand beside songspace where they are installed:
# .venv/bin/pip install faiss-cpu usearch bliss-audio essentia
bench: $(VENV)/checked
	$(PIP) install -c constraints.txt -e '.[bench]'
	$(BIN)/python bench/table.py $(if $(MUSIC),--music "$(MUSIC)")

# The documentation with its reference, in build/docs: open build/docs/index.html.
docs: export NO_MKDOCS_2_WARNING := 1
docs: $(VENV)/installed
	$(PIP) install -c constraints.txt -e '.[docs]'
	$(BIN)/mkdocs build --strict

test: $(VENV)/checked
	$(BIN)/python -m pytest -n auto --dist worksteal tests src --doctest-modules

lint: $(VENV)/checked
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python web/check.py

# What is published: both distributions, looked over, and the wheel tried in an environment of its own.
package: export SONGSPACE_PAGE := require
package: $(VENV)/checked
	$(PIP) install -c constraints.txt -e '.[package]'
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	SONGSPACE_WHEEL=$$(echo dist/*.whl) $(BIN)/python -m pytest tests/test_package.py

coverage: $(VENV)/checked
	$(BIN)/python -m pytest -n auto tests src --doctest-modules --cov --cov-report=term:skip-covered

format: $(VENV)/checked
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo build dist web/node_modules src/songspace/server/page
