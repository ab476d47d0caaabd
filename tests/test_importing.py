"""Vectors that somebody else made: a library with all answers that need no sound, or one sentence and nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from click.testing import Result
from pyarrow import parquet
from starlette.testclient import TestClient
from typer.testing import CliRunner

from songspace import Library, SongspaceError, Space, pipeline
from songspace.cli.commands import app
from songspace.library import Home
from songspace.pipeline.importing import import_vectors
from songspace.server.app import create_app

STYLES = ("folk", "jazz", "rock")


def made(seed: int = 0, n: int = 60, d: int = 8) -> np.ndarray:
    """Vectors of songs in three styles."""
    rng = np.random.default_rng(seed)
    return (np.eye(d)[np.arange(n) % 3] * 3 + rng.normal(size=(n, d))).astype(np.float32)


def write(file: Path, vectors: Any, kind: pyarrow.DataType | None = None, **columns: Any) -> Path:
    lists = pyarrow.array(list(vectors), kind or pyarrow.list_(pyarrow.float32()))
    parquet.write_table(pyarrow.table(columns | {"vector": lists}), file)
    return file


def call(home: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


def answer(home: Path, *arguments: object) -> Any:
    result = call(home, *arguments, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty songs by their ids, with what the file says of them; for reading only."""
    folder = tmp_path_factory.mktemp("imported")
    ids = [f"{STYLES[n % 3]}.{n:05d}" for n in range(60)]
    genres, artists = [STYLES[n % 3] for n in range(60)], [f"{STYLES[n % 3]} band {n // 3 % 4}" for n in range(60)]
    write(folder / "vectors.parquet", made(), id=ids, genre=genres, artist=artists, year=[1990.0, None] * 30)
    result = call(folder / "home", "import", folder / "vectors.parquet")
    assert result.exit_code == 0, result.output
    return folder / "home"


