"""The embeddings that are compared: vectors of segments, from plain spectrograms to learnt ones.

Each embedding learns once, from the training set, and is stored. Two are exceptions, as on the poster: the raw
spectrogram learns nothing, and PCA as coded then is fitted to the scored items themselves.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from songspace import __version__, encoders, frontends
from songspace.encoders import PIPELINE
from songspace.encoders.ali import POSTER_STEPS
from songspace.encoders.base import Encoder
from songspace.encoders.registry import BY_HAND, UNTRAINED
from songspace.errors import SongspaceError
from songspace.poster.data import Data
from songspace.poster.segments import DECIBELS, MEL, POWER
from songspace.poster.store import Store, digest
from songspace.reporter import Reporter

COMPONENTS = 64
"""Components of PCA, as on the poster."""

AS_MANY_UPDATES = POSTER_STEPS * 4 // 5
"""Batches from which the poster's encoder learnt; that of ALI done right learns from all of its batches."""

LEAST_OF_LEARN = 1500
"""Fewest steps of the contrastive encoder in ``songspace learn``."""


@dataclass(frozen=True)
class Training:
    """Settings of all trained encoders."""

    steps: int | None
    minutes: float | None
    size: str
    seed: int
    device: str
    batch: int | None = None
    """Spectrograms in a batch of ALI; None for its default."""

    def limits(self) -> dict[str, Any]:
        """Return the common parameters of all trained encoders."""
        return {"steps": self.steps, "minutes": self.minutes, "random_state": self.seed, "device": self.device}


@dataclass(frozen=True)
class EmbeddingKind:
    """A kind of embedding: its name, a description, its encoder, and the set that it is fitted to.

    A trained one is not judged after fewer steps than ``enough``.
    """

    key: str
    name: str
    what: str
    make: Callable[[Training], Encoder]
    fitted: str = "training"
    trained: bool = False
    enough: int = 0


def _ali(rung: str, **others: Any) -> Callable[[Training], Encoder]:
    def make(plan: Training) -> Encoder:
        from songspace.encoders.ali import ALI, RUNGS

        batch = {} if plan.batch is None else {"batch_size": plan.batch}
        return ALI(**RUNGS[rung] | batch | others, size=plan.size, **plan.limits())

    return make


KINDS = (
    EmbeddingKind(
        "raw",
        "raw spectrogram",
        "The poster's baseline, scored at last: all 110,510 numbers of the power spectrogram.",
        lambda plan: encoders.Raw(frontend=POWER),
        fitted="nothing",
    ),
    EmbeddingKind(
        "pca_then",
        "PCA-64 as coded then",
        "Plain power, every pixel scaled to unit variance, fitted on the very items that are scored.",
        lambda plan: encoders.PCA(COMPONENTS, scale=True, frontend=POWER, random_state=plan.seed),
        fitted="scored",
    ),
    EmbeddingKind(
        "pca",
        "PCA-64 of log power",
        "As it should be: power in decibels, fitted on the training set.",
        lambda plan: encoders.PCA(COMPONENTS, frontend=DECIBELS, random_state=plan.seed),
    ),
    EmbeddingKind(
        UNTRAINED,
        "random network",
        "The contrastive encoder's network with random weights: what every trained one must beat.",
        lambda plan: encoders.RandomConv(frontend=MEL, random_state=plan.seed),
    ),
    EmbeddingKind(
        BY_HAND,
        "hand-made statistics",
        "124 descriptors of timbre and rhythm from the literature, standardised on the training set.",
        lambda plan: encoders.Timbre(frontend=MEL),
    ),
    EmbeddingKind(
        "linear",
        "linear, from songs",
        "What songspace answers with at once, taught by sound alone as all are here: more hand-made statistics under "
        "linear discriminants with songs as classes; in other words, contrastive without a network.",
        lambda plan: encoders.Linear(frontend=MEL),
    ),
    EmbeddingKind(
        "ali_random",
        "ALI with random weights",
        "The first rung: the encoder of ALI done right as it is drawn, with nothing learnt.",
        _ali("random weights"),
    ),
    EmbeddingKind(
        "ali_drawn",
        "ALI of history, untrained",
        "The encoder of the two rungs that follow as it is drawn: what they must be compared with.",
        _ali("as described", trained="none"),
    ),
    EmbeddingKind(
        "ali_run",
        "ALI as their code ran",
        "The second rung: the decoder is never trained, Adam's second decay is 0.001, every fifth batch is the "
        "discriminator's alone, on plain power.",
        _ali("as run"),
        trained=True,
        enough=POSTER_STEPS,
    ),
    EmbeddingKind(
        "ali_described",
        "ALI as their report says",
        "The third rung: all three networks are trained, and Adam's second decay is the usual one.",
        _ali("as described"),
        trained=True,
        enough=POSTER_STEPS,
    ),
    EmbeddingKind(
        "ali_right",
        "ALI done right",
        "The fourth rung: decibels, a discriminator kept in bounds, a cycle term, fading noise, averaged weights.",
        _ali("done right"),
        trained=True,
        enough=AS_MANY_UPDATES,
    ),
    EmbeddingKind(
        "contrastive",
        "contrastive",
        "Two segments of one song belong together; hand-made statistics stand beside what the network learnt, under "
        "the same discriminants.",
        lambda plan: encoders.Contrastive(**plan.limits()),
        trained=True,
        enough=LEAST_OF_LEARN,
    ),
    EmbeddingKind(
        "contrastive_untrained",
        "contrastive, untrained",
        "The same with its network as it is drawn: what training must be compared with.",
        lambda plan: encoders.Contrastive(**plan.limits()).controls()["untrained"],
    ),
)
BY_KEY = {kind.key: kind for kind in KINDS}


