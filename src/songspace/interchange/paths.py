"""File names in playlists: relative or absolute, as URIs, and as a media server sees them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_WINDOWS = re.compile(r"[A-Za-z]:(?=[\\/]|$)|\\\\")


def named(path: str, folder: Path | None) -> str:
    """Return the name of a file relative to the folder of a playlist; with None, its absolute path."""
    if folder is None:
        return path
    try:
        name = os.path.relpath(path, folder)
    except ValueError:  # on another drive, there is no relative name
        return path
    # If a folder on the way is a link, ".." is the parent of its target, not of the link.
    if os.path.realpath(folder / name) != os.path.realpath(path):
        name = os.path.relpath(path, os.path.realpath(folder))
    return name.replace(os.sep, "/")


def located(name: str, folder: Path) -> str:
    """Return the absolute path of a name in a playlist in ``folder``."""
    if SCHEME.match(name) and "://" in name:
        return name
    if "\0" in name:
        raise ValueError("no file has a name with a NUL in it")
    joined = folder / name
    if os.path.normpath(joined) == os.fspath(joined) and "\\" not in name:
        return os.fspath(joined)  # without "..", links need not be resolved
    if "\\" in name and os.path.exists(slashed := folder / name.replace("\\", "/")) and not os.path.exists(joined):
        joined = slashed  # the playlist was written under Windows
    plain = os.path.normpath(joined)
    real = os.path.realpath(joined)
    return plain if os.path.realpath(plain) == real else real


def spelled(name: str) -> str:
    """Return a file name as text for a playlist in UTF-8; bytes that are not UTF-8 become surrogates.

    Python decodes file names by the encoding of the system, which may have fewer characters (``LC_ALL=C``, Latin-1).
    """
    return os.fsencode(name).decode("utf-8", "surrogateescape") if os.name != "nt" else name


def native(name: str) -> str:
    """Return the file name of a text in a playlist: the inverse of :func:`spelled`."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape")) if os.name != "nt" else name


def from_uri(uri: str) -> str:
    """Return the file name of a file URI or a relative reference; other URIs are returned unchanged.

    Some programs do not escape ``#``, ``?`` and ``%``, so these count as part of the name.
    """
    name = uri
    if uri[:6].lower() == "file:/":
        host, _, rest = (uri[7:] if uri[6:7] == "/" else uri[5:]).partition("/")  # Java writes "file:/music/a.mp3"
        if host.lower() not in ("", "localhost"):
            return uri
        name = rest if os.name == "nt" else f"/{rest}"
    elif SCHEME.match(uri):
        return uri
    return os.fsdecode(unquote_to_bytes(name))


def readings(name: str, folder: str | None) -> list[str]:
    """Return the paths that a name in a playlist may mean, the literal one first.

    VLC escapes relative names like URIs, so that "50%25 Off" means "50% Off"; but a name may also contain "%". Windows
    uses backslashes.

    Examples
    --------
    >>> readings("Zo%C3%AB\\\\a.mp3", "/music")
    ['/music/Zo%C3%AB\\\\a.mp3', '/music/Zo%C3%AB/a.mp3', '/music/Zoë\\\\a.mp3', '/music/Zoë/a.mp3']
    """
    if "://" in name and SCHEME.match(name):
        return [name]
    names = [name]
    if "%" in name and (unescaped := os.fsdecode(unquote_to_bytes(os.fsencode(name)))) != name:
        names.append(unescaped)
    names = [other for one in names for other in dict.fromkeys((one, one.replace("\\", "/")))]
    return [
        name if folder is None else os.path.normpath(os.path.join(folder, name)) for name in names if "\0" not in name
    ]


def to_uri(name: str) -> str:
    """Return the URI of an absolute name, or the relative reference of a relative one.

    Examples
    --------
    >>> to_uri("a b/c.mp3"), to_uri("D:\\\\Music\\\\a b.mp3"), to_uri("\\\\\\\\nas\\\\music\\\\a.mp3")
    ('a%20b/c.mp3', 'file:///D:/Music/a%20b.mp3', 'file://nas/music/a.mp3')
    """
    if _WINDOWS.match(name):
        slashed = name.replace("\\", "/")
        start = "file:" if slashed.startswith("//") else "file:///"
        return start + quote(slashed, safe="/:", errors="surrogateescape")
    return Path(name).as_uri() if Path(name).is_absolute() else quote_from_bytes(os.fsencode(name))


def mapped(path: str, prefixes: Mapping[str, str]) -> str | None:
    """Return a path as a media server sees it, by its names of folders; None if it lies in none of them.

    The longest matching folder counts. If its name on the server is "", the result is relative, as for MPD.

    Examples
    --------
    >>> mapped("/home/me/Music/a/b.mp3", {"/home/me": "/me", "/home/me/Music/": "D:\\\\Music"})
    'D:\\\\Music\\\\a\\\\b.mp3'
    >>> mapped("/home/me/Music2/a.mp3", {"/home/me/Music": "/music"}) is None
    True
    """
    for here in sorted(prefixes, key=lambda folder: -len(folder.rstrip("/\\"))):
        if (rest := _below(path.replace(os.sep, "/"), here.replace(os.sep, "/"))) is not None:
            return _joined(prefixes[here], rest)
    return None


def unmapped(name: str, prefixes: Mapping[str, str]) -> list[str]:
    """Return the possible paths here of a name on a media server, the likeliest first: the inverse of :func:`mapped`.

    Examples
    --------
    >>> unmapped("/music/a/b.mp3", {"/home/me/Music": "/music", "/disk": "/"})
    ['/home/me/Music/a/b.mp3', '/disk/music/a/b.mp3']
    """
    paths = []
    for here, there in sorted(prefixes.items(), key=lambda pair: -len(pair[1].rstrip("/\\"))):
        if not there:
            rest = None if name.startswith("/") or SCHEME.match(name) or _WINDOWS.match(name) else name
        elif _WINDOWS.match(there):
            slashed, folder = turned(name), turned(there)
            same = slashed[: len(folder)].casefold() == folder.casefold()
            rest = _below(slashed, slashed[: len(folder)]) if same else None
        else:
            rest = _below(name, there)
        if rest:
            paths.append(os.path.normpath(_joined(here, rest)))
    return paths


def turned(name: str) -> str:
    """Return a name of Windows, or a URI, as a path with forward slashes."""
    if name[:6].lower() == "file:/":
        name = os.fsdecode(unquote_to_bytes(name[5:]))
    name = name.replace("\\", "/").rstrip("/")
    return name[1:] if re.match(r"/[A-Za-z]:(/|$)", name) else name


def _below(path: str, folder: str) -> str | None:
    """Return a path relative to a folder; None if it does not lie in the folder."""
    inside = folder.rstrip("/") + "/"
    return path[len(inside) :] if path.startswith(inside) else None


def _joined(folder: str, rest: str) -> str:
    if _WINDOWS.match(folder):
        return folder.rstrip("/\\") + "\\" + rest.replace("/", "\\")
    return folder.rstrip("/") + "/" + rest if folder else rest
