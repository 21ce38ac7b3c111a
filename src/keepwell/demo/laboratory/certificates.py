"""The laboratory's own certificate authority, and two server certificates of it: one valid, one that expired yesterday."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Issuer:
    """A name and the key that signs in it."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def write_certificates(folder: Path, now: datetime, names: Sequence[str] = ("localhost",)) -> None:
    """Writes ca.pem, front.key, valid.pem and expired.pem (RFC 5280; for 127.0.0.1 and the names).

    The authority lives for a year, the valid certificate for 90 days; the expired one ended a day before ``now``.
    """
    authority = Issuer(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Keepwell laboratory authority")]), _key())
    server = _key()
    (folder / "ca.pem").write_bytes(_pem(_authority(authority, now)))
    (folder / "valid.pem").write_bytes(_pem(_server(authority, server, names, (now - timedelta(days=1), now + timedelta(days=90)))))
    (folder / "expired.pem").write_bytes(_pem(_server(authority, server, names, (now - timedelta(days=30), now - timedelta(days=1)))))
    key = folder / "front.key"
    key.touch(mode=0o600)
    key.write_bytes(
        server.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(issuer: Issuer, now: datetime) -> x509.Certificate:
    return (
        x509.CertificateBuilder(issuer.name, issuer.name, issuer.key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(issuer.key.public_key()), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def _server(issuer: Issuer, key: ec.EllipticCurvePrivateKey, names: Sequence[str], validity: tuple[datetime, datetime]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    alternatives = [*(x509.DNSName(each) for each in names), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder(issuer.name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
