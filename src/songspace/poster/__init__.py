"""The poster's experiment from end to end: data, embeddings, scores, pictures, report.

B. Ross and P. Ramakrishnan, "Determining Song Similarity Using Deep Unsupervised Learning", a poster of 2017, on any
folder of music whose genres are known: reproduced as it was, and set beside what it should be compared with.
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
    """Run the experiment and write ``report.html`` and ``report.json``; goes on where it was stopped.

    Parameters
    ----------
    folder : path
        Music, of two genres at least; nothing is written into it.
    output : path
        A folder for the report, and for what the experiment has worked out (``work``).
    labels : str, optional
        "genre" (the tags), "folder" (the names of the folders that hold the files) or a CSV file. By default the tags,
        where at least half of the songs have one and they distinguish two genres; otherwise the folders.
    per_genre : int, optional
        Songs of each genre; at most 1000 by default.
    segments : int
        Random segments of each song.
    steps, minutes : int and float, optional
        When the training of each trained encoder ends, whichever comes first; ten minutes where neither is given. Steps
        can be made again; minutes end where the machine happens to be, and the steps done are written down.
    size : {"small", "poster"}, optional
        ALI's networks: the poster's own where there is a GPU, small ones on a processor.
    exact : bool
        As on the poster: its size, 5,350 batches of 101 spectrograms for every rung, ten segments of a song, a thousand
        songs of a genre at most. ``steps``, ``minutes``, ``size`` and ``segments`` are ignored then. On a processor
        it takes days (:func:`songspace.poster.exact.speed` measures how many).
    subset : sequence of str, optional
        The genres of a second test. By default the poster's four (rock, indie rock, edm or electronic, classical),
        where all are there; otherwise the four of which most songs are there.
    between : str, optional
        "A,B,C": does C lie between A and B? By default jazz, rock and funk where they are there; otherwise the two
        genres farthest apart in hand-made statistics, and the one nearest the way between them.
    seed : int
        Of all that is random.
    seeds : int
        Clustering seeds that scores are means of.
    device : {"auto", "cpu", "cuda"}
    workers : int, optional
        Processes that decode.
    timeout : float
        Seconds after which a file is given up.

    Returns
    -------
    dict
        What ``report.json`` holds.

    Raises
    ------
    SongspaceError
        If the folder does not hold two genres of a few songs, the output cannot be written, or another run works in it.
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
