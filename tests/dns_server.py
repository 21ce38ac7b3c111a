"""A small DNS server on loopback, over UDP and TCP at one port, for tests: records of its own, and misbehaviours by name."""

import asyncio
import contextlib
import random
import struct
from collections.abc import AsyncIterator, Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

RECORDS = {
    ("www.test.", "A"): (300, ["192.0.2.2", "192.0.2.1"]),
    ("www.test.", "AAAA"): (60, ["2001:db8::1"]),
    ("alias.test.", "CNAME"): (20, ["www.test."]),
    ("test.", "MX"): (3600, ["20 mail2.test.", "10 Mail.test."]),
    ("test.", "TXT"): (3600, ['"v=spf1 " "-all"', '"two words"']),
    ("test.", "CAA"): (3600, ['0 issue "ca.test"']),
    ("_sip._tcp.test.", "SRV"): (30, ["0 5 5060 sip.test."]),
    ("1.2.0.192.in-addr.arpa.", "PTR"): (300, ["www.test."]),
    ("signed.test.", "A"): (300, ["192.0.2.3"]),
    ("large.test.", "TXT"): (300, [f'"{number:03d} {"x" * 200}"' for number in range(40)]),
}
RCODES = {"servfail.test.": dns.rcode.SERVFAIL, "refused.test.": dns.rcode.REFUSED, "notimp.test.": dns.rcode.NOTIMP}


def _response(query: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    name, kind = question.name.to_text().lower(), question.rdtype.name
    if name in RCODES:
        answer.set_rcode(RCODES[name])
        return answer
    known = {owner for owner, _ in RECORDS}
    if name not in known:
        answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
    if name == "signed.test." and query.ednsflags & dns.flags.DO:
        answer.flags |= dns.flags.AD
    for owner, wanted in ((name, kind), (name, "CNAME"), ("www.test." if (name, "CNAME") in RECORDS else "", kind)):
        if (owner, wanted) in RECORDS:
            ttl, texts = RECORDS[(owner, wanted)]
            answer.answer.append(dns.rrset.from_text(owner, ttl, "IN", wanted, *texts))
    return answer


def _misbehaved(name: str, query: dns.message.Message, good: bytes) -> list[bytes] | None:
    """What is sent in place of an answer; None where nothing is special about the name."""
    other = dns.message.make_response(query)
    other.id = (query.id + 1) & 0xFFFF
    return {
        "silent.test.": [],
        "garbage.test.": [b"\xff" * 40],
        "empty.test.": [b""],
        "forged.test.": [other.to_wire()],
        "half.test.": [good[: len(good) // 2]],
        "loop.test.": [good[:12] + b"\xc0\x0c" * 20],
        "flood.test.": [random.randbytes(400)] * 2000,
    }.get(name)


Answers = Callable[[bytes, bool], list[bytes]]


def _answers(wire: bytes, tcp: bool) -> list[bytes]:
    query = dns.message.from_wire(wire)
    name = query.question[0].name.to_text()
    good = _response(query).to_wire()
    if (special := _misbehaved(name, query, good)) is not None:
        return special
    if not tcp and len(good) > 1200:
        short = dns.message.make_response(query)
        short.flags |= dns.flags.TC
        return [short.to_wire()]
    return [good]


class _Udp(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        for answer in _answers(data, False):
            self.transport.sendto(answer, address)


async def _tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        for answer in _answers(await reader.readexactly(length), True):
            writer.write(struct.pack("!H", len(answer)) + answer)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def dns_server(host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serves, and gives its port."""
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(_tcp, host, 0)
    port: int = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(_Udp, (host, port))
    try:
        yield port
    finally:
        transport.close()
        server.close()