@dataclass
class Embedding:
    """An embedding of the experiment's segments.

    Attributes
    ----------
    kind : Kind
    key : str
        Digest of all that the vectors depend on.
    facts : dict
        For a trained one: ``steps``, ``seconds``, ``history``, ``verdict``; ``failed``, a sentence, if it diverged.
    """

    kind: EmbeddingKind
    key: str
    facts: dict[str, Any] = field(default_factory=dict)
    _encoder: Encoder | None = None
    _vectors: np.ndarray | None = None
    _where: np.ndarray | None = None
    """The row in ``_vectors`` of each segment; -1 if it has none."""

    @property
    def judged(self) -> bool:
        """True if it may be judged: a trained one needs enough steps."""
        return not self.kind.trained or self.facts.get("steps", 0) >= self.kind.enough

    def encoding(self, data: Data, rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function that encodes segments; ``rows`` are all rows that are scored together."""
        if self._vectors is not None and self._where is not None:
            vectors, where = self._vectors, self._where
            return lambda some: vectors[where[some]]
        encoder = self._encoder
        assert encoder is not None
        encoder.fit(data.spectrograms(encoder.get_frontend(), rows))
        return lambda some: encoder.transform(data.spectrograms(encoder.get_frontend(), some))


def learn(
    kind: EmbeddingKind,
    data: Data,
    training: np.ndarray,
    wanted: np.ndarray,
    store: Store,
    plan: Training,
    reporter: Reporter,
) -> Embedding:
    """Fit an embedding to the ``training`` rows and encode the ``wanted`` ones, unless both are stored."""
    encoder = kind.make(plan)
    rows = training.tolist() if kind.fitted == "training" else []
    key = digest(kind.key, _parameters(encoder), data.key, rows, PIPELINE, __version__)
    if kind.fitted != "training":
        return Embedding(kind, key, _encoder=encoder)
    facts: dict[str, Any] = {}
    if kind.trained:
        facts, encoder = _trained(kind, encoder, key, data, training, store, reporter)
        if "failed" in facts:
            return Embedding(kind, key, facts)

    def encode() -> dict[str, np.ndarray]:
        fitted = encoder
        if not kind.trained:
            reporter.progress("fitting", 0, 1, kind.name)
            fitted.fit(data.spectrograms(fitted.get_frontend(), training), groups=data.songs[training])
            reporter.progress("fitting", 1, 1, kind.name)
        return {"vectors": fitted.transform(data.spectrograms(fitted.get_frontend(), wanted))}

    vectors = store.arrays(f"vectors-{kind.key}", digest(key, wanted.tolist()), encode)["vectors"]
    where = np.full(len(data.songs), -1)
    where[wanted] = np.arange(len(wanted))
    return Embedding(kind, key, facts, encoder, vectors, where)


def _parameters(encoder: Encoder) -> dict[str, Any]:
    """Return the parameters of an encoder without the device, which does not change the vectors."""
    given = {name: value for name, value in encoder.get_params(deep=False).items() if name != "device"}
    return given | {"frontend": frontends.describe(encoder.get_frontend())}


def _trained(
    kind: EmbeddingKind, encoder: Encoder, key: str, data: Data, training: np.ndarray, store: Store, reporter: Reporter
) -> tuple[dict[str, Any], Encoder]:
    """Train an encoder, or load the one that was trained before."""
    folder, checkpoint = store.folder / "encoders" / kind.key, store.folder / "encoders" / f"{kind.key}.checkpoint"

    def train() -> dict[str, Any]:
        reporter.say(f"Training: {kind.name}.")
        started = time.monotonic()
        steps, seconds = 0, 0.0

        def show(progress: Any) -> None:
            nonlocal steps, seconds
            steps, seconds = progress.step, progress.seconds
            _show(reporter, kind.name, progress)

        X = data.spectrograms(encoder.get_frontend(), training)
        try:
            encoder.fit(X, groups=data.songs[training], checkpoint=checkpoint, on_progress=show)
        except SongspaceError as error:
            # A rung that diverges is a finding; the others can still be scored.
            reporter.say(f"{kind.name}: {error}")
            return {"failed": str(error)}
        history = getattr(encoder, "history_", {})
        encoder.save(folder)
        return {
            # A run that was killed after its last step reports no steps when it is resumed.
            "steps": steps or int(max(*history.get("step", [0]), *history.get("watched", [0]))),
            "seconds": round(seconds or time.monotonic() - started, 1),
            "history": history,
            "verdict": getattr(encoder, "verdict_", ""),
            "fingerprint": encoder.fingerprint_,
        }

    facts = store.facts(f"encoder-{kind.key}", key, train)
    if "failed" in facts:
        return facts, encoder
    try:
        opened = encoders.load(folder)
        whole = opened.fingerprint_ == facts["fingerprint"]
    except SongspaceError:
        whole = False
    if not whole:  # it was deleted or damaged: train again
        shutil.rmtree(folder, ignore_errors=True)
        store.forget(f"encoder-{kind.key}")
        facts = store.facts(f"encoder-{kind.key}", key, train)
        opened = encoders.load(folder)
    checkpoint.unlink(missing_ok=True)
    opened.set_params(device=encoder.get_params()["device"])
    return facts, opened


def _show(reporter: Reporter, name: str, progress: Any) -> None:
    """Report the progress of a training; if only time limits it, the number of steps is an estimate."""
    losses = "  ".join(f"{loss} {value:.3f}" for loss, value in progress.losses.items())
    speed = f"{progress.segments_per_second:.0f} segments/s"
    reporter.progress(name, progress.step, progress.total, f"{losses}  {speed}  {progress.remaining:.0f} s left")
    if getattr(progress, "note", ""):
        reporter.say(f"{name}: {progress.note}")
