"""What the machine and the installation can do, whatever the library."""

from __future__ import annotations

import platform
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from songspace import __version__
from songspace.audio import read_windows
from songspace.doctor.findings import Finding, Verdict
from songspace.errors import AudioError
from songspace.formats import FORMATS, Format
from songspace.server import documents

_RATE = 48_000  # Opus knows no other
_PITCH = 440.0


def versions() -> Finding:
    """What songspace and the libraries are that its results depend on."""
    import av
    import soundfile
    import torch

    names = [
        f"songspace {__version__}",
        f"Python {platform.python_version()}",
        f"libsndfile {soundfile.__libsndfile_version__}",
        f"PyAV {av.__version__}",
        f"NumPy {np.__version__}",
        f"torch {torch.__version__}",
        f"SQLite {sqlite3.sqlite_version}",
    ]
    return Finding("versions", Verdict.OK, f"{', '.join(names)}.")


def decoders() -> Finding:
    """Check that a tone in each format is heard as the tone that it is."""
    import av

    tone = (0.5 * np.sin(2 * np.pi * _PITCH * np.arange(2 * _RATE) / _RATE)).astype(np.float32)
    heard, deaf, untried = [], [], []
    with tempfile.TemporaryDirectory(prefix="songspace-") as folder:
        for format in FORMATS:
            if not format.encoder:
                continue
            path = Path(folder, format.name + format.extensions[0])
            try:
                _encode(path, format, tone)
            except (av.FFmpegError, ValueError):  # no encoder: decoders may be there
                untried.append(format.name)
                continue
            problem = _mishearing(path)
            if problem:
                deaf.append(f"{format.name} ({problem})")
            else:
                heard.append(format.name)
    rest = f" Not tried, for they cannot be written here: {', '.join(untried)}." if untried else ""
    if deaf:
        said = f"These formats are not read as they should be: {'; '.join(deaf)}.{rest}"
        return Finding("decoders", Verdict.FAILURE, said, "Install songspace anew, with its soundfile and PyAV.")
    return Finding("decoders", Verdict.OK, f"{', '.join(heard)} are read.{rest}")


def _encode(path: Path, format: Format, tone: np.ndarray) -> None:
    """Write a tone as a file of a format, in two channels: FFmpeg's encoder of Vorbis knows no other number."""
    import av

    experimental = {"strict": "experimental"}  # as that encoder calls itself
    with av.open(str(path), "w", format=format.demuxers[0]) as container:
        stream: Any = container.add_stream(
            format.encoder, rate=_RATE, layout="stereo", bit_rate=96_000, options=experimental
        )
        convert = av.AudioResampler(format=stream.codec_context.format, layout="stereo", rate=_RATE)
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = _RATE, 0
        for part in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _mishearing(path: Path) -> str:
    """What is wrong with the tone as it is heard; nothing if it is the one that was written."""
    try:
        heard = read_windows(path, seconds=1.0, count=1, rate=22_050).samples[0]
    except AudioError as error:
        return str(error).rstrip(".")
    pitch = int(np.argmax(np.abs(np.fft.rfft(heard))))  # of a second: in Hz
    return "" if abs(pitch - _PITCH) <= 1 else "it sounds other than it is"


def device() -> Finding:
    """Where encoders are learnt."""
    import torch

    from songspace.encoders.devices import choose_device

    chosen = choose_device("auto")
    if chosen.type == "cuda":
        return Finding("device", Verdict.OK, f"Encoders are learnt on {torch.cuda.get_device_name(chosen)}.")
    threads = torch.get_num_threads()
    return Finding("device", Verdict.OK, f"Encoders are learnt on the processor, threads: {threads}.")


def page() -> Finding:
    """Whether this songspace came with the page that plays."""
    if (documents.BUILT / "index.html").is_file():
        return Finding("page", Verdict.OK, "The page that `songspace serve` shows is there.")
    said = "The page that plays was not built: `songspace serve` has its API only."
    return Finding("page", Verdict.WARNING, said, "Install a released songspace, or build the page from web/.")
