"""Decoding of tags without a declared encoding, or with Latin-1 declared by mistake."""

from __future__ import annotations

import codecs
import string

from songspace.errors import SongspaceError

_PLAIN = string.ascii_letters + string.digits + " .,()-"


def known_encoding(name: str) -> str:
    """Return Python's name of an encoding of old tags.

    Raises
    ------
    SongspaceError
        If there is no such encoding, or if English letters have other codes in it than in ASCII.

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
    """Decode a text of unknown encoding.

    Parameters
    ----------
    data : bytes
    encoding : str or None
        Encoding that a person named. If it is None or does not fit, the text is decoded as Latin-1 with the quotes,
        dashes and euro sign of Windows-1252 in the place of control characters.

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
    """Decode a text as UTF-8; if it is not UTF-8, as :func:`decoded` does."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return decoded(data, encoding)


def read_anew(text: str, encoding: str | None) -> str:
    """Decode again, in another encoding, a text that was read as Latin-1."""
    try:
        return decoded(text.encode("latin-1"), encoding)
    except UnicodeEncodeError:  # it was not Latin-1
        return text


def _windows() -> dict[int, str]:
    table = {}
    for byte in range(0x80, 0xA0):
        try:
            table[byte] = bytes([byte]).decode("cp1252")
        except UnicodeDecodeError:  # five bytes have no character
            continue
    return table


_WINDOWS = _windows()
