"""KW204: a verification loads the live database into itself."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word

from .saving import DUMPS, target_of
from .saying import VERIFY, label, purpose

_LOADERS = {
    "pg_dump": ("psql", "pg_restore"),
    "pg_dumpall": ("psql",),
    "mysqldump": ("mysql", "mariadb"),
    "mariadb-dump": ("mysql", "mariadb"),
    "mongodump": ("mongorestore",),
}
_HOST = ("-h", "--host")
_DATABASE = ("-d", "--dbname", "--db", "-D", "--database")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for dump in script.commands:
            if dump.name in DUMPS:
                load = _loaded_back(dump, script)
                if load is not None and VERIFY.search(f"{label(script, dump)} {label(script, load)} {purpose(manual, script)}"):
                    yield _finding(dump, load)


def _loaded_back(dump: ShellCommand, script: Script) -> ShellCommand | None:
    """The later command that loads the file of a dump into the database that it was dumped from."""
    target = target_of(dump)
    if target is None:
        return None
    for load in script.commands[dump.index + 1 :]:
        if load.name in _LOADERS.get(dump.name, ()) and target.filled in _read(load) and _place(load) == _place(dump):
            return load
    return None


def _read(load: ShellCommand) -> list[str]:
    files = [word.filled for word in (*load.options("-f", "--file"), *load.operands)]
    piped = [word.filled for member in load.pipeline[: load.position] for word in member.operands]
    return files + piped + [part.target.filled for part in load.redirections if part.operator == "<"]


def _place(command: ShellCommand) -> tuple[str, str]:
    """Host and database."""
    host = command.option(*_HOST)
    name = command.option(*_DATABASE) or _last(command)
    return (host.filled if host is not None else "localhost"), (name.filled if name is not None else "")


def _last(command: ShellCommand) -> Word | None:
    return next((word for word in command.operands if "/" not in word.filled and "." not in word.filled), None)


def _finding(dump: ShellCommand, load: ShellCommand) -> Finding:
    name = _place(load)[1] or "the database"
    return Finding(
        load.line,
        f"{load.name} loads into {name} what {dump.name} took from {name} in line {dump.line}: the live data is overwritten with itself, "
        "and no backup is looked at",
        column=load.column,
        width=len(load.name),
        fix="load the backup's own dump into a scratch database (createdb verify), compare, drop it",
    )


RULE = Rule(
    id="KW204",
    name="verification-reloads-the-original",
    title="A verification loads the live database into itself",
    severity=Severity.ERROR,
    why="A fresh dump of the running database that is loaded back into it tests no backup. It changes the one thing that must not "
    "change: rows "
    "come twice or are refused, and with --clean the tables are dropped first, while users are working. "
    "Source: PostgreSQL documentation, pg_dump (--clean) and 25.1.1 Restoring the Dump.",
    bad="""# Verify the backup

```bash
# Check database backup
pg_dump -d shop -f /tmp/test.sql
psql -d shop -f /tmp/test.sql
```
""",
    good="""# Verify the backup

```bash
# Check database backup
createdb shop_verify
pg_restore --exit-on-error -d shop_verify /backup/shop.dump
psql -d shop_verify -c "SELECT count(*) FROM orders"
dropdb shop_verify
```
""",
    check=_check,
)
