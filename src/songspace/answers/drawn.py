"""Playlists that a person draws on a map: along a line, and from a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from songspace.answers.playlists import Playlist, of_length
from songspace.answers.request import ListRequest
from songspace.answers.view import Asked, View
from songspace.errors import SongspaceError
from songspace.playlists.rules import Rules
from songspace.reporter import Reporter

_NEARER = "These songs are by so few artists that some stand nearer to each other than was asked for."


def make_line(
    view: View,
    points: np.ndarray,
    drawn: Sequence[Sequence[float]],
    request: ListRequest,
    *,
    among: Sequence[int] | None = None,
    reporter: Reporter | None = None,
) -> Playlist:
    """List the songs along a line.

    Parameters
    ----------
    view : View
    points : array of shape (n, 2)
        The map that the line was drawn on.
    drawn : sequence of pairs of floats
        The line's corners.
    request : ListRequest
    among : sequence of int, optional
        The rows to choose from; by default all.
    reporter : Reporter, optional
        Receives a message if gaps became smaller: who plays along a drawn line is not known beforehand.

    Raises
    ------
    SongspaceError
        If even without gaps there is no such list.
    """
    from songspace.playlists.line import line

    rules = request.rules.rules(view, view.songs, view.space, reporter=reporter)
    if among is not None:
        rules = _only(rules, among)
    refused: SongspaceError | None = None
    for narrower in range(1 + max((rule.gap for rule in rules.spacings), default=0)):
        looser = replace(
            rules, spacings=tuple(replace(rule, gap=max(0, rule.gap - narrower)) for rule in rules.spacings)
        )

        def make(count: int) -> list[int]:
            return line(view.space, points, drawn, length=count, rules=looser, **request.taste)  # noqa: B023  (of this turn)

        try:
            rows = of_length(make, view.songs, looser, [], request)
        except SongspaceError as error:
            refused = refused or error
            continue
        if narrower and reporter is not None:
            reporter.say(_NEARER)
        return Playlist("Along a line", Asked(view, []), rows)
    assert refused is not None
    raise refused


def make_mix(
    view: View,
    rows: Sequence[int],
    request: ListRequest,
    *,
    reporter: Reporter | None = None,
) -> Playlist:
    """Make a mix of some songs, named after what is in it.

    Parameters
    ----------
    view : View
    rows : sequence of int
        The songs to choose from.
    request : ListRequest
    reporter : Reporter, optional
        Receives a message if the list is shorter than asked for, or gaps became smaller.

    Raises
    ------
    SongspaceError
        If the filters leave none of the songs.
    """
    from songspace.playlists.mixes import mix_within, name_lists

    reporter = reporter or Reporter()
    space, songs = view.space, view.songs
    rules = request.rules.rules(view, songs, space, reporter=reporter)
    rules = _only(rules, rows)

    def make(count: int) -> list[int]:
        return mix_within(space, rows, length=count, rules=rules, **request.taste)

    mix = of_length(make, songs, rules, [], request)
    if request.length is not None and len(mix) < min(request.length, int((~rules.barred).sum())):
        reporter.say(f"The rules leave a mix of {len(mix)} of these songs.")
    if not rules.gaps_kept(mix):
        reporter.say(_NEARER)
    middle = space.vectors[mix].mean(axis=0)
    typical = [mix[place] for place in np.argsort(-(space.vectors[mix] @ middle), kind="stable")]
    (name,) = name_lists([[songs[row] for row in typical]], songs)
    return Playlist(name, Asked(view, []), mix)


def _only(rules: Rules, rows: Sequence[int]) -> Rules:
    """Return the rules for lists of some songs only."""
    rules = rules.without(~np.isin(np.arange(len(rules)), rows))
    if rules.barred.all():
        raise SongspaceError("No song that was chosen is left by the filters.")
    return rules
