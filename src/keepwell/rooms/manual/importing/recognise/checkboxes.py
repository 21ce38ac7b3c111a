"""Boxes to tick: a person does it."""

from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Kind


def read(view: View) -> Found | None:
    """Every checkbox."""
    return Found(Fate.CHECKLIST, about(view, "checklist"), disposition=Disposition.HUMAN)


RECOGNISER = Recogniser(
    "checkboxes",
    (Kind.CHECKBOX,),
    read,
    order=60,
    example="""\
## Weekly

- [ ] Read the error log
- [x] Look at the certificates
""",
)
