"""A stream of bytes into a file and back: zstd (RFC 8878, level 3, with its own checksum), and age around it where recipients are set.

zstd and age are the ones that the programs of these names read. age (age-encryption.org/v1) pulls and zstd pushes, so a pipe and a thread
stand between them.
"""

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

import pyrage

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from keepwell.kernel.problems import AnswerError, AskError, KeepwellError
from keepwell.rooms.backups.model import Part

from .files import HashedFile, open_plain

_OPTIONS: dict[int, int] = {zstd.CompressionParameter.compression_level: 3, zstd.CompressionParameter.checksum_flag: 1}


class Sealed:
    """A new file that is written compressed and, for recipients, encrypted. ``finish`` gives what was written; otherwise ``close``."""

    def __init__(self, path: Path, recipients: Sequence[Any]) -> None:
        self._file = HashedFile(path)
        self._age = _Encrypting(self._file, recipients) if recipients else None
        target: Any = self._age.pipe if self._age else self._file
        self._zstd = zstd.ZstdFile(target, "w", options=_OPTIONS)

    def write(self, data: bytes) -> None:
        """Takes bytes. Raises OSError."""
        try:
            self._zstd.write(data)
        except BrokenPipeError as error:
            raise self._why(error) from error

    def finish(self) -> Part:
        """Ends the streams, and waits until the file is on the disk. Raises OSError."""
        try:
            self._zstd.close()
            if self._age:
                self._age.finish()
        except BrokenPipeError as error:
            raise self._why(error) from error
        return self._file.finish()

    def close(self) -> None:
        """Closes everything after a failure; the file is worth nothing then."""
        if self._age:
            self._age.abandon()
        self._file.close()

    def _why(self, error: OSError) -> BaseException:
        return (self._age.error if self._age else None) or error


class _Encrypting:
    """age in a thread of its own, fed by a pipe."""

    def __init__(self, file: HashedFile, recipients: Sequence[Any]) -> None:
        reading, writing = os.pipe()
        self.pipe: BinaryIO = os.fdopen(writing, "wb", buffering=1024 * 1024)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(reading, file, recipients), name="keepwell-age", daemon=True)
        self._thread.start()

    def _run(self, reading: int, file: HashedFile, recipients: Sequence[Any]) -> None:
        with os.fdopen(reading, "rb", buffering=1024 * 1024) as source:
            try:
                pyrage.encrypt_io(source, file, list(recipients))
            except BaseException as error:
                self.error = file.failed or error

    def finish(self) -> None:
        self.pipe.close()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def abandon(self) -> None:
        with suppress(OSError):  # what it held has no reader any more
            self.pipe.close()
        self._thread.join()


class Opened:
    """The content of such a file, as it was before it was sealed. Raises AnswerError with one sentence where it is damaged, AskError where
    none of the identities opens it."""

    def __init__(self, path: Path, identities: Sequence[Any]) -> None:
        self._name = path.name
        self._source: BinaryIO = open_plain(path)
        self._age = _Decrypting(self._source, identities) if path.name.endswith(".age") else None
        self._zstd = zstd.ZstdFile(self._age.pipe if self._age else self._source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int) -> bytes:
        """The next bytes; empty at the end."""
        try:
            data = self._zstd.read(size)
        except (zstd.ZstdError, EOFError, OSError) as error:
            raise self._explained(error) from error
        if not data and self._age:
            self._age.finish()
            if self._age.error is not None:
                raise self._explained(self._age.error)
        return data

    def readline(self) -> bytes:
        """The next line; empty at the end."""
        try:
            return self._zstd.readline()
        except (zstd.ZstdError, EOFError, OSError) as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Closes it."""
        self._zstd.close()
        if self._age:
            self._age.abandon()
        self._source.close()

    def _explained(self, error: BaseException) -> KeepwellError:
        if self._age:
            self._age.abandon()
            error = self._age.error or error
        if isinstance(error, pyrage.DecryptError):
            sentence = f"{self._name} cannot be decrypted with the identity that is set: {error}"
            # Another identity opens it: nothing is wrong with the file. (pyrage has one class for this and for a damaged file.)
            return AskError(sentence) if "No matching keys" in str(error) else AnswerError(sentence)
        if isinstance(error, EOFError):
            return AnswerError(f"{self._name} ends before its compressed stream does: it was cut off")
        return AnswerError(f"{self._name} is damaged: {error}")


class _Decrypting:
    """age in a thread of its own, into a pipe."""

    def __init__(self, source: BinaryIO, identities: Sequence[Any]) -> None:
        reading, writing = os.pipe()
        self.pipe: BinaryIO = os.fdopen(reading, "rb", buffering=1024 * 1024)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(source, writing, identities), name="keepwell-age", daemon=True)
        self._thread.start()

    def _run(self, source: BinaryIO, writing: int, identities: Sequence[Any]) -> None:
        try:
            with os.fdopen(writing, "wb", buffering=1024 * 1024) as sink:
                pyrage.decrypt_io(source, sink, list(identities))
        except BrokenPipeError:
            pass  # nobody wants the rest
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        self._thread.join()

    def abandon(self) -> None:
        self.pipe.close()
        self._thread.join()


def recipients_of(texts: Sequence[str]) -> list[Any]:
    """Whom to encrypt for: age's own recipients (``age1...``) and SSH's public keys. Raises AskError."""
    try:
        return [
            pyrage.ssh.Recipient.from_str(text) if text.startswith("ssh-") else pyrage.x25519.Recipient.from_str(text) for text in texts
        ]
    except pyrage.RecipientError as error:
        raise AskError(f"this is no recipient of age: {error}") from error


def identities_of(text: str) -> list[Any]:
    """The identities of an age key file: its lines ``AGE-SECRET-KEY-1...``, or an SSH private key. Raises AskError, without the key."""
    try:
        if "PRIVATE KEY-----" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        return [pyrage.x25519.Identity.from_str(line) for line in lines]
    except pyrage.IdentityError as error:
        raise AskError("the identity for age is none: write AGE-SECRET-KEY-1..., as age-keygen makes it") from error
