"""When work may be done: "Primary: Sunday 02:00-04:00 UTC"."""

import re
from dataclasses import dataclass

from keepwell.kernel.windows import parse_window
from keepwell.rooms.manual.importing.model import Disposition, EntryDraft, Fate, Found, Missing, Recogniser, View, Wanting
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Kind

_DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?"
_DAYS = rf"{_DAY}(?:\s*(?:-|–|,|and|to|through)\s*{_DAY})*|weekdays|weekends|daily|every day|nightly"
_FROM, _TO = (rf"(?P<{at}_hour>\d{{1,2}})(?:[:.](?P<{at}_minute>\d{{2}}))?\s*(?P<{at}_half>[ap]\.?m\.?)?" for at in ("from", "to"))
_SPAN = re.compile(
    rf"(?:(?:every|each|on)\s+)?(?P<which>first|second|third|fourth|last|other|2nd|alternate)?\s*(?P<days>{_DAYS})?\s*,?\s*(?:at|from|between)?\s*{_FROM}\s*(?:-|–|—|to|until|and)\s*{_TO}\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ZONE = re.compile(r"^\(?\s*(UTC|GMT|[A-Z][a-z]+/[A-Z][A-Za-z_]+|[A-Z]{3,4})\b")
_ANYTIME = re.compile(r"\b(?:any ?time|at any time|as needed|24/7|whenever)\b", re.IGNORECASE)
_ALTERNATE = re.compile(r"\b(?:every|each) (?:second|other|2nd|third)\b|\balternate\b|\bother\b", re.IGNORECASE)
_ASKED = "WINDOW_ZONE"


@dataclass(frozen=True, slots=True)
class _Span:
    text: str
    zone: str


def read(view: View) -> Found | None:
    """A line, or a row of a table, that names a span of a day; only where its heading, its list or itself speaks of windows."""
    text = view.item.text
    lead = surroundings(view.manual).lead_in(view.item) if view.item.kind is Kind.LIST_ITEM else ""
    if not re.search(r"\bwindows?\b", " ".join((view.title, lead, text)), re.IGNORECASE):
        return None
    if view.item.kind is Kind.TABLE_ROW and surroundings(view.manual).row(view.item) is None:
        return None
    label, _, rest = text.partition("|" if view.item.kind is Kind.TABLE_ROW else ":")
    named = rest.strip() and len(label) < 40 and not re.search(r"\d", label)
    span = _span((rest if named else text).replace("|", " "))
    name = slug(label) if named else "maintenance"
    if span is not None:
        return _found(view, name, span)
    if _ALTERNATE.search(text) and named:
        reason = "every other week is no window that recurs on fixed days: a person decides"
        return Found(Fate.WINDOW, about(view, "schedule"), disposition=Disposition.HUMAN, reason=reason)
    if named and _ANYTIME.search(rest) and re.search(r"\bwindows?\b", view.title, re.IGNORECASE):
        return Found(Fate.WINDOW, about(view, "schedule"), disposition=Disposition.HUMAN, reason="it is open at any time: a person decides")
    return None


def _found(view: View, name: str, span: _Span) -> Found:
    zone = span.zone or view.values.get(_ASKED, "")
    draft = EntryDraft("windows", name, {"on": span.text, "zone": zone})
    if zone and _is_window(span.text, zone):
        return Found(Fate.WINDOW, about(view, "schedule"), drafts=(draft,))
    missing = Missing(
        _ASKED, Wanting.VALUE, view.item.text[:80], "In which time zone are the maintenance windows? (such as UTC or Europe/Berlin)", "zone"
    )
    reason = "the window names no time zone of the tz database"
    return Found(Fate.WINDOW, about(view, "schedule"), disposition=Disposition.MISSING, missing=(missing,), reason=reason)


def _span(text: str) -> _Span | None:
    for match in _SPAN.finditer(text[:200]):
        if _ALTERNATE.search(match[0]):
            return None
        days = _days(f"{match['which'] or ''} {match['days'] or ''}".strip())
        half = match["to_half"] or match["from_half"]
        begin = _clock(match["from_hour"], match["from_minute"], match["from_half"] or half)
        end = _clock(match["to_hour"], match["to_minute"], half)
        if not (match["days"] or match["from_minute"] or half) or not begin or not end:
            continue
        zone = _ZONE.match(match["rest"])
        span = f"{days} {begin}-{end}".strip()
        if _is_window(span, "UTC"):
            return _Span(span, zone[1] if zone else "")
    return None


def _days(text: str) -> str:
    days = re.sub(r"\s*(?:–|to|through)\s*", "-", " ".join(text.split()), flags=re.IGNORECASE)
    return {"nightly": "daily", "every day": "daily", "": "daily"}.get(days.lower(), days)


def _clock(hour: str, minute: str | None, half: str | None) -> str:
    number = int(hour)
    if half:
        number = number % 12 + (12 if half.lower().startswith("p") else 0)
    return f"{number:02d}:{minute or '00'}" if number <= 24 else ""


def _is_window(text: str, zone: str) -> bool:
    try:
        parse_window(text, zone)
    except ValueError:
        return False
    return True


RECOGNISER = Recogniser(
    "maintenance windows",
    (Kind.LIST_ITEM, Kind.PARAGRAPH, Kind.TABLE_ROW),
    read,
    order=20,
    example="""\
## Maintenance windows

- **Main**: Tuesday 01:00-03:00 UTC
- **Spare**: Saturdays 10 pm to 11 pm Europe/Paris
""",
)
