"""Headings whose own words say how often the work below them is done."""

import re
from dataclasses import dataclass
from functools import lru_cache

from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, TaskDraft, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.views import cadence_in
from keepwell.rooms.manual.importing.wording import leads_in, only_cadence
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

_WORK = frozenset((Kind.COMMAND, Kind.CRON, Kind.STATEMENT, Kind.CHECKBOX, Kind.LIST_ITEM, Kind.COMMENT, Kind.TABLE_ROW))
_BARE = re.compile(r"(?:every|each|first|second|third|fourth|last) |\w+(?: (?:tasks?|checks?|checklist|work|jobs?))?$", re.IGNORECASE)
_ORNAMENT = re.compile(r"^(?:[^\w(]+|\d+(?:\.\d+)*[.)]?\s+)+")


def read(view: View) -> Found | None:
    """A heading with a cadence, but not the title of the manual. Where all its work is below headings with cadences of their own, these
    are the tasks."""
    every = cadence_in(view.item.text)
    if not every or (view.item.level == 1 and view.item.line == view.manual.headings[0].line and len(view.manual.headings) > 1):
        return None
    if view.item.line not in _with_work(view.manual):
        section = view.manual.section_of(view.item.line)
        has_work = any(item.kind in _WORK for item in view.manual.items_in(section))
        reason = "its work has cadences of its own" if has_work else "nothing is to be done below it"
        return Found(Fate.TASK, about(view, "schedule"), reason=reason)
    return Found(Fate.TASK, about(view, "schedule"), drafts=(TaskDraft(every, _title(view)),))


@dataclass(slots=True)
class _Above:
    heading: Item
    recurs: bool
    introduced: bool = False


@lru_cache(maxsize=4)
def _with_work(manual: Manual) -> frozenset[int]:
    """The lines of headings with a cadence that are the nearest such heading of some work. Work that a sentence with a cadence leads in
    (``Every Friday, perform:``) is the task of that sentence."""
    found: set[int] = set()
    above: list[_Above] = []
    for item in manual.items:
        if item.kind is Kind.HEADING:
            while above and above[-1].heading.level >= item.level:
                above.pop()
            above.append(_Above(item, bool(cadence_in(item.text))))
        elif item.kind is Kind.PARAGRAPH and above and leads_in(item.text):
            above[-1].introduced = True
        elif item.kind in _WORK:
            nearest = next((part for part in reversed(above) if part.recurs or part.introduced), None)
            found.update([nearest.heading.line] if nearest and not nearest.introduced else [])
    return frozenset(found)


def _title(view: View) -> str:
    """``Daily`` below "Maintenance checklist" is the daily maintenance checklist."""
    title = _ORNAMENT.sub("", view.item.text).strip() or view.item.text
    above = _ORNAMENT.sub("", view.item.section[-2]).strip() if len(view.item.section) > 2 else ""
    if not above or not only_cadence(title) or not _BARE.match(title):
        return title
    return above if cadence_in(above) else f"{above} {title.lower()}"


RECOGNISER = Recogniser(
    "headings with a cadence",
    (Kind.HEADING,),
    read,
    order=40,
    example="""\
# Running the shop

## Weekly clean-up

- Empty the spool
""",
)
