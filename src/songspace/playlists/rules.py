"""The rules that no playlist breaks, in one place for all of them.

Between two songs of one artist, or of one album, play at least so many others (a *gap*); of one artist there are at
most so many songs; of the versions of one song there is one; and some songs are left out altogether. It is easy to run
into a dead end with such rules (three songs to go, and all that is left is by one artist), so the rules do not only say
what may play next: they look ahead, and when no list can keep them they say which of them is in the way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.lookahead import Lookahead
from songspace.playlists.spacing import Also, Spacing

_DEAD_ENDS = 2000
"""Turned back from so many dead ends, a search gives up: with one gap alone it never meets any."""


@dataclass(frozen=True)
class Rules:
    """What every list of songs of one space must keep to; made by :meth:`of`.

    Attributes
    ----------
    spacings : tuple of Spacing
    barred : ndarray of shape (n,), bool
        The rows that no list may choose. A song that a person named stays in the list all the same.

    Examples
    --------
    >>> rules = Rules.of(4, artists=["Nina", "nina ", None, None], artist_gap=2)
    >>> rules.broken([0, 2, 3, 1]), rules.broken([0, 2, 1, 3])
    ([], ['Songs 1 and 3 are by one artist, with 1 other between them instead of 2.'])
    """

    spacings: tuple[Spacing, ...]
    barred: np.ndarray

    @classmethod
    def of(
        cls,
        n: int,
        *,
        artists: Sequence[str | Sequence[str] | None] | None = None,
        artist_gap: int = 2,
        most_of_artist: int | None = None,
        albums: Sequence[str | None] | None = None,
        album_gap: int = 0,
        versions: np.ndarray | None = None,
        barred: np.ndarray | None = None,
    ) -> Rules:
        """Return the rules for the ``n`` songs of a space.

        Parameters
        ----------
        n : int
        artists, albums : sequence of str or None, one for each row, optional
            Who plays what and where it was published, compared without case and spaces; None is unknown. Of the artists
            of a song there may be several: the rules hold for each of them.
        artist_gap, album_gap : int
            At least so many other songs between two of one.
        most_of_artist : int, optional
            At most so many songs of one artist in a list.
        versions : int array of shape (n,), optional
            The same number for the versions of one song, of which a list holds one.
        barred : bool array of shape (n,), optional
            Rows to leave out.

        Raises
        ------
        ValueError
            If there is not one value for each song, or a number is negative.
        """
        for name, number in (("artist_gap", artist_gap), ("album_gap", album_gap)):
            if number < 0:
                raise ValueError(f"{name} must not be negative, got {number}")
        if most_of_artist is not None and most_of_artist < 1:
            raise ValueError(f"most_of_artist must be at least 1, got {most_of_artist}")
        whose, also = _numbers(artists, n, "artist")
        spacings = [
            Spacing("artist", whose, artist_gap, most_of_artist, also),
            Spacing("album", _numbers(albums, n, "album")[0], album_gap),
        ]
        if versions is not None:
            spacings.append(Spacing("version", _checked(versions, n, "version", np.int64), most=1))
        out = np.zeros(n, bool) if barred is None else _checked(barred, n, "barred", np.bool_)
        return cls(tuple(rule for rule in spacings if rule.gap or rule.most is not None), out)

    def __len__(self) -> int:
        return len(self.barred)

    def broken(self, rows: Sequence[int]) -> list[str]:
        """Return what a list breaks, in plain sentences; nothing if it keeps all rules."""
        said = []
        for rule in self.spacings:
            of_one = {"artist": "by one artist", "album": "of one album"}.get(rule.what, "versions of one song")
            said += [
                f"Songs {i + 1} and {j + 1} are {of_one}, with {j - i - 1} other between them instead of {rule.gap}."
                for i, j in rule.too_near(rows)
            ]
            for places in rule.too_many(rows):
                listed = ", ".join(str(place + 1) for place in places)
                said.append(f"Songs {listed} are {of_one}, and at most {rule.most} may be.")
        return said

    def gaps_kept(self, rows: Sequence[int] | np.ndarray) -> bool:
        """Return whether songs of one group stand far enough apart."""
        return not any(rule.gap and rule.too_near(rows) for rule in self.spacings)

    def gaps_only(self) -> Rules:
        """Only how far apart songs stand: the rules for a list whose songs are given and need an order."""
        spacings = tuple(replace(rule, most=None) for rule in self.spacings if rule.gap)
        return Rules(spacings, np.zeros_like(self.barred))

    def without(self, barred: np.ndarray) -> Rules:
        """These rules with more songs left out."""
        return replace(self, barred=self.barred | barred)

    def fill(
        self,
        template: Sequence[int | None],
        pool: Sequence[int] | np.ndarray,
        cost: Callable[[list[int]], np.ndarray],
    ) -> list[int] | None:
        """Fill the free places of a list from left to right, each with the cheapest song that breaks nothing.

        Before a song is taken, :class:`Lookahead` makes sure that for each rule by itself the rest can still be
        filled. With one gap that is enough; several rules together can still end in a dead end, and then the last
        choice is taken back.

        Parameters
        ----------
        template : sequence of int or None
            The rows that stand in a place, and None for places to fill.
        pool : sequence of int
            The rows to choose from, each for one place. What is barred, is left out.
        cost : function of the rows so far, giving an array of shape (len(pool),)
            What each song of the pool would cost as the next.

        Returns
        -------
        list of int or None
            None if no list keeps the rules, or none was found.
        """
        pool = np.asarray(pool, dtype=np.int64)
        ahead = Lookahead(self.spacings, self.barred, template, pool)
        if not ahead.possible():
            return None
        chain: list[int] = []
        used: list[int] = []  # the position in the pool of each song of the chain; -1 for those of the template
        tries = [self._choices(ahead, chain, used, cost)]
        dead_ends = 0
        while len(chain) < len(template):
            found = next(tries[-1], None)
            if found is not None:
                chain.append(int(pool[found]) if found >= 0 else int(template[len(chain)]))  # type: ignore[arg-type]
                used.append(found)
                tries.append(self._choices(ahead, list(chain), list(used), cost))
                continue
            tries.pop()
            dead_ends += 1
            if not tries or dead_ends > _DEAD_ENDS:
                return None
            chain.pop()
            used.pop()
        return chain

    def _choices(
        self, ahead: Lookahead, chain: list[int], used: list[int], cost: Callable[[list[int]], np.ndarray]
    ) -> Iterator[int]:
        """Yield the positions in the pool of what may come next, the cheapest first; -1 for what the template holds."""
        if ahead.template[len(chain)] is not None:
            yield -1
            return
        price = np.where(self.barred[ahead.pool] | ~ahead.free(chain, used), np.inf, cost(chain))
        while len(price) and np.isfinite(price[best := int(price.argmin())]):
            price[best] = np.inf
            alike = ahead.in_the_way([*chain, int(ahead.pool[best])], [*used, best])
            if alike is None:
                yield best
            else:  # what is wrong with it, is wrong with all that are of the same groups
                price[alike] = np.inf

    def unmet(self, what: str, length: int, works: Callable[[Rules, int], bool]) -> SongspaceError:
        """Return the error that says which rule makes a list impossible, and what to loosen.

        Parameters
        ----------
        what : str
            What was asked for, as in "A path between these two".
        length : int
            How many songs it was to have.
        works : function of rules and a length, giving bool
            Whether there is such a list under these rules.
        """
        would_do = []
        for rule in self.spacings:
            looser = ((said, self._with(other)) for said, other in _looser(rule, length))
            would_do += [said for said, rules in looser if works(rules, length)][:1]
        if self.barred.any() and works(replace(self, barred=np.zeros_like(self.barred)), length):
            would_do.append("no filter")
        fewest, enough = 0, length  # works() for the one (or it is 0), and not for the other
        while enough - fewest > 1:
            middle = (fewest + enough) // 2
            fewest, enough = (middle, enough) if works(self, middle) else (fewest, middle)
        widest = max((rule.gap for rule in self.spacings), default=0)
        longer = next((more for more in range(length + 1, length + widest + 1) if works(self, more)), None)
        would_do += [f"{fewest} songs"] if fewest > 1 else [f"{longer} songs"] if longer else []
        advice = f"{_listed(would_do, 'or')} would do" if would_do else "no single change would do, so loosen several"
        return SongspaceError(f"{what} cannot have {length} songs and keep {self.named()}: {advice}.")

    def named(self) -> str:
        """Return the rules in words."""
        said = [
            part
            for rule in self.spacings
            for part in (
                f"a gap of {rule.gap} other songs between two of one {rule.what}" if rule.gap else "",
                "one version of a song" if rule.what == "version" else "",
                f"at most {rule.most} of one {rule.what}" if rule.most and rule.what != "version" else "",
            )
            if part
        ]
        if self.barred.any():
            said.append(f"to the {(~self.barred).sum()} songs that the filters leave")
        return _listed(said, "and") or "the rules"

    def loosened(self, rows: Sequence[int], *, first: int | None = None, last: int | None = None) -> Rules:
        """Return the gaps, as wide as they can be when all of these songs have to stand in one list.

        ``first`` and ``last`` of them open and close it, if they are given.
        """
        pool = list(rows)
        for row in (first, last):
            if row is not None:
                pool.remove(row)
        template = [*([] if first is None else [first]), *[None] * len(pool), *([] if last is None else [last])]
        rules = self.gaps_only()
        for rule in rules.spacings:
            gap = rule.gap
            while gap and rules.fill(template, pool, lambda _: np.zeros(len(pool))) is None:
                gap -= 1
                rules = rules._with(replace(rule, gap=gap))
        return rules

    def _with(self, other: Spacing) -> Rules:
        return replace(self, spacings=tuple(other if rule.what == other.what else rule for rule in self.spacings))


class _Looser(NamedTuple):
    said: str
    spacing: Spacing


def _looser(rule: Spacing, length: int) -> Iterator[_Looser]:
    """Yield a rule loosened by one step, and by another, each with what to say of it."""
    for gap in range(rule.gap - 1, -1, -1):
        yield _Looser(f"{'an' if rule.what[0] == 'a' else 'a'} {rule.what} gap of {gap}", replace(rule, gap=gap))
    if rule.what == "version":
        yield _Looser("several versions of a song", replace(rule, most=None))
    elif rule.most is not None:
        for most in range(rule.most + 1, length + 1):
            yield _Looser(f"{most} songs of one {rule.what}", replace(rule, most=most))


def _listed(parts: Sequence[str], word: str) -> str:
    return f" {word} ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def sitting_out(n: int, variety: float, seed: int) -> np.ndarray:
    """Draw the songs that are passed over, so that another seed gives another list of about the same quality.

    Parameters
    ----------
    n : int
        Songs in the space.
    variety : float
        From 0 (nobody sits out: the best list) to 1 (six of ten songs do).
    seed : int
        The same seed, the same songs.

    Returns
    -------
    ndarray of shape (n,), bool

    Raises
    ------
    ValueError
        If ``variety`` is not between 0 and 1.
    """
    if not 0 <= variety <= 1:
        raise ValueError(f"variety must lie between 0 and 1, got {variety}")
    return np.random.default_rng(seed).random(n) < 0.6 * variety


def _numbers(names: Sequence[str | Sequence[str] | None] | None, n: int, what: str) -> tuple[np.ndarray, Also | None]:
    """Return a number for each name, and those of further names; whoever has none gets one of their own."""
    if names is not None and len(names) != n:
        raise ValueError(f"Expected an {what} (or None) for each of {n} songs, got {len(names)}")
    listed = list(names or [None] * n)
    numbers: dict[str, int] = {}
    main: dict[str | Sequence[str] | None, int] = {}
    more: dict[str | Sequence[str] | None, list[int]] = {}
    for name in dict.fromkeys(listed):  # each name once: a library has far fewer than songs
        keys = filter(None, map(_key, [name] if isinstance(name, str) else name or ()))
        if found := [numbers.setdefault(key, len(numbers)) for key in dict.fromkeys(keys)]:
            main[name], *rest = found
            if rest:
                more[name] = rest
    first = [main.get(name, len(numbers) + row) for row, name in enumerate(listed)]
    rows = enumerate(listed if more else ())
    further = [(row, number) for row, name in rows for number in more.get(name, ())]
    also = Also(*np.array(further, dtype=np.int64).T) if further else None
    return np.array(first, dtype=np.int64), also


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _checked(values: np.ndarray, n: int, what: str, dtype: type) -> np.ndarray:
    array = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(f"Expected a {what} for each of {n} songs, got an array of shape {array.shape}")
    return array.astype(dtype)
