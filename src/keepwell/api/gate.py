"""The gate that every request passes before any route: who asks, may they, is the body bearable; and what every reply carries."""

import asyncio
import contextlib
import logging
import pwd
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keepwell.kernel.problems import KeepwellError, Problem, Refused

from .access import ANONYMOUS, READS, Asked, Caller, decide, peer_caller
from .replies import ErrorReplies
from .tokens import Token

BODY_LIMIT = 1024 * 1024
"""Bytes of a request's body."""

BODY_SECONDS = 30.0
"""How long a body may take to arrive."""

PEER_UID = "keepwell.peer-uid"
"""The key in the scope's ``state`` under which the server leaves the uid of a Unix socket's peer."""

_DROPPED_BYTES = 8 * BODY_LIMIT
_DROPPED_SECONDS = 2.0
_CALL_BYTES = 64 * BODY_LIMIT
_ACCESS = "keepwell.access"
_SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """What access is decided by: the TCP addresses listened on, the uid that runs the server, and the tokens there are."""

    listening: Sequence[tuple[str, int]]
    owner: int
    find_token: Callable[[str], Token | None]


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks and what the request says of itself, once the gate let it in."""

    caller: Caller
    asked: Asked
    policy: Policy

    def require(self, permission: str) -> None:
        """Raises Refused where the caller may not do what needs this permission."""
        refused = decide(self.caller, permission, self.asked, self.policy.listening)
        if refused is not None:
            raise refused


def access_of(scope: Mapping[str, Any]) -> Access:
    """What the gate found out about a request, from its ASGI scope."""
    access: Access = scope[_ACCESS]
    return access


def internal_fault(scope: Mapping[str, Any]) -> KeepwellError:
    """What a client is told of the exception that is being handled: nothing but that it happened. The log gets all of it."""
    _log.exception("internal fault at %s %s", scope["method"], scope["path"])
    return KeepwellError(Problem("internal", "An internal fault of Keepwell", "its log has the details"))


class Gate:
    """ASGI middleware around the whole application. A fault inside becomes a reply without a trace of it, and a line in the log."""

    def __init__(
        self,
        application: ASGIApp,
        policy: Policy,
        replies: ErrorReplies,
        given_by_path: Mapping[str, str] | None = None,
        questions: Container[str] = (),
        bodies: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self._application = application
        self._given_by_path = given_by_path or {}  # the beginnings of paths, and the permission that knowing the rest of one gives
        self._questions = questions  # the paths at which a POST only asks
        self._bodies = bodies or {}  # by method and path: the bytes of a body, where they may be more than usual
        self._policy = policy
        self._replies = replies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served here")
        headers = _headers(scope)
        guarded = _Sending(send)
        try:
            known = self._known_by_path(scope["path"])
            scope[_ACCESS] = self._admit(scope, headers, known)
            # A job may send all that it printed; its call counts, whatever is kept of that.
            droppable = _CALL_BYTES if known else 0
            limit = self._bodies.get((scope["method"], scope["path"]), BODY_LIMIT)
            body = await read_body(receive, headers.get("content-length"), limit, BODY_SECONDS, droppable)
            await self._application(scope, _replay(body, receive), guarded)
        except KeepwellError as refusal:
            await self._refuse(refusal, scope, headers, receive, guarded)
        except Exception:
            await self._refuse(internal_fault(scope), scope, headers, receive, guarded)

    def _known_by_path(self, path: str) -> frozenset[str]:
        """The permissions that knowing this path gives."""
        return frozenset(permission for start, permission in self._given_by_path.items() if path.startswith(start))

    def _admit(self, scope: Scope, headers: Mapping[str, str], known: frozenset[str]) -> Access:
        peer = scope.get("state", {}).get(PEER_UID)
        asked = Asked(
            scope["method"],
            headers.get("host"),
            headers.get("origin"),
            headers.get("sec-fetch-site"),
            headers.get("sec-fetch-mode"),
            unix_socket=peer is not None,
            only_asks=scope["method"] == "POST" and scope["path"] in self._questions,
        )
        caller = self._identify(peer, headers.get("authorization"))
        if known:
            caller = replace(caller, permissions=caller.permissions | known)
        refused = decide(caller, None, asked, self._policy.listening)
        if refused is not None:
            raise refused
        return Access(caller, asked, self._policy)

    def _identify(self, peer: int | None, authorization: str | None) -> Caller:
        if peer is not None:
            return peer_caller(peer, _user_name(peer), self._policy.owner)
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return ANONYMOUS
        token = self._policy.find_token(text.strip())
        if token is None:
            raise Refused(Problem("refused.unknown-token", "The token is not known here", "was it revoked? keepwell token list shows them"))
        return Caller("token", token.name, token.permissions)

    async def _refuse(self, error: KeepwellError, scope: Scope, headers: Mapping[str, str], receive: Receive, send: "_Sending") -> None:
        if send.started:
            return  # the reply broke off; the server closes the connection
        if scope["method"] not in READS:
            await _let_arrive(receive, headers)
        reply = self._replies.reply(error, headers.get("accept"))
        reply.headers["connection"] = "close"
        await reply(scope, receive, send)


class _Sending:
    """Sends with the security headers on every reply, and knows whether it began."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers.update(_SECURITY_HEADERS)
            headers.setdefault("cache-control", "no-store")  # how things stand is true for a moment only, and not for every disk
        await self._send(message)


async def read_body(receive: Receive, declared: str | None, limit: int, seconds: float, droppable: int = 0) -> bytes:
    """The whole body. ``declared`` is the Content-Length header. Past the limit so many ``droppable`` bytes more are taken and thrown away.

    Raises KeepwellError (``request.too-large``, ``request.too-slow``) past ``limit`` bytes or ``seconds``.
    """
    body, dropped = bytearray(), 0
    too_large = KeepwellError(Problem("request.too-large", f"The request's body is larger than {limit} bytes", "send less at once"))
    if declared is not None and declared.isdigit() and int(declared) > limit + droppable:
        raise too_large
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                body += message.get("body", b"")
                dropped += max(0, len(body) - limit)
                if dropped > droppable:
                    raise too_large
                del body[limit:]
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise KeepwellError(Problem("request.too-slow", f"The request's body did not arrive within {seconds:g} s")) from None


async def _let_arrive(receive: Receive, headers: Mapping[str, str]) -> None:
    """Takes in and drops a body that is under way, within bounds: a connection that is closed with bytes unread is reset, and its
    client may never see the reply (RFC 9112, 9.6). A client that expects a 100 waits for the reply, and one with too much is not humoured.
    """
    declared = headers.get("content-length", "0")
    if "expect" in headers or (declared.isdigit() and int(declared) > _DROPPED_BYTES):
        return
    dropped = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DROPPED_SECONDS):
            while dropped < _DROPPED_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body first and then whatever comes: the client's going away."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by lower-case name; one that came more than once is joined with commas (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


@lru_cache(maxsize=64)
def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
