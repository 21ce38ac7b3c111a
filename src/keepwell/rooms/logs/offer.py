"""What logs declare: their section, tables and the texts in them that need acceptance. Imports nothing costly."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Section, Tables

if TYPE_CHECKING:
    from keepwell.config.operations import Operations
    from keepwell.ports.work import Recurring

    from .model import Policy

_SAMPLE = """\
# logs:
#   shop:
#     paths: ["/var/log/shop/*.log"]
#     # Renamed each night; the writer opens its files anew at SIGHUP; nothing is compressed that somebody still writes to.
#     rotate: {every: day, keep: 30, compress: after 1, create: "640 shop adm", reopen: HUP}
#     clean: [{under: /var/log/shop, names: "*.log.*", older_than: 90d}]
#     analyse:
#       - {name: errors, in: /var/log/shop/app.log, ask: top, pattern: ERROR, by: message, over: 1d}
#     watch: [{name: errors, pattern: "ERROR|FATAL"}]
"""


def sections() -> tuple[Section, ...]:
    """The section ``logs``."""
    return (Section("logs", "Log files: rotated, cleaned up, asked and watched", _options, named=True, sample=_SAMPLE),)


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("logs", metadata, str(Path(__file__).parent / "migrations"), "logs_0002")


def policies_of(operations: "Operations") -> "dict[str, Policy]":
    """The policies of a configuration, by name."""
    directory = str(operations.directory.resolve())
    return {name: options.policy(name, directory) for name, options in operations.options("logs").items()}


def texts_of(operations: "Operations") -> Mapping[str, str]:
    """Every text of the section that runs only when accepted, by its name (``logs/shop/then``)."""
    found: dict[str, str] = {}
    for name, options in operations.options("logs").items():
        rotate = options.rotate
        if rotate is not None:
            found |= {f"logs/{name}/{key}": text for key, text in (("first", rotate.first), ("then", rotate.then)) if text}
    return found


def recurring_of(operations: "Operations") -> "list[Recurring]":
    """Rotations by ``every``. A policy that a task rotates has its times there."""
    from keepwell.ports.work import Recurring, Work

    by_tasks = {options.rotate for options in operations.options("tasks").values()} if "tasks" in operations.values else set()
    found = []
    for policy in policies_of(operations).values():
        rotate = policy.rotate
        if rotate is not None and rotate.every and policy.name not in by_tasks:
            found.append(Recurring(f"logs/{policy.name}", Work("rotation", policy.name), rotate.every, rotate.zone))
    return found


def _options() -> type[Any]:
    from .options import LogOptions

    return LogOptions
