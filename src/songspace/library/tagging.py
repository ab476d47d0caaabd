"""What a person says of how their tags are written, remembered by the library."""

from __future__ import annotations

from collections.abc import Callable

from songspace.library.catalog import SEPARATORS, Catalog
from songspace.library.eight_bits import known_encoding

ENCODING = "tag encoding"
"""The fact that tells the encoding of old tags."""


def remember(
    catalog: Catalog,
    say: Callable[[str], None],
    *,
    encoding: str | None = None,
    separators: str | None = None,
) -> None:
    """Take over what a person says; None leaves what was said before, and an empty text takes it back.

    Another encoding lets all tags be read again, and with them all files, since a file that changed meanwhile must not
    be taken for the one that was heard; nothing is decoded. Separators take effect at once.

    Parameters
    ----------
    catalog : Catalog
        Open for writing.
    say : function of a sentence
        How the person is told what changes.
    encoding : str, optional
        That of texts which say none or Latin-1; see :func:`songspace.library.eight_bits.decoded`.
    separators : str, optional
        Signs that stand between several genres in one text.

    Raises
    ------
    SongspaceError
        If there is no such encoding.
    """
    if encoding is not None:
        encoding = known_encoding(encoding) if encoding else ""
        if encoding != (catalog.fact(ENCODING) or ""):
            catalog.read_tags_again()  # before the fact: whoever is stopped in between says it again
            _set(catalog, ENCODING, encoding)
            say(f"Old tags are read as {encoding}." if encoding else "Old tags are read as they say.")
    if separators is not None and separators != (catalog.fact(SEPARATORS) or ""):
        _set(catalog, SEPARATORS, separators)
        signs = " ".join(dict.fromkeys(separators.replace(" ", "")))
        say(f"What stands between these signs is a genre of its own: {signs}" if signs else "Genres are as tags say.")


def _set(catalog: Catalog, fact: str, value: str) -> None:
    if value:
        catalog.set_fact(fact, value)
    else:
        catalog.drop_fact(fact)