class TestAnswers:
    def test_the_space_is_that_of_the_vectors(self, home: Path) -> None:
        library, space = Library(home), Space.open(Home(home).space)
        expected = Space.from_vectors(made(), [f"{STYLES[n % 3]}.{n:05d}" for n in range(60)])
        songs = [library.catalog.song(id) for id in space.ids.tolist()]
        for row, song in enumerate(songs):
            np.testing.assert_allclose(space.vectors[row], expected.vectors[expected.row(song.title)], atol=1e-6)
        assert {song.genre for song in songs} == set(STYLES) and songs[0].genres == (songs[0].genre,)
        assert {song.year for song in songs} == {1990, None}

    def test_similar_songs_are_found_by_their_ids(self, home: Path) -> None:
        found = answer(home, "similar", "jazz.00004", "-n", 5)
        assert found["of"][0]["title"] == "jazz.00004"
        space = Space.from_vectors(made())
        expected = [f"{STYLES[row % 3]}.{row:05d}" for row in space.neighbors(4, 5)[0].tolist()]
        assert [song["title"] for song in found["similar"]] == expected

    def test_playlists(self, home: Path, tmp_path: Path) -> None:
        path = answer(home, "playlist", "folk.00000", "--to", "rock.00002", "--length", 6, "-o", tmp_path / "x.m3u8")
        assert [path["songs"][place]["title"] for place in (0, -1)] == ["folk.00000", "rock.00002"]
        assert "folk.00000" in (tmp_path / "x.m3u8").read_text(encoding="utf-8")
        assert answer(home, "mixes", "--count", 2)["mixes"]
        assert answer(home, "suggest", "--like", tmp_path / "x.m3u8", "-n", 3)

    def test_geometry_map_status_export(self, home: Path, tmp_path: Path) -> None:
        assert {one["name"] for one in answer(home, "geometry", "genres")["regions"]} == set(STYLES)
        assert call(home, "map", "-o", tmp_path / "map.html").exit_code == 0
        assert "jazz.00004" in (tmp_path / "map.html").read_text(encoding="utf-8")
        summary = answer(home, "status")["summary"]
        assert summary["songs"] == 60 and summary["imported"].endswith("vectors.parquet")
        assert all(one["verdict"] != "failure" for one in answer(home, "doctor")["findings"])
        assert call(home, "export", "-o", tmp_path / "again.parquet").exit_code == 0
        assert parquet.read_table(tmp_path / "again.parquet")["x"].null_count == 0

    def test_scores_with_labels_of_any_table(self, home: Path, tmp_path: Path) -> None:
        (tmp_path / "labels.csv").write_text(
            "track_id,genre_top,split\n" + "".join(f"{STYLES[n % 3]}.{n:05d},{n % 3},{n % 2}\n" for n in range(60))
        )
        for labels in ("genre", tmp_path / "labels.csv"):
            result = answer(home, "evaluate", "--labels", labels, "--seeds", 1)
            assert list(result["encoders"]) == ["imported"]
            assert result["encoders"]["imported"]["precision"]["value"] > 0.8
        assert answer(home, "evaluate", "--labels", labels, "--split", "1", "--seeds", 1)["songs"] == 30

    def test_the_page_and_the_api(self, home: Path, tmp_path: Path) -> None:
        client = TestClient(create_app(home, page=tmp_path), base_url="http://127.0.0.1", headers={"X-Songspace": "1"})
        [song] = client.get("/api/v1/songs", params={"q": "jazz.00004"}).json()["songs"]
        found = client.get(f"/api/v1/songs/{song['id']}/neighbours").json()
        assert found["similar"][0]["title"].startswith("jazz.")
        assert client.get("/api/v1/status").json()["sound"] is False  # so the page asks for no explanations
        for question in ("status", "status/quality", "geometry/genres", f"radio?song={song['id']}", "health"):
            assert client.get(f"/api/v1/{question}").status_code == 200, question
        for sound in ("audio", "cover"):
            refused = client.get(f"/api/v1/songs/{song['id']}/{sound}")
            assert refused.status_code == 404 and "imported as vectors" in refused.json()["detail"]
        refused = client.get(f"/api/v1/songs/{song['id']}/neighbours", params={"explain": True})
        assert refused.status_code == 422 and "no seconds of them to explain" in refused.json()["detail"]

    def test_what_nobody_knows_is_not_shown(self, home: Path) -> None:
        assert not {"folders", "hours"} & set(answer(home, "status")["summary"])
        shown = call(home, "playlist", "jazz.00004", "--length", 3)
        assert "jazz.00004" in shown.stdout and "0:00" not in shown.output

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("similar", "jazz.00004", "--explain"), "no seconds of them to explain anything by"),
            (("similar", "jazz.00004", "--clips", "clips"), "no seconds of them to explain anything by"),
            (("playlist", "jazz.00004", "--explain"), "no seconds of them to explain anything by"),
            (("similar", __file__), "the place of .*test_importing.py among them cannot be computed"),
            (("update",), "there is no sound to listen to"),
            (("learn", Path(__file__).parent), "there is no sound to listen to"),
            (("evaluate", "--encoders", "timbre"), "only they can be scored, and not timbre"),
            (("evaluate", "--encoders", "nonsense"), "no encoder called 'nonsense'"),
        ],
    )
    def test_what_needs_sound_is_one_sentence(self, home: Path, arguments: tuple[Any, ...], said: str) -> None:
        result = call(home, *arguments)
        assert isinstance(result.exception, SongspaceError)
        with pytest.raises(SongspaceError, match=said):
            raise result.exception


