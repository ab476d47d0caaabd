"""Choosing the next song of a radio, one key at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice

import typer

from songspace.answers.playlists import BACK, Choice
from songspace.cli import show
from songspace.library import Song

OFFERED = 5
"""Songs that are offered at a time."""


def choose(songs: list[Song], following: Iterator[Song]) -> Choice:
    """Offer some songs to follow a list, and return the one that the person picks."""
    show.say(f"{len(songs)}. {_named(songs[-1])}")
    offered = [*islice(following, OFFERED)]
    while offered:
        for number, song in enumerate(offered, 1):
            show.say(f"   {number}  {_named(song)}")
        while True:
            show.say(f"   Next: 1-{len(offered)}; o: others; b: back; q: done.")
            key = _key()
            if key.isdecimal() and 1 <= int(key) <= len(offered):
                return offered[int(key) - 1]
            if key == "b":
                return BACK
            if key in ("q", ""):
                return None
            if key == "o":
                offered = [*islice(following, OFFERED)] or offered
                break
    show.say("No song is left that keeps the rules.")
    return None


def _named(song: Song) -> str:
    time = show.minutes(song.duration)
    return f"{song.name} ({time})" if time else song.name


def _key() -> str:
    """Return the key that was pressed, or the next character of a pipe; empty at the end, and for Escape and Ctrl-D."""
    if sys.stdin.isatty():
        key = str(typer.getchar()).lower()
        return "" if key in ("\x1b", "\x04") else key
    while (character := sys.stdin.read(1)).isspace():
        pass
    return character.lower()
