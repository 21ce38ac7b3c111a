"""The ``tls`` kind: until when a server's certificate is valid, whether it is trusted, and for the right name.

One handshake verifies, as any client would (RFC 5280, RFC 9525). Only where that is refused, a second one that accepts anything looks at
the certificate itself, so that its end is known all the same. It sees the server's own certificate: an intermediate one that ends earlier
shows when it has ended. Protocols that begin in clear text (STARTTLS) are not spoken.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, Reference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.machine.network_errors import certificate_fault, handshake_fault, socket_fault
from keepwell.ports.host import Host
from keepwell.rooms.checks.connections import address_text, dial, target_address, within
from keepwell.rooms.checks.limits import SecondsLimit, WarnsBeforeItFails, given_or, judge
from keepwell.rooms.checks.model import Observation, Probe
from keepwell.rooms.checks.texts import show

_USUAL = (parse_comparison("< 30d"), parse_comparison("< 7d"))


class TlsOptions(WarnsBeforeItFails):
    """A server that speaks TLS from the first byte on. Exactly one of host and target."""

    host: ExpandedText | None = Field(default=None, min_length=1)
    """Name or address of the server. ``${VAR}`` is replaced from the environment."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Port; without it that of the target's https url, else 443."""
    target: Annotated[str, Reference("targets")] | None = None
    """A target; its url gives the host, and, where it begins with https, the port."""
    server_name: str | None = Field(default=None, min_length=1)
    """Name to ask the server for (SNI) and to find in the certificate, where it is not the host's."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    warn: SecondsLimit | None = None
    """The check is ``warn`` where the time left compares so. Without warn and fail: ``< 30d``."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where the time left compares so. Without warn and fail: ``< 7d``. An expired certificate always fails."""

    @model_validator(mode="after")
    def _has_host(self) -> Self:
        if (self.host is None) == (self.target is None):
            raise ValueError("give exactly one of host and target")
        if self.host is not None and ("/" in self.host or self.host.count(":") == 1):
            raise ValueError(f"host is a name or an address alone, not {show(self.host)}: a port stands in port")
        return self


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to connect, and the name that the certificate must hold."""

    host: str
    port: int
    name: str

    @property
    def peer(self) -> str:
        return address_text(self.host, self.port)


@dataclass(frozen=True, slots=True)
class _Handshake:
    """A finished handshake: what was measured, the protocol's version (``TLSv1.3``), and the server's certificate in DER."""

    connect: float
    seconds: float
    version: str
    certificate: bytes


async def probe(options: TlsOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Looks at the certificate. Raises AnswerError where there is no TLS to be had, AskError where the fault is ours."""
    place = _place(options, target)
    deadline = asyncio.get_running_loop().time() + timeout
    verifying = await asyncio.to_thread(_verifying, options.authority)
    try:
        handshake = await _shake(place, verifying, deadline)
    except ssl.SSLCertVerificationError as error:
        return await _refused(place, error, deadline, host.clock.now())
    until = _end(handshake)
    left = (until - host.clock.now()).total_seconds()
    if left <= 0:
        return Observation(State.FAIL, f"the certificate of {place.peer} expired on {_day(until)}", _values(handshake, left))
    seen = f"the certificate of {place.peer} is valid until {_day(until)} ({describe(left, Unit.SECONDS)} left)"
    verdict = judge(seen, left, *given_or(options.warn, options.fail, _USUAL))
    return Observation(verdict.state, verdict.sentence, _values(handshake, left))


def _place(options: TlsOptions, target: Target | None) -> _Place:
    if options.host is not None:
        host, port = options.host.strip("[]"), 443
    else:
        host, given, scheme = target_address(target)
        port = given if scheme == "https" else 443
    return _Place(host, options.port or port, (options.server_name or host).rstrip("."))


def _verifying(authority: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise AskError(f"the authority file {authority} holds no certificate in PEM form") from error
    except OSError as error:
        raise AskError(f"the authority file {authority} cannot be read: {error.strerror}") from error


def _accepting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _shake(place: _Place, context: ssl.SSLContext, deadline: float) -> _Handshake:
    """Connects and shakes hands. SSLCertVerificationError passes through; every other failure is an AnswerError or AskError."""
    connected = await dial(place.host, place.port, deadline)
    started = time.monotonic()
    left = deadline - asyncio.get_running_loop().time()
    try:
        async with within(deadline, lambda: AnswerError(f"{place.peer} did not finish the TLS handshake in time")):
            _, writer = await asyncio.open_connection(
                sock=connected.socket, ssl=context, server_hostname=place.name, ssl_handshake_timeout=max(left, 0) + 1
            )
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        raise handshake_fault(place.peer, error) from error
    except ConnectionError as error:
        raise AnswerError(f"{place.peer} closed the connection during the TLS handshake") from error
    except OSError as error:
        raise socket_fault(place.peer, error) from error
    except ValueError as error:
        raise AskError(f"{place.name} cannot be a server's name: {error}") from error
    seconds = time.monotonic() - started
    tls = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    return _Handshake(connected.connect, seconds, tls.version() or "", tls.getpeercert(binary_form=True) or b"")


def _end(handshake: _Handshake) -> datetime:
    """Until when the certificate is valid (notAfter, RFC 5280 section 4.1.2.5). Raises AnswerError where it cannot be read."""
    from cryptography import x509  # costs 30 ms, and only this kind needs it

    try:
        return x509.load_der_x509_certificate(handshake.certificate).not_valid_after_utc
    except ValueError as error:
        raise AnswerError(f"the certificate cannot be read: {show(str(error))}") from error


async def _refused(place: _Place, error: ssl.SSLCertVerificationError, deadline: float, now: datetime) -> Observation:
    """What is wrong with the certificate, and its end where a second look gets hold of it."""
    expected = f"expected one for {place.name} from a trusted authority"
    try:
        handshake = await _shake(place, _accepting(), deadline)
        until = _end(handshake)
    except (AnswerError, AskError):
        return Observation(State.FAIL, f"{place.peer}: {certificate_fault(place.name, error, None)}, {expected}")
    left = (until - now).total_seconds()
    reason = certificate_fault(place.name, error, handshake.certificate)
    ends = f"it is valid until {_day(until)}" if left > 0 else f"it ended on {_day(until)}"
    return Observation(State.FAIL, f"{place.peer}: {reason}, {expected}; {ends}", _values(handshake, left))


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"


def _values(handshake: _Handshake, left: float) -> dict[str, float]:
    values = {"expires_in_seconds": left, "connect_seconds": handshake.connect, "handshake_seconds": handshake.seconds}
    try:
        return values | {"protocol_version": float(handshake.version.removeprefix("TLSv"))}
    except ValueError:
        return values


DRIVER = Probe(
    summary="Until when a server's certificate is valid, whether it is trusted, and for the right name",
    options=TlsOptions,
    probe=probe,
    values={
        "expires_in_seconds": "how long the certificate is still valid; negative where it has ended",
        "connect_seconds": "how long connecting took",
        "handshake_seconds": "how long the TLS handshake took",
        "protocol_version": "the version of TLS that was agreed upon, for example 1.3",
    },
    example="""\
checks:
  certificate:
    tls: {host: shop.example.org, warn: "< 30d", fail: "< 7d"}
    every: 6h
""",
)
