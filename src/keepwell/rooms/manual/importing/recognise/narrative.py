"""What explains: everything in prose that nothing else knows. It is asked last."""

import re

from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.topics import capabilities_of
from keepwell.rooms.manual.reading.model import Kind

_OF_THE_MANUAL = re.compile(
    r"^(?:version|last (?:updated|reviewed|modified)|date|author|maintainer|owner|status)\s*:"
    r"|\bth(?:is|e) (?:[a-z]+ )?(?:manual|document|guide|runbook)\b",
    re.IGNORECASE,
)
_EXPLAINS = (Kind.HEADING, Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.TABLE_ROW, Kind.COMMENT, Kind.HTML, Kind.FRONT_MATTER)


def read(view: View) -> Found | None:
    """Prose without a letter in it (a ruler, a stray mark) is unrecognised; all other prose explains. What a program answered shows an
    answer."""
    if view.item.kind is Kind.OUTPUT:
        return Found(Fate.EXAMPLE, capabilities_of("", " > ".join(view.item.section)) or ("runbook",))
    if not any(character.isalnum() for character in view.item.text):
        return Found(Fate.UNRECOGNISED, ("docs",), reason="there are no words in it")
    if _OF_THE_MANUAL.search(view.item.text):
        return Found(Fate.NARRATIVE, ("docs",))
    return Found(Fate.NARRATIVE, capabilities_of(view.item.text, " > ".join(view.item.section)) or ("docs",))


RECOGNISER = Recogniser("explanations", (*_EXPLAINS, Kind.OUTPUT), read, order=100, example="# Shop\n\nThis is how the shop is run.\n")
