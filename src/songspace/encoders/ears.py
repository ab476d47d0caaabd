"""Trained ears: published networks, downloaded once for all libraries of a user.

Their weights are no part of songspace. They lie in packages of the Python index; pip downloads one from the index that
it is configured for. Only numbers are read from a package, never code, and only if its SHA-256 is that of the published
file.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songspace import tensorfile
from songspace.errors import SongspaceError
from songspace.plainfiles import open_plain

_WEIGHTS, _LICENCE = "weights.safetensors", "LICENSE.md"
_PATIENCE = 600.0  # seconds until pip is given up


@dataclass(frozen=True)
class Ear:
    """A published network, with the checksums of its files.

    Attributes
    ----------
    name, about : str
        Name of the encoder, and a sentence about it.
    package, version : str
        The package whose wheel holds it.
    wheel : str
        SHA-256 of the wheel.
    wheel_size, size : int
        Bytes of the wheel, and of the part that is kept.
    member, member_sum : str
        File in the wheel with the weights, and its SHA-256.
    licence, licensed : str
        File in the wheel with the licence, which is kept with the weights, and the name of the licence.
    checksum : str
        Checksum of the tensors (:func:`songspace.tensorfile.checksum`).
    read : callable
        Function from the bytes of the file to the tensors.
    """

    name: str
    about: str
    package: str
    version: str
    wheel: str
    wheel_size: int
    size: int
    member: str
    member_sum: str
    licence: str
    licensed: str
    checksum: str
    read: Callable[[bytes], dict[str, np.ndarray]]

    @property
    def folder(self) -> Path:
        """The folder of its files, within the user's data folder: the same for all libraries."""
        from platformdirs import user_data_path

        return user_data_path("songspace") / "ears" / self.name

    @property
    def there(self) -> bool:
        """True if its weights are installed."""
        return (self.folder / _WEIGHTS).exists()

    def open(self) -> Mapping[str, np.ndarray]:
        """Return its tensors.

        Raises
        ------
        SongspaceError
            If the weights are missing or damaged.
        """
        again = f"`songspace ears get {self.name}` gets them"
        path = self.folder / _WEIGHTS
        try:
            tensors, _ = tensorfile.open_mapped(path)
        except FileNotFoundError:
            raise SongspaceError(f"The weights of {self.name} are not here: {again}.") from None
        except OSError as error:
            raise SongspaceError(f"{path} cannot be read ({error.strerror}).") from error
        except SongspaceError:
            tensors = {}
        if tensorfile.checksum(tensors) != self.checksum:
            raise SongspaceError(f"The weights of {self.name} in {path} are damaged: {again} again.")
        return tensors


def _musicnn(data: bytes) -> dict[str, np.ndarray]:
    """Read the tensors of a forward pass from a checkpoint of TensorFlow.

    The variables stand in the order of their names, float32 and little-endian. Each trained variable is followed by its
    two moments of Adam, of the same size. The two numbers of Adam itself stand among them, in the same order.
    """
    from songspace.encoders.musicnn import SHAPES

    tensors, start = {}, 0
    for name in sorted([*SHAPES, "beta1_power", "beta2_power"]):
        shape = SHAPES.get(name, (1,))
        count = int(np.prod(shape))
        if name in SHAPES:
            tensors[name] = np.frombuffer(data, "<f4", count, start).reshape(shape)
        trained = name.endswith(("kernel", "bias", "gamma", "beta"))
        start += 4 * count * (3 if trained else 1)
    return tensors


MUSICNN = Ear(
    name="musicnn",
    about="MusiCNN (J. Pons and X. Serra, 2019): learnt 50 tags of 200,000 songs from listeners",
    package="musicnn",
    version="0.1.0",
    wheel="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    wheel_size=29_292_476,
    size=3_177_000,
    member="musicnn/MSD_musicnn/.data-00000-of-00001",
    member_sum="8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
    licence="musicnn-0.1.0.dist-info/LICENSE.md",
    licensed="ISC, Music Technology Group, Universitat Pompeu Fabra",
    checksum="32ccdf9f5ca9ad860f3ee434a88a0af7",
    read=_musicnn,
)

EARS = {ear.name: ear for ear in (MUSICNN,)}
"""All ears by name."""


def any_there() -> bool:
    """Return True if the weights of at least one ear are installed."""
    return any(ear.there for ear in EARS.values())


def find(name: str) -> Ear:
    """Return the ear of a name.

    Raises
    ------
    SongspaceError
        If there is no ear of this name.
    """
    if name not in EARS:
        raise SongspaceError(f"There is no ear called {name!r}: choose from {', '.join(EARS)}.")
    return EARS[name]


def get(ear: Ear, wheel: Path | None = None) -> Path:
    """Install an ear from its wheel, and return the folder of its files.

    Parameters
    ----------
    ear : Ear
    wheel : Path, optional
        By default pip downloads it.

    Raises
    ------
    SongspaceError
        If the wheel cannot be downloaded, is not the published one, or the weights cannot be written. No file is left.
    """
    if wheel is not None:
        return _keep(ear, wheel)
    with tempfile.TemporaryDirectory(prefix="songspace-") as scratch:
        return _keep(ear, _fetched(ear, Path(scratch)))


def _fetched(ear: Ear, folder: Path) -> Path:
    """Download the wheel by pip into a folder; it is not installed, and none of its code runs."""
    wanted = f"{ear.package}=={ear.version}"
    offline = f"with --from FILE.whl a wheel of {wanted} that was fetched elsewhere will do"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(folder), wanted]
    try:
        pip = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SongspaceError(f"pip could not fetch {wanted} ({error}): {offline}.") from error
    if "No module named pip" in pip.stderr:
        raise SongspaceError(f"There is no pip for {sys.executable}: {offline}.")
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        reasons = [line for line in pip.stderr.splitlines() if line.strip()]
        reason = reasons[-1].removeprefix("ERROR: ").rstrip(".") if reasons else "it says nothing"
        raise SongspaceError(f"pip could not fetch {wanted} ({reason}): {offline}.")
    return wheels[0]


def _keep(ear: Ear, wheel: Path) -> Path:
    """Write the weights and the licence from a wheel, if it is the published one."""
    refused = f"{wheel} is not the published wheel of {ear.package} {ear.version}"
    try:
        with open_plain(wheel, links=True) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != ear.wheel:
                raise SongspaceError(f"{refused}: its SHA-256 is another one.")
        with zipfile.ZipFile(wheel) as packed:
            data, licence = packed.read(ear.member), packed.read(ear.licence)
    except FileNotFoundError:
        raise SongspaceError(f"There is no file {wheel}.") from None
    except OSError as error:
        raise SongspaceError(f"{wheel} cannot be read ({error.strerror or error}).") from error
    except (zipfile.BadZipFile, KeyError, zlib.error) as error:
        raise SongspaceError(f"{refused} ({error}).") from error
    if hashlib.sha256(data).hexdigest() != ear.member_sum:
        raise SongspaceError(f"{refused}: the weights in it are others.")
    tensors = ear.read(data)
    was_there = ear.there
    try:
        ear.folder.mkdir(parents=True, exist_ok=True)
        tensorfile.write_whole(ear.folder / _LICENCE, [licence])
        first = next(iter(tensors))
        tensorfile.write(ear.folder / _WEIGHTS, tensors, {"from": f"{ear.package} {ear.version}"}, aligned=first)
    except OSError as error:
        if not was_there:
            shutil.rmtree(ear.folder, ignore_errors=True)
        raise SongspaceError(f"The weights cannot be written to {ear.folder} ({error.strerror}).") from error
    return ear.folder