class TestFiles:
    def test_tags_of_the_files_that_are_there(self, tmp_path: Path, song: Callable[..., Path]) -> None:
        song(tmp_path / "music" / "a.flac", 1, title="From the file", artist="Ann", genre="Folk")
        paths = ["music/a.flac", "/nowhere/b.flac", "music/c.flac"]
        write(tmp_path / "v.parquet", made(n=3), path=paths, genre=["Polka", None, "Polka"])
        done = import_vectors(Home(tmp_path / "home"), tmp_path / "v.parquet")
        assert (done.songs, done.dimensions, done.files) == (3, 8, 1)
        songs = {song.name: song for song in Library(tmp_path / "home").songs()}
        assert sorted(songs) == ["Ann - From the file", "b", "c"]
        found = songs["Ann - From the file"]
        assert (found.path, found.genre) == (str(tmp_path / "music" / "a.flac"), "Polka")
        assert answer(tmp_path / "home", "similar", tmp_path / "music" / "a.flac")["similar"]

    def test_whole_numbers_are_the_numbers_of_the_songs(self, tmp_path: Path) -> None:
        for ids in ([700, 2, 31], ["700", "2", "31"]):
            write(tmp_path / "v.parquet", made(n=3), id=ids)
            import_vectors(Home(tmp_path / "home"), tmp_path / "v.parquet")
            library = Library(tmp_path / "home")
            assert {song.id: song.title for song in library.songs()} == {700: "700", 2: "2", 31: "31"}
            assert library.find("31").id == 31
        write(tmp_path / "v.parquet", made(n=3), id=["000700", "000001", "000031"])
        import_vectors(Home(tmp_path / "other"), tmp_path / "v.parquet")
        assert Library(tmp_path / "other").find("000001").title == "000001"

    @pytest.mark.parametrize(
        "kind",
        [
            pyarrow.list_(pyarrow.float64()),
            pyarrow.large_list(pyarrow.float32()),
            pyarrow.list_(pyarrow.float32(), 8),
            pyarrow.list_(pyarrow.float16()),
        ],
        ids=str,
    )
    def test_lists_of_any_kind(self, tmp_path: Path, kind: pyarrow.DataType) -> None:
        vectors = made(n=20).astype(np.float16 if kind.value_type == pyarrow.float16() else np.float32)
        write(tmp_path / "v.parquet", vectors, kind, id=list(range(1, 21)))
        import_vectors(Home(tmp_path / "home"), tmp_path / "v.parquet")
        space = Space.open(Home(tmp_path / "home").space)
        expected = Space.from_vectors(vectors.astype(np.float32), range(1, 21))
        rows = [expected.row(id) for id in space.ids.tolist()]
        np.testing.assert_allclose(space.vectors, expected.vectors[rows], atol=1e-6)

    def test_npz_and_what_export_writes(self, tmp_path: Path, home: Path) -> None:
        space = Space.open(Home(home).space)
        for name in ("x.npz", "x.parquet"):
            assert call(home, "export", "-o", tmp_path / name).exit_code == 0
            import_vectors(Home(tmp_path / "home"), tmp_path / name)
            again, library = Space.open(Home(tmp_path / "home").space), Library(tmp_path / "home")
            assert sorted(again.ids.tolist()) == sorted(space.ids.tolist())
            for song in library.songs():
                known = Library(home).catalog.song(song.id)
                assert (song.title, song.genre, song.year) == (known.title, known.genre, known.year)

    def test_importing_again_replaces_and_songs_keep_their_numbers(self, tmp_path: Path) -> None:
        place = Home(tmp_path / "home")
        write(tmp_path / "v.parquet", made(n=4), id=["a", "b", "c", "d"])
        import_vectors(place, tmp_path / "v.parquet")
        first = {song.title: song.id for song in Library(place.folder).songs()}
        write(tmp_path / "v.parquet", made(1, n=4, d=3), id=["e", "d", "b", "f"])
        import_vectors(place, tmp_path / "v.parquet")
        second = {song.title: song.id for song in Library(place.folder).songs()}
        assert sorted(second) == ["b", "d", "e", "f"]
        assert (second["b"], second["d"]) == (first["b"], first["d"])
        assert not {second["e"], second["f"]} & set(first.values())
        assert Space.open(place.space).vectors.shape == (4, 3)
        assert answer(place.folder, "similar", "b")["similar"]

    def test_music_that_was_listened_to_is_not_replaced(self, tmp_path: Path, learnt_home: Path) -> None:
        write(tmp_path / "v.parquet", made(n=4), id=["a", "b", "c", "d"])
        before = Library(learnt_home).catalog.digest("x")
        with pytest.raises(SongspaceError, match="give the vectors a home of their own by --home"):
            import_vectors(Home(learnt_home), tmp_path / "v.parquet")
        assert Library(learnt_home).catalog.digest("x") == before


