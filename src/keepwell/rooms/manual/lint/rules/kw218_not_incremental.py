"""KW218: a backup is called incremental and copies everything."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import DUMPS, is_archiver
from .saying import purpose, said_over

_SAYS = re.compile(r"incremental|differential|changes since|changed since|since (?:the )?last (?:full )?backup")
_PARTIAL = (
    "-g",
    "--listed-incremental",
    "-N",
    "--newer",
    "--newer-mtime",
    "--after-date",
    "--link-dest",
    "--incremental",
    "--incremental-basedir",
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if _copies_all(command) and _called_incremental(manual, script, command):
                left = (
                    " (--data-only leaves out the tables' definitions, not the old rows)" if command.has_flag("-a", "--data-only") else ""
                )
                yield Finding(
                    command.line,
                    f"this is called incremental, but {command.name} copies everything each time{left}",
                    column=command.column,
                    width=len(command.name),
                    fix="call it full; PostgreSQL: archive WAL, or pg_basebackup --incremental (17); files: tar --listed-incremental, "
                    "rsync --link-dest, restic",
                )


def _copies_all(command: ShellCommand) -> bool:
    if command.has_flag(*_PARTIAL):
        return False
    return command.name in DUMPS or is_archiver(command) or (command.name == "cp" and command.has_flag("-r", "-R", "-a"))


def _called_incremental(manual: Manual, script: Script, command: ShellCommand) -> bool:
    said = said_over(script, command.line)
    if command.name in DUMPS:
        said = f"{said} {purpose(manual, script)}" if script.complete else f"{said} {manual.section_of(command.line).title.lower()}"
    return bool(_SAYS.search(said))


RULE = Rule(
    id="KW218",
    name="not-incremental",
    title="A backup is called incremental and copies everything",
    severity=Severity.WARNING,
    why="pg_dump and mysqldump have no notion of what changed since the last run. Whoever believes the name keeps one full copy and many "
    "small ones, and "
    "plans the restore as a chain that does not exist. Sources: PostgreSQL documentation, pg_dump and 25.3 Continuous Archiving; GNU "
    "tar, 5.2.",
    bad="""# Incremental backup

```bash
# Backup database changes since last full backup
pg_dump --data-only shop > /backup/shop-incremental.sql
```
""",
    good="""# Incremental backup

```bash
# Files changed since the last full backup
tar --listed-incremental=/backup/shop.snar -czf /backup/shop-incr.tar.gz /srv/shop
```
""",
    check=_check,
)
