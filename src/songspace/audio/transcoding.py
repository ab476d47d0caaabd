"""Transcoding in pieces while a file is sent: decoding, mixing to at most two channels, encoding.

It serves players that cannot play a format, and slow connections. FFmpeg decodes the whole file, from its first sample
to its last. Memory and the time to the first piece do not grow with the length of the song.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from io import BufferedReader
from itertools import chain, pairwise
from threading import Lock
from typing import Any, NamedTuple, cast

import av
import numpy as np

from songspace.audio._pyav import AvFile
from songspace.audio._source import UndecodableError, check_rate, decoding
from songspace.errors import AudioError
from songspace.formats import BY_EXTENSION, Format

PIECE = 16 * 1024
"""Bytes of a piece: a second or less."""

_STEPS = 100  # frames after which `more` returns, even without a piece
_MOST_CHANNELS = 64  # limit of FFmpeg's filters
_ARRANGED = 8  # the most channels with a defined order
_PREROLLS = 0.5, 5.0  # s that are decoded before the start, so that the decoder has settled


class Encoding(NamedTuple):
    """A format to encode in, and the settings of its encoder."""

    format: Format
    samples: str  # FFmpeg's name of their type
    rates: tuple[int, ...]
    rungs: tuple[int, ...]  # possible kilobits per second
    kilobits: int  # by default


_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_OPUS = (16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256)

# Integer samples, although the encoders take floats, too: LAME ends the program at a NaN.
ENCODINGS = {
    "mp3": Encoding(BY_EXTENSION[".mp3"], "s16p", (44_100, 48_000, 32_000), _MPEG1, 192),
    "opus": Encoding(BY_EXTENSION[".opus"], "s16", (48_000,), _OPUS, 128),
    "webm": Encoding(BY_EXTENSION[".weba"], "s16", (48_000,), _OPUS, 128),
}
"""Encodings by name. Opus is written in Ogg, for players, and in WebM, which older browsers play, too."""


class Transcoder:
    """A song encoded in another format, from a given second.

    Parameters
    ----------
    file : binary file
        A file that FFmpeg decodes; the caller closes it.
    format : str
        A key of ``ENCODINGS``.
    start : float
        Start in seconds.
    end : float, optional
        End in seconds, exact to the sample.
    kilobits : int, optional
        The most kilobits per second, but at least the lowest rate of the format.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> import soundfile
    >>> song, encoded = io.BytesIO(), io.BytesIO()
    >>> soundfile.write(song, 0.5 * np.sin(np.arange(80_000) / 10), 8000, format="WAV")
    >>> transcoder = Transcoder(song, "opus", start=4.0)
    >>> while (piece := transcoder.more()) is not None:
    ...     _ = encoded.write(piece)
    >>> _ = encoded.seek(0)
    >>> soundfile.info(encoded).duration
    6.0
    """

    def __init__(
        self,
        file: BufferedReader,
        format: str,
        *,
        start: float = 0.0,
        end: float | None = None,
        kilobits: int | None = None,
    ) -> None:
        self._reader, self._start, self._end = _FrameReader(file), start, math.inf if end is None else end
        self._encoding, self._kilobits = ENCODINGS[format], kilobits
        self._sink = _Sink()
        self._encoder: _Encoder | None = None
        self._work: Iterator[None] | None = self._steps()
        self._lock = Lock()

    def more(self) -> bytes | None:
        """Return the next bytes, which may be empty, or None after the end of the song; each call takes a moment.

        Damaged parts are left out; if nothing can be decoded after one, the song ends there.

        Raises
        ------
        AudioError
            If no sound can be decoded, or it ends before ``start``. It is raised instead of the first bytes, never
            later.
        """
        with self._lock:
            if self._work is None:
                return None
            try:
                with decoding():
                    for _ in range(_STEPS):
                        if len(self._sink.bytes) >= PIECE:
                            break
                        next(self._work)
            except StopIteration:
                self._close()
            except AudioError:
                if self._encoder is None or not self._encoder.count:
                    raise
                with suppress(AudioError), decoding():  # the bytes so far are complete
                    self._encoder.finish()
                self._close()
            return self._sink.take()

    def close(self) -> None:
        """Release decoder and encoder, after a running call of :meth:`more`."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._work = None
        self._reader.close()
        if self._encoder is not None:
            self._encoder.close()

    def _steps(self) -> Iterator[None]:
        """Decode and encode the song, one frame in each step."""
        for second, frame in self._reader.frames_from(self._start):
            late, left = self._start - second, (self._end - second) * frame.sample_rate
            if left < 0.5:
                break
            if late * frame.sample_rate < frame.samples:
                if self._encoder is None:
                    self._encoder = _Encoder(self._sink, self._encoding, frame, self._kilobits, max(0.0, late))
                self._encoder.put(frame if left >= frame.samples else _head(frame, round(left)))
            yield
        if self._encoder is not None:
            self._encoder.finish()
        if self._encoder is None or not self._encoder.count:
            reason = f"It ends before second {self._start:g}." if self._start else "It holds no sound."
            raise UndecodableError(reason)


