"""Audits and findings as plain values for programs."""

from datetime import datetime
from typing import Any

from .model import Audit, Found, Made


def instant(at: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC, with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at is not None else None


def found_json(one: Found) -> dict[str, Any]:
    """One finding, with its waiver."""
    row, waiver = one.standing, one.waiver
    waived = {"until": instant(waiver.until), "reason": waiver.reason, "by": waiver.by, "at": instant(waiver.at)} if waiver else None
    return {
        "id": row.id,
        "audit": row.audit,
        "key": row.key,
        "finding": row.sentence,
        "first_seen": instant(row.first_seen),
        "since": instant(row.since),
        "last_seen": instant(row.last_seen),
        "gone_at": instant(row.gone_at),
        "times": row.times,
        "waiver": waived,
    }


def made_json(made: Made | None) -> dict[str, Any] | None:
    """One audit that was made."""
    if made is None:
        return None
    return {
        "occasion": made.occasion,
        "by": made.by,
        "began_at": instant(made.began_at),
        "ended_at": instant(made.ended_at),
        "outcome": made.outcome or "under way",
        "sentence": made.sentence,
        "findings": made.findings,
        "new": made.new,
        "waived": made.waived,
    }


def audit_json(audit: Audit, newest: Made | None, found: list[Found]) -> dict[str, Any]:
    """One audit of the configuration, the newest that was made, and how many findings count."""
    counting = sum(1 for one in found if one.waiver is None)
    told = {"name": audit.name, "control": audit.kind, "summary": audit.control.summary, "host": audit.host, "every": audit.every}
    return {**told, "severity": audit.severity, "findings": len(found), "counting": counting, "newest": made_json(newest)}
