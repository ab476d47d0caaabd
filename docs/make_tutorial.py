"""Make docs/tutorial.ipynb of the cells below: `# %% [markdown]` begins one of text, `# %%` one of code.

    python docs/make_tutorial.py

The notebook is kept without what its cells show: a test runs them. Everything after the first `# %%` is the notebook.
"""

from __future__ import annotations

import re
from pathlib import Path

NOTEBOOK = Path(__file__).with_name("tutorial.ipynb")


def cells(text: str) -> list[tuple[str, str]]:
    """(kind, text) of each cell of a script."""
    parts = re.split(r"^# %%( \[markdown\])?\n", text, flags=re.MULTILINE)[1:]
    found = []
    for markdown, body in zip(parts[::2], parts[1::2], strict=True):
        if markdown:
            found.append(("markdown", re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE)))
        else:
            found.append(("code", body.strip()))
    return found


def notebook() -> str:
    """The notebook as it lies in its file."""
    import nbformat

    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for number, (kind, text) in enumerate(cells(TUTORIAL)):
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        made.cells.append(new(text, id=f"cell-{number}"))
    return nbformat.writes(made) + "\n"


TUTORIAL = """
# %% [markdown]
# # A data set of your own: labels, encoders side by side, pictures
#
# Everything here runs on forty songs that songspace renders itself. (No musician is behind them, and a good score on
# them says nothing about music.) With your own music: replace `music` by the path of your folder, and `table` by your
# table.

# %%
import csv
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Image

from songspace import Library, Space, demo, maps, pipeline, read_windows
from songspace.evaluation import embeddings, report
from songspace.evaluation.labels import labels
from songspace.frontends import LogMel
from songspace.library import Home

folder = Path(tempfile.mkdtemp())
music = folder / "music"
files = demo.render(music, songs=40, seconds=8, workers=1)
len(files)

# %% [markdown]
# ## Listen, and learn
#
# `learn` keeps everything in a home and writes nothing into the music folder. Here it learns principal components; by
# default, such a small library learns `linear`. The hand-made space (`timbre`) is always made as well.

# %%
home = Home(folder / "home")
pipeline.learn(home, music, encoder="pca", windows=3, workers=1).sentence()

# %% [markdown]
# ## Labels
#
# Labels come from tags, folders, data sets laid out as FMA or GTZAN, or a table with the usual columns: the song
# (`path`, `filename`, `track_id`, ...), its label (`label`, `genre`, `genre_top`, ...), and perhaps a `split`. Missing
# labels are left out and counted. Labels only score: nothing is learnt from them.

# %%
library = Library(home.folder)
table = folder / "labels.csv"
with table.open("w", newline="", encoding="utf-8") as lines:
    rows = csv.writer(lines)
    rows.writerow(["path", "genre_top", "split"])
    for number, song in enumerate(library.songs()):
        label = song.genre if number != 7 else ""  # one label is missing
        rows.writerow([Path(song.path).relative_to(folder), label, "test" if number % 3 else "train"])

print(labels(library.songs(), table).sentence())
print(labels(library.songs(), table, split="test").sentence())

# %% [markdown]
# ## Encoders side by side
#
# The same songs in the space of each encoder: how well clusterings agree with the labels (AMI, V-measure), how many
# of the ten nearest songs *of other artists* share a song's label (P@10), and how early all of them come (mAP). There
# are intervals, and chance below. `random` is a network that was never trained; a trained one has to be better.

# %%
songs, spaces = embeddings.of_library(library, ["pca", "timbre", "raw", "random"])
known = labels(songs, table)
result = report.evaluate(spaces, known, seeds=2)
head, *scores = report.table(result)
pd.DataFrame(scores, columns=head).set_index(head[0])

# %%
print("\\n".join(report.sentences(result)))

# %% [markdown]
# Each result says what is needed to make it again: seeds, versions, threads and the processor.

# %%
{name: result[name] for name in ("settings", "versions")} | {"threads": result["machine"]["threads"]}

# %% [markdown]
# ## Vectors of your own
#
# Any array with a row for each song is scored in the same way. Here it is the mean spectrum of each song. The ids of a
# `Space` may be texts, numbers or tuples. (`songspace import vectors.parquet` makes a whole library of such
# vectors, with playlists, maps and the page; docs/data.md says how.)

# %%
frontend = LogMel()


def spectrum(path: str) -> np.ndarray:
    windows = read_windows(path, seconds=frontend.seconds, count=2, rate=frontend.rate)
    return frontend(windows.samples).mean(axis=(0, 2))


own = np.stack([spectrum(song.path) for song in songs])
mine = Space.from_vectors(own, [(song.artist, song.title) for song in songs])
nearest, distances = mine.neighbors(0, k=3)
[mine.ids[0], *(mine.ids[row] for row in nearest)]

# %%
result = report.evaluate({"mean spectrum": mine, "timbre": spaces["timbre"]}, known, seeds=2)
print("\\n".join(report.sentences(result)))

# %% [markdown]
# ## The poster's pictures
#
# The poster that songspace began with shows its embeddings in two dimensions by t-SNE, coloured by genre. These are
# two of the spaces above. `songspace poster FOLDER -o DIR` repeats its whole experiment on your music, with ALI and a
# report; that takes longer than a tutorial.

# %%
def picture(name: str) -> Image:
    points = maps.layout(spaces[name].vectors, seed=0)
    maps.draw_png(folder / f"{name}.png", points, songs, color="genre", title=f"{len(songs)} songs, {name}")
    return Image(folder / f"{name}.png", width=700)


picture("raw")

# %%
picture("timbre")
"""

if __name__ == "__main__":
    NOTEBOOK.write_text(notebook(), encoding="utf-8")
