"""How long logs and backups are kept: rows with a retention, "Logs: 14 days"."""

import re

from keepwell.rooms.manual.importing.limits_in_words import duration_in
from keepwell.rooms.manual.importing.model import EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Kind

_KEPT = re.compile(r"\b(?:retention|retain(?:ed)?|kept|keep(?:ing)?)\b", re.IGNORECASE)
_LOGS = re.compile(r"\blogs?\b|\blogging\b", re.IGNORECASE)
_COPIES = re.compile(r"\b(?:backups?|dumps?|snapshots?|copies)\b", re.IGNORECASE)
_DAYS = {"d": 1, "w": 7}


def read(view: View) -> Found | None:
    """A row of a table with a column for it, or a line of a list: what is kept, and for how many days."""
    text = view.item.text[:300]
    label, colon, rest = text.partition(":")
    if view.item.kind is Kind.TABLE_ROW:
        found = surroundings(view.manual).row(view.item)
        column = found[0].column("retention", "kept", "keep") if found else None
        if found is None or not column:
            return None
        label, rest = found[1].cells[0], found[1].cells[column]
    elif not colon or not (_KEPT.search(text) or _KEPT.search(view.title)):
        return None
    days = _days(rest)
    around = " ".join((label, text, view.title))
    if not days or not (_LOGS.search(around) or _COPIES.search(around)):
        return None
    if _LOGS.search(label) or not _COPIES.search(around):
        return Found(Fate.LOGS, about(view, "logs.cleanup"), drafts=(EntryDraft("logs", _name(label), {"rotate": {"keep": days}}),))
    return Found(Fate.BACKUP, about(view, "backup.retention"), drafts=(EntryDraft("backups", _name(label), {"keep": {"days": days}}),))


def _days(text: str) -> int:
    duration = duration_in(text)
    months = re.search(r"\b(\d{1,3})[ -](month|year)s?\b", text, re.IGNORECASE)
    if months:
        return int(months[1]) * (30 if months[2].lower() == "month" else 365)
    number, unit = (duration[:-1], duration[-1]) if duration else ("", "")
    return int(number) * _DAYS[unit] if unit in _DAYS and number.isdigit() else 0


def _name(label: str) -> str:
    return slug(re.sub(r"\b(?:retention|backups?|logs?|dumps?)\b", "", label, flags=re.IGNORECASE)) or slug(label) or "all"


RECOGNISER = Recogniser(
    "retention",
    (Kind.TABLE_ROW, Kind.LIST_ITEM),
    read,
    order=35,
    example="""\
## Retention

| Data | Kept for |
|---|---|
| Access logs | 14 days |
| Database dumps | 3 months |
""",
)