def _head(frame: Any, samples: int) -> Any:
    """Return the first samples of a frame."""
    values = frame.to_ndarray()[:, : samples * (1 if frame.format.is_planar else frame.layout.nb_channels)]
    head = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), frame.format.name, frame.layout.name)
    head.sample_rate = frame.sample_rate
    return head


class _FrameReader(AvFile):
    """Decoded frames of a file from a given second."""

    def frames_from(self, start: float) -> Iterator[tuple[float, Any]]:
        """Yield the start of each frame in seconds, and the frame; the first one begins at ``start`` or before."""
        self._open()
        if start > 0 and (sought := self._sought(start)) is not None:
            second, frames = sought
        else:
            self._open()
            second, frames = 0.0, self._decode()
        for frame in frames:
            yield second, frame
            second += frame.samples / check_rate(frame.sample_rate)

    def _sought(self, start: float) -> tuple[float, Iterator[Any]] | None:
        """Seek; return the start of the first frame in seconds and the frames, or None if that is unknown."""
        frames = self._decode()
        first, second = next(frames, None), next(frames, None)
        # The timestamp of the first frame is wrong if the delay of the encoder is missing in it.
        if first is None or second is None or second.pts is None:
            return None
        origin = second.time - first.samples / check_rate(first.sample_rate)
        for seconds in _PREROLLS:
            if start <= seconds:
                return None
            try:
                timestamp = int((start - seconds + origin) / self._stream.time_base)
                self._container.seek(timestamp, stream=self._stream)
            except (av.FFmpegError, OverflowError):
                return None
            frames = self._decode()
            first = next(frames, None)
            if first is not None and first.pts is not None and first.time - origin <= start:
                return first.time - origin, chain([first], frames)
        return None


class _Sink:
    """A buffer that an encoder writes to without seeking."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def write(self, data: bytes) -> int:
        self.bytes += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self.bytes)
        self.bytes.clear()
        return taken


class _Encoder:
    """Encoder of frames of any kind: to one channel if the first frame has one, otherwise to two."""

    def __init__(self, sink: _Sink, encoding: Encoding, first: Any, kilobits: int | None, skip: float) -> None:
        self._encoding, self._layout = encoding, "mono" if first.layout.nb_channels == 1 else "stereo"
        native = first.sample_rate
        simple = (rate for rate in encoding.rates if rate % native == 0 or native % rate == 0)
        self._rate = next(simple, encoding.rates[0])
        self._container = cast(Any, av.open(sink, "w", format=encoding.format.demuxers[0]))
        self._stream = self._container.add_stream(encoding.format.encoder, rate=self._rate, layout=self._layout)
        self._stream.codec_context.format = encoding.samples
        wanted, rungs = encoding.kilobits if kilobits is None else kilobits, encoding.rungs
        self._stream.bit_rate = 1000 * max((rung for rung in rungs if rung <= wanted), default=rungs[0])
        self._kind: tuple[object, ...] = ()
        self._graph: Any = None
        self._skip, self.count = skip, 0

    def put(self, frame: Any) -> None:
        """Encode a frame, which may be of another kind than the one before."""
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            self._flow(None)
            self._kind, self._graph = kind, self._converting(frame)
        frame.pts = None  # samples are counted, so that wrong timestamps do no harm
        self._flow(frame)

    def finish(self) -> None:
        """Encode the remaining samples, and end the file."""
        self._flow(None)
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def close(self) -> None:
        """Close the file, complete or not."""
        self._container.close()

    def _flow(self, frame: Any) -> None:
        if self._graph is None:
            return
        self._graph.push(frame)
        with suppress(av.BlockingIOError, av.EOFError):
            while True:
                converted = self._graph.pull()
                converted.pts, converted.time_base = self.count, Fraction(1, self._rate)
                self.count += converted.samples
                self._container.mux(self._stream.encode(converted))

    def _converting(self, frame: Any) -> Any:
        """Return a filter graph from frames of this kind to those of the encoder; the first graph skips samples."""
        count, rate = frame.layout.nb_channels, frame.sample_rate
        source = f"sample_rate={rate}:sample_fmt={frame.format.name}:time_base=1/{rate}"
        steps = [("abuffer", f"{source}:channel_layout={frame.layout.name}")]
        if skipped := round(self._skip * rate):
            steps.append(("atrim", f"start_sample={skipped}"))
            self._skip = 0.0
        if count > _MOST_CHANNELS:
            raise UndecodableError(f"It has {count} channels, which are too many to mix.")
        if count > _ARRANGED:
            even, odd = ("+".join(f"c{number}" for number in range(side, count, 2)) for side in (0, 1))
            steps.append(("pan", f"stereo|c0<{even}|c1<{odd}"))
        wanted = f"sample_fmts={self._encoding.samples}:sample_rates={self._rate}:channel_layouts={self._layout}"
        steps += [("aformat", wanted), ("abuffersink", "")]
        graph = av.filter.Graph()
        filters = [graph.add(name, arguments or None) for name, arguments in steps]
        for one, next_one in pairwise(filters):
            one.link_to(next_one)
        graph.configure()
        return graph
