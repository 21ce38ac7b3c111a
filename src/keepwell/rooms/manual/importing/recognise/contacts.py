"""Who is to be told: tables of contacts, and lines with a mail address, a number or a channel."""

import re

from keepwell.rooms.manual.importing.model import Disposition, EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.placeholders import missing_in
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Kind, Row, Table

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w.:/-])\+?\(?\d{1,4}\)?[ -]\d[\d ()-]{4,16}\d(?![\w:-])")
_CHANNEL = re.compile(r"(?<![\w/&])#[a-z][\w-]{1,60}")
_LABEL = re.compile(r"^\s*(?P<label>[^:|—–]{2,60}?)\s*(?::|[—–]|\s-\s)\s*(?P<rest>\S.*)", re.DOTALL)
_WAYS = re.compile(
    r"^(?:e-?mail|mail|phone|telephone|mobile|slack|teams|pager(?:duty)?|channel|chat|contact|website|web|url|hotline)\b", re.IGNORECASE
)
_LONGEST = 1000
_REACH = ("email", "phone", "slack", "url", "reach")
_PEOPLE = re.compile(
    r"\bcontacts?\b|\bon-?call\b|\bescalation (?:contacts?|list|path|chain)\b|\bsupport team\b"
    r"|\b(?:communication|support|emergency) channels?\b",
    re.IGNORECASE,
)


def read(view: View) -> Found | None:
    """A row with a person or a role and how to reach them, or a line of a list that says it."""
    if view.item.kind is Kind.TABLE_ROW:
        found = surroundings(view.manual).row(view.item)
        entry = _of_row(*found) if found else None
    else:
        entry = _of_line(view)
    if entry is None:
        return None
    missing = missing_in(view, " ".join(str(value) for key, value in entry.value.items() if key in _REACH))
    if missing:
        reason = "the address belongs to nobody"
        known = {key: value for key, value in entry.value.items() if key not in _REACH}
        drafts = (EntryDraft("contacts", entry.name, known),) if known else ()
        return Found(Fate.CONTACT, about(view, "contacts"), "", drafts, Disposition.MISSING, reason, missing)
    return Found(Fate.CONTACT, about(view, "contacts"), drafts=(entry,))


def _of_row(table: Table, row: Row) -> EntryDraft | None:
    who = table.column("role", "team", "name", "person", "who", "level")
    reach = table.column("contact", "mail", "phone", "slack", "pager", "telephone")
    if who is None or (reach is None and not _MAIL.search(" ".join(row.cells))):
        return None
    value = _reached(" ".join(row.cells))
    name, hours = table.column("name", "person"), table.column("availab", "hours", "when", "schedule")
    if name is not None:
        value["name"] = row.cells[name]
    if who != name:
        value["role"] = row.cells[who]
    if hours is not None:
        value["hours"] = row.cells[hours]
    if reach is not None and not {"email", "phone", "slack"} & value.keys():
        value["reach"] = row.cells[reach]
    return EntryDraft("contacts", slug(row.cells[who]) or "contact", {key: text for key, text in value.items() if text})


def _of_line(view: View) -> EntryDraft | None:
    text = view.item.text[:_LONGEST]
    lead = surroundings(view.manual).lead_in(view.item)
    about_people = any(_PEOPLE.search(words) for words in (*view.item.section[-2:], lead[-120:]))
    value = _reached(text)
    label = _LABEL.match(text)
    if view.item.kind is Kind.PARAGRAPH and (label is None or "email" not in value or len(text) > 160):
        return None
    if not value and not (about_people and label and view.item.kind is Kind.LIST_ITEM):
        return None
    if not about_people and not ({"email", "phone"} & value.keys() and label):
        return None
    if label is None and not value:
        return None
    who = label["label"].strip() if label else ""
    if not value:
        value["reach"] = label["rest"].strip() if label else ""
    named = who and not _WAYS.match(who) and "url" not in value
    return EntryDraft("contacts", (slug(who) if named else _team(lead)) or "contact", {**value, **({"role": who} if named else {})})


def _reached(text: str) -> dict[str, str]:
    text = text[:_LONGEST]
    found = {"email": _MAIL.search(text), "phone": _PHONE.search(text), "slack": _CHANNEL.search(text)}
    value = {key: match[0] for key, match in found.items() if match}
    url = re.search(r"https?://[^\s|)>]+", text)
    return value or ({"url": url[0]} if url else {})


def _team(lead: str) -> str:
    match = re.search(r"\b(?:contact|reach|call|ask|notify)\s+(?:the\s+)?((?:[a-z]+\s+){0,3}(?:team|group|desk))\b", lead.lower())
    return slug(match[1]) if match else ""


RECOGNISER = Recogniser(
    "contacts",
    (Kind.TABLE_ROW, Kind.LIST_ITEM, Kind.PARAGRAPH),
    read,
    order=22,
    example="""\
| Role | Name | Contact | Availability |
|---|---|---|---|
| Database | Ada Okafor | ada@shop.internal | 24/7 |
""",
)
