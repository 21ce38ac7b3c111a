"""The table of reports that were made by a schedule or kept by a person."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

from keepwell.storage.database import FreeText, UtcInstant

METADATA = MetaData()

# ``key`` is that of the occasion: no report is made twice for one. ``content`` is the report as compressed JSON.
REPORT = Table(
    "report",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", String(300), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("start_at", UtcInstant, nullable=False),
    Column("end_at", UtcInstant, nullable=False),
    Column("made_at", UtcInstant, nullable=False),
    Column("made_by", FreeText, nullable=False),
    Column("state", String(8), nullable=False),
    Column("headline", FreeText, nullable=False),
    Column("sent_to", FreeText, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("report_by_name", "name", "number"),
)
