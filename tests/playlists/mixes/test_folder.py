"""A folder of mixes: whole or not at all, and nobody else's playlists are touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from songspace import interchange
from songspace.errors import SongspaceError
from songspace.library import Song
from songspace.playlists.mixes.folder import write_lists

A, B, C = ([Song(n, f"/music/{n}.mp3", 60.0, f"Title {n}", artist="Ann")] for n in range(3))


def seen(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_file_for_each_list(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "mixes"
    written = write_lists(folder, [("Folk: Ann", A), ("Folk? Ann", B)])
    assert [path.name for path in written.paths] == ["Folk- Ann.m3u8", "Folk- Ann (2).m3u8"]
    assert [interchange.read(path) for path in written.paths] == [["/music/0.mp3"], ["/music/1.mp3"]]
    assert "#PLAYLIST:Folk: Ann" in written.paths[0].read_text("utf-8")
    assert not list(folder.glob(".songspace-mix-*"))


def test_names_that_differ_only_in_case_are_two_files(tmp_path: Path) -> None:
    written = write_lists(tmp_path, [("Dub", A), ("DUB", B)], suffix=".xspf")
    assert [path.name for path in written.paths] == ["Dub.xspf", "DUB (2).xspf"]


def test_a_second_run_replaces_its_own_and_nothing_else(tmp_path: Path) -> None:
    write_lists(tmp_path, [("One", A), ("Two", B), ("Three", C)])
    mine = tmp_path / "My own.m3u8"
    mine.write_text("#EXTM3U\n")
    (tmp_path / "Three.m3u8").write_text("#EXTM3U\n# changed by hand\n")
    written = write_lists(tmp_path, [("Two", C), ("My own", A)])
    assert written.removed == ["One.m3u8"] and written.kept == ["Three.m3u8"]
    assert seen(tmp_path) == ["My own (2).m3u8", "My own.m3u8", "Three.m3u8", "Two.m3u8"]
    assert interchange.read(tmp_path / "Two.m3u8") == ["/music/2.mp3"]
    assert mine.read_text() == "#EXTM3U\n"
    assert write_lists(tmp_path, [("Three", A)]).paths[0].name == "Three (2).m3u8"
    assert seen(tmp_path) == ["My own.m3u8", "Three (2).m3u8", "Three.m3u8"]


def test_another_format_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write_lists(tmp_path, [("One", A)])
    write_lists(tmp_path, [("One", A)], suffix=".jspf")
    assert seen(tmp_path) == ["One.jspf"]


def test_a_list_that_cannot_be_written_leaves_everything_as_it_was(tmp_path: Path) -> None:
    write_lists(tmp_path, [("One", A), ("Two", B)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    broken = [Song(9, "/music/line\nbreak.mp3", 60.0)]
    with pytest.raises(SongspaceError, match="line break"):
        write_lists(tmp_path, [("One", C), ("Broken", broken)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises(SongspaceError, match="line break"):
        write_lists(tmp_path / "new", [("Broken", broken)])
    assert not (tmp_path / "new").exists()


def test_a_run_that_was_killed_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lists(tmp_path, [("One", A), ("Two", B)])
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if Path(target).name == "Two.m3u8":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_lists(tmp_path, [("Three", C), ("Two", C)])
    monkeypatch.undo()
    assert seen(tmp_path) == ["One.m3u8", "Three.m3u8", "Two.m3u8"]
    written = write_lists(tmp_path, [("Four", A)])
    assert written.removed == ["One.m3u8", "Three.m3u8", "Two.m3u8"] and not written.kept
    assert seen(tmp_path) == ["Four.m3u8"]
    assert not list(tmp_path.glob(".songspace-mix-*"))


@pytest.mark.parametrize(
    "ledger", ["no JSON", "[]", '{"format": "songspace.mixes/1", "files": {"../One.m3u8": ["x"]}}']
)
def test_a_ledger_that_says_nothing_sensible_makes_nothing_ours(tmp_path: Path, ledger: str) -> None:
    folder = tmp_path / "mixes"
    folder.mkdir()
    (tmp_path / "One.m3u8").write_text("#EXTM3U\n")
    (folder / ".songspace-mixes.json").write_text(ledger)
    (folder / "One.m3u8").write_text("#EXTM3U\n")
    written = write_lists(folder, [("One", A)])
    assert written.paths[0].name == "One (2).m3u8" and not written.removed
    assert (folder / "One.m3u8").read_text() == (tmp_path / "One.m3u8").read_text() == "#EXTM3U\n"


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SongspaceError, match="cannot be written"):
        write_lists(tmp_path / "file", [("One", A)])
