"""How the names of artists are compared, and which names are nobody's."""

from __future__ import annotations

import re
from functools import lru_cache

from songspace.library.names import compared

VARIOUS_MBID = "89ad4ac3-39f7-470e-963a-56509c546377"
"""What MusicBrainz calls "Various Artists"."""

GUESTS = re.compile(r"\s[(\[]?(?:feat\b\.?|ft\.|featuring\b)\s*\S.*", re.IGNORECASE | re.DOTALL)
"""Guests, from the word that begins them to the end."""

# Several whom nobody named, in the languages of the taggers that write it ...
_SEVERAL = frozenset(
    map(
        compared,
        "various artists|various artist|various|various performers|various interprets|va|v.a.|v/a|compilation|"
        "compilations|verschiedene interpreten|verschiedene künstler|verschiedene|diverse interpreten|diverse künstler|"
        "diverse|divers|artistes divers|divers artistes|artistes variés|interprètes divers|varios artistas|"
        "artistas varios|varios intérpretes|varios|vários artistas|vários intérpretes|vários|artisti vari|vari artisti|"
        "autori vari|interpreti vari|aa.vv.|diverse artiesten|verschillende artiesten|diverse artister|"
        "forskellige kunstnere|olika artister|blandade artister|eri esittäjiä|różni wykonawcy|różni artyści|"
        "různí interpreti|různí umělci|rôzni interpreti|különböző előadók|diverși artiști|razni izvođači|"
        "çeşitli sanatçılar|разные исполнители|различные исполнители|сборник|різні виконавці|διάφοροι καλλιτέχνες|"
        "διάφοροι|ヴァリアス・アーティスト|ヴァリアスアーティスト|オムニバス|群星|合輯|여러 아티스트".split("|"),
    )
)
# ... and names for whoever is not known.
_UNKNOWN = frozenset(
    map(
        compared,
        "unknown artist|unknown|unbekannter interpret|unbekannter künstler|unbekannt|artista desconocido|"
        "artiste inconnu|artista sconosciuto|artista desconhecido|неизвестный исполнитель|неизвестен|"
        "soundtrack|original soundtrack|ost|no artist|none".split("|"),
    )
)


@lru_cache(maxsize=65536)
def artist_of(text: str | None) -> str | None:
    """An artist as it is compared, without guests and a "The"; None if that is nobody in particular.

    The article says nothing: whoever tags forgets it, and hardly two artists differ in it alone.

    Examples
    --------
    >>> artist_of("The Beatles"), artist_of("Simon & Garfunkel feat. X"), artist_of("Various Artists")
    ('beatles', 'simon and garfunkel', None)
    """
    if not text:
        return None
    name = compared(GUESTS.sub("", text))
    if name in _SEVERAL or name in _UNKNOWN:
        return None
    return name.removeprefix("the ").removesuffix(" the") or None


def are_several(text: str | None) -> bool:
    """Whether a tag says "Various Artists": that there are some, and not who."""
    return bool(text) and compared(text or "") in _SEVERAL
