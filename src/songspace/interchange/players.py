"""Players and servers that read playlist files, and the files that each of them wants.

Sources: the documentation of MPD (``playlist_directory``), VLC, Navidrome and Kodi, and what they did with files of odd
names; see ``docs/playlists.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Player(StrEnum):
    """A program that reads playlist files."""

    mpd = "mpd"
    vlc = "vlc"
    navidrome = "navidrome"
    kodi = "kodi"


@dataclass(frozen=True)
class Wants:
    """The files that a player wants.

    Attributes
    ----------
    suffix : str
        Suffix of the file, which decides its format.
    below_root : bool
        True if paths are those below the music folder, instead of relative to the file.
    advice : str
        Where to put the file, in one sentence.
    """

    suffix: str
    below_root: bool
    advice: str


WANTS = {
    Player.mpd: Wants(".m3u", True, "MPD reads it from its playlist_directory: `mpc load NAME`."),
    Player.vlc: Wants(".xspf", False, ""),
    Player.navidrome: Wants(".m3u8", False, "Navidrome imports it at its next scan, if it lies in the music folder."),
    Player.kodi: Wants(".m3u8", False, ""),
}
