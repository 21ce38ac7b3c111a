"""The tables of logs: work that was done, and how far each watched file was read."""

from sqlalchemy import BigInteger, Column, Double, Index, MetaData, String, Table

from keepwell.storage.database import FreeText, Json, UtcInstant

METADATA = MetaData()

# One row an occasion. What was meant stands here before anything is done, so that what a crash interrupted goes on.
WORK = Table(
    "log_work",
    METADATA,
    Column("key", String(400), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(256), nullable=False),
    Column("by", FreeText, nullable=False),
    Column("due_at", UtcInstant, nullable=False),
    Column("began_at", UtcInstant, nullable=False),
    Column("ended_at", UtcInstant),
    Column("plan", Json, nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("facts", Json, nullable=False),
    Column("details", Json, nullable=False),
    Index("log_work_by_name", "kind", "name", "began_at"),
    Index("log_work_by_end", "ended_at"),
)
# How far a watched file was read. The file is known by what it is, not by its name: it is renamed.
READ = Table(
    "log_read",
    METADATA,
    Column("path", FreeText, primary_key=True),
    Column("device", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("at_byte", BigInteger, nullable=False),
)
# What was counted in watched files, written in the transaction that says how far they were read.
COUNTED = Table(
    "log_counted",
    METADATA,
    Column("log", String(100), primary_key=True),
    Column("watch", FreeText, primary_key=True),
    Column("total", Double, nullable=False),
)
# Which patterns of files a policy watches: of a new one, what stands in its files already is not counted.
WATCHED = Table(
    "log_watched",
    METADATA,
    Column("log", String(100), primary_key=True),
    Column("pattern", FreeText, primary_key=True),
)
