"""The ``tls`` kind: until when a server's certificates are valid, whether they are trusted, and for the right name.

One handshake verifies, as any client would (RFC 5280, RFC 9525). Only where that is refused, a second one that accepts anything looks at
the certificate itself, so that its end is known all the same. Every certificate that the server sends is looked at: an intermediate one
that ends earlier counts. A certificate in a file is judged by its dates and names; whether anyone trusts it shows only at the server.
"""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, Reference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.machine.network_errors import certificate_fault
from keepwell.ports.host import Host
from keepwell.rooms.checks.connections import target_address
from keepwell.rooms.checks.limits import SecondsLimit, Verdict, WarnsBeforeItFails, given_or, judge, together
from keepwell.rooms.checks.model import Observation, Probe
from keepwell.rooms.checks.texts import show
from keepwell.rooms.checks.tls import upgrades
from keepwell.rooms.checks.tls.certificates import Certificate, from_der, from_pem, is_for
from keepwell.rooms.checks.tls.handshake import Handshake, Place, Upgrade, accepting, only_older, shake, verifying

_USUAL = (parse_comparison("< 30d"), parse_comparison("< 7d"))
_DAY = 86400
_PORTS = {None: 443, "smtp": 25, "postgres": 5432}
_UPGRADES: dict[str | None, Upgrade | None] = {None: None, "smtp": upgrades.smtp, "postgres": upgrades.postgres}


class TlsOptions(WarnsBeforeItFails):
    """A server that speaks TLS, or a certificate in a file. Exactly one of host, target and file."""

    host: ExpandedText | None = Field(default=None, min_length=1)
    """Name or address of the server. ``${VAR}`` is replaced from the environment."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Port. Without it that of the target's https url; 443 for a host, and for a target whose url begins with http, because what listens
    at the port of such a url speaks no TLS. With starttls 25 (smtp) or 5432 (postgres)."""
    target: Annotated[str, Reference("targets")] | None = None
    """A target; its url gives the host, and, where it begins with https, the port."""
    file: ExpandedText | None = Field(default=None, min_length=1)
    """Path of a PEM file on the host that the check runs on: a certificate, and behind it those of its authorities, each issued by the
    next; others in the file are left aside."""
    starttls: Literal["smtp", "postgres"] | None = None
    """The protocol in which the server begins in clear text before it turns to TLS. Without it TLS is spoken from the first byte on."""
    server_name: str | None = Field(default=None, min_length=1)
    """Name to ask the server for (SNI) and to find in the certificate, where it is not the host's; of a file: a name it must be for."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    protocol: Literal["1.2", "1.3"] | None = None
    """The oldest version of TLS that the server may agree to. Another handshake offers only older ones, and must be refused."""
    cipher_bits: int | None = Field(default=None, ge=1, le=4096)
    """How many bits the key of the agreed cipher must have at least, for example 128."""
    warn: SecondsLimit | None = None
    """The check is ``warn`` where the time left of any certificate compares so. Without warn and fail: ``< 30d``."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where the time left compares so. Without warn and fail: ``< 7d``. An expired certificate always fails."""

    @model_validator(mode="after")
    def _has_host(self) -> Self:
        if [self.host, self.target, self.file].count(None) != 2:
            raise ValueError("give exactly one of host and target, or file")
        if self.host is not None and ("/" in self.host or self.host.count(":") == 1):
            raise ValueError(f"host is a name or an address alone, not {show(self.host)}: a port stands in port")
        of_a_server = {"port", "starttls", "authority", "protocol", "cipher_bits"} & self.model_fields_set
        if self.file is not None and of_a_server:
            raise ValueError(f"a file has no {sorted(of_a_server)[0]}: leave it out, or give a host")
        return self


