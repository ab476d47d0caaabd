"""A folder of hostile files, learnt by the program itself: each is a song or has a reason, and none takes too much.

150 mutations are made here; ``SONGSPACE_MUTATIONS=2600`` makes as many, and ``pytest -s`` then shows what came of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from songspace.library.catalog import Catalog
from songspace.library.home import Home
from songspace.library.records import Song
from songspace.library.scan import SUFFIXES

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("SONGSPACE_MUTATIONS", "150"))
MEMORY = 600e6
"""Bytes that a worker may take; one that has read nothing but good songs takes 200 MB."""


@dataclass
class Learnt:
    """What came of a folder of hostile files."""

    folder: Path
    said: str
    songs: dict[str, Song]
    """By the name of their file, copies included."""
    reasons: dict[str, str]
    peak: int
    """Bytes of the largest worker; 0 where the system does not tell."""


@pytest.fixture(scope="module")
def learnt(
    mutations: ModuleType,
    bombs: ModuleType,
    songs: dict[str, bytes],
    audio_files: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
) -> Learnt:
    folder, home = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("home")
    own = {kind: audio_files.KINDS[kind].suffix for kind in songs}
    suffixes = {kind: suffix if suffix in SUFFIXES else ".mp3" for kind, suffix in own.items()}
    for kind in songs:
        (folder / f"untouched {kind}{suffixes[kind]}").write_bytes(songs[kind])
    for number in range(COUNT):
        kind, deed, data = mutations.mutation(number, songs)
        (folder / f"{number:05d} {deed} {kind}{suffixes[kind]}").write_bytes(data)
    bombs.write(folder, songs)
    command = [sys.executable, "-m", "songspace", "learn", str(folder), "--home", str(home), "--encoder", "timbre"]
    with (home / "said").open("w+") as said:
        run = subprocess.Popen([*command, "--windows", "3", "--workers", "2"], stdout=said, stderr=subprocess.STDOUT)
        peaks = {0: 0}
        while run.poll() is None:
            peaks |= _peaks(run.pid)
            time.sleep(0.05)
        said.seek(0)
        output = said.read()
    assert run.returncode == 0, output
    with Catalog(Home(home).catalog) as catalog:
        files = {os.path.basename(path): row for path, row in catalog.files().items()}
        known = {song.id: song for song in catalog.songs()}
        found = {name: known[row.songs[0]] for name, row in files.items() if row.songs}
        reasons = {os.path.basename(path): reason for path, reason in catalog.failures()}
    if COUNT > 150:
        print(*(f"{number:5d} {reason}" for reason, number in Counter(reasons.values()).most_common()), sep="\n")
        print(f"{len(found)} of {len(files)} are songs; the largest worker took {max(peaks.values()) / 1e6:.0f} MB")
    return Learnt(folder, output, found, reasons, max(peaks.values()))


def _peaks(parent: int) -> dict[int, int]:
    """The most memory that each child of a process has had; empty where the system does not tell."""
    peaks = {}
    for list_of in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            for child in map(int, list_of.read_text().split()):
                status = Path(f"/proc/{child}/status").read_text()
                if b"multiprocessing" in Path(f"/proc/{child}/cmdline").read_bytes():
                    peaks[child] = 1024 * int((re.search(r"VmHWM:\s*(\d+)", status) or [0, 0])[1])
        except OSError:  # it has just ended
            continue
    return peaks


def test_each_file_is_a_song_or_has_a_reason(learnt: Learnt) -> None:
    files = {path.name for path in learnt.folder.iterdir() if path.suffix in SUFFIXES}
    assert len(files) > COUNT
    assert learnt.songs.keys() | learnt.reasons.keys() == files
    assert not learnt.songs.keys() & learnt.reasons.keys()


def test_reasons_are_sentences_for_the_person(learnt: Learnt) -> None:
    assert learnt.reasons
    for name, reason in learnt.reasons.items():
        assert reason.isprintable(), name
        assert 10 < len(reason) < 120, (name, reason)
        assert not re.search(r"unforeseen|crashed|Error|Errno|0x|None|nan\b|b'", reason), (name, reason)


def test_the_program_says_only_what_it_means_to(learnt: Learnt) -> None:
    assert not re.search(r"Traceback|Warning|Error|\[mp3|\[ogg|\[mov|error:", learnt.said), learnt.said
    assert f"{len(learnt.reasons)} files could not be read" in learnt.said
    assert "".join(line for line in learnt.said.splitlines()).isprintable()


def test_good_files_beside_them_are_songs(learnt: Learnt, songs: dict[str, bytes]) -> None:
    good = {name: song for name, song in learnt.songs.items() if name.startswith("untouched")}
    assert len(good) == len(songs)
    assert all(2.5 < song.duration < 3.5 for song in good.values())


def test_songs_make_sense(learnt: Learnt) -> None:
    for name, song in learnt.songs.items():
        assert 0 < song.duration < 86_400, name
        assert all(text.isprintable() for text in (song.title, song.artist, song.album, song.genre) if text), name


def test_no_worker_takes_too_much_memory(learnt: Learnt) -> None:
    if not learnt.peak:
        pytest.skip("this system does not tell how much memory a process has had")
    assert 50e6 < learnt.peak < MEMORY


def test_a_bomb_in_a_tag_costs_no_song(learnt: Learnt, bombs: ModuleType, songs: dict[str, bytes]) -> None:
    names = [name for name, _ in bombs.in_tags(songs)]
    assert len(names) > 10
    assert [name for name in names if name not in learnt.songs] == []


def test_hours_of_silence_are_no_song(learnt: Learnt) -> None:
    silent = {name: learnt.reasons.get(name) for name in os.listdir(learnt.folder) if "hours of silence" in name}
    assert len(silent) == 5
    assert set(silent.values()) == {"nothing but silence"}
