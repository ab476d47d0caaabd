"""Text in pictures: names may be in any script, as long as they like, and hold signs that mean something elsewhere."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from songspace.categories import printable
from songspace.drawing import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

SCRIPTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "Yu Gothic",
    "Microsoft YaHei",
    "Segoe UI",
    "Noto Sans",
)
"""Fonts that know more scripts than matplotlib's own: used after it, if they are there."""


def family() -> list[str]:
    """The fonts to write in, the first that knows a character first."""
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(font for font in SCRIPTS if font in known)]


def short(text: str, most: int) -> str:
    """A text on one line and of at most so many characters.

    Examples
    --------
    >>> short("A night at the opera", 10)
    'A night a…'
    """
    text = printable(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def extent(text: Text) -> tuple[float, float]:
    """Width and height of a text in pixels.

    A script that no font here knows is measured as boxes; a viewer of SVG may have it, and broad characters broader.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        box = text.get_window_extent()
    broad = sum(unicodedata.east_asian_width(character) in "WF" for character in text.get_text())
    em = float(text.get_fontsize()) * text.figure.dpi / 72 if text.figure else 0.0
    return max(box.width, broad * em), box.height


def writer(figure: Figure) -> Callable[..., Text]:
    """A function that writes plain text: names may hold dollar signs, which are not formulas here."""
    fonts = family()

    def write(x: float, y: float, text: str, *, axes: Axes | None = None, **looks: Any) -> Text:
        looks = {"color": INK, "family": fonts, "parse_math": False, **looks}
        return (axes or figure).text(x, y, printable(text), **looks)

    return write
