"""KW217: a procedure restores the backup of one day that is long past."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saying import BACKUP, RESTORE, said_over, short

_DAY = re.compile(r"(?<!\d)20\d{2}(?:-\d{2}-\d{2}|\d{4})(?!\d{3})(?:[_T-]?\d{4,6})?")
_EXAMPLE = re.compile(r"example|e\.g\.|for instance|such as|usage")
_BRINGS_BACK = frozenset(("pg_restore", "psql", "mysql", "mongorestore", "tar", "gunzip", "unzip", "zcat", "cp", "rsync"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            said = f"{said_over(script, command.line)} {manual.section_of(command.line).title.lower()}"
            restores = RESTORE.search(command.name) or (command.name in _BRINGS_BACK and RESTORE.search(said))
            words = (*command.operands, *(part.target for part in command.redirections)) if restores and not _EXAMPLE.search(said) else ()
            path = next((word.text for word in words if word.text and _is_fixed(word.text)), "")
            if path:
                yield _finding(command, path)


def _is_fixed(text: str) -> bool:
    return bool(_DAY.search(text)) and bool(BACKUP.search(text.lower()))


def _finding(command: ShellCommand, path: str) -> Finding:
    return Finding(
        command.line,
        f"this restores {short(path, 90)}, the backup of one day; who follows it in an emergency loses everything since that day",
        column=command.column,
        width=len(command.name),
        fix="choose the newest: ls -1t /backup/NAME-*.tar.gz | head -n 1, and say how to tell a good one",
    )


RULE = Rule(
    id="KW217",
    name="restores-one-fixed-day",
    title="A procedure restores the backup of one fixed day",
    severity=Severity.WARNING,
    why="In an emergency a line is copied as it stands. A date that was right when the manual was written names a backup that retention "
    "has deleted, or "
    "one that takes the system back by years. Source: Keepwell's reading of real manuals; Google SRE Workbook, chapter 8 (playbooks).",
    bad="""# Restore

```bash
./restore.sh /backup/shop-20240115_120000.tar.gz
```
""",
    good="""# Restore

```bash
newest=$(ls -1t /backup/shop-*.tar.gz | head -n 1)
./restore.sh "$newest"
```
""",
    check=_check,
)
