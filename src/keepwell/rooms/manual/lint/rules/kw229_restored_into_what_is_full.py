"""KW229: a dump that drops nothing is loaded into a database that is still full."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import RESTORE, label, purpose


def _check(manual: Manual) -> Iterator[Finding]:
    dumps = [command for command in manual.commands if command.name == "pg_dump" and not command.has_flag("-F", "--format")]
    for script in manual.scripts:
        for command in script.named("psql"):
            name = _database(command)
            same = [dump for dump in dumps if _database(dump) == name] if name and _restores(manual, script, command) else []
            if same and not any(dump.has_flag("-c", "--clean") for dump in same) and not _emptied(script, command, name):
                yield Finding(
                    command.line,
                    f"the dump of {name} (line {same[0].line}) drops nothing, and {name} is still full: the load ends at the first table "
                    f"that exists",
                    column=command.column,
                    width=len(command.name),
                    fix="pg_dump --clean --if-exists, or dropdb and createdb before the load",
                )


def _restores(manual: Manual, script: Script, command: ShellCommand) -> bool:
    fed = any(part.operator == "<" for part in command.redirections) or command.has_flag("-f", "--file") or command.piped_from is not None
    settings = [word.filled.lower() for word in command.options("-v", "--set", "--variable")]
    stops = any(setting.startswith("on_error_stop") for setting in settings) or command.has_flag("-1", "--single-transaction")
    return fed and stops and bool(RESTORE.search(f"{label(script, command)} {purpose(manual, script)}"))


def _emptied(script: Script, command: ShellCommand, name: str) -> bool:
    before = script.commands[: command.index]
    return (
        any(one.name in ("dropdb", "createdb") or (one.name == "psql" and "drop" in one.text.lower()) for one in before)
        or "scratch" in name
    )


def _database(command: ShellCommand) -> str:
    given = command.option("-d", "--dbname")
    return given.filled if given is not None else (command.operands[-1].filled if command.operands else "")


RULE = Rule(
    id="KW229",
    name="restored-into-what-is-full",
    title="A dump that drops nothing is loaded into a full database",
    severity=Severity.WARNING,
    why="Without --clean a dump holds CREATE and COPY only. Loaded into the database that it came from, every CREATE fails, and each "
    "COPY either breaks a key or "
    "doubles the rows. Source: PostgreSQL documentation, pg_dump (--clean, --if-exists).",
    bad="""# Backup

```bash
pg_dump -d shop > "/backup/shop-$(date +%F).sql"
```

# Restore

```bash
psql -v ON_ERROR_STOP=1 -d shop -f /backup/shop.sql
```
""",
    good="""# Backup

```bash
pg_dump --clean --if-exists -d shop > "/backup/shop-$(date +%F).sql"
```

# Restore

```bash
psql -v ON_ERROR_STOP=1 -d shop -f /backup/shop.sql
```
""",
    check=_check,
)