async def probe(options: TlsOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Looks at the certificates. Raises AnswerError where there is no TLS to be had, AskError where the fault is ours."""
    now = host.clock.now()
    if options.file is not None:
        found = from_pem(await host.files.read(options.file), options.file)
        return _judged(options, f"the certificate in {options.file}", found, now, [], {})
    place, upgrade = _place(options, target), _UPGRADES[options.starttls]
    deadline = asyncio.get_running_loop().time() + timeout
    context = await asyncio.to_thread(verifying, options.authority)
    try:
        handshake = await shake(place, context, deadline, upgrade)
    except ssl.SSLCertVerificationError as error:
        return await _refused(place, error, deadline, upgrade, now)
    verdicts = [*_cipher(options, place, handshake)]
    if options.protocol is not None:
        verdicts.append(await _oldest(options.protocol, place, deadline, upgrade))
    chain = [from_der(encoded) for encoded in handshake.chain]
    return _judged(options, f"the certificate of {place.peer}", chain, now, verdicts, _values(handshake))


def _judged(
    options: TlsOptions, what: str, chain: Sequence[Certificate], now: datetime, more: list[Verdict], values: dict[str, float]
) -> Observation:
    """The server's own certificate, then those behind it, then what else is asked of the server."""
    limits = given_or(options.warn, options.fail, _USUAL)
    left = [(one.ends - now).total_seconds() for one in chain]
    values = values | _left(left[0]) | {"chain_length": float(len(chain))}
    if len(chain) > 1:
        values["chain_days_left"] = min(left[1:]) / _DAY
    if left[0] <= 0:
        return Observation(State.FAIL, f"{what} expired on {_day(chain[0].ends)}", values)
    seen = f"{what} is valid until {_day(chain[0].ends)} ({describe(left[0], Unit.SECONDS)} left)"
    verdicts = [judge(seen, left[0], *limits)]
    if options.file is not None and chain[0].begins > now:
        verdicts.append(Verdict(State.FAIL, f"{what} is not valid before {_day(chain[0].begins)}"))
    if options.file is not None and options.server_name is not None and not is_for(chain[0], options.server_name):
        names = ", ".join(show(name)[1:-1] for name in chain[0].names[:3]) or "no host"
        verdicts.append(Verdict(State.FAIL, f"{what} is for {names}, expected one for {options.server_name}"))
    # One that goes on longer than the server's own decides nothing.
    verdicts += [_behind(one, seconds, limits) for one, seconds in zip(chain[1:], left[1:], strict=True) if seconds < left[0]]
    verdict = together([*verdicts, *more])
    return Observation(verdict.state, verdict.sentence, values)


def _behind(certificate: Certificate, left: float, limits: tuple[object, object]) -> Verdict:
    name = show(certificate.subject)
    if left <= 0:
        return Verdict(State.FAIL, f"the certificate of its authority {name}, which comes with it, expired on {_day(certificate.ends)}")
    seen = f"that of its authority {name} ends earlier, on {_day(certificate.ends)} ({describe(left, Unit.SECONDS)} left)"
    return judge(seen, left, *limits)  # type: ignore[arg-type]  # both are comparisons or None


def _cipher(options: TlsOptions, place: Place, handshake: Handshake) -> list[Verdict]:
    if options.cipher_bits is None:
        return []
    seen = f"{place.peer} agreed to the cipher {handshake.cipher} of {handshake.bits} bits"
    state = State.OK if handshake.bits >= options.cipher_bits else State.FAIL
    return [Verdict(state, f"{seen}, expected at least {options.cipher_bits}")]


async def _oldest(protocol: str, place: Place, deadline: float, upgrade: Upgrade | None) -> Verdict:
    """Whether a server refuses everything older. Any refusal is one; that nobody is there any more is not."""
    try:
        older = await shake(place, only_older(protocol), deadline, upgrade)
    except AskError as error:
        return Verdict(State.UNKNOWN, f"whether {place.peer} refuses what is older than TLS {protocol} is not known: {error}")
    except (AnswerError, ssl.SSLError) as error:
        if "refused by" in str(error) or "no answer" in str(error) or "in time" in str(error):
            return Verdict(State.UNKNOWN, f"whether {place.peer} refuses what is older than TLS {protocol} is not known: {error}")
        if "no protocols available" in str(error) or "no ciphers available" in str(error):
            return Verdict(State.UNKNOWN, f"this machine speaks nothing older than TLS {protocol}, so it cannot ask for it")
        return Verdict(State.OK, f"{place.peer} refuses what is older than TLS {protocol}")
    return Verdict(State.FAIL, f"{place.peer} agrees to {older.version}, expected nothing older than TLS {protocol}")


def _place(options: TlsOptions, target: Target | None) -> Place:
    port = _PORTS[options.starttls]
    if options.host is not None:
        host = options.host.strip("[]")
    else:
        host, given, scheme = target_address(target)
        port = given if scheme == "https" else port
    return Place(host, options.port or port, (options.server_name or host).rstrip("."))


async def _refused(
    place: Place, error: ssl.SSLCertVerificationError, deadline: float, upgrade: Upgrade | None, now: datetime
) -> Observation:
    """What is wrong with the certificate, and its end where a second look gets hold of it."""
    expected = f"expected one for {place.name} from a trusted authority"
    try:
        handshake = await shake(place, accepting(), deadline, upgrade)
        until = from_der(handshake.chain[0]).ends
    except (AnswerError, AskError):
        return Observation(State.FAIL, f"{place.peer}: {certificate_fault(place.name, error, None)}, {expected}")
    left = (until - now).total_seconds()
    reason = certificate_fault(place.name, error, handshake.chain[0])
    ends = f"it is valid until {_day(until)}" if left > 0 else f"it ended on {_day(until)}"
    return Observation(State.FAIL, f"{place.peer}: {reason}, {expected}; {ends}", _values(handshake) | _left(left))


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"


def _left(seconds: float) -> dict[str, float]:
    return {"expires_in_seconds": seconds, "days_left": seconds / _DAY}


def _values(handshake: Handshake) -> dict[str, float]:
    values = {"connect_seconds": handshake.connect, "handshake_seconds": handshake.seconds, "cipher_bits": float(handshake.bits)}
    try:
        return values | {"protocol_version": float(handshake.version.removeprefix("TLSv"))}
    except ValueError:
        return values


DRIVER = Probe(
    summary="Until when a server's certificates, or one in a file, are valid, whether they are trusted, and for the right name",
    options=TlsOptions,
    probe=probe,
    values={
        "expires_in_seconds": "how long the certificate is still valid; negative where it has ended",
        "days_left": "the same in days",
        "chain_length": "how many certificates the server sends, or the file holds",
        "chain_days_left": "the days that the first to end of its authorities' certificates, which come with it, is still valid",
        "connect_seconds": "how long connecting took",
        "handshake_seconds": "how long the TLS handshake took, with what is said in clear text before it",
        "protocol_version": "the version of TLS that was agreed upon, for example 1.3",
        "cipher_bits": "how many bits the key of the agreed cipher has",
    },
    example="""\
checks:
  certificate:
    tls: {host: shop.example.org, warn: "< 30d", fail: "< 7d", protocol: "1.2"}
    every: 6h
  mail-certificate:
    tls: {host: mail.example.org, starttls: smtp}
    every: 6h
  certificate-on-disk:
    tls: {file: /etc/nginx/cert.pem, server_name: shop.example.org}
    every: 6h
""",
)
