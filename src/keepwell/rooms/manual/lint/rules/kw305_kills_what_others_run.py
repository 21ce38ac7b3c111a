"""KW305: more is killed than what is in the way."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saying import short

_FILTER = re.compile(
    r"usename|application_name|backend_type|pg_backend_pid|client_addr|datname|\bquery\s+(?:I?LIKE|~)|\bpid\s*(?:=|IN\b)", re.IGNORECASE
)
_KILLS = re.compile(r"pg_(?:terminate|cancel)_backend\s*\(", re.IGNORECASE)
_WORD = re.compile(r"[\w.-]+")


def _check(manual: Manual) -> Iterator[Finding]:
    for statement in manual.statements:
        if (
            _KILLS.search(statement.code)
            and re.search(r"\bFROM\s+pg_stat_activity", statement.code, re.IGNORECASE)
            and not _FILTER.search(_condition(statement.code))
        ):
            yield Finding(
                statement.line,
                "this ends the session of everybody whom the condition meets, also a running backup, a replication, a migration and "
                "autovacuum",
                fix="AND usename = 'app' AND backend_type = 'client backend' AND pid <> pg_backend_pid(), and list them first",
            )
    for command in manual.commands:
        sentence = _by_name(command)
        if sentence:
            yield Finding(
                command.line,
                sentence,
                column=command.column,
                width=len(command.name),
                fix="systemctl stop, or the pid of the one process: systemctl show -p MainPID",
            )


def _condition(code: str) -> str:
    return re.split(r"\bWHERE\b", code, maxsplit=1, flags=re.IGNORECASE)[-1] if re.search(r"\bWHERE\b", code, re.IGNORECASE) else ""


def _by_name(command: ShellCommand) -> str:
    if command.name == "pkill" and command.has_flag("-f", "--full") and command.operands and _WORD.fullmatch(command.operands[0].filled):
        word = command.operands[0].filled
        return (
            f"pkill -f {short(word, 40)} ends every process with {short(word, 40)} anywhere in its command line: editors, tails and "
            f"this script too"
        )
    if (
        command.name == "killall"
        and command.operands
        and command.operands[0].filled in ("python", "python3", "node", "java", "php", "ruby", "bash", "sh", "perl")
    ):
        word = command.operands[0].filled
        return f"killall {word} ends every {word} process of the machine, whatever it belongs to"
    return ""


RULE = Rule(
    id="KW305",
    name="kills-what-others-run",
    title="More is killed than what is in the way",
    severity=Severity.ERROR,
    why="pg_stat_activity lists backups, replication, maintenance and other applications beside the query that hangs; a condition on age "
    "alone takes the "
    "longest-running of them first, which is the backup. pkill -f looks at whole command lines. "
    "Sources: PostgreSQL documentation, 27.2.3 pg_stat_activity and 9.28.2; pgrep(1), -f.",
    bad="""# Long queries

```sql
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND query_start < now() - interval '10 minutes';
```
""",
    good="""# Long queries

```sql
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = 'shop' AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND query_start < now() - interval '10 minutes';
```
""",
    check=_check,
)
