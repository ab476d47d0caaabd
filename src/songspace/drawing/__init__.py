"""What all pictures share: colours, text, places for labels, files that are whole or not there.

Everything is drawn by matplotlib's objects, without its global state.
"""

from __future__ import annotations

INK, FAINT, GREY, PALE, PAPER = "#20242b", "#6b7280", "#9aa1ac", "#cfd4da", "#f6f7f9"
"""Text, remarks, what is not spoken of, what is hardly to be seen, and what all of it lies on."""

PALETTE = (
    "#428ce8", "#eccf42", "#bd5007", "#4ee6fe", "#7553bc", "#90bb7e",
    "#ca77ac", "#ab3b75", "#019c69", "#fba8be", "#e69306", "#95b4fd",
)  # fmt: skip
"""Twelve colours that stay apart on white and on black, for normal and for red- or green-blind eyes.

Found by maximising the least distance in OKLab over normal vision, protanopia and deuteranopia.
"""
