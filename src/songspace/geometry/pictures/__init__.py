"""Regions, trees, ways and years as figures, which :func:`songspace.drawing.files.save` writes as PNG or SVG."""

from __future__ import annotations

from songspace.geometry.pictures.axis import draw_way
from songspace.geometry.pictures.overview import draw_regions
from songspace.geometry.pictures.path import draw_years
from songspace.geometry.pictures.tree import draw_tree

__all__ = ["draw_regions", "draw_tree", "draw_way", "draw_years"]
