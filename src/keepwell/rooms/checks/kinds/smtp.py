"""The ``smtp`` kind: whether a mail server greets, what it offers, and whether its TLS is in order. No mail is sent.

The conversation is greeting, EHLO, STARTTLS where it is offered, EHLO again, QUIT (RFC 5321, RFC 3207).
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, Reference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.machine.network_errors import certificate_fault
from keepwell.ports.host import Host
from keepwell.rooms.checks.connections import dial, target_address, within
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, given_or, judge, together
from keepwell.rooms.checks.model import Observation, Probe
from keepwell.rooms.checks.texts import show
from keepwell.rooms.checks.tls.certificates import from_der
from keepwell.rooms.checks.tls.handshake import Place, accepting, handshake_error, secured, sent_chain, verifying
from keepwell.rooms.checks.tls.upgrades import Reply, smtp_ask, smtp_reply

_ENDS = (parse_comparison("< 30d"), parse_comparison("< 7d"))
_LINE = 4096


class SmtpOptions(SecondsLimits):
    """A mail server. Exactly one of host and target."""

    host: ExpandedText | None = Field(default=None, min_length=1)
    """Name or address of the server. ``${VAR}`` is replaced from the environment."""
    target: Annotated[str, Reference("targets")] | None = None
    """A target; the host of its url is asked."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Port. Without it 25, and 465 with ``tls``; 587 is usual where mail is handed in."""
    tls: bool = False
    """Whether TLS is spoken from the first byte on."""
    starttls: Literal["required", "if offered", "off"] = "if offered"
    """What becomes of STARTTLS: it must be offered and work, it must work where it is offered, or it is left alone."""
    greeting: str | None = Field(default=None, min_length=1)
    """Text that the greeting contains, for example ``ESMTP``."""
    offers: tuple[str, ...] = ()
    """What the server must offer in the end, by keyword, for example ``[AUTH, SIZE]``."""
    hello: str = Field(default="keepwell.invalid", pattern=r"^[A-Za-z0-9\[\]:.-]{1,255}$")
    """The name under which Keepwell introduces itself."""
    server_name: str | None = Field(default=None, min_length=1)
    """Name to find in the certificate, where it is not the host's."""
    verify: bool = True
    """Whether the certificate must be trusted and for the right name. Its end is judged in any case."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    certificate: SecondsLimits | None = None
    """Limits on how long the certificate is still valid. Without it: ``{warn: "< 30d", fail: "< 7d"}``."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.host is None) == (self.target is None):
            raise ValueError("give exactly one of host and target")
        if self.host is not None and ("/" in self.host or self.host.count(":") == 1):
            raise ValueError(f"host is a name or an address alone, not {show(self.host)}: a port stands in port")
        if self.tls and self.starttls == "required":
            raise ValueError("with tls everything is protected from the first byte on: leave out starttls")
        return self


@dataclass(slots=True)
class _Seen:
    """What a conversation gave so far."""

    values: dict[str, float]
    verdicts: list[Verdict] = field(default_factory=list)
    offers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection and how long it may take."""

    place: Place
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    deadline: float


async def probe(options: SmtpOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Greets and says goodbye. Raises AnswerError where that is no mail server, AskError where the fault is ours."""
    name = options.host.strip("[]") if options.host is not None else target_address(target)[0]
    place = Place(name, options.port or (465 if options.tls else 25), (options.server_name or name).rstrip("."))
    deadline = asyncio.get_running_loop().time() + timeout
    context = await asyncio.to_thread(verifying, options.authority) if options.verify else accepting()
    seen = _Seen({})
    async with _connection(options, place, context, deadline, seen) as line:
        await _greeting(options, line, seen)
        await _hello(options, line, seen)
        await _protection(options, line, context, seen, host.clock.now())
        for keyword in options.offers:
            if keyword.upper() not in seen.offers:
                listed = ", ".join(sorted(show(one)[1:-1] for one in seen.offers)[:10]) or "nothing"
                seen.verdicts.append(Verdict(State.FAIL, f"{place.peer} does not offer {keyword}, only {listed}"))
        with contextlib.suppress(AnswerError, OSError):
            await smtp_ask(line.reader, line.writer, "QUIT", place.peer)
    verdict = together(seen.verdicts)
    return Observation(verdict.state, verdict.sentence, seen.values)


