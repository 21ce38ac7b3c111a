"""The tables of an owner that a database does not have yet, made as they are declared, without Alembic.

A test holds both ways to the same schema: the revisions from the first to the newest, and this.
"""

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert

from .versions import Step, version_table


def is_creatable(step: Step) -> bool:
    """Whether nothing of these tables is there, and what they are is declared."""
    return step.stored is None and step.tables.metadata() is not None


def create(connection: Connection, step: Step) -> None:
    """Makes the tables at their head, inside the connection's transaction. Fails where one of them is there in spite of what is noted."""
    name = version_table(step.tables)
    # As Alembic makes and reads it (alembic.runtime.migration, MigrationContext).
    key = PrimaryKeyConstraint("version_num", name=f"{name}_pkc")
    version = Table(name, MetaData(), Column("version_num", String(32), nullable=False), key)
    version.create(connection, checkfirst=False)
    connection.execute(insert(version), {"version_num": step.tables.head})
    step.tables.metadata().create_all(connection, checkfirst=False)
