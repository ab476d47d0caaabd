"""Other formats through FFmpeg: M4A, WMA, WavPack, Opus, raw AAC, and damaged files.

The position of a frame follows from its timestamp. The unit of timestamps is a sample in MP4 and Ogg, and a millisecond
in ASF and Matroska. Coarse timestamps are rounded to whole frames if all frames have one length; otherwise the song is
decoded from its first sample, in constant memory. The length in the header is not trusted: the end of the file is read.

One thing is not exact after seeking: AAC may fill bands with noise from a random generator that has run since the first
frame. That noise differs between decoders, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from io import BufferedReader
from itertools import accumulate, chain, islice, takewhile
from typing import Any, NamedTuple

import av
import numpy as np

from songspace.audio._source import QuietFile, UndecodableError, check_rate, gather
from songspace.formats import FORMATS, OTHER_DEMUXERS

_DEMUXERS = ",".join({*OTHER_DEMUXERS, *(name for format in FORMATS for name in format.demuxers)})
_PREROLLS = 0.5, 5.0  # s; after the first, the effect of earlier sound in Opus is a millionth
_SHORTEST = 1.0  # s: the least sound of a damaged file
_SAMPLES: dict[str, tuple[type, int]] = {
    "u8": (np.uint8, 1 << 7),
    "s16": (np.int16, 1 << 15),
    "s32": (np.int32, 1 << 31),
    "s64": (np.int64, 1 << 63),
    "flt": (np.float32, 1),
    "dbl": (np.float64, 1),
}
STUMBLES = 64
"""The most errors after which reading of a damaged container goes on."""


class AvFile:
    """A file that FFmpeg can open, and the frames of its first audio stream; the caller closes the file."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._container: Any = None
        self._damaged = False

    def close(self) -> None:
        """Release the decoder."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _open(self) -> None:
        """Open the file at its beginning, with a new decoder.

        Raises
        ------
        UndecodableError
            If it has no sound, or no decoder for it.
        """
        self.close()
        self._file.seek(0)
        self._container = av.open(
            QuietFile(self._file), options={"format_whitelist": _DEMUXERS}, metadata_errors="ignore"
        )
        if not self._container.streams.audio:
            raise UndecodableError("It holds no sound.")
        self._stream = self._container.streams.audio[0]
        if self._stream.codec_context is None:
            raise UndecodableError("It is damaged, or of a kind that no decoder here knows.")
        self._stream.codec_context.thread_count = 1  # several songs are decoded at the same time

    def _packets(self) -> Iterator[Any]:
        """Yield the following packets; damaged parts are skipped."""
        for _ in range(STUMBLES):
            try:
                yield from self._container.demux(self._stream)
                return
            except av.FFmpegError:
                self._damaged = True

    def _decode(self) -> Iterator[Any]:
        """Yield the following frames; damaged parts are skipped."""
        for packet in self._packets():
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self._damaged = True


class AvSource(AvFile):
    """A file that FFmpeg can open; see :class:`songspace.audio._source.Source`."""

    def __init__(self, file: BufferedReader) -> None:
        super().__init__(file)
        self._blocks: Iterator[tuple[int, np.ndarray]] = iter(())
        self._open()
        # The clock is read from undamaged frames: those before the first damage, or else those after it.
        whole = takewhile(lambda _: not self._damaged, self._decode())
        frames = list(islice(whole, 32)) or list(islice(self._decode(), 32))
        if not frames:
            raise UndecodableError("It is damaged, or it is not a sound file.")
        self.rate = check_rate(frames[0].sample_rate)
        self._clock = _read_clock(frames, float(self._stream.time_base * self.rate))
        self.frames = self._find_end()
        if self._damaged and self.frames < _SHORTEST * self.rate:
            raise UndecodableError("It is damaged: less than a second of it can be decoded.")

    def read(self, start: int, stop: int) -> np.ndarray:
        self._go_to(start)
        return gather(self._blocks, start, stop)

    def _open(self) -> None:
        super()._open()
        self._at = 0  # end of the sound that was decoded last

    def _sound(self, expected: int | None) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the position of each decoded block and its mono samples; the first one at ``expected``."""
        for frame in self._decode():
            if frame.sample_rate != self.rate:
                raise UndecodableError("Its sampling rate changes on the way.")
            position = expected
            if frame.pts is not None and self._clock is not None:
                position = self._clock.position(frame.pts, expected)
            if position is not None:
                expected = self._at = position + frame.samples
                yield position, mono(frame)

    def _go_to(self, start: int) -> None:
        """Set ``_blocks`` to the sound from ``start`` or slightly earlier."""
        if self._clock is None and 0 < self._at <= start:
            return
        for seconds in _PREROLLS:
            early = start - int(seconds * self.rate)
            if early <= 0 or not self._seek(early):
                break
            blocks = self._sound(expected=None)
            first = next(blocks, None)
            if first is not None and first[0] <= start:
                self._blocks = chain([first], blocks)
                return
        # A new decoder is needed: after seeking back to the beginning, an old one would play its delay.
        self._open()
        self._blocks = self._sound(expected=0)

    def _seek(self, position: int) -> bool:
        if self._clock is None:
            return False
        try:
            self._container.seek(self._clock.timestamp(position), stream=self._stream)
        except (av.FFmpegError, OverflowError):
            return False
        return True

    def _find_end(self) -> int:
        """Count the samples up to the last one that can be decoded."""
        claimed = 0
        if self._stream.duration:
            claimed = int(self._stream.duration * self._stream.time_base * self.rate)
        last = None
        if self._seek(max(0, claimed - 2 * self.rate)):
            last = self._last_packet()
        if last is None:
            self._open()
            last = self._last_packet()
        self._go_to(max(0, (last or 0) - self.rate))
        deque(self._blocks, maxlen=0)
        self._damaged |= self._at < 0.99 * claimed
        return self._at

    def _last_packet(self) -> int | None:
        """Return the position of the last of the following packets, without decoding them."""
        if self._clock is None:
            return None
        stamps = (packet.pts for packet in self._packets() if packet.pts is not None and packet.size)
        last = max(stamps, default=None)
        return None if last is None else self._clock.position(last)


