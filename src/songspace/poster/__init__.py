"""The poster's experiment from end to end: data, embeddings, scores, pictures, report.

B. Ross and P. Ramakrishnan, "Determining Song Similarity Using Deep Unsupervised Learning", a poster of 2017. It is
reproduced on any folder of music with known genres, and compared with baselines and newer methods.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songspace.reporter import Reporter

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run"]

MINUTES = 10.0
"""Minutes of training for each trained encoder, by default."""


def run(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    labels: str | None = None,
    per_genre: int | None = None,
    segments: int = 10,
    steps: int | None = None,
    minutes: float | None = None,
    size: str | None = None,
    exact: bool = False,
    subset: Sequence[str] | None = None,
    between: str | None = None,
    seed: int = 0,
    seeds: int = 5,
    device: str = "auto",
    workers: int | None = None,
    timeout: float = 60.0,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Run the experiment, or resume it, and write ``report.html`` and ``report.json``.

    Parameters
    ----------
    folder : path
        Music of at least two genres; nothing is written into it.
    output : path
        Folder for the report, and for intermediate results (``work``).
    labels : str, optional
        "genre" (the tags), "folder" (the names of the files' folders) or a CSV file. By default the tags, if at least
        half of the songs have one and there are two different genres; otherwise the folders.
    per_genre : int, optional
        Songs of each genre; at most 1000 by default.
    segments : int
        Number of random segments of each song.
    steps, minutes : int and float, optional
        Limits of the training of each trained encoder; the first one that is reached ends it. By default ten minutes. A
        number of steps can be repeated; after minutes, the number of steps depends on the machine, and is recorded.
    size : {"small", "poster"}, optional
        ALI's networks: by default the poster's on a GPU, small ones on a processor.
    exact : bool
        Use the poster's settings: its networks, 5,350 batches of 101 spectrograms for each rung, ten segments of a
        song, at most a thousand songs of a genre. ``steps``, ``minutes``, ``size`` and ``segments`` are then ignored.
        On a processor it takes days (measured by :func:`songspace.poster.exact.speed`).
    subset : sequence of str, optional
        Genres of a second test. By default the poster's four (rock, indie rock, edm or electronic, classical), if all
        of them exist; otherwise the four with most songs.
    between : str, optional
        "A,B,C": does C lie between A and B? By default jazz, rock and funk, if they exist; otherwise the two genres
        farthest apart in hand-made statistics, and the one nearest to the way between them.
    seed : int
        Seed of all that is random.
    seeds : int
        Number of clustering seeds; scores are means over them.
    device : {"auto", "cpu", "cuda"}
        Device for training and encoding.
    workers : int, optional
        Number of decoding processes.
    timeout : float
        Seconds after which a file is given up.

    Returns
    -------
    dict
        The contents of ``report.json``.

    Raises
    ------
    SongspaceError
        If the folder has not two genres with a few songs, the output cannot be written, or another run works in it.
    ValueError
        If a parameter is out of its range.
    """
    from songspace.poster.experiment import ExperimentSettings, run_experiment

    batch = None
    if exact:
        from songspace.poster.exact import BATCH, SEGMENTS, SIZE, STEPS

        segments, steps, minutes, size, batch = SEGMENTS, STEPS, None, SIZE, BATCH
    elif steps is None and minutes is None:
        minutes = MINUTES
    settings = ExperimentSettings(
        labels=labels,
        per_genre=per_genre,
        segments=segments,
        steps=steps,
        minutes=minutes,
        size=size,
        batch=batch,
        exact=exact,
        subset=tuple(subset) if subset else None,
        between=between,
        seed=seed,
        seeds=seeds,
    )
    return run_experiment(
        folder, Path(output), settings, device=device, workers=workers, timeout=timeout, reporter=reporter or Reporter()
    )
