"""What a media server is to the others: an address, and songs with ids. And how to ask it over HTTP without harm."""

from __future__ import annotations

import http.client
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, Protocol
from urllib.error import HTTPError
from urllib.parse import quote, quote_plus, urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from songspace.categories import printable
from songspace.errors import SongspaceError
from songspace.interchange import Entry
from songspace.reporter import Reporter

PAGE = 500
"""Songs that are asked for at a time."""

MOST = 2_000_000
"""Most songs of a server."""

_LARGEST = 64 * 2**20  # bytes of an answer
_PATIENCE = 60.0  # seconds
_LONGEST_ID = 1000
_TOLD = 200  # characters of what a server says


@dataclass(frozen=True, slots=True)
class Item:
    """A song on a media server.

    Attributes
    ----------
    id : str
    entry : Entry
        What the server knows of it: path, title, artist, album, duration, MusicBrainz id.
    artist : str or None
        The server's id of its artist.
    """

    id: str
    entry: Entry
    artist: str | None = None


class Server(Protocol):
    """A media server with songs."""

    @property
    def url(self) -> str:
        """Its address, without a password."""

    def items(self, reporter: Reporter) -> Iterator[Item]:
        """Yield all songs, each once.

        Raises
        ------
        SongspaceError
            If there is no valid answer, or the server refuses.
        """


class RefusedError(SongspaceError):
    """The server does not accept the password or key."""


class Client:
    """Asks a server for JSON; what is secret appears in no error, and reaches no other host.

    Parameters
    ----------
    url : str
        Address of the server. What stands before an @ may be a password, and is removed.
    kind : str
        Name of what the server speaks.
    headers : mapping of str to str
        Sent with each request.
    secrets : iterable of str
        Texts that no message may contain, whatever the server answers.

    Raises
    ------
    SongspaceError
        If the address is invalid.
    """

    def __init__(
        self, url: str, kind: str, *, headers: Mapping[str, str] | None = None, secrets: Iterable[str] = ()
    ) -> None:
        try:
            parts = urlsplit((url if "://" in url else f"http://{url}").strip())
            netloc = parts.netloc.rpartition("@")[2].lower()
            netloc = netloc if netloc.isascii() else netloc.encode("idna").decode()
            self.url = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            known = False
        if not known or not re.fullmatch(r"[!-~]+", self.url) or re.search(r"\s", url.strip()):
            raise SongspaceError("That is no address of a server: give one as http://localhost:4533.")
        self.kind, self._headers = kind, dict(headers or {})
        forms = (
            form for secret in secrets for form in (secret, secret.encode().hex(), quote(secret), quote_plus(secret))
        )
        self._secrets = sorted({form for form in forms if form}, key=len, reverse=True)
        self._opener = build_opener(_SameHost())

    def ask(
        self,
        path: str,
        parameters: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """Return the JSON document with which the server answers.

        Raises
        ------
        SongspaceError
            If there is none.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = Request(f"{self.url}{path}{query}", data, {**self._headers, **kind, **(headers or {})})
        try:
            with self._opener.open(request, timeout=_PATIENCE) as response:
                text = response.read(_LARGEST + 1)
        except HTTPError as error:
            error.close()
            if isinstance(error, _ElsewhereError):
                raise SongspaceError(
                    f"{self.url} sends requests on to {self.said(error.host)}, which is not asked: if that is the "
                    "server, give its address."
                ) from None
            if error.code in (401, 403):
                raise RefusedError(f"{self.url} refuses the name, password or key ({error.code}).") from None
            raise SongspaceError(f"{self.url} answers with {error.code}{_phrase(error.code)}.") from None
        except http.client.HTTPException:
            raise SongspaceError(f"{self.url} breaks off, or does not answer as a web server does.") from None
        except OSError as error:
            reason = self.said(str(getattr(error, "reason", error)))
            raise SongspaceError(f"{self.url} cannot be reached ({reason}).") from None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self.strange() from None

    def strange(self) -> SongspaceError:
        """Return the error for an answer of another kind."""
        return SongspaceError(f"The answer of {self.url} is no answer of {self.kind}.")

    def said(self, text: object) -> str:
        """Return what a server says, for a message: on one short line, and without what is secret."""
        line = text if isinstance(text, str) else ""
        for secret in self._secrets:
            line = line.replace(secret, "…")
        line = printable(line)
        return line if len(line) <= _TOLD else f"{line[:_TOLD]}…"


def _hex(secret: str) -> str:
    return secret.encode().hex()


def _phrase(code: int) -> str:
    try:
        return f" ({HTTPStatus(code).phrase})"
    except ValueError:
        return ""


class _ElsewhereError(HTTPError):
    """The server sends a request on to another host."""

    def __init__(self, url: str, host: str, headers: http.client.HTTPMessage, body: IO[bytes]) -> None:
        super().__init__(url, 302, "elsewhere", headers, body)
        self.host = host


class _SameHost(HTTPRedirectHandler):
    """Follows a server to another of its paths, or to HTTPS on the same host: another host would get the password."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> Request | None:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        same = (before.scheme, before.netloc) == (after.scheme, after.netloc)
        safer = before.hostname == after.hostname and (before.scheme, after.scheme) == ("http", "https")
        if not (same or safer):
            raise _ElsewhereError(req.full_url, after.netloc.rpartition("@")[2], headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def checked_key(key: str) -> str:
    """Return the key of an API, if it can be sent in a header.

    Raises
    ------
    SongspaceError
        If it cannot be one.
    """
    key = key.strip()
    if not re.fullmatch(r"[!-~]{1,500}", key) or '"' in key or "\\" in key:
        raise SongspaceError("That is no API key: it has letters, digits and signs, and no blanks or quotes.")
    return key


def each_once(pages: Iterable[list[Item]], reporter: Reporter) -> Iterator[Item]:
    """Yield the items of pages, until a page has nothing new: some servers never give an empty one.

    Raises
    ------
    SongspaceError
        If there is no end.
    """
    seen: set[str] = set()
    for page in pages:
        new = {item.id: item for item in page if item.id not in seen}
        if not new:
            return
        before = len(seen)
        seen.update(new)
        if len(seen) > MOST:
            raise SongspaceError(f"The server has more than {MOST:,} songs, or counts without an end.")
        if len(seen) // (10 * PAGE) > before // (10 * PAGE):
            reporter.say(f"{len(seen):,} songs have been read.")
        yield from new.values()


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON list; none for other values."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return a text that is not empty and can be written; None for other values."""
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def id_of(value: Any) -> str | None:
    """Return an id, which may be written as a number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    known = text(value)
    return known if known is not None and len(known) <= _LONGEST_ID else None


def seconds(value: Any, *, unit: float = 1.0) -> float | None:
    """Return a duration, which may be written as a text; None if it is not known."""
    try:
        number = float(value) * unit if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return None
    return number if number > 0 and math.isfinite(number) else None


def listed(known: Iterable[Mapping[str, Any]], item: Callable[[Mapping[str, Any]], Item | None]) -> list[Item]:
    """Return the items of a page; what has no id is left out."""
    return [made for one in known if (made := item(one)) is not None]
