"""The key that signs manifests: Ed25519 (RFC 8032), kept in the data directory, made when the first backup is.

Whoever can write to a repository can put bytes there; without the key nobody can make a manifest that fits them. The signature is the 64
bytes of RFC 8032 over the manifest's bytes; ``openssl pkeyutl -verify`` checks it.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from keepwell.kernel.problems import StorageError

from .files import sync_folder, write_durably

FILE = "backup-signing-key.pem"


class Signer:
    """A private key, and the fingerprint of its public one."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.fingerprint = fingerprint(self.public)

    def sign(self, data: bytes) -> bytes:
        """The signature of these bytes."""
        return self._key.sign(data)


def signer_in(folder: Path) -> Signer:
    """The key of a data directory, made where there is none. Raises StorageError where it cannot be read or made."""
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise StorageError(f"the key that signs backups, {path}, cannot be used: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StorageError(f"the key that signs backups, {path}, is no Ed25519 key")
    return Signer(key)


def _make(path: Path) -> None:
    """Writes a new key beside, and gives it its name only when it is whole; where another was quicker, that one counts."""
    data = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write_durably(temporary, data, 0o600)
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def public_in(folder: Path) -> bytes | None:
    """The public key of a data directory, where it has a key that can be read."""
    try:
        key = load_pem_private_key((folder / FILE).read_bytes(), None)
    except (OSError, ValueError):
        return None
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(public: bytes) -> str:
    """``SHA256:`` and the hexadecimal digest of a public key as its PEM file has it."""
    return f"SHA256:{sha256(public).hexdigest()}"


def is_public(data: bytes) -> bool:
    """Whether this is a public key (PEM) as it signs copies."""
    try:
        return isinstance(load_pem_public_key(data), Ed25519PublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False


def is_signed(data: bytes, signature: bytes, public: bytes) -> bool:
    """Whether the signature of these bytes was made by the owner of that public key (PEM)."""
    try:
        key = load_pem_public_key(public)
        if not isinstance(key, Ed25519PublicKey):
            return False
        key.verify(signature, data)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
