"""A server of the learnt tunes, with a cover, lyrics and a user, for clients of others."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import uvicorn
from PIL import Image

from songspace import Library, Space, pipeline
from songspace.library import Home
from songspace.server import connections
from songspace.server.app import create_app
from songspace.server.user import User

NAME, PASSWORD, TOKEN = "ann", "open sesame", "a-token-for-tests-only"
LYRICS = "[00:01.00]First light\n[00:02.50]Second thoughts\n"


@dataclass(frozen=True)
class Listener:
    """What a client has to know, and what is true of the library."""

    port: int
    home: Path
    music: Path
    cover: bytes

    name: str = NAME
    password: str = PASSWORD
    token: str = TOKEN

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def id(self, number: int) -> str:
        """The id of "Tune ``number``"."""
        [song] = [song for song in Library(self.home).songs() if song.title == f"Tune {number}"]
        return str(song.id)

    def file(self, number: int) -> bytes:
        return next(self.music.rglob(f"{number:02d}.flac")).read_bytes()

    def likeness(self, number: int) -> dict[str, float]:
        """The cosines of all other tunes to this one, by their titles, the highest first: straight from the space."""
        space, titles = Space.open(Home(self.home).space), {song.id: song.title for song in Library(self.home).songs()}
        cosines = space.vectors @ space.vectors[space.row(int(self.id(number)))]
        found = {titles[int(id)]: float(cosine) for id, cosine in zip(space.ids, cosines, strict=True)}
        return {title or "": found[title] for title in sorted(found, key=lambda title: -found[title])[1:]}


@pytest.fixture(scope="module")
def listener(learnt_home: Path, tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    """A server on a port of this machine, once for a module: clients share it, as players in a house do."""
    folder = tmp_path_factory.mktemp("evening")
    music, home = folder / "music", Home(Path(shutil.copytree(learnt_home, folder / "home")))
    shutil.copytree(tunes, music)
    pipeline.update(home, music)
    pipeline.forget(home, tunes)
    drawn = BytesIO()
    Image.linear_gradient("L").convert("RGB").save(drawn, "PNG")  # 256 x 256
    for artist in music.iterdir():
        (artist / "cover.png").write_bytes(drawn.getvalue())
    for path in music.rglob("*.flac"):
        path.with_suffix(".lrc").write_text(LYRICS, "utf-8")
    User(NAME, PASSWORD).save(home.user)
    app = create_app(home, token=TOKEN, page=folder / "no-page")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", **connections.settings()))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Listener(listening.getsockname()[1], home.folder, music, drawn.getvalue())
        finally:
            server.should_exit = True
            thread.join()
