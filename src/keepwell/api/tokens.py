"""Tokens: who holds one may do what it permits. Only their digests are kept, in ``tokens.json`` of the data directory.

A token is 32 random bytes, so a plain SHA-256 of it cannot be searched and needs no salt or slow hash.
"""

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import NotFound, StorageError, UsageError

PREFIX = "kw_"
"""What every token begins with, so that scanners for leaked secrets can find one."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: not the token. ``digest`` is the SHA-256 of its text in hexadecimal, ``created`` is in UTC."""

    name: str
    digest: str
    permissions: frozenset[str]
    created: datetime


def digest_of(text: str) -> str:
    """The digest under which a token's text is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def find(tokens: Sequence[Token], text: str) -> Token | None:
    """The token whose text this is. Every digest is compared, each in constant time."""
    digest = digest_of(text)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


def format_tokens(tokens: Sequence[Token]) -> str:
    """The text of ``tokens.json``."""
    entries = [
        {"name": token.name, "sha256": token.digest, "permissions": sorted(token.permissions), "created": token.created.isoformat()}
        for token in tokens
    ]
    return json.dumps({"format": _FORMAT, "tokens": entries}, indent=2) + "\n"


def parse_tokens(text: str) -> tuple[Token, ...]:
    """Reads the text of ``tokens.json``. Raises ValueError where it is not what ``format_tokens`` writes."""
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise ValueError(f"its format is {content['format']!r}, and this version knows {_FORMAT}")
        return tuple(_parse_token(entry) for entry in content["tokens"])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it does not hold what it should ({error!r})") from error


def _parse_token(entry: Any) -> Token:
    name, digest, created = entry["name"], entry["sha256"], datetime.fromisoformat(entry["created"])
    if not isinstance(name, str) or not isinstance(digest, str) or len(digest) != 64 or created.tzinfo is None:
        raise ValueError("an entry has no name, no digest or no time with its zone")
    return Token(name, digest, frozenset(str(permission) for permission in entry["permissions"]), created)


class TokenFile:
    """``tokens.json`` of a data directory: readable by its owner alone, replaced as a whole, changed by one process at a time.

    Every method raises StorageError where the file cannot be read, understood or written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "tokens.json"

    def list(self) -> tuple[Token, ...]:
        """Every token, oldest first; none where there is no file yet."""
        try:
            return parse_tokens(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            hint = "move it away and make new tokens with: keepwell token create NAME"
            raise StorageError(f"{self._path} cannot be used: {error}", hint=hint) from error

    def find(self, text: str) -> Token | None:
        """The token whose text this is."""
        return find(self.list(), text)

    def create(self, name: str, permissions: frozenset[str], now: datetime) -> str:
        """Makes a token and gives its text, which nobody can read again. Raises UsageError where the name is taken or empty."""
        if not name.strip() or not name.isprintable():
            raise UsageError(f"{name!r} is no name for a token", hint="name it after what uses it, for example deploy-script")
        text = PREFIX + secrets.token_urlsafe(32)
        with self._changing() as tokens:
            if any(token.name == name for token in tokens):
                raise UsageError(f"there is a token {name!r} already", hint=f"revoke it first: keepwell token revoke {name}")
            self._write([*tokens, Token(name, digest_of(text), permissions, now)])
        return text

    def revoke(self, name: str) -> None:
        """Forgets a token; a running server refuses it from the next request on. Raises NotFound."""
        with self._changing() as tokens:
            kept = [token for token in tokens if token.name != name]
            if len(kept) == len(tokens):
                raise NotFound(f"there is no token {name!r}", hint="keepwell token list shows them")
            self._write(kept)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Sequence[Token]]:
        """Holds the lock of the file, so that two changes at once lose neither."""
        try:
            lock = os.open(self._directory / "tokens.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"tokens cannot be changed in {self._directory}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.list()
        finally:
            os.close(lock)

    def _write(self, tokens: Sequence[Token]) -> None:
        draft = self._path.with_suffix(".new")
        try:
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(format_tokens(tokens))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written: {error.strerror}") from error
