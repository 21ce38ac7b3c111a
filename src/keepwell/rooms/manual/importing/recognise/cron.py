"""Entries of a crontab: work that recurs, and the script that does it (crontab(5))."""

import re
from bisect import bisect_left

from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Missing, Recogniser, TaskDraft, View, Wanting
from keepwell.rooms.manual.importing.purposes import purpose_in
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.names import last_part
from keepwell.rooms.manual.reading.parts import CronEntry

_SCRIPT = re.compile(
    r"(?:^|[\s;&])((?:\.{0,2}/)?[\w./~-]+\.(?:sh|py|pl|rb|php|js|bash)|(?:/opt|/srv|/home|/root|/usr/local|\.|~)/[\w./-]+)(?=[\s;&|]|$)"
)
_BY_NAME = (
    ("backup.verify", r"verif\w*.*back-?up|back-?up.*(?:verif|test)"),
    ("backup.database", r"back-?up.*(?:db|database|postgres|mysql)|(?:db|database|pg|mysql).*(?:back-?up|dump)|pg_dump|mysqldump"),
    ("backup.retention", r"(?:prune|clean\w*|rotate).*back-?ups?"),
    ("backup.offsite", r"aws s3 (?:sync|cp)|rclone|off-?site"),
    ("backup.files", r"back-?up|restic|borg|snapshot"),
    ("logs.rotate", r"log-?rotat|rotat\w*[-_]?logs?"),
    ("logs.cleanup", r"(?:clean|delet|purg)\w*[-_ ]?logs?|find\b.*\blogs?\b.*-delete"),
    ("security.certificates", r"certbot|acme|renew\w*.*cert|cert\w*.*renew"),
    ("security.updates", r"unattended|apt\b.*upgrade|security-?updates?"),
    ("report", r"report|analys|summary|metrics?\b"),
    ("cleanup", r"clean|prun|purg|expire"),
    ("database.maintenance", r"vacuum|analyze|reindex"),
    ("check.http", r"health|monitor|check|probe|ping|curl"),
    ("restore.database", r"restor"),
)  # fmt: skip


def _read(view: View) -> Found | None:
    if view.item.kind is Kind.FENCE:
        return _whole(view)
    first = bisect_left(view.manual.cron, view.item.line, key=lambda part: part.line)
    entry = next((part for part in view.manual.cron[first : first + 1] if part.line == view.item.line and not part.commented), None)
    if entry is None:
        return None
    match = _SCRIPT.search(entry.command)
    script = last_part(match[1]) if match else ""
    absent = bool(script) and not view.manual.names.defines(script)
    missing = (
        (Missing(script, Wanting.SCRIPT, match[1] if match else script, f"The script {script}, which the crontab starts"),)
        if absent
        else ()
    )
    # @reboot is no cadence: it happens when the machine starts.
    recurs = entry.schedule != "@reboot"
    settings = {**({"user": entry.user} if entry.user else {}), **({} if script else {"shell": entry.command})}
    program = next((command.name for command in entry.script.commands if command.name), "")
    drafts = (TaskDraft(entry.schedule, view.title if script else program, script, settings),) if recurs else ()
    disposition = Disposition.MISSING if absent else Disposition.CARRIED
    reason = f"{script} is not in the manual" if absent else "" if recurs else "it runs when the machine starts"
    return Found(Fate.TASK, _capabilities(entry), "cron.entry", drafts, disposition, reason, missing)


def _capabilities(entry: CronEntry) -> tuple[str, ...]:
    """That it is scheduled, and what for, by the name of what it starts."""
    text = entry.command.lower().replace("_", "-")
    purpose = next((capability for capability, pattern in _BY_NAME if re.search(pattern, text)), "") or purpose_in(text.replace("-", " "))
    return ("schedule", purpose) if purpose and purpose != "runbook" else ("schedule",)


def _whole(view: View) -> Found | None:
    """A fence of crontab entries."""
    fence = view.fence
    if (
        fence is None
        or not fence.cron
        or len(fence.cron) * 2 < sum(1 for _, text in fence.lines if text.strip() and not text.lstrip().startswith("#"))
    ):
        return None
    return Found(Fate.TASK, ("schedule",)) if any(not entry.commented for entry in fence.cron) else None


RECOGNISER = Recogniser(
    name="cron",
    kinds=(Kind.CRON, Kind.FENCE),
    read=_read,
    example="""# Shop

```crontab
30 1 * * * /opt/shop/backup.sh
@daily /opt/shop/rotate-logs.sh
```
""",
)
