"""Ports on which a host listens, as /proc/net/{tcp,tcp6,udp,udp6} list them (proc_pid_net(5)), and how a person names some of them.

The kernel writes addresses as 32-bit words in the processor's own order, which is little-endian on x86-64 and arm64.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from .texts import show

_LISTENS = {"tcp": "0A", "udp": "07"}
_LINE = re.compile(r"\s*[0-9]+:\s+([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})\s+[0-9A-F]{8,32}:[0-9A-F]{4}\s+([0-9A-F]{2})\s.*")
_LONGEST_LINE = 400
_WRITTEN = re.compile(
    r"(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[0-9.]+|localhost|\*):)?(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?(?:/(?P<over>tcp|udp))?"
)
_LARGEST = 65535


@dataclass(frozen=True, slots=True)
class Listener:
    """One address and port on which something listens, over ``tcp`` or ``udp``."""

    over: str
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this host itself can reach it."""
        return self.plain.is_loopback

    @property
    def plain(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """The address; an IPv4 address that an IPv6 socket carries (``::ffff:127.0.0.1``) as what it is."""
        return getattr(self.address, "ipv4_mapped", None) or self.address

    @property
    def wildcard(self) -> bool:
        """Whether it listens on every address of the host."""
        return self.address.is_unspecified

    def __str__(self) -> str:
        address = f"[{self.plain}]" if self.plain.version == 6 else str(self.plain)
        return f"{address}:{self.port}{'/udp' if self.over == 'udp' else ''}"


@dataclass(frozen=True, slots=True)
class Named:
    """Ports as a person names them: ``443``, ``127.0.0.1:5432``, ``localhost:6379``, ``[::1]:53/udp``, ``8000-8010``."""

    text: str
    over: str
    address: str | None
    first: int
    last: int

    def same_port(self, listener: Listener) -> bool:
        """Whether it is that port over that protocol, on whatever address."""
        return listener.over == self.over and self.first <= listener.port <= self.last

    def covers(self, listener: Listener) -> bool:
        """Whether the listener is one of these. ``localhost`` is any loopback address, ``0.0.0.0``, ``[::]`` and ``*`` every address."""
        if not self.same_port(listener) or self.address is None:
            return self.same_port(listener)
        if self.address == "localhost":
            return listener.loopback
        if self.address == "*" or ipaddress.ip_address(self.address).is_unspecified:
            return listener.wildcard
        return listener.plain == ipaddress.ip_address(self.address)


def named(written: int | str) -> Named:
    """The ports of a number or a text. Raises ValueError with one sentence for anything else."""
    text = str(written).strip()
    match = _WRITTEN.fullmatch(text) if len(text) <= 80 else None
    if match is None:
        raise ValueError(f"{show(text)} names no port: write 443, 127.0.0.1:5432, localhost:6379, [::1]:53/udp or 8000-8010")
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else first
    if not 0 < first <= last <= _LARGEST:
        raise ValueError(f"{show(text)} names no port: ports are 1 to {_LARGEST}, the lower end of a range first")
    address = match["address"]
    if address not in (None, "localhost", "*"):
        try:
            address = str(ipaddress.ip_address(address.strip("[]")))
        except ValueError:
            raise ValueError(f"{show(text)} has an address that is none: write for example 127.0.0.1:{first}") from None
    return Named(text, match["over"] or "tcp", address, first, last)


def _is_named(written: int | str) -> int | str:
    named(written)
    return written


PortName = Annotated[int | str, AfterValidator(_is_named)]
"""A port as ``named`` reads it."""


def listeners(text: str, over: str) -> list[Listener]:
    """What listens, in the order of the file, each once. A TCP file lists those before any connection. Lines that are none are left out."""
    found: dict[Listener, None] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line[:_LONGEST_LINE])
        if match and match[3] == _LISTENS[over]:
            found[Listener(over, _address(match[1]), int(match[2], 16))] = None
    return list(found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    return ipaddress.IPv4Address(words[0]) if len(words) == 1 else ipaddress.IPv6Address(b"".join(words))
