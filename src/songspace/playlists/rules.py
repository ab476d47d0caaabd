"""The rules of playlists, for all kinds of them.

Between two songs by one artist, or of one album, there is a least number of others (a *gap*); there is a largest number
of songs by one artist; there is at most one version of a song; and some songs are left out. Such rules easily lead into
a dead end (three more songs are needed, but all remaining ones are by one artist). So the rules look ahead, and if no
list can keep them, they name the rule that prevents it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from songspace.errors import SongspaceError
from songspace.playlists.lookahead import Lookahead
from songspace.playlists.spacing import Also, Spacing

_DEAD_ENDS = 2000
"""Number of dead ends after which a search stops; with a single gap there are none."""


@dataclass(frozen=True)
class Rules:
    """The rules for lists of songs of a space; :meth:`of` creates them.

    Attributes
    ----------
    spacings : tuple of Spacing
    barred : ndarray of shape (n,), bool
        True for rows that must not be chosen. Songs that a person named are in the list nevertheless.

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
            Artists and albums, compared without case and spaces; None is unknown. A song may have several artists; the
            rules hold for each of them.
        artist_gap, album_gap : int
            Least number of other songs between two by one artist, or of one album.
        most_of_artist : int, optional
            Most songs by one artist in a list.
        versions : int array of shape (n,), optional
            Equal numbers for the versions of one song; a list holds at most one of them.
        barred : bool array of shape (n,), optional
            True for rows to leave out.

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
        first_artist, also = _numbers(artists, n, "artist")
        spacings = [
            Spacing("artist", first_artist, artist_gap, most_of_artist, also),
            Spacing("album", _numbers(albums, n, "album")[0], album_gap),
        ]
        if versions is not None:
            spacings.append(Spacing("version", _checked(versions, n, "version", np.int64), most=1))
        out = np.zeros(n, bool) if barred is None else _checked(barred, n, "barred", np.bool_)
        return cls(tuple(rule for rule in spacings if rule.gap or rule.most is not None), out)

    def __len__(self) -> int:
        return len(self.barred)

    def broken(self, rows: Sequence[int]) -> list[str]:
        """Return a sentence for each violation of a rule in a list; empty if it keeps all rules."""
        sentences = []
        for rule in self.spacings:
            of_one = {"artist": "by one artist", "album": "of one album"}.get(rule.what, "versions of one song")
            sentences += [
                f"Songs {i + 1} and {j + 1} are {of_one}, with {j - i - 1} other between them instead of {rule.gap}."
                for i, j in rule.too_near(rows)
            ]
            for places in rule.too_many(rows):
                listed = ", ".join(str(place + 1) for place in places)
                sentences.append(f"Songs {listed} are {of_one}, and at most {rule.most} may be.")
        return sentences

    def gaps_kept(self, rows: Sequence[int] | np.ndarray) -> bool:
        """Return True if a list keeps all gaps."""
        return not any(rule.gap and rule.too_near(rows) for rule in self.spacings)

    def gaps_only(self) -> Rules:
        """Return the gaps alone: the rules for an order of given songs."""
        spacings = tuple(replace(rule, most=None) for rule in self.spacings if rule.gap)
        return Rules(spacings, np.zeros_like(self.barred))

    def without(self, barred: np.ndarray) -> Rules:
        """Return these rules with more songs left out."""
        return replace(self, barred=self.barred | barred)

    def open_after(self, chain: Sequence[int]) -> np.ndarray:
        """Return True for each row that may follow a list: shape (n,), bool."""
        open_ = ~self.barred
        open_[list(chain)] = False
        for rule in self.spacings:
            open_ &= ~rule.closed_after(chain)
        return open_

    def fill(
        self,
        template: Sequence[int | None],
        pool: Sequence[int] | np.ndarray,
        cost: Callable[[list[int]], np.ndarray],
    ) -> list[int] | None:
        """Fill the free places of a list from left to right, each with the cheapest song that breaks no rule.

        Before a song is chosen, :class:`Lookahead` tests for each single rule whether the rest can still be filled. For
        one gap this is enough. Several rules together can still lead into a dead end; then the last choice is undone.

        Parameters
        ----------
        template : sequence of int or None
            Fixed rows, and None for places to fill.
        pool : sequence of int
            Rows to choose from, each at most once. Barred rows are left out.
        cost : callable
            Returns the cost of each song of the pool as the next one, shape (len(pool),), after the rows so far.

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
        used: list[int] = []  # index in the pool of each song of the chain; -1 for fixed ones
        tries = [self._choices(ahead, chain, used, cost)]
        dead_ends = 0
        while len(chain) < len(template):
            choice = next(tries[-1], None)
            if choice is not None:
                chain.append(int(pool[choice]) if choice >= 0 else int(template[len(chain)]))  # type: ignore[arg-type]
                used.append(choice)
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
        """Yield the indices in the pool of possible next songs, the cheapest first; -1 for a fixed song."""
        if ahead.template[len(chain)] is not None:
            yield -1
            return
        price = np.where(self.barred[ahead.pool] | ~ahead.free(chain, used), np.inf, cost(chain))
        while len(price) and np.isfinite(price[best := int(price.argmin())]):
            price[best] = np.inf
            alike = ahead.in_the_way([*chain, int(ahead.pool[best])], [*used, best])
            if alike is None:
                yield best
            else:  # all songs of the same groups lead into the same dead end
                price[alike] = np.inf

    def unmet(self, what: str, length: int, works: Callable[[Rules, int], bool]) -> SongspaceError:
        """Return the error for an impossible list: it names the rules, and looser ones that allow it.

        Parameters
        ----------
        what : str
            Name of the list, as in "A path between these two".
        length : int
            Number of songs.
        works : callable
            Returns True if there is such a list for given rules and length.
        """
        would_do = []
        for rule in self.spacings:
            looser = ((words, self._with(other)) for words, other in _looser(rule, length))
            would_do += [words for words, rules in looser if works(rules, length)][:1]
        if self.barred.any() and works(replace(self, barred=np.zeros_like(self.barred)), length):
            would_do.append("no filter")
        fewest, enough = 0, length  # works() is True for the first (unless it is 0), and False for the second
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
        parts = [
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
            parts.append(f"the filters ({(~self.barred).sum()} songs are left)")
        return _listed(parts, "and") or "the rules"

    def loosened(self, rows: Sequence[int], *, first: int | None = None, last: int | None = None) -> Rules:
        """Return the largest gaps that a list of all these songs can keep.

        ``first`` and ``last``, if given, open and close the list.
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


