"""What the machine and the installation can do, whatever the library."""

from __future__ import annotations

import platform
import sqlite3
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from songspace import __version__
from songspace.audio import read_windows
from songspace.doctor.findings import Finding, Verdict
from songspace.errors import AudioError
from songspace.server import documents

_RATE = 48_000  # Opus knows no other
_PITCH = 440.0

_SNDFILE = {"WAV": (".wav", "PCM_16"), "AIFF": (".aiff", "PCM_16"), "FLAC": (".flac", "PCM_16")}
_SNDFILE |= {"Ogg Vorbis": (".ogg", "VORBIS")}
_FFMPEG = {
    "MP3": (".mp3", "libmp3lame", "fltp"),
    "AAC": (".m4a", "aac", "fltp"),
    "ALAC": (".m4a", "alac", "s16p"),
    "Opus": (".opus", "libopus", "flt"),
    "WMA": (".wma", "wmav2", "fltp"),
    "WavPack": (".wv", "wavpack", "s16p"),
}


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
    """Whether a tone in each format is heard as the tone that it is."""
    import av
    import soundfile

    tone = (0.5 * np.sin(2 * np.pi * _PITCH * np.arange(2 * _RATE) / _RATE)).astype(np.float32)
    makers: dict[str, tuple[str, Callable[[Path], None]]] = {}
    for name, (suffix, subtype) in _SNDFILE.items():
        makers[name] = suffix, partial(soundfile.write, data=tone, samplerate=_RATE, subtype=subtype)
    for name, (suffix, codec, form) in _FFMPEG.items():
        makers[name] = suffix, partial(_encode, tone=tone, codec=codec, form=form)
    heard, deaf, untried = [], [], []
    with tempfile.TemporaryDirectory(prefix="songspace-") as folder:
        for name, (suffix, make) in makers.items():
            path = Path(folder, name + suffix)
            try:
                make(path)
            except (soundfile.SoundFileError, av.FFmpegError, ValueError):  # no encoder: decoders may be there
                untried.append(name)
                continue
            problem = _mishearing(path)
            if problem:
                deaf.append(f"{name} ({problem})")
            else:
                heard.append(name)
    rest = f" Not tried, for they cannot be written here: {', '.join(untried)}." if untried else ""
    if deaf:
        said = f"These formats are not read as they should be: {'; '.join(deaf)}.{rest}"
        return Finding("decoders", Verdict.FAILURE, said, "Install songspace anew, with its soundfile and PyAV.")
    return Finding("decoders", Verdict.OK, f"{', '.join(heard)} are read.{rest}")


def _encode(path: Path, *, tone: np.ndarray, codec: str, form: str) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=_RATE, layout="mono", bit_rate=96_000)
        stream.format = form
        convert = av.AudioResampler(format=form, layout="mono", rate=_RATE)
        frame = av.AudioFrame.from_ndarray(tone[np.newaxis], format="fltp", layout="mono")
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