class _Clock(NamedTuple):
    """The relation of timestamps to samples: ``tick`` samples each, less ``lag``, on a grid of whole frames."""

    tick: float
    lag: float
    grid: int
    phase: int

    def position(self, timestamp: int, expected: int | None = None) -> int:
        """Return the sample at ``timestamp``: the ``expected`` one, unless it differs by more than rounding."""
        at = timestamp * self.tick - self.lag
        if expected is not None and abs(at - expected) <= 2 * self.tick + 1:
            return expected
        return round((at - self.phase) / self.grid) * self.grid + self.phase

    def timestamp(self, position: int) -> int:
        return int((position + self.lag) / self.tick)


def _read_clock(frames: list[Any], tick: float) -> _Clock | None:
    """Return the clock of a song from its first frames; None if timestamps and samples are not proportional."""
    starts = [0, *accumulate(frame.samples for frame in frames)]
    stamped = [(frame, start) for frame, start in zip(frames, starts, strict=False) if frame.pts is not None]
    stamped = stamped[1:] or stamped  # the delay of the encoder may be missing in the first frame
    lags = [frame.pts * tick - start for frame, start in stamped]
    if not lags or max(lags) - min(lags) > 2 * tick:
        return None
    if tick <= 1:
        return _Clock(tick, lags[0], 1, 0)
    sizes = {frame.samples for frame, _ in stamped[:-1]}
    grid = max(sizes, default=0)
    if len(sizes) != 1 or grid < 8 * tick:
        return None
    return _Clock(tick, (max(lags) + min(lags)) / 2, grid, stamped[0][1] % grid)


def mono(frame: Any) -> np.ndarray:
    """Return the samples of a decoded frame as float32, -1 to 1: the plain mean of its channels.

    They are read from the memory of FFmpeg: ``frame.to_ndarray()`` takes half the time of decoding.
    """
    name, count = frame.format.name, frame.layout.nb_channels
    if name == "fltp" and count <= 2:  # the format of MP3, AAC and Vorbis, a thousand times for each song
        planes = frame.planes
        left: np.ndarray = np.frombuffer(planes[0], np.float32, frame.samples)
        if count == 1:
            return left.copy()
        both = left + np.frombuffer(planes[1], np.float32, frame.samples)
        both *= np.float32(0.5)
        return both
    dtype, full_scale = _SAMPLES[name.removesuffix("p")]
    channels: list[np.ndarray]
    if name.endswith("p"):
        # PyAV counts planes up to a null pointer, which is missing after the eighth: others are invalid memory.
        if count > 8:
            raise UndecodableError(f"It has {count} channels, more than can be read.")
        channels = [np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes[:count]]
    else:
        values: np.ndarray = np.frombuffer(frame.planes[0], dtype, frame.samples * count)
        channels = [values[channel::count] for channel in range(count)]
    mean = channels[0].astype(np.float32)
    for channel in channels[1:]:
        mean += channel
    mean *= np.float32(1 / (full_scale * len(channels)))
    return mean - 1 if dtype is np.uint8 else mean
