"""The tables of tasks: how far each is decided, and one row for each of its occasions."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table

from keepwell.storage.database import FreeText, Json, UtcInstant

METADATA = MetaData()

# ``cadence`` is the text that the occasions were decided by: where it changes, those of before are not made up for.
TASK = Table(
    "task",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("cadence", FreeText, nullable=False),
    Column("decided_until", UtcInstant, nullable=False),
    Column("last_success", UtcInstant),
)
# The primary key is what lets an occasion begin once only, whoever tries.
RUN = Table(
    "task_run",
    METADATA,
    Column("task", String(200), primary_key=True),
    Column("due_at", UtcInstant, primary_key=True),
    Column("state", String(8), nullable=False),
    Column("by", FreeText, nullable=False),
    Column("started_at", UtcInstant),
    Column("ended_at", UtcInstant),
    Column("sentence", FreeText, nullable=False),
    Column("record", FreeText, nullable=False),
    Column("facts", Json, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("first_due_at", UtcInstant),
    Column("occasions", Integer, nullable=False),
    Index("task_run_by_due", "due_at"),
    Index("task_run_by_state", "state", "task"),
    Index("task_run_by_start", "task", "started_at"),
)
