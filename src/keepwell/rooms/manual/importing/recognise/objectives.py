"""What is promised: recovery time and point, availability, goals."""

import re
from collections.abc import Iterator

from keepwell.kernel.comparisons import Unit, parse_comparison
from keepwell.kernel.durations import parse_duration
from keepwell.rooms.manual.importing.limits_in_words import duration_in, limits_in, share_in
from keepwell.rooms.manual.importing.model import Disposition, EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Kind, Row, Table

_RTO = re.compile(r"\bRTO\b|\brecovery time objectives?\b", re.IGNORECASE)
_RPO = re.compile(r"\bRPO\b|\brecovery point objectives?\b", re.IGNORECASE)
_GOALS = re.compile(r"\b(?:goals?|objectives?|slos?|slas?|service levels?|commitments?)\b", re.IGNORECASE)
_AVAILABLE = re.compile(r"\b(?:uptime|availab\w+)\b", re.IGNORECASE)
_LATENCY = re.compile(r"\bresponse times?\b|\blatency\b", re.IGNORECASE)
_ERRORS = re.compile(r"\berrors?\b|\bfailures?\b", re.IGNORECASE)
_PERCENTILE = re.compile(r"\b(?:p(\d{2})|(\d{2})(?:th)? percentile)\b", re.IGNORECASE)


def read(view: View) -> Found | None:
    """A line below "Recovery time objectives", a line that names RTO or RPO with its time, a goal, a row of a table with such columns."""
    if view.item.kind is Kind.TABLE_ROW:
        return _of_row(view)
    text = view.item.text
    lead = surroundings(view.manual).lead_in(view.item)
    title = view.title if view.item.kind is Kind.LIST_ITEM else ""
    recovery = dict(_recovery(text, lead, title))
    if recovery:
        name = slug(re.split(r"[:(–]", text)[0]) if not (_RTO.search(text) or _RPO.search(text)) else "service"
        return Found(Fate.OBJECTIVE, about(view, "objective"), drafts=(EntryDraft("objectives", name or "service", recovery),))
    if view.item.kind is Kind.LIST_ITEM and (_GOALS.search(title) or _GOALS.search(lead[-80:])) and not text.endswith("?"):
        return _of_goal(view)
    share = share_in(text)
    if _AVAILABLE.match(text) and share and len(text) < 80:
        return Found(Fate.OBJECTIVE, about(view, "objective"), drafts=(EntryDraft("objectives", "service", {"availability": share}),))
    return None


def _recovery(text: str, lead: str, title: str) -> Iterator[tuple[str, str]]:
    duration = duration_in(text)
    if not duration or len(text) > 160:
        return
    own = [key for key, pattern in (("rto", _RTO), ("rpo", _RPO)) if pattern.search(text)]
    if own:
        for key in own:
            pattern = _RTO if key == "rto" else _RPO
            match = pattern.search(text)
            behind = duration_in(text[match.end() :]) if match else ""
            yield key, behind or duration
        return
    around = lead if _RTO.search(lead) or _RPO.search(lead) else title
    if ":" in text:
        yield from ((key, duration) for key, pattern in (("rto", _RTO), ("rpo", _RPO)) if pattern.search(around))


def _of_goal(view: View) -> Found:
    value = _promise(view.item.text)
    if not value:
        return Found(
            Fate.OBJECTIVE, about(view, "objective"), disposition=Disposition.HUMAN, reason="it names no figure: a person judges it"
        )
    return Found(Fate.OBJECTIVE, about(view, "objective"), drafts=(EntryDraft("objectives", "service", value),))


def _promise(text: str) -> dict[str, str]:
    """The figure that is promised, as an entry of objectives; empty where it is none that can be measured so."""
    share, limits = share_in(text), limits_in(text)
    if _AVAILABLE.search(text) and share:
        return {"availability": share}
    if _LATENCY.search(text) and limits and _is_below(limits[0].comparison, Unit.SECONDS):
        percentile = _PERCENTILE.search(text)
        return {"latency": f"p{percentile[1] or percentile[2]} {limits[0].comparison}" if percentile else limits[0].comparison}
    return {"errors": limits[0].comparison} if _ERRORS.search(text) and limits and _is_below(limits[0].comparison, Unit.RATIO) else {}


def _is_below(comparison: str, unit: Unit) -> bool:
    limit = parse_comparison(comparison)
    return limit.unit is unit and limit.operator in ("<", "<=")


def _of_row(view: View) -> Found | None:
    found = surroundings(view.manual).row(view.item)
    if found is None:
        return None
    table, row = found
    promise = _of_service_level(view, table, row)
    if promise is not None:
        return promise
    columns = {"rto": table.column("rto", "recovery time"), "rpo": table.column("rpo", "recovery point")}
    value = {key: duration_in(row.cells[column]) for key, column in columns.items() if column is not None}
    value = {key: duration for key, duration in value.items() if duration}
    if not value:
        return None
    return Found(Fate.OBJECTIVE, about(view, "objective"), drafts=(EntryDraft("objectives", slug(row.cells[0]) or "service", value),))


def _of_service_level(view: View, table: Table, row: Row) -> Found | None:
    """A row of a table of service levels: ``Availability | 99.9% | 30 days``."""
    target = table.column("target", "objective", "goal", "slo")
    named = any(_GOALS.search(words) for words in (view.title, *table.columns)) or table.column("sli") is not None
    if not target or not named or table.column("warn", "crit") is not None:
        return None
    value = _promise(f"{row.cells[0]} {row.cells[target]}")
    over = table.column("window", "period", "measured over")
    span = duration_in(row.cells[over]) if over is not None else ""
    if not value:
        return None
    return Found(
        Fate.OBJECTIVE,
        about(view, "objective"),
        drafts=(EntryDraft("objectives", "service", {**value, **({"over": span} if span and parse_duration(span) else {})}),),
    )


RECOGNISER = Recogniser(
    "objectives",
    (Kind.LIST_ITEM, Kind.PARAGRAPH, Kind.TABLE_ROW, Kind.HEADING),
    read,
    order=26,
    example="""\
**Recovery time objectives:**

- Catalogue: 3 hours
- Search index: 30 minutes
""",
)
