"""What a backup must hold: lists of paths below "What is backed up"."""

import re

from keepwell.rooms.manual.importing.model import Disposition, EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.wording import advises
from keepwell.rooms.manual.reading.model import Kind

_CONTENTS = re.compile(
    r"\bbackups?\b.{0,16}\b(?:components?|contents?|scope|includes?|items?|sources?|contain)|\bwhat\b.{0,20}\bback(?:ed)?[ -]?up"
    r"|\b(?:back(?:ed)? up|saved)\b.{0,20}:\s*$"
)
_PATH = re.compile(r"(?<![\w.:/])(/[\w.*@/-]{2,200})")


def read(view: View) -> Found | None:
    """A line or a row that names one of the things."""
    if view.item.kind is Kind.TABLE_ROW and view.item.level == 0:
        return None
    lead = surroundings(view.manual).lead_in(view.item)[-120:] if view.item.kind is Kind.LIST_ITEM else ""
    if not any(_CONTENTS.search(words.lower()) for words in (view.title, lead)) or advises(view.item.text):
        return None
    paths = [path.rstrip(".") for path in _PATH.findall(view.item.text)]
    if not paths:
        reason = "it names no path: a person sees to it"
        return Found(Fate.BACKUP, about(view, "backup.files"), disposition=Disposition.HUMAN, reason=reason)
    return Found(Fate.BACKUP, about(view, "backup.files"), drafts=(EntryDraft("backups", "files", {"files": {"paths": paths}}),))


RECOGNISER = Recogniser(
    "contents of backups",
    (Kind.LIST_ITEM, Kind.TABLE_ROW),
    read,
    order=38,
    example="""\
## Backup contents

- Uploads: `/srv/shop/uploads/`
""",
)
