"""Headings whose own words say how often the work below them is done."""

import re
from functools import lru_cache

from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, TaskDraft, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.views import cadence_in
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

_WORK = frozenset((Kind.COMMAND, Kind.CRON, Kind.STATEMENT, Kind.CHECKBOX, Kind.LIST_ITEM, Kind.COMMENT, Kind.TABLE_ROW))
_ORNAMENT = re.compile(r"^(?:[^\w(]+|\d+(?:\.\d+)*[.)]?\s+)+")
_ONLY_CADENCE = re.compile(
    r"^(?:hourly|daily|weekly|monthly|quarterly|yearly|annual(?:ly)?)(?: (?:tasks?|checklist|checks?|procedures?))?$", re.IGNORECASE
)


def read(view: View) -> Found | None:
    """A heading with a cadence, but not the title of the manual. Where all its work is below headings with cadences of their own, these
    are the tasks."""
    every = cadence_in(view.item.text)
    if not every or (view.item.level == 1 and view.item.line == view.manual.headings[0].line and len(view.manual.headings) > 1):
        return None
    if view.item.line not in _with_work(view.manual):
        section = view.manual.section_of(view.item.line)
        reason = "its work stands below headings with a cadence of their own" if section.children else "nothing is to be done below it"
        return Found(Fate.TASK, about(view, "schedule"), reason=reason)
    return Found(Fate.TASK, about(view, "schedule"), drafts=(TaskDraft(every, _title(view)),))


@lru_cache(maxsize=4)
def _with_work(manual: Manual) -> frozenset[int]:
    """The lines of headings with a cadence that are the nearest such heading of some work."""
    found: set[int] = set()
    above: list[tuple[Item, bool]] = []
    for item in manual.items:
        if item.kind is Kind.HEADING:
            while above and above[-1][0].level >= item.level:
                above.pop()
            above.append((item, bool(cadence_in(item.text))))
        elif item.kind in _WORK:
            nearest = next((heading for heading, recurs in reversed(above) if recurs), None)
            found.update([nearest.line] if nearest else [])
    return frozenset(found)


def _title(view: View) -> str:
    """``Daily`` below "Maintenance checklist" is the daily maintenance checklist."""
    title = _ORNAMENT.sub("", view.item.text).strip() or view.item.text
    above = _ORNAMENT.sub("", view.item.section[-2]).strip() if len(view.item.section) > 1 else ""
    return f"{above} {title.lower()}" if above and _ONLY_CADENCE.match(title) else title


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
