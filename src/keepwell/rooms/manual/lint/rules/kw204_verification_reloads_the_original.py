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
_ALL_LOADERS = frozenset(name for names in _LOADERS.values() for name in names)
_HOST = ("-h", "--host")
_DATABASE = ("-d", "--dbname", "--db", "-D", "--database")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for dump, load in _reloads(script):
            if load.name in _LOADERS.get(dump.name, ()) and _is_check(manual, script, dump, load):
                yield _finding(dump, load)


def _reloads(script: Script) -> Iterator[tuple[ShellCommand, ShellCommand]]:
    """Each dump with a command that loads its file into the database it was taken from."""
    dumps: dict[tuple[str, str, str], ShellCommand] = {}
    for command in script.commands:
        target = target_of(command) if command.name in DUMPS else None
        if target is not None:
            dumps[target.filled, *_place(command)] = command
        elif dumps and command.name in _ALL_LOADERS:
            place = _place(command)
            yield from [(dumps[path, *place], command) for path in _read(command) if (path, *place) in dumps][:1]


def _is_check(manual: Manual, script: Script, dump: ShellCommand, load: ShellCommand) -> bool:
    return bool(VERIFY.search(f"{label(script, dump)} {label(script, load)} {purpose(manual, script)}"))


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
