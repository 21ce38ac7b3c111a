"""What the room of audits declares: its section, its tables, what recurs. Imports nothing costly."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Drivers, Section, Tables

if TYPE_CHECKING:
    from keepwell.config.operations import Operations
    from keepwell.ports.work import Recurring

    from .model import Audit

READ, WRITE = "audits.read", "audits.write"
PACKAGE, ENTRY_POINTS = "keepwell.rooms.audits.controls", "keepwell.audit_controls"

_SAMPLE = """\
# audits:
#   # What must hold on a host. What does not is a finding, told of until it is mended or somebody waives it for a time.
#   permissions: {world_writable: {paths: [/opt/shop]}, every: weekly}
#   ports: {listening_ports: {expected: [22, 443]}, every: daily 03:00}
"""


def sections(controls: Callable[[], Drivers]) -> tuple[Section, ...]:
    """The section ``audits``; ``controls`` gives the kinds."""
    summary = "What must hold on a host, looked at again and again, and told of where it does not"
    return (Section("audits", summary, _audits, named=True, kinds=controls, sample=_SAMPLE),)


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("audits", metadata, str(Path(__file__).parent / "migrations"), "audits_0001")


def audits_of(operations: "Operations", controls: Drivers) -> "dict[str, Audit]":
    """The audits of a configuration."""
    from .model import Audit

    found = {}
    for name, entry in operations.entries("audits").items():
        common: Any = entry.common
        assert entry.kind is not None  # the section needs one
        timeout = common.timeout.total_seconds()
        control = controls.load(entry.kind)
        found[name] = Audit(name, entry.kind, control, entry.options, common.on, common.severity, common.every, timeout)
    return found


def recurring_of(operations: "Operations") -> "list[Recurring]":
    """When each audit is made."""
    from keepwell.ports.work import Recurring, Work

    found = []
    for name, entry in operations.entries("audits").items():
        common: Any = entry.common
        found.append(Recurring(f"audits/{name}", Work("audit", name), common.every, common.zone, severity=common.severity))
    return found


def _audits() -> type[Any]:
    from .model import AuditOptions

    return AuditOptions
