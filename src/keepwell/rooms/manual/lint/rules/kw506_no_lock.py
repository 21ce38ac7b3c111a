"""KW506: a job that runs every few minutes and does not see whether the last run has ended."""

import re
from collections.abc import Iterator
from posixpath import basename

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import entries_of, minutes_between
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script

_OFTEN = 10
_LOCK = re.compile(r"\b(flock|lockfile|lockrun|setlock|run-one|solo)\b|\.(lock|pid)\b|mkdir\s+\S*lock|pgrep\b.*\$0|\bLOCK", re.IGNORECASE)
_SLOW = frozenset(
    ("curl", "wget", "ssh", "psql", "mysql", "rsync", "scp", "tar", "find", "pg_dump", "mysqldump", "aws", "nc", "kubectl", "docker")
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if not script.complete or _LOCK.search(script.text) or not _may_take_long(script):
            continue
        for entry in entries_of(manual, script):
            minutes = minutes_between(entry.schedule)
            if minutes is not None and minutes <= _OFTEN and not _LOCK.search(entry.command):
                name = basename(script.file)
                often = "minute" if minutes == 1 else f"{minutes} minutes"
                yield Finding(
                    entry.line,
                    f"every {often} a new {name[:60]} starts, whether the last one has ended or not: "
                    "neither the entry nor the script takes a lock",
                    fix=f"flock -n /run/lock/{name.removesuffix('.sh')[:40]} {entry.command[:100]}",
                )


def _may_take_long(script: Script) -> bool:
    return any(command.name in _SLOW and "timeout" not in command.wrappers for command in script.commands)


RULE = Rule(
    id="KW506",
    name="no-lock",
    title="A frequent job does not see whether its last run has ended",
    severity=Severity.WARNING,
    why="cron starts a job at its time even where the last run still goes on. A job that waits for a hung server piles up, one process "
    "a minute, and two runs write the same files. Source: flock(1); cron(8).",
    bad="""# Watch

```bash
#!/bin/bash
# /opt/shop/watch.sh
curl -fsS http://localhost:8080/health
```

```crontab
* * * * * /opt/shop/watch.sh
```
""",
    good="""# Watch

```bash
#!/bin/bash
# /opt/shop/watch.sh
curl -fsS --max-time 10 http://localhost:8080/health
```

```crontab
* * * * * flock -n /run/lock/watch /opt/shop/watch.sh
```
""",
    check=_check,
)
