"""What the room of runbooks declares: its sections, its tables, and what of a directory runs only when accepted. Imports nothing costly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from keepwell.ports.offer import Drivers, Section, Tables

PACKAGE, ENTRY_POINTS = "keepwell.rooms.runbooks.managers", "keepwell.managers"
"""Where the drivers of service managers are found."""

_SERVICES = """\
# services:
#   # Who manages a service that steps of runbooks start and stop; one that is not named here is a unit of systemd.
#   shop: {supervisor: {configuration: /etc/supervisor/supervisord.conf}}
#   cache: {docker: {container: cache-1}}
"""
_POLICY = """\
# policy:
#   # What destroys or changes something waits until somebody else than who started it approves (or: allow, confirm, forbid).
#   destructive: approve
"""


def sections(drivers: Callable[[], Drivers]) -> tuple[Section, ...]:
    """The two sections; ``drivers`` gives the kinds of service managers."""
    return (
        Section(
            "services", "Who manages the services that runbooks start and stop", _services, named=True, kinds=drivers, sample=_SERVICES
        ),
        Section("policy", "What may be done without asking", _policy, sample=_POLICY),
    )


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("runbooks", metadata, str(Path(__file__).parent / "migrations"), "runbooks_0003")


def _services() -> type[Any]:
    from .options import ServiceOptions

    return ServiceOptions


def _policy() -> type[Any]:
    from .options import PolicyOptions

    return PolicyOptions
