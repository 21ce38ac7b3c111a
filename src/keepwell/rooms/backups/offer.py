"""What backups declare: two sections, tables, texts that wait for acceptance, and what recurs. Imports nothing costly."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Drivers, Section, Tables

if TYPE_CHECKING:
    from keepwell.config.operations import Operations
    from keepwell.kernel.problems import Problem
    from keepwell.ports.work import Recurring

    from .resolve import Kinds

SOURCES, SOURCE_ENTRY_POINTS = "keepwell.rooms.backups.sources", "keepwell.backup_sources"
ENGINES, ENGINE_ENTRY_POINTS = "keepwell.rooms.backups.engines", "keepwell.backup_engines"

_BACKUPS = """\
# backups:
#   # What is copied, where to, when, and how it is proved: a backup counts when it was restored and questioned.
#   settings:
#     files: {paths: [/etc/shop, /var/lib/shop], exclude: ["*.tmp"]}
#     to: here
#     every: daily 01:00
#     keep: {days: 30, monthly: 12}
#     prove: {every: "Sunday 04:00", questions: [{files: "/etc/shop/*.conf", expect: ">= 1"}]}
"""
_REPOSITORIES = """\
# repositories:
#   here: {archive: {path: /var/backups/shop}}      # age: age1... encrypts
"""


def sections(sources: Callable[[], Drivers], engines: Callable[[], Drivers]) -> tuple[Section, ...]:
    """Both sections; the arguments give the kinds of each."""
    return (
        Section(
            "backups",
            "What is copied, how often, how long it is kept, and how it is proved",
            _backups,
            named=True,
            kinds=sources,
            kind_needed=False,
            sample=_BACKUPS,
        ),
        Section(
            "repositories", "Where backups are kept", _repositories, named=True, kinds=engines, kind_needed=False, sample=_REPOSITORIES
        ),
    )


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("backups", metadata, str(Path(__file__).parent / "migrations"), "backups_0001")


def texts(operations: "Operations") -> list[tuple[str, str]]:
    """Every text of both sections that runs only when accepted, with its name: commands of proofs, and those that fetch an identity."""
    from .resolve import texts_of

    found = [pair for name, entry in operations.entries("backups").items() for pair in texts_of(name, entry.common)]  # type: ignore[arg-type]
    for name, entry in operations.entries("repositories").items():
        identity = getattr(entry.options, "identity", None)
        if isinstance(identity, str) and identity.startswith("secret:command:"):
            found.append((f"repositories/{name}/identity", identity))
    return found


def recurring_of(operations: "Operations") -> "list[Recurring]":
    """What recurs by the section ``backups``: what can be made, and its proofs."""
    from .resolve import recurring

    return recurring(operations.entries("backups"), operations.entries("repositories"), kinds())


def kinds() -> "Kinds":
    """The drivers of both sections: a folder scan each, and entry points."""
    from keepwell.config.drivers import FolderDrivers

    from .resolve import Kinds

    return Kinds(FolderDrivers(SOURCES, SOURCE_ENTRY_POINTS), FolderDrivers(ENGINES, ENGINE_ENTRY_POINTS))


def waiting(operations: "Operations") -> "list[Problem]":
    """Backups that are never made as they are written, and why: they are shown, and nothing is copied."""
    from keepwell.kernel.problems import Problem

    from .resolve import resolve

    entries = operations.entries("backups")
    found = resolve(entries, operations.entries("repositories"), kinds(), lambda name, text: "")
    sentences = {name: f"the backup {name} is never made: {backup.why_not}" for name, backup in found.items() if backup.why_not}
    return [Problem("backups.waiting", sentence, "", entries[name].place) for name, sentence in sentences.items()]


def _backups() -> type[Any]:
    from .options import BackupOptions

    return BackupOptions


def _repositories() -> type[Any]:
    from .options import RepositoryOptions

    return RepositoryOptions
