"""Kinds that open connections themselves do so from this machine, also for a check that stands on another host."""

from collections.abc import Iterator

from pydantic import BaseModel

from keepwell.config.hosts import LOCAL
from keepwell.kernel.loopback import means_this_machine
from keepwell.kernel.problems import AskError
from keepwell.machine.requests_from_here import asked_from_here
from keepwell.rooms.checks.model import Check

_PLACES = ("address", "host", "server", "url", "resolver")
_OF_TARGETS = ("url", "redis")


def refuse_loopback_elsewhere(check: Check) -> None:
    """Raises AskError where a check of another host would connect to this one, because its address says "this machine"."""
    if check.host == LOCAL:
        return
    for address in _addresses(check):
        if means_this_machine(address):
            raise AskError(asked_from_here(address, check.host))


def _addresses(check: Check) -> Iterator[str]:
    for holder, names in ((check.settings, _PLACES), (check.target, _OF_TARGETS)):
        if isinstance(holder, BaseModel):
            values = (getattr(holder, name, None) for name in names)
            yield from (value for value in values if isinstance(value, str))
