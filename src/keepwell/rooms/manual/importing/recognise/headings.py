"""Headings whose own words say how often the work below them is done."""

import re
from functools import lru_cache

from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, TaskDraft, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.views import cadence_in
from keepwell.rooms.manual.reading.model import Kind, Manual, Section

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
    section = view.manual.section_of(view.item.line)
    if not _holds_work(view.manual, section):
        reason = "its work stands below headings with a cadence of their own" if section.children else "nothing is to be done below it"
        return Found(Fate.TASK, about(view, "schedule"), reason=reason)
    return Found(Fate.TASK, about(view, "schedule"), drafts=(TaskDraft(every, _title(view)),))


def _holds_work(manual: Manual, section: Section) -> bool:
    own = _own_cadences(manual)
    inner = [part for part in section.walk() if part is not section and part.line in own]
    return any(not any(part.line <= item.line <= part.end_line for part in inner) for item in manual.items_in(section, *_WORK))


@lru_cache(maxsize=4)
def _own_cadences(manual: Manual) -> frozenset[int]:
    """The lines of headings with a cadence."""
    return frozenset(item.line for item in manual.headings if cadence_in(item.text))


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
