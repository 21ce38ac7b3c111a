"""Apprise, which speaks to what Keepwell has no driver for: an optional library, imported when such a receiver is told something."""

import asyncio
from importlib.util import find_spec

from keepwell.kernel.problems import AskError

from .model import Apprised

TIMEOUT = 60.0
"""Seconds that one message may take; Apprise bounds each of its connections itself (4 s to connect, 4 s to read)."""


def is_installed() -> bool:
    """Whether the library is there; imports nothing."""
    return find_spec("apprise") is not None


async def apprise(address: str, message: Apprised) -> bool:
    """Sends a message to the service at ``address``; whether it arrived. Raises AskError where the library is absent, or the address none
    that it knows. The address is never part of a sentence: it holds the service's tokens."""
    if not is_installed():
        raise AskError("Apprise is not installed: install keepwell[apprise]")
    try:
        async with asyncio.timeout(TIMEOUT):
            return await asyncio.to_thread(_send, address, message)
    except TimeoutError:
        raise AskError(f"Apprise did not end within {TIMEOUT:g} s") from None


def _send(address: str, message: Apprised) -> bool:
    import logging

    import apprise as library

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # what it logs holds addresses
    services = library.Apprise()
    try:
        if services.add(address):
            return bool(services.notify(title=message.title, body=message.body, notify_type=message.level))
    except Exception as error:
        # A defect of a library that has a hundred parts; its words may hold the address.
        raise AskError(f"Apprise failed with {type(error).__name__}") from None
    raise AskError("Apprise does not know the form of this address; its wiki lists those that it takes")
