"""Transcoding in pieces while a file is sent: decoding, mixing to at most two channels, encoding.

It serves players that cannot play a format, and slow connections. FFmpeg decodes the whole file, from its first sample
to its last. Memory and the time to the first piece do not grow with the length of the song.

The bytes of an MP3 of constant bit rate can be counted before it is encoded, and encoding can begin anywhere in it: see
:class:`Frames`.
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

_FINE = frozenset({"s32", "s32p", "flt", "dbl", "dblp"})  # types of lossless samples of more than 16 bits
_STEPS = 100  # frames after which `more` returns, even without a piece
_MOST_CHANNELS = 64  # limit of FFmpeg's filters
_ARRANGED = 8  # the most channels with a defined order
_SILENCE = 4096  # samples
_PREROLLS = 0.5, 5.0  # s that are decoded before the start, so that the decoder has settled


class Encoding(NamedTuple):
    """A format to encode in, and the settings of its encoder."""

    format: Format
    samples: str  # FFmpeg's name of their type
    rates: tuple[int, ...]  # none: any
    rungs: tuple[int, ...]  # possible kilobits per second; none: as many as it takes
    kilobits: int  # by default
    fine: str = ""  # the type of samples of more than 16 bits, where it has another


_MPEG1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_OPUS = (16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256)

# Integer samples, although the encoders take floats, too: LAME ends the program at a NaN.
ENCODINGS = {
    "mp3": Encoding(BY_EXTENSION[".mp3"], "s16p", (44_100, 48_000, 32_000), _MPEG1, 192),
    "opus": Encoding(BY_EXTENSION[".opus"], "s16", (48_000,), _OPUS, 128),
    "webm": Encoding(BY_EXTENSION[".weba"], "s16", (48_000,), _OPUS, 128),
    "flac": Encoding(BY_EXTENSION[".flac"], "s16", (), (), 0, fine="s32"),
}
"""Encodings by name.

