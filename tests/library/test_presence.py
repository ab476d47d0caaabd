"""Away is not gone: folders, links and disks that are away for a while, and files that were deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from songspace.errors import SongspaceError
from songspace.library import presence
from songspace.library.cache import SpectrogramCache
from songspace.library.catalog import Catalog
from songspace.library.index import Tally, index
from songspace.library.listening import Listening
from songspace.library.records import FileRow
from songspace.library.scan import Found, Listing, Stamp, look_through

pytestmark = pytest.mark.usefixtures("heard_here")

LISTENING = Listening(windows=1)
RATE = 22_050


class Shelf:
    """A library over some folders; a run decodes at most as many files as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.music = folder / "music"
        self.catalog = Catalog(folder / "catalog.sqlite", write=True)
        self.cache = folder / "cache.u8"

    def song(self, name: str, seed: int) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * np.random.default_rng(seed).normal(size=RATE), RATE)
        return path

    def run(self, *folders: Path, **options: bool) -> Tally:
        cache = SpectrogramCache(self.cache, self.catalog, shape=(1, *LISTENING.frontend.shape))
        roots = [str(folder) for folder in folders or (self.music,)]
        for root in roots:
            self.catalog.add_root(root)
        return index(self.catalog, cache, roots, LISTENING, workers=1, **options)  # type: ignore[arg-type]

    def here(self) -> dict[str, int]:
        return {os.path.relpath(song.path, self.folder): song.id for song in self.catalog.songs()}

    def away(self) -> dict[str, int]:
        return {os.path.relpath(song.path, self.folder): song.id for song in self.catalog.away()}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Six songs at home, four on a disk that is linked into the folder."""
    shelf = Shelf(tmp_path)
    for number in range(6):
        shelf.song(f"music/home/{number}.wav", number)
    for number in range(4):
        shelf.song(f"disk/far/{number}.wav", 10 + number)
    (shelf.music / "usb").symlink_to(tmp_path / "disk")
    return shelf


def _dangling(shelf: Shelf) -> None:
    (shelf.folder / "disk").rename(shelf.folder / "away")


def _empty_mount_point(shelf: Shelf) -> None:
    _dangling(shelf)
    (shelf.folder / "disk").mkdir()


def _below_it_empty(shelf: Shelf) -> None:
    _dangling(shelf)
    (shelf.folder / "disk" / "far").mkdir(parents=True)


def _a_link_to_itself(shelf: Shelf) -> None:
    _dangling(shelf)
    (shelf.folder / "disk").symlink_to(shelf.folder / "disk")


def _unreadable(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if "usb" in str(path):
            raise OSError(number, os.strerror(number))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


@pytest.mark.parametrize("happens", [_dangling, _empty_mount_point, _below_it_empty, _a_link_to_itself])
def test_a_disk_that_is_away_takes_nothing_and_comes_back_without_decoding(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, happens: Callable[[Shelf], None]
) -> None:
    shelf.run()
    before = shelf.here()
    happens(shelf)
    for _ in range(3):  # however often it is missed
        tally = shelf.run()
        assert tally.gone == 0 and sum(place.songs for place in tally.places) == 4
        assert shelf.here() == {name: id for name, id in before.items() if "usb" not in name}
        assert shelf.away() == {name: id for name, id in before.items() if "usb" in name}
    disk = shelf.folder / "disk"
    disk.unlink(missing_ok=True) if disk.is_symlink() or not disk.exists() else shutil.rmtree(disk)
    (shelf.folder / "away").rename(disk)
    monkeypatch.setattr("songspace.library.listening._decoded", _refuse)
    assert shelf.run().back == 4 and shelf.here() == before


def _refuse(*args: object, **kwargs: object) -> object:
    raise AssertionError("a file was decoded, although there was nothing to do")


@pytest.mark.parametrize("number", [13, 5, 116], ids=["EACCES", "EIO", "ESTALE"])
def test_a_folder_that_may_not_be_read_takes_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    shelf.run()
    before = shelf.here()
    with monkeypatch.context() as patch:
        _unreadable(shelf, patch, number)
        tally = shelf.run()
        assert (tally.away, tally.gone) == (4, 0)
        assert [(place.path, place.songs) for place in tally.places] == [(str(shelf.music / "usb" / "far"), 4)]
        assert shelf.run().away == 0  # none more
    assert shelf.run().back == 4 and shelf.here() == before


def test_links_to_single_files_that_lead_nowhere(shelf: Shelf) -> None:
    for path in sorted((shelf.folder / "disk").rglob("*.wav")):
        (shelf.music / f"link {path.name}").symlink_to(path)
    (shelf.music / "usb").unlink()
    shelf.run()
    before = shelf.here()
    _dangling(shelf)
    tally = shelf.run()
    assert (tally.away, tally.gone, tally.failures) == (4, 0, [])
    assert [(place.path, place.songs, place.why) for place in tally.places] == [
        (str(shelf.music), 4, "a link that leads nowhere")
    ]
    (shelf.folder / "away").rename(shelf.folder / "disk")
    assert shelf.run().back == 4 and shelf.here() == before


def test_a_few_deleted_files_are_gone_at_once(shelf: Shelf) -> None:
    shelf.run()
    (shelf.music / "home" / "3.wav").unlink()
    assert (shelf.run().gone, len(shelf.here()), shelf.away()) == (1, 9, {})


def test_many_deleted_files_are_gone_when_they_are_missed_again(shelf: Shelf) -> None:
    shelf.run()
    for number in range(3):
        (shelf.music / "home" / f"{number}.wav").unlink()
    tally = shelf.run()
    assert (tally.away, tally.gone) == (3, 0)
    assert [(place.songs, place.why) for place in tally.places] == [(3, presence.MANY)]
    assert shelf.run().gone == 3 and shelf.away() == {}


def test_a_deleted_folder_is_gone_when_it_is_missed_again(shelf: Shelf) -> None:
    shelf.run()
    shutil.rmtree(shelf.music / "home")
    assert (shelf.run().away, len(shelf.away())) == (6, 6)
    assert shelf.run().gone == 6


def test_many_that_vanished_come_back_before_they_are_missed_again(shelf: Shelf) -> None:
    shelf.run()
    before = shelf.here()
    (shelf.music / "home").rename(shelf.folder / "elsewhere")
    assert shelf.run().away == 6
    (shelf.folder / "elsewhere").rename(shelf.music / "home")
    tally = shelf.run()
    assert (tally.back, tally.new) == (6, 0) and shelf.here() == before


def test_a_folder_of_which_nothing_is_left_is_not_confirmed_by_looking_again(shelf: Shelf) -> None:
    """A note in an empty mount point ("not mounted") makes it no folder of music."""
    shelf.run()
    shutil.rmtree(shelf.music / "home")
    (shelf.music / "home").mkdir()
    (shelf.music / "home" / "not mounted.txt").write_text("mount me")
    for _ in range(3):
        assert shelf.run().gone == 0
    assert len(shelf.away()) == 6
    assert shelf.run(forget_missing=True).gone == 6


def test_a_disk_that_was_changed_for_another_takes_nothing_however_often_it_is_missed(shelf: Shelf) -> None:
    """Both bear one number, as two that were plugged into the same socket do."""
    shelf.run()
    before = shelf.here()
    _dangling(shelf)
    for number in range(4):
        shelf.song(f"disk/far/other {number}.wav", 30 + number)
    for look in range(4):
        tally = shelf.run()
        assert (tally.new, tally.gone) == (0 if look else 4, 0)
        assert [(place.songs, place.why) for place in tally.places] == [(4, presence.NONE_LEFT)]
    (shelf.folder / "disk").rename(shelf.folder / "other")
    (shelf.folder / "away").rename(shelf.folder / "disk")
    tally = shelf.run()
    assert (tally.back, tally.new) == (4, 0) and before.items() <= shelf.here().items()


def test_of_a_disk_that_is_back_what_was_deleted_is_gone(shelf: Shelf) -> None:
    shelf.run()
    _dangling(shelf)
    shelf.song("disk/far/other.wav", 30)
    shelf.run()
    shutil.rmtree(shelf.folder / "disk")
    (shelf.folder / "away").rename(shelf.folder / "disk")
    for number in range(2):
        (shelf.folder / "disk" / "far" / f"{number}.wav").unlink()
    assert [shelf.run().gone for _ in range(2)] == [1, 2]  # the other disk's song, then what was deleted
    assert shelf.away() == {} and len(shelf.here()) == 8


def test_forget_missing_lets_go_of_all_but_what_gives_an_error(shelf: Shelf) -> None:
    shelf.run()
    _dangling(shelf)
    shutil.rmtree(shelf.music / "home")
    (shelf.music / "home").mkdir()
    shelf.song("music/other/new.wav", 77)
    assert shelf.run(forget_missing=True).gone == 6
    assert len(shelf.away()) == 4


def test_a_library_tidied_into_other_folders_is_not_away(shelf: Shelf) -> None:
    shelf.run()
    before = set(shelf.here().values())
    (shelf.music / "home").rename(shelf.music / "tidied")
    tally = shelf.run()
    assert (tally.linked, tally.away, tally.gone, tally.places) == (6, 0, 0, [])
    assert set(shelf.here().values()) == before


def test_a_song_that_was_damaged_keeps_its_number_until_it_is_put_right(shelf: Shelf) -> None:
    shelf.run()
    path = shelf.music / "home" / "0.wav"
    id, good = shelf.here()["music/home/0.wav"], path.read_bytes()
    for bad in (b"", b"cut off"):
        path.write_bytes(bad)
        tally = shelf.run()
        assert [failed for failed, _ in tally.failures] == [str(path)] and tally.gone == 0
        assert shelf.away() == {"music/home/0.wav": id}
    path.write_bytes(good)
    assert shelf.run().new == 0 and shelf.here()["music/home/0.wav"] == id


SHEET = 'FILE "album.wav" WAVE\n' + "".join(
    f"TRACK {number:02d} AUDIO\nINDEX 01 00:{10 * number:02d}:00\n" for number in range(3)
)


def _album(shelf: Shelf) -> Path:
    """A file of three songs, the first of which has the number 0; its sheet lies on the disk."""
    soundfile.write(shelf.music / "album.wav", 0.1 * np.random.default_rng(90).normal(size=30 * RATE), RATE)
    sheet = shelf.folder / "disk" / "album.cue"
    sheet.write_text(SHEET)
    (shelf.music / "album.cue").symlink_to(sheet)
    return sheet


def test_a_sheet_that_cannot_be_reached_takes_no_song(shelf: Shelf) -> None:
    sheet = _album(shelf)
    shelf.run()
    file, before = str(shelf.music / "album.wav"), shelf.catalog.identities()
    songs = shelf.catalog.files()[file].songs
    assert len(songs) == 3
    sheet.rename(shelf.folder / "album.cue")
    for _ in range(2):
        tally = shelf.run()
        assert (tally.new, tally.gone) == (0, 0) and shelf.catalog.files()[file].songs == songs
    (shelf.folder / "album.cue").rename(sheet)
    assert shelf.run().new == 0 and shelf.catalog.identities() == before
    (shelf.music / "album.cue").unlink()  # now it is known: the file is one song
    tally = shelf.run()
    assert (tally.new, tally.gone) == (1, 3)


def test_a_track_of_number_0_is_listened_to_again_where_the_cache_is_gone(shelf: Shelf) -> None:
    _album(shelf)
    shelf.run(fill_cache=True)
    before = {song for song, *_ in shelf.catalog.slots()}
    assert len(before) == 13
    shelf.cache.unlink()
    shelf.catalog.clear_slots()
    shelf.run(fill_cache=True)
    assert {song for song, *_ in shelf.catalog.slots()} == before


# Several folders


def test_one_absent_folder_does_not_stop_the_others(shelf: Shelf) -> None:
    other = shelf.folder / "other"
    shelf.song("other/a.wav", 50)
    shelf.run(shelf.music, other)
    other.rename(shelf.folder / "other away")
    shelf.song("music/home/new.wav", 51)
    tally = shelf.run(shelf.music, other)
    assert (tally.new, tally.away, tally.gone) == (1, 1, 0) and list(tally.absent) == [str(other)]
    assert shelf.away() == {"other/a.wav": 11}
    (shelf.folder / "other away").rename(other)
    assert shelf.run(shelf.music, other).back == 1


def test_where_no_folder_is_there_nothing_changes(shelf: Shelf) -> None:
    shelf.run()
    before = shelf.here()
    shelf.music.rename(shelf.folder / "moved")
    with pytest.raises(SongspaceError, match=r"There is no folder .*music: is its disk mounted"):
        shelf.run()
    shelf.music.mkdir()
    with pytest.raises(SongspaceError, match="is empty, but 10 songs"):
        shelf.run()
    assert shelf.here() == before and shelf.away() == {}


def test_a_library_that_moved_is_recognised_in_one_step(shelf: Shelf) -> None:
    shelf.run()
    ids, new = set(shelf.here().values()), shelf.folder / "new"
    shelf.music.rename(new)
    tally = shelf.run(new)
    assert tally.moved == [str(shelf.music)] and tally.new == 0
    assert shelf.catalog.roots() == [str(new)]
    assert set(shelf.here().values()) == ids and shelf.away() == {}


def test_a_second_copy_that_is_unplugged_is_no_library_that_moved(shelf: Shelf) -> None:
    backup = shelf.folder / "backup"
    shutil.copytree(shelf.music / "home", backup)
    shelf.run(shelf.music, backup)
    backup.rename(shelf.folder / "unplugged")
    tally = shelf.run(shelf.music, backup)
    assert tally.moved == [] and list(tally.absent) == [str(backup)]
    assert str(backup) in shelf.catalog.roots() and tally.places == [] and shelf.away() == {}


# What file systems say


def _row(stamp: Stamp) -> FileRow:
    return FileRow(stamp, songs=(1,))


STAMP = Stamp(10, 20, 30, device=1, inode=5)


@pytest.mark.parametrize(("field", "value"), [("size", 11), ("mtime_ns", 21), ("ctime_ns", 31), ("inode", 6)])
def test_a_file_of_which_anything_differs_has_changed(field: str, value: int) -> None:
    others = {f"/{name}": _row(STAMP._replace(inode=100 + name)) for name in range(3)}
    there = [_found(path, row.stamp) for path, row in others.items()]
    now = _found("/x", STAMP._replace(**{field: value}))
    devices = presence.Devices(others | {"/x": _row(STAMP)}, [*there, now])
    assert devices.has_changed(_row(STAMP), now)
    assert not devices.has_changed(_row(STAMP), _found("/x", STAMP))


def test_files_that_the_file_system_has_numbered_anew_have_not(shelf: Shelf) -> None:
    rows = {f"/{number}": _row(STAMP._replace(inode=number + 1)) for number in range(5)}
    there = [_found(path, row.stamp._replace(inode=900 + row.stamp.inode, device=7)) for path, row in rows.items()]
    devices = presence.Devices(rows, there)
    assert not any(devices.has_changed(rows[file.path], file) for file in there)


def _found(path: str, stamp: Stamp) -> Found:
    size, mtime_ns, ctime_ns, device, inode = stamp
    return replace(Found(path, size, mtime_ns), ctime_ns=ctime_ns, device=device, inode=inode)


def test_another_disk_in_the_place_of_the_first(tmp_path: Path) -> None:
    """As by a mount point that is not empty: the folder is listed, but the song lay on another disk."""
    rows = {"/m/a": _row(STAMP), "/m/usb/b": _row(STAMP._replace(device=2))}
    listing = Listing(files=[_found("/m/a", STAMP)], folders={"/m": (1, False), "/m/usb": (1, False)})
    found = presence.missing("/m", listing, rows, presence.Devices(rows, listing.files))
    assert found.away == {"/m/usb/b": "its disk is not there"} and found.vanished == {}


def test_disks_that_were_numbered_anew_are_the_same(tmp_path: Path) -> None:
    """Disks 1 and 2 are now 2 and 3; what is missed of the second was deleted."""
    rows = {path: _row(STAMP._replace(device=device)) for path, device in [("/m/a", 1), ("/m/u/b", 2), ("/m/u/c", 2)]}
    there = [_found("/m/a", STAMP._replace(device=2)), _found("/m/u/b", STAMP._replace(device=3))]
    listing = Listing(files=there, folders={"/m": (2, False), "/m/u": (3, False)})
    found = presence.missing("/m", listing, rows, presence.Devices(rows, there))
    assert found.away == {} and found.vanished == {"/m/u/c": "/m/u"}
    # If nothing of the second disk is there, its old number says nothing: another disk has it now.
    listing = Listing(files=there[:1], folders={"/m": (2, False), "/m/u": (2, False)})
    found = presence.missing("/m", listing, rows, presence.Devices(rows, there[:1]))
    assert found.away == dict.fromkeys(["/m/u/b", "/m/u/c"], "its disk is not there")


@given(st.lists(st.sampled_from(["a/1", "a/2", "b/1", "b/2", "c"]), unique=True), st.integers(0, 30))
def test_what_is_gone_is_always_a_part_of_what_vanished(vanished: list[str], others: int) -> None:
    rows = {f"/m/{name}": _row(STAMP) for name in vanished} | {
        f"/m/other {n}": FileRow(STAMP, songs=(100 + n,)) for n in range(others)
    }
    rows = {path: replace(row, songs=(number,)) for number, (path, row) in enumerate(rows.items())}
    missed = {f"/m/{name}": "/m" for name in vanished}
    alive = [path for path in rows if path not in missed]
    gone, away = presence.judge(missed, rows, "/m", alive)
    assert gone in (set(), set(missed)) and gone | away.keys() == set(missed)
    assert bool(gone) == (len(missed) == 1 or 0 < 5 * len(missed) < len(rows))
    marked = {path: replace(row, away=1.0, why=presence.MANY) if path in missed else row for path, row in rows.items()}
    assert presence.judge(missed, marked, "/m", alive)[0] == (set(missed) if alive else set())


def test_a_real_folder_says_which_disk_it_is_on(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    listing = look_through(tmp_path)
    device = os.stat(tmp_path).st_dev
    assert listing.folders == {str(tmp_path): (device, False), str(tmp_path / "empty"): (device, True)}
