"""What can be told apart at all: which labels a song's neighbours have, and what a classifier that is taught them gets.

    python bench/confusions.py HOME [--labels folder|genre|FILE.csv]

For each encoder that the library at HOME has learnt, two tables. Neighbours: of the ten nearest songs of other artists,
the share with each label. Taught: the answers of a linear classifier that is taught the labels of other artists
(logistic regression on song vectors, eight folds of artists): a bound of what these vectors know, not a score of the
space.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from songspace import Library
from songspace.categories import artist_codes
from songspace.evaluation import embeddings
from songspace.evaluation.labels import labels
from songspace.evaluation.neighbors import nearest


def show(title: str, names: list[str], shares: np.ndarray) -> None:
    print(f"\n{title}")
    print(" " * 14 + "".join(f"{name[:12]:>14}" for name in names))
    for name, row in zip(names, shares, strict=True):
        print(f"{name[:13]:14}" + "".join(f"{share:14.0%}" for share in row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home")
    parser.add_argument("--labels", default="folder")
    wanted = parser.parse_args()
    songs, spaces = embeddings.of_library(Library(wanted.home))
    found = labels(songs, wanted.labels)
    rows = np.array([row for row, value in enumerate(found.values) if value is not None])
    said = np.array([found.values[row] for row in rows])
    artists = artist_codes([found.artists[row] for row in rows], len(rows))
    names = sorted(set(said.tolist()))
    taught = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    for encoder, space in spaces.items():
        vectors = np.asarray(space.vectors)[rows]
        near = nearest(vectors, 10, apart=artists)
        neighbours = [[np.mean(said[near[said == one]] == other) for other in names] for one in names]
        show(f"{encoder}: neighbours", names, np.array(neighbours))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            answers = cross_val_predict(taught, vectors, said, groups=artists, cv=GroupKFold(8))
        shares = confusion_matrix(said, answers, labels=names, normalize="true")
        show(f"{encoder}: taught, {np.mean(answers == said):.0%} right", names, shares)


if __name__ == "__main__":
    main()
