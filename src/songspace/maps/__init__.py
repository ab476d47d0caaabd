"""Maps: the songs of a space in two dimensions, as a picture or as an interactive page.

>>> import numpy as np
>>> from songspace import maps
>>> maps.layout(np.eye(4, dtype=np.float32), method="pca").shape
(4, 2)
"""

from __future__ import annotations

from songspace.maps.projection import align, beside, extend, layout
from songspace.maps.rendering import draw_html, draw_png

__all__ = ["align", "beside", "draw_html", "draw_png", "extend", "layout"]
