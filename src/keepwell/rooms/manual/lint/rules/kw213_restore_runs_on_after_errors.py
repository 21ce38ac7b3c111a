"""KW213: a restore goes on after errors."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import DUMPS, target_of
from .saying import RESTORE, label, purpose

_FEEDERS = frozenset(
    ("gunzip", "zcat", "cat", "gzip", "xz", "xzcat", "zstd", "zstdcat", "bunzip2", "bzcat", "pigz", "aws", "gpg", "openssl", "ssh")
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("psql", "mysql", "mariadb"):
            if command.status.how in ("asked", "condition", "and", "or"):
                continue
            if command.name == "psql" and _reads_a_dump(command) and not _stops(command) and _is_restore(manual, script, command):
                sentence = f"psql goes on after every failed statement and still ends with 0{_twice(manual, command)}"
                yield _finding(command, sentence, "-v ON_ERROR_STOP=1 -1")
            elif command.name != "psql" and command.has_flag("-f", "--force") and _is_restore(manual, script, command):
                yield _finding(command, f"{command.name} --force goes on after errors", "leave --force out")


def _is_restore(manual: Manual, script: Script, command: ShellCommand) -> bool:
    return bool(RESTORE.search(f"{label(script, command)} {purpose(manual, script)}")) and not _reloads_its_own(script, command)


def _reloads_its_own(script: Script, command: ShellCommand) -> bool:
    """Whether it loads what the same script has just dumped (then the fault is another one)."""
    made = [target.filled for dump in script.commands[: command.index] if dump.name in DUMPS and (target := target_of(dump))]
    return any(word.filled in made for word in command.options("-f", "--file"))


def _reads_a_dump(command: ShellCommand) -> bool:
    if command.heredoc is not None or command.has_flag("-c", "--command", "-l", "--list"):
        return False
    fed = any(part.operator == "<" for part in command.redirections) or command.has_flag("-f", "--file")
    before = command.piped_from
    return fed or (before is not None and before.name in _FEEDERS)


def _stops(command: ShellCommand) -> bool:
    settings = [word.filled.lower() for word in command.options("-v", "--set", "--variable")]
    return any(setting.startswith("on_error_stop") for setting in settings) or command.has_flag("-1", "--single-transaction")


def _twice(manual: Manual, command: ShellCommand) -> str:
    """What more goes wrong where the dumps of this database drop nothing."""
    name = _database(command)
    dumps = [dump for dump in manual.commands if dump.name == "pg_dump" and _database(dump) == name]
    keeps = bool(dumps) and not any(dump.has_flag("-c", "--clean", "-F", "--format") for dump in dumps)
    return "; the dump was made without --clean, so every table that is still there gives errors or its rows twice" if keeps else ""


def _database(command: ShellCommand) -> str:
    given = command.option("-d", "--dbname")
    return given.filled if given is not None else (command.operands[-1].filled if command.operands else "")


def _finding(command: ShellCommand, sentence: str, fix: str) -> Finding:
    return Finding(command.line, sentence, column=command.column, width=len(command.name), fix=fix)


RULE = Rule(
    id="KW213",
    name="restore-runs-on-after-errors",
    title="A restore goes on after errors",
    severity=Severity.ERROR,
    why="psql reports a failed statement, goes on with the next, and exits with 0 when the file is at its end: half a database looks "
    "restored, and "
    "the services are started on it. ON_ERROR_STOP ends it with 3; --single-transaction leaves nothing half done. "
    "Source: PostgreSQL documentation, psql (ON_ERROR_STOP, exit status) and 25.1.1 Restoring the Dump.",
    bad="""# Restore the database

```bash
systemctl stop shop
psql -d shop < /backup/shop.sql
systemctl start shop
```
""",
    good="""# Restore the database

```bash
systemctl stop shop
psql -v ON_ERROR_STOP=1 --single-transaction -d shop < /backup/shop.sql && systemctl start shop
```
""",
    check=_check,
)
