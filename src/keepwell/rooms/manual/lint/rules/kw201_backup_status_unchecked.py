"""KW201: nothing looks whether a backup was made."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script

from .saving import Saving, savings_in


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if not script.complete:
            continue
        missed = [
            saving
            for saving in savings_in(manual, script)
            if saving.unchecked and not _judged_soon(saving, script) and not saving.target.startswith("/tmp/")
        ]
        if missed and missed[0].command.next is not None:
            yield _finding(missed)


def _judged_soon(saving: Saving, script: Script) -> bool:
    """Whether some status is asked for shortly after: then the question is only whether it is the right one."""
    return any(0 <= use.line - saving.command.end_line <= 12 for use in script.status_uses)


def _finding(missed: list[Saving]) -> Finding:
    first = missed[0].command
    others = sorted({saving.command.line for saving in missed[1:]})
    also = f", nor at {'that in line' if len(others) == 1 else 'those in lines'} {', '.join(map(str, others))}" if others else ""
    return Finding(
        first.line,
        f"nothing looks at the exit status of {first.name}{also}: the script goes on, and ends as if the backup had been made",
        column=first.column,
        width=len(first.name),
        fix="set -euo pipefail at the top, or if ! ...; then report it; exit 1; fi",
    )


RULE = Rule(
    id="KW201",
    name="backup-status-unchecked",
    title="A backup may fail and nobody learns of it",
    severity=Severity.WARNING,
    why="A dump or an archive fails for everyday reasons: a full disk, a changed password, a server that is restarting. A script whose "
    "commands "
    "follow each other without set -e goes on and ends with the status of its last command, so cron, a timer and the reader see a success. "
    "Source: POSIX.1-2024, Shell Command Language, 2.8.2 and 2.15 (set -e).",
    bad="""# Nightly

```bash
#!/bin/bash
# /opt/shop/backup.sh
tar -czf "/backup/shop-$(date +%F).tar.gz" /etc/shop
echo "backup script finished"
```
""",
    good="""# Nightly

```bash
#!/bin/bash
# /opt/shop/backup.sh
set -euo pipefail
tar -czf "/backup/shop-$(date +%F).tar.gz" /etc/shop
echo "backup script finished"
```
""",
    check=_check,
)
