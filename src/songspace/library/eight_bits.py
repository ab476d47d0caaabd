"""Texts of tags whose encoding is not written down, or that are called Latin-1 and are something else."""

from __future__ import annotations

import codecs
import string

from songspace.errors import SongspaceError

_PLAIN = string.ascii_letters + string.digits + " .,()-"


def known_encoding(name: str) -> str:
    """Return the name of an encoding in which old tags may be, as Python spells it.

    Raises
    ------
    SongspaceError
        If there is none of that name, or letters of English are something else in it.

    Examples
    --------
    >>> known_encoding("Windows-1251"), known_encoding("SJIS")
    ('cp1251', 'shift_jis')
    """
    try:
        if _PLAIN.encode().decode(name) == _PLAIN:
            return codecs.lookup(name).name
    except (LookupError, ValueError):
        pass
    raise SongspaceError(
        f'"{name}" is no encoding of old tags; cp1251, shift_jis, gbk, big5, cp949 and koi8-r are some.'
    )


def decoded(data: bytes, encoding: str | None) -> str:
    """Decode a text whose encoding is not known.

    Parameters
    ----------
    data : bytes
    encoding : str or None
        As a person names it. Where that cannot be, or none is named, it is Latin-1 as programs
        write it: with the quotes, dashes and euros of Windows-1252 in the place of its control characters.

    Examples
    --------
    >>> decoded(b"d\\x92Or", None), decoded(b"\\xca\\xe8\\xed\\xee", "cp1251")
    ('d’Or', 'Кино')
    """
    if encoding is not None and not data.isascii():
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    return data.decode("latin-1").translate(_WINDOWS)


def utf8_or(data: bytes, encoding: str | None) -> str:
    """Decode a text as UTF-8, or if it is not that, as one whose encoding is not known."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return decoded(data, encoding)


def read_anew(text: str, encoding: str | None) -> str:
    """Decode a text again that was read as Latin-1, because its tag says so."""
    try:
        return decoded(text.encode("latin-1"), encoding)
    except UnicodeEncodeError:  # it was something else
        return text


def _windows() -> dict[int, str]:
    table = {}
    for byte in range(0x80, 0xA0):
        try:
            table[byte] = bytes([byte]).decode("cp1252")
        except UnicodeDecodeError:  # five have no meaning
            continue
    return table


_WINDOWS = _windows()
