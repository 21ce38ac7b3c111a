"""The HTTP client: one fresh connection for each request, everything bounded, each failure one sentence."""

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from yarl import URL

from keepwell.kernel.problems import AnswerError, AskError, KeepwellError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.redaction import Redactor, redact_patterns
from keepwell.ports.http import Cookie, Phases, Request, Response
from keepwell.ports.secrets import Secrets

from .addresses import Resolver
from .http_answer import Answering, BrokenAnswer
from .http_connector import FreshConnector, Hop, Stage
from .http_cookies import cookie_header, received
from .http_errors import answer_fault
from .http_request import head
from .http_sealing import Sealed, seal
from .tls_trust import Trust

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_ONE_ORIGIN = frozenset({"authorization", "cookie", "proxy-authorization"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110 section 5.5
_WHOLE = 1 << 20  # quoted first, redacted then, cut last: a cut through a secret would leave its half
_LONGEST = 400


@dataclass(slots=True)
class _Going:
    """A request on its way through its redirects: what the next hop sends, and to whom."""

    url: URL
    method: str
    body: bytes | None
    headers: dict[str, str]
    secret_names: frozenset[str]
    hop: Hop
    passed: tuple[str, ...] = ()
    cookies: tuple[Cookie, ...] | None = None

    def to_send(self) -> Mapping[str, str]:
        """The headers of the next hop, with the cookies that belong to its address."""
        header = cookie_header(self.cookies, self.url) if self.cookies else ""
        return {**self.headers, "Cookie": header} if header else self.headers

    def drop(self) -> None:
        """Ends the present connection at once."""
        self.hop.abort()

    def turn(self, status: int, location: str) -> None:
        """Makes ready for the redirect (RFC 9110 section 15.4). Raises AnswerError where it leads nowhere."""
        target = _address(location, self.url)
        if isinstance(target, str):
            raise AnswerError(f"{self.hop.peer} redirects to something that cannot be asked: {target}")
        if target.origin() != self.url.origin():
            self.headers = {name: value for name, value in self.headers.items() if not self._is_private(name)}
        if (status == 303 and self.method != "HEAD") or (status in (301, 302) and self.method == "POST"):
            self.method, self.body = "GET", None
            self.headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("content-")}
        self.passed += (_shown(self.url),)
        self.url, self.hop = target, _hop(target)

    def _is_private(self, name: str) -> bool:
        return name in self.secret_names or name.lower() in _FOR_ONE_ORIGIN


class HttpClient:
    """The shared client. It keeps no cookies and no connections, and reads neither the proxy variables of the environment nor netrc.

    Must be made inside a running event loop, and closed.
    """

    def __init__(self, secrets: Secrets, resolver: Resolver | None = None) -> None:
        self._secrets = secrets
        self._trust = Trust()
        self._resolver = resolver or Resolver()
        self._connector = FreshConnector(self._resolver)
        self._open: set[Hop] = set()

    async def close(self) -> None:
        """Drops what is still going on."""
        await self._resolver.close()
        for hop in list(self._open):
            hop.abort()

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(self, request: Request) -> Response:
        """Puts the request; see ``keepwell.ports.http.Http``. With ``redirects`` 0 a redirect is itself the answer.

        Headers from ``secrets``, and Authorization and Cookie, are sent to the origin of the first address only.
        """
        sealed = Sealed()
        going: _Going | None = None
        fault: KeepwellError
        try:
            async with asyncio.timeout(request.timeout):
                await seal(request, self._secrets, sealed)
                going = _start(request, sealed)
                return await self._follow(request, going)
        except TimeoutError:
            fault = going.hop.late(request.timeout) if going else AskError(f"its secrets were not resolved within {request.timeout:g} s")
        except KeepwellError as error:
            fault = error
        sentence = redact_patterns(Redactor(sealed.values).redact(str(fault)))
        raise type(fault)(sentence if len(sentence) <= _LONGEST else sentence[:_LONGEST] + "…")

    async def _follow(self, request: Request, going: _Going) -> Response:
        started = time.monotonic()
        try:
            while True:
                context = await self._trust.context(request.verify, request.authority) if going.url.scheme == "https" else None
                answering = await self._send(going, context, request.body_limit)
                if going.cookies is not None:
                    going.cookies = received(going.cookies, answering.headers.getall("Set-Cookie", ()), going.url, time.time())
                location = answering.headers.get("Location")
                if answering.status not in _REDIRECTS or location is None or request.redirects == 0:
                    return await _read(answering, going, started)
                going.drop()
                self._open.discard(going.hop)
                going.turn(answering.status, location)
                if len(going.passed) > request.redirects:
                    raise AnswerError(f"more than {request.redirects} redirects, the last to {_shown(going.url)}")
        except BaseException:
            going.drop()
            raise
        finally:
            self._open.discard(going.hop)

    async def _send(self, going: _Going, context: ssl.SSLContext | None, limit: int) -> Answering:
        """Puts the request, and waits for the head of its answer."""
        hop = going.hop
        request = head(going.method, going.url, going.to_send(), going.body)
        answering = Answering(going.method == "HEAD", limit)
        await self._connector.connect(going.url, context, hop, answering)
        self._open.add(hop)
        try:
            answering.write(request + (going.body or b""))
            await answering.head()
        except (BrokenAnswer, OSError) as error:
            raise answer_fault(hop, error) from error
        return answering


def _start(request: Request, sealed: Sealed) -> _Going:
    url = _address(request.url, None)
    if isinstance(url, str):
        raise AskError(url)
    headers = dict(request.headers) | sealed.headers
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise AskError(f"the header {quoted(name)} cannot be sent: its name or its value holds a character that HTTP does not allow")
    secret_names = frozenset(name for name in sealed.headers if name.lower() != "content-type")
    return _Going(url, request.method.upper(), sealed.body, headers, secret_names, _hop(url), cookies=request.cookies)


@lru_cache(maxsize=4096)
def _address(text: str, base: URL | None) -> URL | str:
    """The absolute address, or a sentence that says what is wrong with it."""
    try:
        url = URL(text) if base is None else base.join(URL(text))
    except ValueError as error:
        return f"{quoted(text, _WHOLE)} is not a URL: {quoted(str(error), _WHOLE)[1:-1]}"
    if url.scheme not in ("http", "https"):
        return f"{quoted(text, _WHOLE)} is not an http or https address"
    if not url.raw_host:
        return f"{quoted(text, _WHOLE)} names no host"
    return url


def _hop(url: URL) -> Hop:
    return Hop(f"{url.host_subcomponent}:{url.port}")


def _shown(url: URL) -> str:
    return quoted(str(url.with_user(None)), _WHOLE)[1:-1]


def _asked(url: URL) -> str:
    """The address that was asked: without the user and the fragment, neither of which was part of the question."""
    return str(url.with_user(None).with_fragment(None) if url.raw_user is not None or url.raw_fragment else url)


async def _read(answering: Answering, going: _Going, started: float) -> Response:
    hop = going.hop
    hop.stage = Stage.READING
    try:
        await answering.end()
    except (BrokenAnswer, OSError) as error:
        raise answer_fault(hop, error, len(answering.body)) from error
    if answering.truncated:
        going.drop()
    else:
        answering.close()
    phases = Phases(hop.dns, hop.connect, hop.tls, hop.first_byte, time.monotonic() - started)
    held = going.cookies or ()
    left = None if hop.certificate_ends is None else hop.certificate_ends - time.time()
    body = bytes(answering.body)
    return Response(answering.status, answering.headers, body, phases, _asked(going.url), answering.truncated, going.passed, held, left)
