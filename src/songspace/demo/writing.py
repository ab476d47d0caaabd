"""One song into one tagged file, beside its place and then renamed into it: a kill leaves no half file."""

from __future__ import annotations

from pathlib import Path

import mutagen
import numpy as np
import soundfile
from mutagen import id3
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from songspace.demo.instruments import RATE
from songspace.demo.plan import DemoSong

_CODECS = {
    ".mp3": ("MP3", "MPEG_LAYER_III", MP3),
    ".ogg": ("OGG", "VORBIS", OggVorbis),
    ".flac": ("FLAC", "PCM_16", FLAC),
    ".wav": ("WAV", "PCM_16", WAVE),
}
_BLOCK = 1 << 15
"""Frames written at once: libsndfile's Vorbis encoder puts a whole write on the stack."""


def write(song: DemoSong, path: Path, *, seconds: float) -> None:
    """Render a song and write it with its tags.

    Raises
    ------
    OSError
        If the place cannot be written to.
    soundfile.LibsndfileError
        If libsndfile cannot write it.
    """
    beside = path.with_name(path.name + ".new")
    container, codec, tagged = _CODECS[song.suffix]
    samples = np.round(song.samples(seconds=seconds).T * 32767) / 32768
    with beside.open("wb") as raw, soundfile.SoundFile(raw, "w", RATE, 2, codec, format=container) as file:
        for start in range(0, len(samples), _BLOCK):
            file.write(samples[start : start + _BLOCK])
    _tag(tagged(beside), song, _mark(song, seconds))
    beside.replace(path)


def is_written(song: DemoSong, path: Path, *, seconds: float) -> bool:
    """Whether exactly this rendering is already there (it then carries its mark)."""
    try:
        tags = _CODECS[song.suffix][2](path).tags
    except (mutagen.MutagenError, OSError):
        return False
    if isinstance(tags, id3.ID3):
        return any(_mark(song, seconds) in frame.text for frame in tags.getall("COMM"))
    return tags is not None and _mark(song, seconds) in tags.get("comment", ())


def _mark(song: DemoSong, seconds: float) -> str:
    return f"rendered by songspace demo: synthetic, seed {song.key[0]}, {seconds:g} s"


def _tag(file: mutagen.FileType, song: DemoSong, mark: str) -> None:
    values = {
        "title": song.title,
        "artist": song.artist,
        "albumartist": song.artist,
        "album": song.album,
        "genre": song.style,
        "date": str(song.year),
        "tracknumber": str(song.track),
        "comment": mark,
    }
    if isinstance(file, (MP3, WAVE)):
        frames = (id3.TIT2, id3.TPE1, id3.TPE2, id3.TALB, id3.TCON, id3.TDRC, id3.TRCK, id3.COMM)
        file.add_tags()
        for frame, text in zip(frames, values.values(), strict=True):
            file[frame.__name__] = frame(encoding=id3.Encoding.UTF8, text=[text])
    else:
        file.update({key: [text] for key, text in values.items()})
    file.save()