@contextlib.asynccontextmanager
async def _connection(options: SmtpOptions, place: Place, context: ssl.SSLContext, deadline: float, seen: _Seen) -> AsyncIterator[_Line]:
    connected = await dial(place.host, place.port, deadline)
    seen.values["connect_seconds"] = connected.connect
    left = max(deadline - asyncio.get_running_loop().time(), 0) + 1
    writer: asyncio.StreamWriter | None = None
    try:
        async with within(deadline, lambda: AnswerError(f"{place.peer} did not finish its conversation in time")):
            if options.tls:
                reader, writer = await asyncio.open_connection(
                    sock=connected.socket, ssl=context, server_hostname=place.name, ssl_handshake_timeout=left, limit=_LINE
                )
            else:
                reader, writer = await asyncio.open_connection(sock=connected.socket, limit=_LINE)
            yield _Line(place, reader, writer, deadline)
    except ssl.SSLCertVerificationError as error:
        fault = certificate_fault(place.name, error, None)
        raise AnswerError(f"{place.peer}: {fault}, expected one for {place.name} from a trusted authority") from error
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        raise handshake_error(place, error) or AnswerError(f"{place.peer} broke the conversation off") from error
    finally:
        if writer is not None:
            writer.transport.abort()


async def _greeting(options: SmtpOptions, line: _Line, seen: _Seen) -> None:
    started = time.monotonic()
    reply = await smtp_reply(line.reader, line.place.peer)
    took = seen.values["greeting_seconds"] = time.monotonic() - started
    words = f"{line.place.peer} greeted with {show(reply.text)} in {describe(took, Unit.SECONDS)}"
    if reply.code != 220:
        raise AnswerError(f"{words}, expected 220")
    seen.verdicts.append(judge(words, took, options.warn, options.fail))
    if options.greeting is not None and options.greeting not in reply.text:
        seen.verdicts.append(Verdict(State.FAIL, f"the greeting does not contain {show(options.greeting)}"))


async def _hello(options: SmtpOptions, line: _Line, seen: _Seen) -> None:
    reply = await smtp_ask(line.reader, line.writer, f"EHLO {options.hello}", line.place.peer)
    if reply.code != 250:
        raise AnswerError(f"{line.place.peer} answered EHLO with {show(reply.text)}, expected 250")
    seen.offers = _keywords(reply)


def _keywords(reply: Reply) -> frozenset[str]:
    """What the lines behind the first offer (RFC 5321 section 4.1.1.1)."""
    return frozenset(line.split()[0].upper() for line in reply.lines[1:] if line.split())


async def _protection(options: SmtpOptions, line: _Line, context: ssl.SSLContext, seen: _Seen, now: datetime) -> None:
    """STARTTLS where that is asked for; then, or with TLS from the beginning, the certificate."""
    if not options.tls:
        offered = "STARTTLS" in seen.offers
        seen.values["starttls_offered"] = float(offered)
        if options.starttls == "required" and not offered:
            seen.verdicts.append(Verdict(State.FAIL, f"{line.place.peer} does not offer STARTTLS"))
        if options.starttls == "off" or not offered:
            return
        reply = await smtp_ask(line.reader, line.writer, "STARTTLS", line.place.peer)
        if reply.code != 220:
            raise AnswerError(f"{line.place.peer} answered STARTTLS with {show(reply.text)}, expected 220")
        left = max(line.deadline - asyncio.get_running_loop().time(), 0) + 1
        await secured(line.reader, line.writer, context, line.place, left)
        await _hello(options, line, seen)
    end = from_der(sent_chain(line.writer.get_extra_info("ssl_object"))[0]).ends
    left = (end - now).total_seconds()
    seen.values |= {"expires_in_seconds": left, "days_left": left / 86400}
    if left <= 0:
        seen.verdicts.append(Verdict(State.FAIL, f"its certificate expired on {end:%Y-%m-%d}"))
        return
    limits = options.certificate or SecondsLimits()
    words = f"its certificate is valid until {end:%Y-%m-%d} ({describe(left, Unit.SECONDS)} left)"
    seen.verdicts.append(judge(words, left, *given_or(limits.warn, limits.fail, _ENDS)))


DRIVER = Probe(
    summary="Whether a mail server greets, what it offers, and whether its TLS is in order",
    options=SmtpOptions,
    probe=probe,
    values={
        "connect_seconds": "how long connecting took",
        "greeting_seconds": "how long until the greeting came",
        "starttls_offered": "1 where STARTTLS is offered, else 0",
        "expires_in_seconds": "how long the certificate is still valid; negative where it has ended",
        "days_left": "the same in days",
    },
    example="""\
checks:
  mail:
    smtp: {host: mail.example.org, port: 587, starttls: required, offers: [AUTH], warn: "> 2s"}
    every: 5m
""",
)
