"""What the room of incidents declares: its section, its tables, and what runs only when accepted. Imports nothing costly."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Section, Tables

if TYPE_CHECKING:
    from keepwell.config.executables import Executable
    from keepwell.config.operations import Operations

READ, WRITE = "incidents.read", "incidents.write"

_SAMPLE = """\
# incidents:
#   # How quickly an incident is answered. One opens by an alert of that severity (a critical one: the first), or by a person.
#   severities:
#     P1: {respond: 15m, update: 30m, means: Service down, examples: "Crash, total outage", runbook: runbooks/p1.md}
#     P2: {respond: 1h, means: An important function is gone}
#   diagnostics:                 # kept with every incident, before anybody repairs anything
#     processes: {run: [ps, auxf]}
#     log: {shell: "journalctl -u api --since '1 hour ago' --no-pager"}
"""


def sections() -> tuple[Section, ...]:
    """The section ``incidents``."""
    return (
        Section("incidents", "How severe an incident is, how quickly it is answered, and what is collected", _incidents, sample=_SAMPLE),
    )


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("incidents", metadata, str(Path(__file__).parent / "migrations"), "incidents_0002")


def executables_of(operations: "Operations", where: Callable[[str], tuple[str, str]]) -> "list[Executable]":
    """The diagnostics, which run only when accepted. ``where`` gives a host's place and user."""
    from keepwell.config.executables import Executable

    diagnostics = operations.values["incidents"].diagnostics
    return [Executable(f"incidents/diagnostics/{name}", one.text, "", *where(one.on)) for name, one in diagnostics.items()]


def _incidents() -> type[Any]:
    from .options import IncidentsOptions

    return IncidentsOptions
