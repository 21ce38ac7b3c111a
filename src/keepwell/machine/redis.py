"""Redis servers, asked over one fresh connection for each inquiry, which is closed again."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from keepwell.kernel.problems import AnswerError, AskError, KeepwellError
from keepwell.kernel.redaction import Redactor, redact_patterns
from keepwell.ports.redis import Inquiry, Keys, Replies, Reply, ReplyFault, Scan
from keepwell.ports.secrets import Secrets

from .addresses import Resolver, connected
from .network_errors import certificate_fault, handshake_fault, socket_fault
from .redis_address import RedisAddress, parse_address
from .redis_errors import reply_fault
from .redis_protocol import Conversation, NotRedis, TooMuch
from .tls_trust import Trust, refused_certificate

_LONGEST_LINE = 64 * 1024
_KEYS_A_PAGE = 1000
_EXAMPLES = 3
_SHARE = 2 / 3
"""Of an inquiry's time, after how much a walk through the keys is broken off."""


class _Going:
    """An inquiry on its way: how far it came, for the sentence of a time limit, and what must be closed and kept out of messages."""

    def __init__(self) -> None:
        self.peer = ""
        self.is_resolved = self.is_open = False
        self.conversation: Conversation | None = None
        self.values: list[str] = []

    def late(self, seconds: float) -> KeepwellError:
        if not self.peer:
            return AskError(f"its address or its password was not resolved within {seconds:.3g} s")
        if not self.is_resolved:
            return AskError(f"the resolver gave no address of {self.peer} within {seconds:.3g} s")
        if not self.is_open:
            return AnswerError(f"no answer from {self.peer} within {seconds:.3g} s")
        if self.conversation is None or not self.conversation.heard:
            return AnswerError(f"{self.peer} took the connection and had not answered after {seconds:.3g} s")
        return AnswerError(f"{self.peer} answered, and had not answered everything after {seconds:.3g} s")

    def close(self) -> None:
        if self.conversation is not None:
            self.conversation.close()


class RedisServers:
    """Asks Redis servers; see ``keepwell.ports.redis.Redis``."""

    def __init__(self, secrets: Secrets, resolver: Resolver | None = None) -> None:
        self._secrets = secrets
        self._resolver = resolver or Resolver()
        self._trust = Trust()

    async def close(self) -> None:
        """Waits for no answer any more."""
        await self._resolver.close()

    async def ask(self, inquiry: Inquiry) -> Replies:
        """Connects, lets itself in, puts a PING, the commands and the walk through the keys."""
        going = _Going()
        fault: KeepwellError
        try:
            async with asyncio.timeout(inquiry.timeout):
                return await self._ask(inquiry, going)
        except TimeoutError:
            fault = going.late(inquiry.timeout)
        except KeepwellError as error:
            fault = error
        except NotRedis:
            fault = AnswerError(f"{going.peer} answers something that is not Redis")
        except EOFError:
            how = "in the middle of" if going.conversation is not None and going.conversation.heard else "without"
            fault = AnswerError(f"{going.peer} closed the connection {how} an answer")
        except ssl.SSLError as error:
            fault = handshake_fault(going.peer, error)
        except OSError as error:
            fault = socket_fault(going.peer, error)
        finally:
            going.close()
        raise type(fault)(redact_patterns(Redactor(going.values).redact(str(fault))))

    async def _ask(self, inquiry: Inquiry, going: _Going) -> Replies:
        started = time.monotonic()
        address, password = await self._resolve(inquiry, going)
        going.peer = address.peer
        talk = going.conversation = await self._opened(address, inquiry, going)
        await _let_in(talk, address, inquiry.user or address.user, password)
        connect = time.monotonic() - started
        await _must(talk, address.peer, "PING")
        ping = time.monotonic() - started - connect
        values = await talk.ask(inquiry.commands) if inquiry.commands else []
        keys = await _walk(talk, inquiry.scan, started + inquiry.timeout * _SHARE) if inquiry.scan is not None else None
        return Replies(tuple(values), keys, connect, ping, address.peer)

    async def _resolve(self, inquiry: Inquiry, going: _Going) -> tuple[RedisAddress, str]:
        text = inquiry.address
        if text.startswith("secret:"):
            text = await self._secrets.resolve(text)
            going.values.append(text)
        address = parse_address(text)
        password = await self._secrets.resolve(inquiry.password) if inquiry.password else address.password
        going.values.append(password)
        return address, password

    async def _opened(self, address: RedisAddress, inquiry: Inquiry, going: _Going) -> Conversation:
        if address.path:
            going.is_resolved = going.is_open = True
            try:
                return Conversation(address.peer, *await asyncio.open_unix_connection(address.path, limit=_LONGEST_LINE))
            except FileNotFoundError:
                raise AnswerError(f"there is no socket {address.path}: the server does not run, or listens elsewhere") from None
        context = await self._trust.context(inquiry.verify, inquiry.authority) if address.tls else None
        found = await self._resolver.addresses(address.host, address.port)
        going.is_resolved = True
        connection = await connected(found, address.peer)
        going.is_open = True
        try:
            host = address.host if context else None
            streams = await asyncio.open_connection(sock=connection, ssl=context, server_hostname=host, limit=_LONGEST_LINE)
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise certificate_fault(address.host, error, await refused_certificate(found[0], address.host)) from error
        except BaseException:
            connection.close()
            raise
        return Conversation(address.peer, *streams)


