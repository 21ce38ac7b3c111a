"""What certificates say of themselves: until when they are valid, for whom, and by whom."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from keepwell.kernel.problems import AnswerError
from keepwell.rooms.checks.texts import show

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as Parsed

_MOST = 20


@dataclass(frozen=True, slots=True)
class Certificate:
    """When it begins and ends (RFC 5280 section 4.1.2.5), the names it is for, what its subject is called, and the whole names of its
    subject and of who issued it."""

    begins: datetime
    ends: datetime
    names: tuple[str, ...]
    subject: str
    whole_subject: bytes
    issuer: bytes


def from_der(encoded: bytes) -> Certificate:
    """The certificate of a handshake. Raises AnswerError where it cannot be read."""
    from cryptography import x509  # costs 30 ms, and only certificates need it

    try:
        with _quietly():
            return _read(x509.load_der_x509_certificate(encoded))
    except ValueError as error:
        raise AnswerError(f"the certificate cannot be read: {show(str(error))}") from error


def from_pem(text: bytes, path: str) -> tuple[Certificate, ...]:
    """The first certificate of a file, which is the server's own, and those behind it that issued one another. Raises AnswerError where
    there is none, or one cannot be read."""
    from cryptography import x509

    if b"-----BEGIN CERTIFICATE-----" not in text:
        key = " (it holds a private key)" if b"PRIVATE KEY-----" in text else ""
        raise AnswerError(f"{path} holds no certificate in PEM form{key}")
    try:
        with _quietly():
            found = [_read(certificate) for certificate in x509.load_pem_x509_certificates(text)[:_MOST]]
    except ValueError as error:
        raise AnswerError(f"a certificate in {path} cannot be read: {show(str(error))}") from error
    linked = 1
    while linked < len(found) and found[linked].whole_subject == found[linked - 1].issuer != found[linked - 1].whole_subject:
        linked += 1
    return tuple(found[:linked])


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """cryptography warns of what other people's certificates do wrong; that is nothing for our own log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read(certificate: "Parsed") -> Certificate:
    from cryptography import x509

    names: list[str] = []
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [str(name.value) for name in listed if isinstance(name, x509.DNSName | x509.IPAddress)]
    except x509.ExtensionNotFound:
        pass
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    subject = str(common[0].value) if common else certificate.subject.rfc4514_string() or ", ".join(names[:2])
    whole, issuer = certificate.subject.public_bytes(), certificate.issuer.public_bytes()
    return Certificate(certificate.not_valid_before_utc, certificate.not_valid_after_utc, tuple(names), subject, whole, issuer)


def is_for(certificate: Certificate, name: str) -> bool:
    """Whether a certificate is for that name or address; ``*`` stands for one whole label at the left (RFC 9525 section 6.3)."""
    wanted = name.lower().rstrip(".")
    _, _, behind = wanted.partition(".")
    return any(given in (wanted, f"*.{behind}" if behind else wanted) for given in (one.lower().rstrip(".") for one in certificate.names))