def wrong_files(folder: Path) -> dict[str, str]:
    """Files that are refused, and what is said of them."""
    good, ids = made(n=4), ["a", "b", "c", "d"]
    nan, huge = good.copy(), good.astype(np.float64)
    nan[2, 1], huge[1:3] = np.nan, 1e300
    parquet.write_table(pyarrow.table({"id": ids, "x": [1, 2, 3, 4]}), folder / "no-vector")
    parquet.write_table(pyarrow.table({"id": ids, "vector": ["1", "2", "3", "4"]}), folder / "text")
    write(folder / "lists-of-text", [["a"]], pyarrow.list_(pyarrow.string()), id=["a"])
    write(folder / "no-name", good, x=ids)
    write(folder / "ragged", [[1.0, 2.0], [1.0], [0.0, 1.0]], id=["a", "b", "c"])
    write(folder / "nan", nan, id=ids)
    write(folder / "huge", huge, pyarrow.list_(pyarrow.float64()), id=ids)
    write(folder / "null", [[1.0, 2.0], None], id=["a", "b"])
    write(folder / "null-inside", [[1.0, 2.0], [None, 1.0]], id=["a", "b"])
    write(folder / "twice", good, id=["a", "b", "a", "d"])
    write(folder / "same-path", good, path=["x/a", "b", "x//./a", "d"])
    write(folder / "empty-id", good, id=["a", "b", "", "d"])
    write(folder / "null-id", good, id=["a", None, "c", "d"])
    write(folder / "float-id", good, id=[1.0, 2.0, 3.0, 4.0])
    write(folder / "zero-byte", good, path=["a", "b\0", "c", "d"])
    write(folder / "no-rows", [], id=pyarrow.array([], pyarrow.string()))
    write(folder / "no-numbers", [[], []], id=["a", "b"])
    (folder / "csv").write_text("id,vector\na,1\n")
    (folder / "nothing").touch()
    whole = write(folder / "whole", good, id=ids).read_bytes()
    (folder / "cut-off").write_bytes(whole[: len(whole) // 2])
    (folder / "damaged").write_bytes(whole[:4] + b"\xff" * (len(whole) - 12) + whole[-8:])
    (folder / "whole").unlink()
    np.savez(folder / "npz-ragged.npz", vector=good, id=np.array(ids[:3]))
    np.savez(folder / "npz-flat.npz", vector=good[0], id=np.array(ids))
    np.savez(folder / "npz-pickle.npz", vector=good, id=np.array(ids, object))
    np.savez(folder / "npz-half-a-character.npz", vector=good, id=np.array([*"abc", "d\ud800"]))
    np.savez(folder / "npz-none.npz")
    with zipfile.ZipFile(folder / "npz-of-terabytes.npz", "w") as archive, archive.open("vector.npy", "w") as said:
        np.lib.format.write_array_header_1_0(said, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**5)})
    with zipfile.ZipFile(folder / "npz-of-terabytes.npz", "a") as archive, archive.open("id.npy", "w") as said:
        np.lib.format.write_array(said, np.array(ids))
    np.savez(folder / "whole.npz", vector=good, id=np.array(ids))
    whole = (folder / "whole.npz").read_bytes()
    (folder / "whole.npz").unlink()
    head, *entries = whole.split(b"PK\x01\x02")
    for name, place, value in (("encrypted", 4, 1), ("packed-unknown", 6, 99)):  # as the list at the end says
        changed = [entry[:place] + bytes([value]) + entry[place + 1 :] for entry in entries]
        (folder / f"npz-{name}.npz").write_bytes(b"PK\x01\x02".join([head, *changed]))
    (folder / "zip.npz").write_bytes(b"PK\x03\x04" + b"no zip at all")
    (folder / "folder").mkdir()
    return {
        "no-vector": r"has no column vector \(or embedding\); its columns: id, x\.",
        "text": "the column vector holds string, and not lists of numbers",
        "lists-of-text": "the column vector holds list<.*string>, and not lists of numbers",
        "no-name": "has no column path or id; its columns: x, vector",
        "ragged": "that of row 1 has 2 numbers, that of row 2 has 1",
        "nan": "the vector of c is not all of finite numbers",
        "huge": "the vector of b, and 1 more is not all of finite numbers",
        "null": "row 2 has no vector",
        "null-inside": "the vector of b is not all of finite numbers",
        "twice": "rows 1 and 3 have the same id, a: each song needs one row",
        "same-path": "rows 1 and 3 have the same path",
        "empty-id": "the id of row 3 is empty",
        "null-id": "the id of row 2 is empty",
        "float-id": "the id of row 1 is 1.0, and neither a text nor a whole number",
        "zero-byte": "the path of row 2 is none that a file could have",
        "no-rows": "has no rows",
        "no-numbers": "has no numbers in its vectors",
        "csv": "is neither a Parquet nor an npz file",
        "nothing": "is neither a Parquet nor an npz file",
        "cut-off": "cannot be read as Parquet",
        "damaged": "cannot be read as Parquet",
        "npz-ragged.npz": "the array id has not one value for each of 4 vectors",
        "npz-flat.npz": r"the array vector is float32 of shape \(8,\), and no matrix",
        "npz-pickle.npz": "cannot be read as npz",
        "npz-half-a-character.npz": "the id of row 4 is none that a file could have",
        "npz-none.npz": "has no column vector",
        "npz-of-terabytes.npz": "cannot be read as npz",
        "npz-encrypted.npz": "cannot be read as npz",
        "npz-packed-unknown.npz": "cannot be read as npz",
        "zip.npz": "cannot be read as npz",
        "folder": "cannot be read",
        "not-there": r"cannot be read \(No such file or directory\)",
    }


