"""What a look changes: findings that are new, that are there still, that came back, that are gone. And what people are told. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keepwell.ports.alerts import Active
from keepwell.storage.journal import NewEntry

from .model import Audit, Finding, Found, Made, Standing, Waiver

OWN = "keepwell"
TOLD = 5
"""Findings that an alert tells of one by one."""
KEPT = 50
"""Findings that one entry of the journal names one by one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The findings as they stand after a look, and which of them are new and gone."""

    rows: Sequence[Standing]
    new: Sequence[Standing]
    gone: Sequence[Standing]


def subject_of(audit: str) -> str:
    """What the journal calls an audit."""
    return f"audits/{audit}"


def compared(audit: str, before: Iterable[Standing], found: Iterable[Finding], now: datetime) -> Compared:
    """A look that found these."""
    known = {one.key: one for one in before}
    rows, new = [], []
    seen: dict[str, Finding] = {finding.key: finding for finding in found}
    for key, finding in seen.items():
        old = known.get(key)
        if old is None:
            row = Standing(audit, key, finding.sentence, now, now, now)
        elif old.gone_at is not None:
            row = replace(old, sentence=finding.sentence, since=now, last_seen=now, gone_at=None, times=old.times + 1)
        else:
            row = replace(old, sentence=finding.sentence, last_seen=now)
        rows.append(row)
        if old is None or old.gone_at is not None:
            new.append(row)
    gone = [replace(old, gone_at=now) for key, old in known.items() if key not in seen and old.gone_at is None]
    return Compared((*rows, *gone), new, gone)


def entries_of(made: Made, change: Compared | None, actor: str) -> list[NewEntry]:
    """What the journal says of a look that ``actor`` sent for."""
    facts: dict[str, object] = {"occasion": made.occasion, "by": made.by, "outcome": made.outcome, "sentence": made.sentence}
    if change is not None:
        facts |= {"findings": made.findings, "waived": made.waived, "new": _named(change.new), "gone": _named(change.gone)}
    return [NewEntry(actor, f"audit.{made.outcome}", subject_of(made.audit), facts)]


def _named(rows: Sequence[Standing]) -> dict[str, object]:
    return {"count": len(rows), "first": [one.sentence for one in rows[:KEPT]]}


def with_waivers(rows: Iterable[Standing], waivers: Iterable[Waiver], now: datetime) -> list[Found]:
    """The findings that are not gone, each with the waiver that holds now."""
    holding = {(one.audit, one.key): one for one in waivers if one.until > now}
    return [Found(row, holding.get((row.audit, row.key))) for row in rows if row.gone_at is None]


def sentence_of(findings: int, new: int, waived: int) -> str:
    """How a look ended, in words."""
    if not findings:
        return "nothing was found"
    words = [f"{findings} finding{'s' if findings > 1 else ''}"]
    words += [f"{new} new"] if new else []
    words += [f"{waived} waived"] if waived else []
    return ", ".join(words)


def alerts_of(audit: Audit, found: Sequence[Found], newest: Made | None, address: str) -> tuple[Active, ...]:
    """What people are told of an audit: that there are findings that nobody waived, and that it could not be made."""
    page = f"{address}/audits/{audit.name}"
    labels = {"audit": audit.name, "severity": audit.severity}
    active = []
    counting = [one.standing for one in found if one.waiver is None]
    if counting:
        first = "; ".join(one.sentence for one in counting[:TOLD])
        more = f"; and {len(counting) - TOLD} more" if len(counting) > TOLD else ""
        text = {"summary": f"{audit.name}: {sentence_of(len(counting), 0, 0)}: {first}{more}", "dashboard": page}
        since = min(one.since for one in counting)
        value = float(len(counting))
        active.append(Active({"alertname": "AuditFindings", **labels}, text, "firing", since, since, value=value, generator_url=page))
    if newest is not None and newest.outcome == "failed" and newest.ended_at is not None:
        text = {"summary": f"the audit {audit.name} could not be made: {newest.sentence}", "dashboard": page}
        at = newest.ended_at
        active.append(Active({"alertname": "AuditFailed", **labels}, text, "firing", at, at, generator_url=page))
    return tuple(active)


def next_waiver_end(waivers: Iterable[Waiver], now: datetime) -> datetime | None:
    """When the next waiver ends."""
    return min((one.until for one in waivers if one.until > now), default=None)


def grouped(found: Iterable[Found]) -> Mapping[str, list[Found]]:
    """Findings by their audit."""
    by_audit: dict[str, list[Found]] = {}
    for one in found:
        by_audit.setdefault(one.standing.audit, []).append(one)
    return by_audit
