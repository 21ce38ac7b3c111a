"""The part of migrating that needs Alembic; imported only where there is something to migrate."""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from keepwell.ports.offer import Tables

from .faults import newer
from .versions import Step, version_table

_ENVIRONMENT = Path(__file__).parent / "alembic_environment"


def real_head(tables: Tables) -> str | None:
    """The newest revision in the folder of these tables."""
    return _revisions(tables).get_current_head()


def refuse_newer(place: str, steps: Sequence[Step]) -> None:
    """Raises DatabaseFault where a stored version is none of the revisions that this program has."""
    for step in steps:
        known = {revision.revision for revision in _revisions(step.tables).walk_revisions()}
        if step.stored is not None and step.stored not in known:
            raise newer(place, step.tables.name, step.stored)


def upgrade(connection: Connection, tables: Tables) -> None:
    """Runs the revisions that these tables lack, inside the connection's transaction."""
    config = _config(tables)
    config.attributes["connection"] = connection
    config.attributes["version_table"] = version_table(tables)
    command.upgrade(config, "head")


def differences(connection: Connection, tables: Tables) -> list[object]:
    """What Alembic finds different between the tables as migrated and as declared; empty where they agree."""
    metadata = tables.metadata()
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": version_table(tables),
            "compare_type": True,
            "include_name": lambda name, kind, _parents: kind != "table" or name in metadata.tables,
        },
    )
    return list(compare_metadata(context, metadata))


def _revisions(tables: Tables) -> ScriptDirectory:
    return ScriptDirectory(_ENVIRONMENT, version_locations=[tables.migrations])


def _config(tables: Tables) -> Config:
    config = Config()
    options = {"script_location": str(_ENVIRONMENT), "version_locations": tables.migrations, "path_separator": "newline"}
    for name, value in options.items():
        # Alembic reads them as configparser does, to which a percent sign is special.
        config.set_main_option(name, value.replace("%", "%%"))
    return config
