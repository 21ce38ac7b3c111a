"""The control ``listening_ports``: what listens on a host and is not expected, and what is expected and does not listen (CIS Benchmarks,
"Ensure only approved services are listening on a network interface"). Asks ss(8) of iproute2, as root, so that programs have names."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.runner import Command, Result
from keepwell.rooms.audits.model import Control, Finding
from keepwell.rooms.audits.reading import C_LOCALE, shown, text_of

LIMIT = 4 * 1024 * 1024
_WRITTEN = re.compile(r"(?:(?P<address>\[[0-9A-Fa-f:.]+\]|[0-9.]+|\*):)?(?P<port>[0-9]{1,5})(?:/(?P<over>tcp|udp))?")
_LOCAL = re.compile(r"(?P<address>\[[^\]]*\]|\*|[0-9.]+)(?:%[^:]+)?:(?P<port>[0-9]{1,5})")
_PROGRAM = re.compile(r'\(\("((?:[^"\\]|\\.){1,64})",pid=')


@dataclass(frozen=True, slots=True)
class Expected:
    """A port as a person writes it."""

    text: str
    over: str
    address: str
    port: int


def parse_expected(written: int | str) -> Expected:
    """``22``, ``127.0.0.1:5432``, ``[::1]:6379``, ``53/udp``. Raises ValueError for anything else."""
    text = str(written).strip()
    match = _WRITTEN.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ValueError(f"{quoted(text)} names no port: write 22, 127.0.0.1:5432, [::1]:6379 or 53/udp")
    address = (match["address"] or "").strip("[]")
    return Expected(
        text, match["over"] or "tcp", str(ipaddress.ip_address(address)) if address not in ("", "*") else address, int(match["port"])
    )


def _checked(written: int | str) -> int | str:
    parse_expected(written)
    return written


_COMM = 15


class ListeningPortsOptions(Options):
    """What may listen."""

    expected: tuple[Annotated[int | str, AfterValidator(_checked)], ...] = ()
    """Ports on which something must listen: ``22``, ``127.0.0.1:5432``, ``53/udp``. Nobody listening there is a finding, too."""
    programs: tuple[str, ...] = ()
    """Programs that may listen on any port, as ss names them, such as ``chronyd``."""
    program: str | None = None
    """Only sockets of this program are looked at."""
    loopback: bool = False
    """Whether what only this host itself can reach counts, too."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens."""

    over: str
    address: str
    port: int
    program: str

    @property
    def is_loopback(self) -> bool:
        """Whether only the host itself can reach it."""
        return self.address != "*" and ipaddress.ip_address(self.address).is_loopback

    @property
    def text(self) -> str:
        """As a person reads it."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}/{self.over}"

    def is_of(self, program: str) -> bool:
        """Whether that program listens: the kernel keeps the first 15 bytes of its name only (proc(5), /proc/PID/comm)."""
        return bool(self.program) and self.program == program.encode()[:_COMM].decode("utf-8", "replace")

    def fits(self, expected: Expected) -> bool:
        """Whether it is what was expected."""
        if (self.over, self.port) != (expected.over, expected.port):
            return False
        return expected.address in ("", self.address) or (expected.address == "*" and self.address in ("*", "0.0.0.0", "::"))


def ask(options: ListeningPortsOptions) -> tuple[Command, ...]:
    """All listening sockets of TCP and UDP."""
    return (Command(("ss", "-H", "-t", "-u", "-l", "-n", "-p"), environment=C_LOCALE, output_limit=LIMIT, package="iproute2"),)


def read(options: ListeningPortsOptions, answers: Sequence[Result], now: datetime) -> Sequence[Finding]:
    """A finding for each listener that is not expected, and for each expected port without one."""
    every = [listener for line in text_of(answers[0], "ss").splitlines() if line.strip() for listener in [_listener(line)]]
    wanted = [one for one in every if options.program is None or one.is_of(options.program)]
    if options.program is not None and not wanted and any(not one.program for one in every):
        raise AskError(f"ss does not tell which sockets are those of {shown(options.program)}: is it asked as root?")
    expected = [parse_expected(one) for one in options.expected]
    found = {}
    for one in wanted:
        known = any(one.is_of(program) for program in options.programs) or any(one.fits(port) for port in expected)
        if known or (one.is_loopback and not options.loopback):
            continue
        who = shown(one.program) if one.program else "a program that is not told (is it asked as root?)"
        found[f"{one.text} {one.program}".strip()] = f"{who} listens on {one.text}, which is not expected"
    for port in expected:
        if not any(one.fits(port) for one in wanted):
            found[f"missing {port.text}"] = f"nothing listens on {port.text}, which is expected"
    return [Finding(key, sentence) for key, sentence in sorted(found.items())]


def _listener(line: str) -> Listener:
    words = line.split()
    match = _LOCAL.fullmatch(words[4]) if len(words) >= 6 and words[0] in ("tcp", "udp") else None
    if match is None:
        raise AnswerError(f"ss gave no usable answer: {shown(line)}")
    address = match["address"].strip("[]")
    program = _PROGRAM.search(line)
    try:
        plain = address if address in ("*", "") else str(_plain(ipaddress.ip_address(address.partition("%")[0])))
    except ValueError:
        raise AnswerError(f"ss gave no usable answer: {shown(line)}") from None
    return Listener(words[0], plain or "*", int(match["port"]), program[1] if program else "")


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return getattr(address, "ipv4_mapped", None) or address


DRIVER = Control(
    summary="Ports on which something listens that nobody expects, and expected ones on which nothing does",
    options=ListeningPortsOptions,
    ask=ask,
    read=read,
    example='ports:\n  listening_ports: {expected: [22, 3001, "127.0.0.1:5432"], programs: [chronyd]}\n  every: daily 03:00\n',
)
