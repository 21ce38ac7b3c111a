"""What the rooms declare, collected: the sections of keepwell.yaml, the tables, and where drivers are found.

Everything costly is imported where it is used, so that ``keepwell --help`` stays quick.
"""

from keepwell.config.core import core_sections
from keepwell.ports.offer import Drivers, Section, Tables
from keepwell.rooms.alerts import offer as alerts
from keepwell.rooms.alerts.delivery import offer as delivery
from keepwell.rooms.alerts.escalation import offer as escalation
from keepwell.rooms.alerts.routing import offer as routing
from keepwell.rooms.alerts.rules import offer as alert_rules
from keepwell.rooms.audits import offer as audits
from keepwell.rooms.backups import offer as backups
from keepwell.rooms.checks import offer as checks
from keepwell.rooms.incidents import offer as incidents
from keepwell.rooms.logs import offer as logs
from keepwell.rooms.promql.rules import offer as rules
from keepwell.rooms.reports import offer as reports
from keepwell.rooms.runbooks import offer as runbooks
from keepwell.rooms.samples import offer as samples
from keepwell.rooms.samples.scraping import offer as scraping
from keepwell.rooms.tasks import offer as tasks


def check_kinds() -> Drivers:
    """The kinds of checks: a folder scan and the entry points of group ``keepwell.checks``."""
    from keepwell.config.drivers import FolderDrivers

    return FolderDrivers("keepwell.rooms.checks.kinds", "keepwell.checks")


def receiver_kinds() -> Drivers:
    """The kinds of receivers: a folder scan and the entry points of group ``keepwell.receivers``."""
    from keepwell.config.drivers import FolderDrivers

    return FolderDrivers(delivery.PACKAGE, delivery.ENTRY_POINTS)


def manager_kinds() -> Drivers:
    """The kinds of service managers: a folder scan and the entry points of group ``keepwell.managers``."""
    from keepwell.config.drivers import FolderDrivers

    return FolderDrivers(runbooks.PACKAGE, runbooks.ENTRY_POINTS)


def backup_sources() -> Drivers:
    """The kinds of backups: a folder scan and the entry points of group ``keepwell.backup_sources``."""
    from keepwell.config.drivers import FolderDrivers

    return FolderDrivers(backups.SOURCES, backups.SOURCE_ENTRY_POINTS)


def backup_engines() -> Drivers:
    """The kinds of repositories: a folder scan and the entry points of group ``keepwell.backup_engines``."""
    from keepwell.config.drivers import FolderDrivers

    return FolderDrivers(backups.ENGINES, backups.ENGINE_ENTRY_POINTS)


def control_kinds() -> Drivers:
    """The kinds of controls: a folder scan and the entry points of group ``keepwell.audit_controls``."""
    from keepwell.config.drivers import FolderDrivers

    return FolderDrivers(audits.PACKAGE, audits.ENTRY_POINTS)


def sections() -> tuple[Section, ...]:
    """Every section that keepwell.yaml may have."""
    return (
        *core_sections(),
        *checks.sections(check_kinds),
        *samples.sections(),
        *scraping.sections(),
        *rules.sections(),
        *alert_rules.sections(),
        *delivery.sections(receiver_kinds),
        *routing.sections(),
        *escalation.sections(),
        *incidents.sections(),
        *audits.sections(control_kinds),
        *runbooks.sections(manager_kinds),
        *tasks.sections(),
        *backups.sections(backup_sources, backup_engines),
        *logs.sections(),
        *reports.sections(),
    )


def tables() -> tuple[Tables, ...]:
    """Every room's tables, the store's own first."""
    from keepwell.storage.declared import STORAGE_TABLES

    return (
        STORAGE_TABLES,
        checks.tables(),
        alerts.tables(),
        tasks.tables(),
        backups.tables(),
        runbooks.tables(),
        incidents.tables(),
        audits.tables(),
        logs.tables(),
        reports.tables(),
    )
