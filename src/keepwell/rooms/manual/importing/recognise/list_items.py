"""What a person does: steps, things to review, questions, practices, wishes."""

import re
from functools import lru_cache

from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.surroundings import is_only_a_link, surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.wording import advises, asks_for_something, is_question, only_cadence
from keepwell.rooms.manual.reading.model import Kind, Manual

_PHASE = re.compile(r"\(\s*\d+\s*[-–]\s*\d+\s*(?:m|min|minutes|h|hours|days)\s*\)", re.IGNORECASE)
_PRACTICES = re.compile(
    r"\b(?:best practices|guidelines|recommendations|checklists?|to-?do|action items|next steps|tasks?|responsibilities)\b"
)
_LED_IN = re.compile(
    r"(?:^|[,;.]\s+|\b(?:to|then|please|and)\s+)(?:review|look|read|check|verify|perform|execute|inspect|audit|monitor|complete|confirm|ensure|test"
    r"|collect|capture|gather|attach|provide|consider|conduct|answer|discuss|cover|document|go through)\b[^.]{0,90}:\s*$",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(
    r"\b(?:meaning|impact|background|overview|introduction|features|components|requirements|architecture|related|references|links)\b"
)
_LONGEST = 400
_REVIEW = re.compile(r"\bpost-?(?:incident|mortem)|\bincident review\b|\bretrospective\b", re.IGNORECASE)
_PLAIN = re.compile(r"^[A-Z][\w /,()'&-]{2,80}$")


def read(view: View) -> Found | None:
    """A list item that asks a person for something: by its own words, or by what leads the list in; a sentence that leads in a review."""
    text = view.item.text.strip()
    if view.item.kind is Kind.PARAGRAPH:
        asks = text.endswith(":") and len(text) < 200 and asks_for_something(text)
        return _checklist(view, "incident.review") if asks and _REVIEW.search(text) else None
    if is_only_a_link(view.manual, view.item) and (not asks_for_something(text) or _is_heading(view, text)):
        return None
    if is_question(text):
        return _checklist(view, "incident.review" if _is_review(view) else "")
    if _PHASE.search(text):
        return _checklist(view, "dr.plan")
    explains = any(_EXPLAINS.search(title.lower()) for title in view.item.section[-1:])
    if asks_for_something(text) or (advises(text) and not explains):
        return _checklist(view)
    if not explains and len(text) < _LONGEST and (_is_led_in(view) or (_PLAIN.match(text) and _is_listed(view))):
        return _checklist(view)
    return None


def _is_heading(view: View, text: str) -> bool:
    """Whether it is a line of a table of contents."""
    return text in _titles(view.manual)


@lru_cache(maxsize=4)
def _titles(manual: Manual) -> frozenset[str]:
    return frozenset(heading.text for heading in manual.headings)


def _checklist(view: View, first: str = "") -> Found:
    return Found(Fate.CHECKLIST, about(view, *([first] if first else []), fallback="checklist"), disposition=Disposition.HUMAN)


def _is_review(view: View) -> bool:
    return bool(_REVIEW.search(" ".join((*view.item.section[-2:], surroundings(view.manual).lead_in(view.item)[-200:]))))


def _is_led_in(view: View) -> bool:
    """Whether the list is one of things to do, though the item is no sentence: behind "Every Monday, review:", or in such an item."""
    around = surroundings(view.manual)
    parent = around.parent(view.item)
    lead = parent.text if parent is not None else around.lead_in(view.item)
    return bool(_LED_IN.search(lead[-200:]))


def _is_listed(view: View) -> bool:
    """Whether its headings say so: below "Best practices" or "Weekly", in a phase of a plan, in a section that "review:" leads in."""
    around = surroundings(view.manual)
    parent = around.parent(view.item)
    if parent is not None:
        return bool(_PHASE.search(parent.text))
    if any(is_question(item.text) for item in around.children(view.item)):
        return True
    lead = around.lead_in(view.item)
    if lead and not only_cadence(lead.rstrip(":")):
        return bool(_PRACTICES.search(lead[-80:].lower()))
    if lead or only_cadence(view.title) or any(_PRACTICES.search(title.lower()) for title in view.item.section[-2:]):
        return True
    return bool(view.cadence) and bool(_LED_IN.search(around.introduction(view.item)[-200:]))


RECOGNISER = Recogniser(
    "things to do",
    (Kind.LIST_ITEM, Kind.PARAGRAPH),
    read,
    order=70,
    example="""\
## After an outage

1. Write down when it began
2. Was anybody told too late?
""",
)