Opus is written in Ogg, for players, and in WebM, which older browsers play, too. FLAC keeps the rate, and 24 bits where
there are more than 16.
"""


def _rung(encoding: Encoding, kilobits: int | None) -> int:
    """Return the largest possible rate of a format that is not above ``kilobits``, or else the smallest; 0 for any."""
    wanted = encoding.kilobits if kilobits is None else kilobits
    return max((rung for rung in encoding.rungs if rung <= wanted), default=min(encoding.rungs, default=0))


def _rate(encoding: Encoding, native: int) -> int:
    """Return the sampling rate in which a sound is encoded."""
    rates = encoding.rates or (native,)
    return next((rate for rate in rates if rate % native == 0 or native % rate == 0), rates[0])


class Frames:
    """The frames of an MP3 of constant bit rate, as LAME writes them.

    A frame holds 1,152 samples, and has one byte more or less than its neighbours, so that the rate is exact in the
    end. LAME adds one frame, for the delay of its filters. What a frame holds depends a little on all samples before
    it, so that two encoders that begin at different samples write different bytes for it; but they write as many, with
    the same header, and both are of the same sound.

    Parameters
    ----------
    rate : int
        Samples per second.
    kilobits : int
        Kilobits per second.
    seconds : float
        Duration of the song.

    Examples
    --------
    >>> frames = Frames(44_100, 192, 60.0)
    >>> frames.count, frames.place(1), frames.place(2), frames.size
    (2298, 626, 1253, 1440705)
    """

    SAMPLES = 1152
    BLOCK = 49
    """Number of frames that have the same number of bytes together wherever they begin, at all rates."""

    def __init__(self, rate: int, kilobits: int, seconds: float) -> None:
        self.rate, self.samples = rate, max(1, round(seconds * rate))
        self.count = -(-self.samples // self.SAMPLES) + 1
        self._bytes, self._rest = divmod(self.SAMPLES // 8 * 1000 * kilobits, rate)

    def place(self, frames: int) -> int:
        """Return the number of bytes of the first frames."""
        return frames * self._bytes + (-(-(frames - 1) * self._rest // self.rate) if frames else 0)

    @property
    def size(self) -> int:
        """Number of bytes of all frames."""
        return self.place(self.count)

    def before(self, byte: int) -> int:
        """Return the frame at which to begin encoding for the bytes from ``byte`` on.

        It begins a block, and lies at least a block before, so that the encoder has settled.
        """
        return max(0, byte // self.place(self.BLOCK) - 1) * self.BLOCK


def frames_of(file: BufferedReader, format: str, seconds: float, *, kilobits: int | None = None) -> Frames | None:
    """Return the frames of a song that is encoded at a constant bit rate; None for other formats.

    Raises
    ------
    AudioError
        If no sound can be decoded.
    """
    if format != "mp3":
        return None
    encoding, reader = ENCODINGS[format], _FrameReader(file)
    try:
        with decoding():
            return Frames(_rate(encoding, reader.native_rate()), _rung(encoding, kilobits), seconds)
    finally:
        reader.close()


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
    frames : Frames, optional
        The frames of the song from ``start`` on, by :func:`frames_of`. It becomes exactly as long as they say: a longer
        one is cut off, and a shorter one ends in silence.
    begin, length : int
        With ``frames``: the part of their bytes that is encoded.

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
        frames: Frames | None = None,
        begin: int = 0,
        length: int | None = None,
    ) -> None:
        self._frames, first = frames, 0 if frames is None else frames.before(begin)
        self._dropped, self._left, self._samples = 0, length, None
        if frames is not None:
            self._dropped, self._left = begin - frames.place(first), frames.size - begin if length is None else length
            self._samples = frames.samples - first * frames.SAMPLES
            start += first * frames.SAMPLES / frames.rate
        self._goes_on = first > 0  # there was sound before
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
            return self._cut(self._encoded())

    def _cut(self, data: bytes) -> bytes:
        """Return the bytes of the part that is asked for."""
        if self._left is None:
            return data
        dropped = min(self._dropped, len(data))
        self._dropped -= dropped
        data = data[dropped : dropped + self._left]
        if self._work is None:  # it has as many bytes as were told, even if the encoder should ever write fewer
            data += bytes(self._left - len(data))
        self._left -= len(data)
        if not self._left:
            self._close()
        return data

    def _encoded(self) -> bytes:
        try:
            with decoding():
                for _ in range(_STEPS):
                    if len(self._sink.bytes) >= PIECE:
                        break
                    next(self._work or iter(()))
        except StopIteration:
            self._close()
        except AudioError:
            if self._encoder is None or not self._encoder.count:
                raise
            with suppress(AudioError), decoding():  # the bytes so far are complete
                self._encoder.finish()
            self._close()
        return self._sink.take()

    @property
    def is_short(self) -> bool:
        """True if not all bytes were returned that were told."""
        return bool(self._left)

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
            if left < 0.5 or (self._encoder is not None and self._encoder.is_full):
                break
            if late * frame.sample_rate < frame.samples:
                if self._encoder is None:
                    layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
                    fine = frame.format.name in _FINE
                    self._encoder = self._begun(layout, frame.sample_rate, max(0.0, late), fine=fine)
                self._encoder.put(frame if left >= frame.samples else _head(frame, round(left)))
            yield
        if self._encoder is None and self._goes_on:
            self._encoder = self._begun("stereo")
        if self._encoder is not None:
            self._encoder.flush()
            while (self._encoder.count or self._goes_on) and self._encoder.put_silence():
                yield
            self._encoder.finish()
        if self._encoder is None or not self._encoder.count:
            reason = f"It ends before second {self._start:g}." if self._start else "It holds no sound."
            raise UndecodableError(reason)

    def _begun(self, layout: str, native: int = 0, skip: float = 0.0, *, fine: bool = False) -> _Encoder:
        rate = _rate(self._encoding, native) if self._frames is None else self._frames.rate
        kilobits, encoding = _rung(self._encoding, self._kilobits), self._encoding
        encoding = encoding._replace(samples=encoding.fine) if fine and encoding.fine else encoding
        return _Encoder(self._sink, encoding, rate, layout, kilobits, skip, self._samples)


def _head(frame: Any, samples: int) -> Any:
    """Return the first samples of a frame."""
    values = frame.to_ndarray()[:, : samples * (1 if frame.format.is_planar else frame.layout.nb_channels)]
    head = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), frame.format.name, frame.layout.name)
    head.sample_rate = frame.sample_rate
    return head


class _FrameReader(AvFile):
    """Decoded frames of a file from a given second."""

    def native_rate(self) -> int:
        """Return the sampling rate of the first frame."""
        self._open()
        first = next(self._decode(), None)
        if first is None:
            raise UndecodableError("It holds no sound.")
        return int(check_rate(first.sample_rate))

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

    def __init__(
        self,
        sink: _Sink,
        encoding: Encoding,
        rate: int,
        layout: str,
        kilobits: int,
        skip: float,
        samples: int | None,
    ) -> None:
        self._encoding, self._rate, self._layout = encoding, rate, layout
        # Frames alone: no tag before them.
        options = {"id3v2_version": "0", "write_xing": "0"} if encoding.format.encoder == "libmp3lame" else {}
        self._container = cast(Any, av.open(sink, "w", format=encoding.format.demuxers[0], options=options))
        self._stream = self._container.add_stream(encoding.format.encoder, rate=rate, layout=layout)
        self._stream.codec_context.format = encoding.samples
        if kilobits:
            self._stream.bit_rate = 1000 * kilobits
        self._kind: tuple[object, ...] = ()
        self._graph: Any = None
        self._skip, self._samples, self.count = skip, samples, 0

    @property
    def is_full(self) -> bool:
        """True if all samples that it may have are encoded."""
        return self._samples is not None and self.count >= self._samples

    def put(self, frame: Any) -> None:
        """Encode a frame, which may be of another kind than the one before."""
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            self._flow(None)
            self._kind, self._graph = kind, self._converting(frame)
        frame.pts = None  # samples are counted, so that wrong timestamps do no harm
        self._flow(frame)

    def put_silence(self) -> bool:
        """Encode a little silence, if samples are missing; return True if there was room for it."""
        if self._samples is None or self.is_full:
            return False
        count = min(_SILENCE, self._samples - self.count)
        silence = av.AudioFrame(self._encoding.samples, self._layout, count)
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        silence.sample_rate = self._rate
        self._encode(silence)
        return True

    def flush(self) -> None:
        """Encode what the filters hold back."""
        self._flow(None)
        self._graph, self._kind = None, ()

    def finish(self) -> None:
        """Encode the remaining samples, and end the file."""
        self.flush()
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
                self._encode(self._graph.pull())

    def _encode(self, frame: Any) -> None:
        left = frame.samples if self._samples is None else self._samples - self.count
        if left <= 0:
            return
        if left < frame.samples:
            frame = _head(frame, left)
        frame.pts, frame.time_base = self.count, Fraction(1, self._rate)
        self.count += frame.samples
        self._container.mux(self._stream.encode(frame))

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