def test_wrong_files_are_one_sentence_and_lose_nothing(tmp_path: Path) -> None:
    write(tmp_path / "v.parquet", made(n=9), id=[*"abcdefghi"])
    place = Home(tmp_path / "home")
    import_vectors(place, tmp_path / "v.parquet")
    before = answer(place.folder, "similar", "a")
    (tmp_path / "wrong").mkdir()
    for name, said in wrong_files(tmp_path / "wrong").items():
        for one in (place, Home(tmp_path / "new")):
            with pytest.raises(SongspaceError, match=said) as caught:
                import_vectors(one, tmp_path / "wrong" / name)
            assert str(caught.value).endswith(".") and "\n" not in str(caught.value), name
    assert answer(place.folder, "similar", "a") == before
    assert not (tmp_path / "new").exists()


def test_what_a_file_says_is_text_that_can_be_kept_and_shown(tmp_path: Path) -> None:
    """Half a character and a terminal's commands are none; a name that is the bytes of a file's stays one."""
    ids = ["a\udc80", "b\x1b[31m", "c"]
    np.savez(tmp_path / "v.npz", vector=made(n=3), id=np.array(ids), artist=np.array(["x\ud800y", "\x9bz", "w"]))
    import_vectors(Home(tmp_path / "home"), tmp_path / "v.npz")
    songs = sorted(Library(tmp_path / "home").songs(), key=lambda song: song.path)
    assert [Path(song.path).name for song in songs] == ids
    assert [(song.title, song.artist) for song in songs] == [("a?", "x?y"), ("b [31m", "z"), ("c", "w")]


