"""Questions to resolvers, by dnspython: over UDP, and over TCP where an answer is too long for it (RFC 7766).

The resolver's answer is taken as it is: nothing is validated here. That it was validated there is what the AD flag says (RFC 4035, 3.2.3).
"""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.names import Absent, Answered, Lookup

from .addresses import Resolver
from .network_errors import socket_fault

if TYPE_CHECKING:
    from dns.message import Message, QueryMessage
    from dns.rdata import Rdata

_PORT = 53
_SHARE = 0.5
_RESOLVERS = "/etc/resolv.conf"


class _Unreached(AnswerError):
    """The server's machine says that nobody listens there."""


class SystemNames:
    """Asks the server that is named, or the system's resolvers one after the other."""

    def __init__(self, resolver: Resolver | None = None, resolvers_file: str = _RESOLVERS, port: int = _PORT) -> None:
        self._resolver = resolver or Resolver()
        self._file, self._port = resolvers_file, port

    async def close(self) -> None:
        """Waits for no answer any more."""
        await self._resolver.close()

    async def look_up(self, lookup: Lookup) -> Answered:
        """Puts the question; see ``keepwell.ports.names.Names``."""
        query = _query(lookup)
        ends = time.monotonic() + lookup.timeout
        try:
            async with asyncio.timeout(lookup.timeout):
                places = await self._places(lookup.server)
                if lookup.server:
                    return await _ask(query, lookup, places[0], lookup.timeout)
                return await _ask_in_turn(query, lookup, places, ends)
        except TimeoutError:
            raise _silent(lookup) from None

    async def _places(self, server: str) -> list[tuple[str, int]]:
        if not server:
            return [(address, self._port) for address in await asyncio.to_thread(_system_resolvers, self._file)]
        host, port = _split(server)
        addresses = await self._resolver.addresses(host, port)
        return [(str(address[0]), port) for _, address in addresses]


def _query(lookup: Lookup) -> "QueryMessage":
    from dns import exception, flags, message  # costs 150 ms, and only this kind of check needs it

    try:
        return message.make_query(lookup.name, lookup.record, want_dnssec=lookup.dnssec, flags=flags.RD | flags.AD)
    except (exception.DNSException, UnicodeError, ValueError) as error:
        raise AskError(f"{quoted(lookup.name)} cannot be a name in the domain name system: {quoted(str(error))[1:-1]}") from error


def _system_resolvers(file: str) -> Sequence[str]:
    from dns.resolver import NoResolverConfiguration, Resolver

    try:
        return [str(address) for address in Resolver(file).nameservers]
    except (NoResolverConfiguration, OSError, ValueError) as error:
        raise AskError(f"{file} names no resolver") from error


def _split(server: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[IPv6]:port`` or an IPv6 address alone."""
    host, separator, port = server.rpartition(":")
    if not separator or (":" in host and not host.endswith("]")):
        return server.strip("[]"), _PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise AskError(f"{quoted(server)} is no address of a server: write host or host:port")
    return host.strip("[]"), int(port)


async def _ask_in_turn(query: "QueryMessage", lookup: Lookup, places: list[tuple[str, int]], ends: float) -> Answered:
    """The first resolver that answers; each gets half of the time that is left, the last all of it."""
    for position, place in enumerate(places):
        left = max(ends - time.monotonic(), 0.01)
        last = position == len(places) - 1
        try:
            async with asyncio.timeout(left if last else left * _SHARE):
                return await _ask(query, lookup, place, left)
        except (TimeoutError, AskError):
            if last:
                raise
        except _Unreached as error:
            if last:
                raise AskError(f"the resolver {place[0]} does not answer the question for {lookup.name}") from error
    raise AskError("there is no resolver to ask")


async def _ask(query: "QueryMessage", lookup: Lookup, place: tuple[str, int], seconds: float) -> Answered:
    from dns import asyncquery, exception

    shown = f"[{place[0]}]:{place[1]}" if ":" in place[0] else f"{place[0]}:{place[1]}"
    started = time.monotonic()
    try:
        # An answer that does not fit the question may be anybody's: it is passed over, and the right one waited for.
        answer, _ = await asyncquery.udp_with_fallback(
            query, place[0], timeout=seconds, port=place[1], ignore_unexpected=True, ignore_errors=True
        )
        return _answered(answer, lookup, shown, time.monotonic() - started)
    except exception.Timeout:
        raise TimeoutError from None
    except EOFError:
        raise AnswerError(f"{shown} closed the connection in the middle of its answer") from None
    except exception.DNSException as error:
        raise AnswerError(f"{shown} answered something that is not DNS ({type(error).__name__})") from error
    except OSError as error:
        fault = socket_fault(shown, error)
        raise (_Unreached(str(fault)) if isinstance(fault, AnswerError) else fault) from error


def _answered(answer: "Message", lookup: Lookup, server: str, seconds: float) -> Answered:
    from dns import flags, message, rcode

    code = answer.rcode()
    if code == rcode.NXDOMAIN:
        raise Absent(f"{server} says that the name {lookup.name} does not exist (NXDOMAIN)")
    if code != rcode.NOERROR:
        raise AnswerError(f"{server} does not answer the question for {lookup.name}: {rcode.to_text(code)}{_MEANINGS.get(code.name, '')}")
    assert isinstance(answer, message.QueryMessage)
    chain = answer.resolve_chaining()
    if not chain.answer:
        raise Absent(f"{server} says that {lookup.name} has no {lookup.record} record")
    values = tuple(sorted(_text(record) for record in chain.answer))
    return Answered(values, int(chain.minimum_ttl), bool(answer.flags & flags.AD), server, seconds)


_MEANINGS = {
    "SERVFAIL": " (the server failed, or could not validate the answer)",
    "REFUSED": " (the server does not answer for this name, or not to us)",
    "NOTIMP": " (the server does not know this kind of question)",
}


def _text(record: "Rdata") -> str:
    """A record as people write it: the strings of a TXT record are one, without quotes (RFC 7208 section 3.3)."""
    strings = getattr(record, "strings", None)
    return b"".join(strings).decode(errors="replace") if strings is not None else record.to_text()


def _silent(lookup: Lookup) -> AnswerError | AskError:
    what = f"gave no usable answer to the question for {lookup.name} within {lookup.timeout:g} s"
    return AnswerError(f"{lookup.server} {what}") if lookup.server else AskError(f"the resolvers of this machine {what}")
