"""What is looked for in logs: lists below "Log review", and "Watch for ... in the logs"."""

import re

from keepwell.rooms.manual.importing.model import Disposition, EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.wording import asks_for_something, is_question
from keepwell.rooms.manual.reading.model import Kind

_REVIEW = re.compile(
    r"\blogs? (?:review|analysis|monitoring|inspection|patterns)\b"
    r"|\b(?:watch|look|search|scan|monitor|grep)\w*\s+(?:for|the|your|all)?\b.{0,40}\blogs?\b"
    r"|\blogs?\b.{0,30}\b(?:for|priorit)"
)
_LAYOUT = re.compile(r"\blog (?:files?|locations?|paths?|structure|layout|directories)\b")
_PATH = re.compile(r"(?<![\w.])(/[\w.*/-]+)")


def read(view: View) -> Found | None:
    """An item of such a list, or a row of a table of log files."""
    if view.item.kind is Kind.TABLE_ROW:
        return _of_row(view)
    around = surroundings(view.manual)
    text = view.item.text
    titles = [title.lower() for title in view.item.section[1:] or view.item.section]
    lead = around.lead_in(view.item)[-120:].lower()
    path = _PATH.search(text)
    if path and any(_LAYOUT.search(words) for words in (*titles[-1:], lead)):
        label = text.partition(":")[0] if ":" in text else path[1].rpartition("/")[2]
        draft = EntryDraft("logs", slug(label) or "app", {"paths": [path[1]]})
        return Found(Fate.LOGS, about(view, "logs.layout"), drafts=(draft,))
    watched = any(_REVIEW.search(words) for words in (*titles, lead))
    if not watched or asks_for_something(text) or is_question(text) or text.endswith(":"):
        return None
    return Found(Fate.LOGS, about(view, "logs.analyse"), disposition=Disposition.HUMAN, reason="no pattern is given: a person looks for it")


def _of_row(view: View) -> Found | None:
    found = surroundings(view.manual).row(view.item)
    if found is None:
        return None
    table, row = found
    where = table.column("path", "file", "location")
    path = _PATH.match(row.cells[where].strip()) if where is not None else None
    if path is None or not (table.column("log") is not None or re.search(r"\blog(?:s|ging)?\b", view.title.lower())):
        return None
    label = next((cell for at, cell in enumerate(row.cells) if at != where and cell), path[1].rpartition("/")[2])
    return Found(Fate.LOGS, about(view, "logs.layout"), drafts=(EntryDraft("logs", slug(label) or "app", {"paths": [path[1]]}),))


RECOGNISER = Recogniser(
    "what to look for in logs",
    (Kind.LIST_ITEM, Kind.TABLE_ROW),
    read,
    order=36,
    example="""\
## Log review

- Refused payments
- Slow imports
""",
)