async def _let_in(talk: Conversation, address: RedisAddress, user: str, password: str) -> None:
    if password:
        await _must(talk, address.peer, "AUTH", *([user] if user else []), password)
    if address.database:
        await _must(talk, address.peer, "SELECT", str(address.database))


async def _must(talk: Conversation, peer: str, *words: str) -> None:
    reply = await talk.one(*words)
    if isinstance(reply, ReplyFault):
        raise reply_fault(peer, reply)
    if reply not in ("OK", "PONG"):
        raise NotRedis


@dataclass(slots=True)
class _Walk:
    """What a walk has found so far. SCAN may give a key more than once, so the names are kept."""

    matching: set[str] = field(default_factory=set)
    lasting: list[str] = field(default_factory=list)
    without_expiry: int = 0
    largest: tuple[int, str] = (0, "")

    def take(self, names: Sequence[str], remaining: Sequence[Reply], sizes: Sequence[int]) -> None:
        self.matching.update(names)
        lasting = [name for name, left in zip(names, remaining, strict=True) if left == -1]
        self.without_expiry += len(lasting)
        self.lasting += lasting[: _EXAMPLES - len(self.lasting)]
        self.largest = max([self.largest, *zip(sizes, names, strict=False)])

    def found(self, complete: bool, fault: ReplyFault | None = None) -> Keys:
        size, name = self.largest
        return Keys(len(self.matching), self.without_expiry, tuple(self.lasting), name, size, complete, fault)


async def _walk(talk: Conversation, scan: Scan, end: float) -> Keys:
    """Goes through the keys page by page (SCAN never holds the server up) until the end, or the bounds on keys, bytes and time."""
    walk = _Walk()
    cursor = "0"
    try:
        while True:
            page = await talk.one("SCAN", cursor, "MATCH", scan.pattern, "COUNT", _KEYS_A_PAGE)
            if isinstance(page, ReplyFault):
                return walk.found(False, page)
            cursor, names = _page(page)
            fresh = [name for name in dict.fromkeys(names) if name not in walk.matching]
            taken = fresh[: scan.most - len(walk.matching)]
            remaining, sizes = await _facts(talk, taken, scan)
            if fault := next((reply for reply in remaining if isinstance(reply, ReplyFault)), None):
                return walk.found(False, fault)
            walk.take(taken, remaining, sizes)
            done = cursor == "0" and len(taken) == len(fresh)
            if done or len(taken) < len(fresh) or time.monotonic() >= end:
                return walk.found(done)
    except TooMuch:
        return walk.found(False)


def _page(page: Reply) -> tuple[str, list[str]]:
    if not isinstance(page, tuple) or len(page) != 2 or not isinstance(page[0], str) or not isinstance(page[1], tuple):
        raise NotRedis
    return page[0], [name for name in page[1] if isinstance(name, str)]


async def _facts(talk: Conversation, names: Sequence[str], scan: Scan) -> tuple[list[Reply], list[int]]:
    """What PTTL says of each key (-1: it never expires), and, where asked, its bytes (0 where they cannot be had)."""
    if not names:
        return [], []
    remaining = await talk.ask([("PTTL", name) for name in names])
    if not scan.sizes:
        return remaining, []
    sizes = await talk.ask([("MEMORY", "USAGE", name) for name in names])
    return remaining, [size if isinstance(size, int) else 0 for size in sizes]
