"""WAV, AIFF, FLAC, Ogg Vorbis and their relatives through libsndfile, which seeks in all of them exactly."""

from __future__ import annotations

from io import BufferedReader

import numpy as np
import soundfile

from songspace.audio._source import QuietFile, UndecodableError, check_rate

_BLOCK = 1 << 18  # values decoded at once, so that a file of 1,000 channels takes no more memory than one of two


class SoundfileSource:
    """A file as libsndfile sees it; see :class:`songspace.audio._source.Source`."""

    def __init__(self, file: BufferedReader) -> None:
        file.seek(0)
        self._file = soundfile.SoundFile(QuietFile(file))
        self.rate = check_rate(self._file.samplerate)
        self.frames = self._file.frames

    def read(self, start: int, stop: int) -> np.ndarray:
        out = np.empty(stop - start, np.float32)
        channels = self._file.channels
        # The plain mean, as everywhere here; samples.mean(axis=1) would take forty times as long.
        mean = np.full(channels, 1 / channels, np.float32)
        step = max(1, _BLOCK // channels)
        self._file.seek(start)
        for at in range(0, len(out), step):
            want = min(step, len(out) - at)
            block = self._file.read(want, dtype="float32", always_2d=True)
            if len(block) < want:
                raise UndecodableError("It ends before its header says that it does.")
            out[at : at + want] = block @ mean
        return out

    def close(self) -> None:
        self._file.close()
