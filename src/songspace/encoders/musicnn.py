"""MusiCNN's ear: a network that learnt tags of 200,000 songs, as an encoder. `songspace ears` gets its weights."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from songspace.encoders import PIPELINE
from songspace.encoders.base import check_spectrograms
from songspace.encoders.ears import MUSICNN
from songspace.encoders.musicnn_network import Network
from songspace.encoders.pretrained import Pretrained
from songspace.errors import SongspaceError
from songspace.frontends import MelSpectrogram

TAGS = (
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock"),
    *("jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "Mellow"),
    *("electronica", "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient"),
    *("acoustic", "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening"),
    *("sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad"),
    *("House", "happy"),
)
"""As Last.fm's listeners wrote them, in the order of the network's outputs."""


class MusiCNN(Pretrained):
    """The last layer but one of MusiCNN, 200 numbers of three seconds of sound.

    Attributes
    ----------
    checksum_ : str
        Of the weights.

    References
    ----------
    .. [1] J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging",
       arXiv 1909.06654.
    """

    name: ClassVar[str] = "musicnn"
    batch_rows: ClassVar[int] = 10
    seconds_to_encode: ClassVar[float] = 0.2
    words: ClassVar[tuple[str, ...]] = TAGS

    network_: Network

    def get_frontend(self) -> MelSpectrogram:
        return MelSpectrogram(
            rate=16000, seconds=3.0, n_fft=512, hop=256, n_mels=96, log="log10", scale=10000, offset=1, frames=187
        )

    def fit(self, X: Any = None, y: None = None, *, groups: Any = None) -> Self:
        """Open the weights.

        Parameters
        ----------
        X : array of shape (n, 96, 187), optional
            Only its shape is looked at.
        y, groups
            Not used.

        Raises
        ------
        SongspaceError
            If they were never got, or are damaged.
        """
        self.shape_ = self.get_frontend().shape
        self.n_features_in_ = self.shape_[0] * self.shape_[1]
        if X is not None and tuple(check_spectrograms(X).shape[1:]) != self.shape_:
            raise ValueError(f"X has spectrograms of {X.shape[1:]}, but MusiCNN takes {self.shape_}")
        self.network_ = Network(MUSICNN.open())
        self.checksum_ = MUSICNN.checksum
        return self

    def likeness(self, kept: np.ndarray) -> np.ndarray:
        """The tags before their sigmoid: (n, 50)."""
        check_is_fitted(self)
        return self.network_.logits(kept)

    def _own(self, batch: np.ndarray) -> np.ndarray:
        # Each patch has one thread: the products of matrices are too small for several.
        with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            pooled = np.stack(list(pool.map(self.network_.pooled, batch)))
        return np.concatenate([self.network_.penultimate(each[None]) for each in pooled])

    def _description(self) -> dict[str, Any]:
        weights = {"weights": self.checksum_}
        return {"encoder": self.name, "pipeline": PIPELINE, "shape": list(self.shape_), "params": {}} | weights

    def _restore_files(self, folder: Path, description: dict[str, Any], *, check: bool) -> None:
        self.fit()
        if description["weights"] != self.checksum_:
            raise SongspaceError("This library was heard with other weights of MusiCNN: learn again.")
