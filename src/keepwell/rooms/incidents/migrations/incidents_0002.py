"""An incident may turn out to be part of another."""

import sqlalchemy as sa
from alembic import op

revision = "incidents_0002"
down_revision = "incidents_0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds the column and its index; no incident of before is part of another."""
    op.add_column("incident", sa.Column("part_of", _NUMBER))
    op.create_index("incident_by_whole", "incident", ["part_of"])