def test_two_rows_of_one_file(tmp_path: Path) -> None:
    write(tmp_path / "v.parquet", made(n=2), path=["a.wav", str(tmp_path / "a.wav")])
    with pytest.raises(SongspaceError, match=r"several rows are of .*a\.wav: each song needs one row"):
        import_vectors(Home(tmp_path / "home"), tmp_path / "v.parquet")
    write(tmp_path / "v.parquet", made(n=4), id=["a", "./a", "../a", str(tmp_path / "a")])  # they are only names
    assert import_vectors(Home(tmp_path / "home"), tmp_path / "v.parquet").songs == 4
    assert Library(tmp_path / "home").catalog.count() == 4


class TestStopped:
    def test_before_the_songs_are_in_the_catalog(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        place = Home(tmp_path / "home")
        write(tmp_path / "v.parquet", made(n=9), id=[*"abcdefghi"])
        import_vectors(place, tmp_path / "v.parquet")
        before = answer(place.folder, "similar", "a")
        write(tmp_path / "w.parquet", made(1, n=9), id=[*"abcdefghi"])
        with monkeypatch.context() as stopped:
            stopped.setattr("songspace.library.catalog.Catalog.set_fact", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                import_vectors(place, tmp_path / "w.parquet")
        assert answer(place.folder, "similar", "a") == before

    def test_before_the_space_is_built(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        place = Home(tmp_path / "home")
        write(tmp_path / "v.parquet", made(n=9), id=[*"abcdefghi"])
        import_vectors(place, tmp_path / "v.parquet")
        write(tmp_path / "w.parquet", made(1, n=9), id=[*"abcdefghi"])
        with monkeypatch.context() as stopped:
            stopped.setattr("songspace.space.Space.save", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                import_vectors(place, tmp_path / "w.parquet")
        failed = call(place.folder, "similar", "a")
        assert "An import was stopped before its space was built: run `songspace import" in str(failed.exception)
        import_vectors(place, tmp_path / "w.parquet")
        assert answer(place.folder, "similar", "a")["similar"]

    @pytest.mark.slow
    def test_kill_9_at_any_moment(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        write(tmp_path / "v.parquet", made(n=3000), id=[f"s{n}" for n in range(3000)])
        write(tmp_path / "w.parquet", made(1, n=3000), id=[f"s{n}" for n in range(3000)])
        import_vectors(Home(tmp_path / "quiet"), tmp_path / "w.parquet")
        place = Home(tmp_path / "home")
        import_vectors(place, tmp_path / "v.parquet")
        command = [sys.executable, "-m", "songspace", "import", tmp_path / "w.parquet", "--home", place.folder]
        began = time.monotonic()
        subprocess.run([*command[:-1], tmp_path / "timed"], check=True, capture_output=True)
        whole = time.monotonic() - began
        for share in rng.uniform(0.3, 1.0, size=3):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            time.sleep(share * whole)
            process.kill()
            process.wait()
            with Library(place.folder).catalog as catalog:
                assert catalog.count() == 3000
        subprocess.run(command, check=True, capture_output=True)
        quiet, again = (Space.open(one.space) for one in (Home(tmp_path / "quiet"), place))
        assert again.verify() and again.encoder == quiet.encoder
        np.testing.assert_array_equal(again.vectors, quiet.vectors)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_pipe_among_the_paths_stops_nobody(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes with names")
    os.mkfifo(tmp_path / "pipe.flac")
    write(tmp_path / "v.parquet", made(n=2), path=["pipe.flac", "x" * 5000])
    assert import_vectors(Home(tmp_path / "home"), tmp_path / "v.parquet").songs == 2


def test_learning_in_the_home_of_an_import_changes_nothing(home: Path, tunes: Path) -> None:
    before = Library(home).catalog.digest("x")
    with pytest.raises(SongspaceError, match="music needs a home of its own"):
        pipeline.learn(Home(home), tunes, encoder="timbre")
    assert Library(home).catalog.digest("x") == before and Library(home).catalog.roots() == []
