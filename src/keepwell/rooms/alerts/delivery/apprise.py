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
    if not services.add(address):
        raise AskError("Apprise does not know the address in this secret: its wiki lists the forms it takes")
    return bool(services.notify(title=message.title, body=message.body, notify_type=message.level))
