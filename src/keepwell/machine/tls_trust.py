"""Which certificates a client trusts: contexts made once for each set of authorities, and a look at a certificate that was refused."""

import asyncio
import contextlib
import os
import ssl
import time
from dataclasses import dataclass

from keepwell.kernel.problems import AskError

from .addresses import Address

LIFE = 3600.0
"""Seconds after which a context is made anew, so that the system's renewed authorities are seen without a restart."""

_Key = tuple[bool, str | None, tuple[int, int, int] | None]


@dataclass(frozen=True, slots=True)
class _Made:
    context: ssl.SSLContext
    at: float


class Trust:
    """The contexts for clients. Reading the system's authorities costs about 20 ms: it is done in a thread, and kept."""

    def __init__(self) -> None:
        self._made: dict[_Key, _Made] = {}

    async def context(self, verify: bool, authority: str | None) -> ssl.SSLContext:
        """The context that trusts the authorities in the PEM file ``authority`` (else the system's), or anyone where not ``verify``.

        A file that changed is read again. Raises AskError where the file cannot be used.
        """
        key = (verify, authority if verify else None, _version(authority) if verify and authority else None)
        made = self._made.get(key)
        if made is None or made.at + LIFE < time.monotonic():
            context = await asyncio.to_thread(_verifying, authority) if verify else unverified()
            for old in [old for old in self._made if old[:2] == key[:2]]:
                self._made.pop(old, None)
            made = self._made[key] = _Made(context, time.monotonic())
        return made.context


def unverified() -> ssl.SSLContext:
    """A context that accepts any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _verifying(authority: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise AskError(f"the authority file {authority} holds no certificate in PEM form") from error
    except OSError as error:
        raise AskError(f"the authority file {authority} cannot be read: {error.strerror}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _version(path: str) -> tuple[int, int, int]:
    try:
        facts = os.stat(path)
    except FileNotFoundError as error:
        raise AskError(f"the authority file {path} does not exist") from error
    except (OSError, ValueError) as error:
        raise AskError(f"the authority file {path} cannot be read: {error}") from error
    return (facts.st_ino, facts.st_mtime_ns, facts.st_size)


async def refused_certificate(address: Address, host: str, seconds: float = 2.0) -> bytes | None:
    """The certificate (DER) that ``address`` shows, looked at by a second connection: a handshake that failed does not hand it over.

    None where it cannot be had within so many seconds.
    """
    family, target = address
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            transport, _ = await loop.create_connection(
                asyncio.Protocol, target[0], target[1], family=family, ssl=unverified(), server_hostname=host
            )
            shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            transport.abort()
            return bytes(shown) if shown else None
    return None
