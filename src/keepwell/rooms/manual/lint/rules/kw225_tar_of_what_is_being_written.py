"""KW225: tar packs files while they are written."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import tar_members
from .saying import short

_LOGS = re.compile(r"^/var/log/?|/logs?/?$|\.log$")
_DATA = re.compile(
    r"/var/lib/(?:postgresql|mysql|mariadb|mongo\w*|redis|influxdb|elasticsearch|docker/volumes)|/pgdata\b|PGDATA|/data/db\b", re.IGNORECASE
)
_STOPPED = re.compile(r"pg_backup_start|pg_start_backup|FLUSH TABLES WITH READ LOCK|fsfreeze|snapshot|lvcreate", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            paths = _packed(command)
            data = next((path for path in paths if _DATA.search(path)), "")
            if data and not _quiet(script, command):
                yield _finding(
                    command,
                    f"{command.name} copies {short(data, 60)} while the database writes to it: such a copy cannot be restored",
                    Severity.ERROR,
                )
            logs = next((path for path in paths if _LOGS.search(path)), "")
            if logs and not data and command.name == "tar" and _judged(script, command):
                yield _finding(
                    command,
                    f"{short(logs, 60)} is written to while tar packs it; tar then ends with 1, and a good backup is reported as failed",
                    Severity.NOTE,
                )


def _packed(command: ShellCommand) -> tuple[str, ...]:
    if command.name == "tar" and tar_mode(command) == "c":
        return tar_members(command)
    copies = (
        command.name in ("cp", "rsync") and len(command.operands) > 1 and command.has_flag("-r", "-R", "-a", "--archive", "--recursive")
    )
    return tuple(word.filled for word in command.operands[:-1]) if copies else ()


def _judged(script: Script, command: ShellCommand) -> bool:
    """Whether any status but 0 counts as a failure."""
    if command.status.how == "asked":
        return any(
            test.operator in ("-eq", "-ne", "=", "==", "!=") and test.right.filled == "0" for one in script.commands for test in one.tests
        )
    return command.status.how in ("condition", "or", "and", "errexit")


def _quiet(script: Script, command: ShellCommand) -> bool:
    before = script.commands[: command.index]
    stopped = any("stop" in [word.filled for word in one.operands] or one.name == "pg_ctl" for one in before)
    return stopped or bool(_STOPPED.search(script.text))


def _finding(command: ShellCommand, sentence: str, severity: Severity) -> Finding:
    fix = (
        "pg_dump, pg_basebackup, mysqldump --single-transaction or a snapshot"
        if severity == Severity.ERROR
        else "--warning=no-file-changed, and take 1 for a warning"
    )
    return Finding(command.line, sentence, column=command.column, width=len(command.name), severity=severity, fix=fix)


RULE = Rule(
    id="KW225",
    name="tar-of-what-is-being-written",
    title="Files are packed while they are written",
    severity=Severity.NOTE,
    why="GNU tar ends with 1 when a file changed while it was read, which for a busy log is the normal case. For a database's data files "
    "the copy "
    "mixes states of different moments and cannot be started from. Sources: tar(1), return value; PostgreSQL documentation, 25.2 File "
    "System Level Backup.",
    bad="""# Backup

```bash
if ! tar -czf /backup/shop.tar.gz /opt/shop /var/log/shop; then
    echo "backup failed"
fi
```
""",
    good="""# Backup

```bash
if ! tar -czf /backup/shop.tar.gz /opt/shop; then
    echo "backup failed"
fi
```
""",
    check=_check,
)
