"""``NAME=value`` in scripts: where logs and backups are kept, limits, retention, and what a script calls things by."""

import re

from keepwell.rooms.manual.importing.compared import compared_in, limit_of
from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, LimitDraft, Recogniser, View
from keepwell.rooms.manual.importing.purposes import comment_of, with_purpose, within
from keepwell.rooms.manual.importing.script_index import index_of
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.quantities import metric_in

_ASSIGNMENT = re.compile(r"(?:(?:local|export|readonly|declare|typeset)\s+(?:-\w+\s+)*)?(?P<name>[A-Za-z_]\w*)\+?=(?P<value>.*)", re.DOTALL)
_NUMBER = re.compile(r"[\"']?\d{1,12}(?:\.\d{1,6})?%?[\"']?")
_LIMIT = re.compile(r"THRESHOLD|LIMIT|(?:^|_)(?:WARN(?:ING)?|CRIT(?:ICAL)?|MAX)(?:_|$)", re.IGNORECASE)
_KEEPS = re.compile(r"RETENTION|KEEP", re.IGNORECASE)
_ABOUT = (
    (re.compile(r"WEBHOOK|SLACK|MAIL|PAGER|NOTIF", re.IGNORECASE), "notify"),
    (re.compile(r"BACKUP|DUMP|SNAPSHOT", re.IGNORECASE), "backup"),
    (re.compile(r"REPORT|AUDIT", re.IGNORECASE), "report"),
    (re.compile(r"LOG", re.IGNORECASE), "logs.layout"),
    (re.compile(r"RESTORE|RECOVER", re.IGNORECASE), "restore"),
)


def read(view: View) -> Found | None:
    """What an assignment becomes that no recogniser of the program in it took."""
    match = _ASSIGNMENT.match(view.item.text.strip())
    if match is None:
        return None
    name, value = match["name"], match["value"]
    number = _NUMBER.fullmatch(value.strip())
    if number and _KEEPS.search(name):
        logs = metric_in(name) == "" and re.search(r"LOG", name, re.IGNORECASE)
        return Found(Fate.LOGS if logs else Fate.BACKUP, with_purpose(view, "logs.cleanup" if logs else "backup.retention"))
    if number and _LIMIT.search(name):
        return _limit(view, name, value.strip().strip("\"'"))
    return Found(Fate.STEP, with_purpose(view, *_own(view, name)))


def _own(view: View, name: str) -> list[str]:
    """The words for what a variable holds. A script's backup file is what it restores where it restores."""
    about = next((capability for pattern, capability in _ABOUT if pattern.search(name)), "")
    special = within(view, "restore")
    scheduled = ["schedule"] if view.script is not None and view.script.complete and not comment_of(view) else []
    if about == "backup":
        return [special or within(view, "backup") or "backup.files", *scheduled]
    if about == "restore":
        return [special or "restore.system"]
    return [about, *scheduled] if about else []


def _limit(view: View, name: str, value: str) -> Found:
    """A limit. Where the script compares something with it, those comparisons are the rules; else its name must say what it limits."""
    test = index_of(view.script).tests_by_limit.get(name) if view.script else None
    for compared in compared_in(view, test) if test else ():
        if test and name in compared.limit_names and (draft := limit_of(view, test, compared)):
            return Found(Fate.RULE, ("rule",), "", (draft,))
    metric = metric_in(name.replace("_", " "))
    if metric:
        unit = "%" if metric in ("cpu", "disk", "memory") and float(value.rstrip("%")) <= 100 else ""
        limit = f"> {value.rstrip('%')}{unit}"
        return Found(Fate.RULE, ("rule",), "", (LimitDraft(metric, warn=limit, words=f"{metric} {limit}"),))
    return Found(Fate.RULE, ("rule",), disposition=Disposition.MISSING, reason=f"nothing in the script compares a figure with {name}")


RECOGNISER = Recogniser(
    "assignments",
    (Kind.ASSIGNMENT,),
    read,
    order=80,
    example="""\
# Shop

## Backup script

```bash
LOG_FILE="/var/log/shop/backup.log"
RETENTION_DAYS=14
CPU_THRESHOLD=80
```
""",
)
