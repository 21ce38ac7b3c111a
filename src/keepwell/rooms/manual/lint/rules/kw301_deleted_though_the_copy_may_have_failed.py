"""KW301: rows are deleted although copying them may have failed."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.parts import Statement
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_COPY = re.compile(
    r"CREATE\s+TABLE\s+(?P<new>IF\s+NOT\s+EXISTS\s+)?(?P<into>[\w.\"]+)\s+AS\s.*?\bFROM\s+(?P<of>[\w.\"]+)"
    r"|INSERT\s+INTO\s+(?P<into2>[\w.\"]+).*?\bSELECT\b.*?\bFROM\s+(?P<of2>[\w.\"]+)"
    r"|\\?COPY\s+(?:\(\s*SELECT\b.*?\bFROM\s+)?(?P<of3>[\w.\"]+).*?\bTO\b",
    re.IGNORECASE | re.DOTALL,
)
_DELETE = re.compile(r"\s*(?:DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|DROP\s+TABLE(?:\s+IF\s+EXISTS)?)\s+(?P<of>[\w.\"]+)", re.IGNORECASE)
_NEAR = 15


def _check(manual: Manual) -> Iterator[Finding]:
    by_line: dict[int, list[Statement]] = {}
    for statement in manual.statements:
        by_line.setdefault(statement.line, []).append(statement)
    for script in manual.scripts:
        calls = [(command, statement) for command in script.commands for statement in _of_command(by_line, command)]
        for number, (command, statement) in enumerate(calls):
            gone = _DELETE.match(statement.code)
            copy = _copy_of(gone["of"], calls[max(0, number - 3) : number], script, command) if gone else None
            if gone and copy:
                yield _finding(command, gone["of"], *copy)


def _copy_of(
    table: str, calls: list[tuple[ShellCommand, Statement]], script: Script, command: ShellCommand
) -> tuple[ShellCommand, re.Match[str]] | None:
    """The first of the calls that copies the table and whose failure does not keep the command from running."""
    for before, statement in calls:
        kept = _COPY.search(statement.code)
        if kept and table in (kept["of"], kept["of2"], kept["of3"]) and _apart(script, before, command):
            return before, kept
    return None


def _of_command(by_line: dict[int, list[Statement]], command: ShellCommand) -> list[Statement]:
    if command.name not in ("psql", "mysql", "mariadb", "sqlite3"):
        return []
    return [statement for line in range(command.line, command.end_line + 1) for statement in by_line.get(line, ())]


def _apart(script: Script, before: ShellCommand, command: ShellCommand) -> bool:
    """Whether the deletion runs although the copy failed."""
    if before.index == command.index or command.line - before.line > _NEAR:
        return False
    return before not in command.guarded_by and not command.strict.errexit and not before.status.used


def _finding(command: ShellCommand, table: str, before: ShellCommand, kept: re.Match[str]) -> Finding:
    again = ""
    if kept["into"] and not kept["new"]:
        again = f"; from the second run on CREATE TABLE {kept['into']} fails because it exists, and the rows are deleted without a copy"
    return Finding(
        command.line,
        f"rows of {table} are deleted whether or not line {before.line} copied them{again}",
        column=command.column,
        width=len(command.name),
        fix="one transaction: BEGIN; INSERT INTO archive SELECT ...; DELETE ...; COMMIT; with ON_ERROR_STOP",
    )


RULE = Rule(
    id="KW301",
    name="deleted-though-the-copy-may-have-failed",
    title="Rows are deleted although copying them may have failed",
    severity=Severity.ERROR,
    why="Two calls of a client are two transactions, and the shell runs the second whatever became of the first. CREATE TABLE ... AS "
    "fails as soon as the table "
    "exists, so from its second run on such an archive step only deletes. Source: PostgreSQL documentation, CREATE TABLE AS, 3.4 "
    "Transactions, psql (-c).",
    bad="""# Archive

```bash
psql -d shop -c "CREATE TABLE orders_old AS SELECT * FROM orders WHERE placed < now() - interval '1 year';"
psql -d shop -c "DELETE FROM orders WHERE placed < now() - interval '1 year';"
```
""",
    good="""# Archive

```bash
psql -v ON_ERROR_STOP=1 -1 -d shop <<'SQL'
WITH gone AS (DELETE FROM orders WHERE placed < now() - interval '1 year' RETURNING *)
INSERT INTO orders_old SELECT * FROM gone;
SQL
```
""",
    check=_check,
)
