"""Proves the journal: recomputes every hash, looks for every output."""

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from .journal import ERASED, FIRST_PREVIOUS, every_row, row_hash
from .tables import JOURNAL, OUTPUTS


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the journal is whole; how many entries it has; its newest hash; the first entry that is wrong; and a sentence."""

    ok: bool
    entries: int
    head: str
    bad_number: int | None
    sentence: str


def verify(connection: Connection, head: str | None = None) -> Verdict:
    """Reads the whole journal, a part at a time, and judges it.

    1. Numbers are consecutive from 1; each previous hash is the hash of the entry before; each hash is what its entry's fields give.
    2. Each output is there and has its digest, or was erased by an entry that says so.
    3. With ``head``, a hash noted earlier elsewhere: it is the hash of an entry. Otherwise the end was cut off, or all was rewritten.
    """
    bad_outputs = _bad_outputs(connection)
    last, entries, seen = FIRST_PREVIOUS, 0, head in (None, FIRST_PREVIOUS)
    with connection.execute(every_row(), execution_options={"yield_per": 1000}) as rows:
        for row in rows:
            wrong = _wrong(row, entries + 1, last, bad_outputs)
            if wrong:
                return Verdict(False, entries, last, entries + 1, f"entry {entries + 1}: {wrong}")
            last, entries, seen = row.hash, entries + 1, seen or row.hash == head
    if not seen:
        missing = f"no entry has the hash {head}: entries were removed from the end, or the journal was rewritten"
        return Verdict(False, entries, last, None, missing)
    return Verdict(True, entries, last, None, f"{entries} entries, each proved by the next; the newest is {last}")


def _wrong(row: Row[Any], number: int, previous: str, bad_outputs: set[str]) -> str | None:
    if row.number != number:
        return f"it is missing; the next that exists is {row.number}"
    if row.previous_hash != previous:
        return "it does not follow from the entry before it"
    if row.hash != row_hash(row):
        return "its contents do not give its hash"
    if row.output_digest is not None and row.kept is None:
        return "its output is missing"
    if row.output_digest in bad_outputs:
        return "its output was changed, or erased without a trace"
    return None


def _bad_outputs(connection: Connection) -> set[str]:
    erased_openly = exists().where(JOURNAL.c.event == ERASED, JOURNAL.c.subject == OUTPUTS.c.digest)
    query = select(OUTPUTS.c.digest, OUTPUTS.c.content, erased_openly.label("erased_openly"))
    with connection.execute(query, execution_options={"yield_per": 20}) as rows:
        return {row.digest for row in rows if not _content_is_right(row)}


def _content_is_right(row: Row[Any]) -> bool:
    if row.content is None:
        return bool(row.erased_openly)
    try:
        return hashlib.sha256(zlib.decompress(row.content)).hexdigest() == str(row.digest)
    except zlib.error:
        return False
