"""The control ``certificates``: certificates, in files and of servers, that expire soon, have expired or are not valid yet. Asks openssl(1)
for each of them; what it gives is read here (RFC 5280, 4.1.2.5)."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from keepwell.config.options import Duration, Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.audits.model import Control, Finding
from keepwell.rooms.audits.reading import C_LOCALE, shown, text_of

LIMIT = 1024 * 1024
_PEM = re.compile(r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.{1,100000}?-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.DOTALL)
_REASONS = (
    re.compile(r":error:[0-9A-F]{1,16}:[^:\n]*:[^:\n]*:(?!system lib:)([^:\n]+)"),
    re.compile(r":error:[^\n]{1,500}:\d+:([^:\n]+)$", re.MULTILINE),
    re.compile(r"^(connect:errno=\d+)$", re.MULTILINE),
)
"""Where openssl says why (ERR_print_errors(3): number, library, function, reason, file, line, data), the clearest first."""

Path = Annotated[str, Field(pattern="^/")]
Address = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$")]


class CertificatesOptions(Options):
    """Which certificates, and how long before they expire."""

    paths: tuple[Path, ...] = ()
    """Files in PEM; all certificates in a file count."""
    addresses: tuple[Address, ...] = ()
    """Servers that speak TLS at once, such as ``shop.example.org:443``."""
    within: Duration = timedelta(days=30)
    """So long before it expires a certificate is a finding."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.paths and not self.addresses:
            raise ValueError("name at least one certificate in paths or one server in addresses")
        return self


def ask(options: CertificatesOptions) -> tuple[Command, ...]:
    """The files first, then the servers."""
    files = [Command(("cat", "--", path), environment=C_LOCALE, output_limit=LIMIT) for path in options.paths]
    return (*files, *(_server(address) for address in options.addresses))


def _server(address: str) -> Command:
    host = address.rpartition(":")[0].strip("[]")
    name = () if re.fullmatch(r"[0-9.]+|.*:.*", host) else ("-servername", host)
    return Command(("openssl", "s_client", "-connect", address, *name), b"", C_LOCALE, output_limit=LIMIT, package="openssl")


def read(options: CertificatesOptions, answers: Sequence[Result], now: datetime) -> Sequence[Finding]:
    """A finding for each certificate that is not valid for so long; a file or server without any cannot be judged."""
    found = []
    places = (*options.paths, *options.addresses)
    for place, answer in zip(places, answers, strict=True):
        is_file = place.startswith("/")
        # openssl ends with 1 where it does not trust the chain: the certificate is there all the same.
        text = text_of(answer, f"reading {shown(place)}" if is_file else f"asking {place}", (0,) if is_file else (0, 1))
        blocks = _PEM.findall(text)
        if not blocks:
            raise AnswerError(f"{place} has no certificate" if is_file else f"{place} showed no certificate{_why(answer)}")
        found += [finding for block in blocks for finding in _judge(place, block, now, options.within)]
    return found


def _why(answer: Result) -> str:
    """What openssl says of it, without its numbers and places in its source."""
    said = next(filter(None, (reason.search(answer.stderr) for reason in _REASONS)), None)
    return f": {shown(said[1])}" if said else ""


def _judge(place: str, block: str, now: datetime, within: timedelta) -> list[Finding]:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(block.encode())
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        name = certificate.subject.rfc4514_string()
    except ValueError as error:
        raise AnswerError(f"{place} holds a certificate that cannot be read: {error}") from None
    key, what = f"{place} {certificate.serial_number:x}", f"the certificate {shown(name)} of {place}"
    if ends <= now:
        return [Finding(key, f"{what} expired on {ends:%Y-%m-%d}")]
    if begins > now:
        return [Finding(key, f"{what} is valid only from {begins:%Y-%m-%d}")]
    if ends - now < within:
        return [Finding(key, f"{what} expires on {ends:%Y-%m-%d}")]
    return []


DRIVER = Control(
    summary="Certificates that expire soon or have expired",
    options=CertificatesOptions,
    ask=ask,
    read=read,
    example='certificates:\n  certificates: {paths: [/etc/ssl/shop.pem], addresses: ["shop.example.org:443"]}\n  every: daily\n',
)
