"""KW226: a script that is meant to run by itself is in no schedule."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script

from .saving import base
from .saying import RESTORE, headings_over, short

_RUNS_BY_ITSELF = re.compile(r"back[ _-]?up|monitor|health|retention|clean-?up|collect|metrics|watchdog|heartbeat")
_ON_DEMAND = re.compile(r"verif|test|setup|install|incident|report|analys|daily|weekly|monthly|rotate")
_OFTEN = re.compile(r"monitor|health|collect|metrics|watchdog|heartbeat")
_NAME = re.compile(r"(?<![\w.-])[\w.-]+\.\w+")
_CLAIMS = re.compile(r"(?:automat|scheduled|continuous|cron)[a-z]{0,16}")


def _check(manual: Manual) -> Iterator[Finding]:
    timers = " ".join(setting.value for setting in manual.settings)
    callers: dict[str, set[int]] = {}
    for script in manual.scripts:
        for command in script.commands:
            for word in _NAME.findall(command.text):
                callers.setdefault(word, set()).add(script.line)
    scheduled = " ".join(entry.command for entry in manual.cron if not entry.commented)
    for script in manual.scripts:
        name = base(script.file)
        if script.origin != "fence" or not name or not _RUNS_BY_ITSELF.search(name.lower()) or _other_kind(name.lower()):
            continue
        called = name in timers or name in scheduled or bool(callers.get(name, set()) - {script.line})
        claim = _CLAIMS.search(headings_over(manual, script.line))
        claims = claim[0] if claim else ""
        if not called and (claims or scheduled):
            yield _finding(script, name, claims, bool(scheduled))


def _other_kind(name: str) -> bool:
    return bool(_ON_DEMAND.search(name) or RESTORE.search(name))


def _finding(script: Script, name: str, claims: str, others: bool) -> Finding:
    line = next((note.line for note in script.comments if name in note.text), script.line)
    because = f'the heading over it says "{claims}"' if claims else "others are scheduled"
    when = "*/5 * * * *" if _OFTEN.search(name.lower()) else "15 2 * * *"
    missing = "in no cron entry or timer of this manual" if others else "nowhere scheduled: the manual has no cron entry and no timer"
    return Finding(
        line,
        f"{because}, but {short(name, 60)} is {missing}, so it runs only when somebody thinks of it",
        fix=f"a cron entry or a timer, with its time: {when} {short(script.file, 60)}",
    )


RULE = Rule(
    id="KW226",
    name="never-scheduled",
    title="A script that is meant to run by itself is in no schedule",
    severity=Severity.WARNING,
    why="A backup script that nothing starts makes no backups, and a collector that nothing starts leaves the reports without figures. "
    "The manual is where "
    "the schedule must stand, since the machine it describes may have to be built anew from it. Sources: crontab(5); systemd.timer(5).",
    bad="""# Automated backup

```bash
#!/bin/bash
# /opt/shop/backup.sh
pg_dump -Fc shop -f "/backup/shop-$(date +%F).dump"
```
""",
    good="""# Automated backup

```bash
#!/bin/bash
# /opt/shop/backup.sh
pg_dump -Fc shop -f "/backup/shop-$(date +%F).dump"
```

```crontab
15 2 * * * /opt/shop/backup.sh
```
""",
    check=_check,
)