def _looser(rule: Spacing, length: int) -> Iterator[tuple[str, Spacing]]:
    """Yield looser forms of a rule, step by step, each with its description."""
    for gap in range(rule.gap - 1, -1, -1):
        yield f"{'an' if rule.what[0] == 'a' else 'a'} {rule.what} gap of {gap}", replace(rule, gap=gap)
    if rule.what == "version":
        yield "several versions of a song", replace(rule, most=None)
    elif rule.most is not None:
        for most in range(rule.most + 1, length + 1):
            yield f"{most} songs of one {rule.what}", replace(rule, most=most)


def _listed(parts: Sequence[str], word: str) -> str:
    return f" {word} ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def sitting_out(n: int, variety: float, seed: int) -> np.ndarray:
    """Draw the songs that are left out, so that another seed gives another list of about the same quality.

    Parameters
    ----------
    n : int
        Number of songs in the space.
    variety : float
        From 0 (no song is left out, for the best list) to 1 (six of ten songs are).
    seed : int
        The same seed draws the same songs.

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
    """Return the number of each song's first name (a unique one if it has none), and the numbers of further names."""
    if names is not None and len(names) != n:
        raise ValueError(f"Expected an {what} (or None) for each of {n} songs, got {len(names)}")
    listed = list(names or [None] * n)
    numbers: dict[str, int] = {}
    main: dict[str | Sequence[str] | None, int] = {}
    more: dict[str | Sequence[str] | None, list[int]] = {}
    for name in dict.fromkeys(listed):  # a library has far fewer names than songs
        keys = filter(None, map(_key, [name] if isinstance(name, str) else name or ()))
        if of_name := [numbers.setdefault(key, len(numbers)) for key in dict.fromkeys(keys)]:
            main[name], *rest = of_name
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
