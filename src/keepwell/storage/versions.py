"""Which version the tables of an owner are at, and which they should be at."""

from dataclasses import dataclass

from keepwell.ports.offer import Tables


@dataclass(frozen=True, slots=True)
class Step:
    """Tables that are not at the version this program needs: ``stored`` is theirs, None where they do not exist yet."""

    tables: Tables
    stored: str | None


def version_table(tables: Tables) -> str:
    """The table in which Alembic notes the version of these tables."""
    return f"alembic_version_{tables.name}"
