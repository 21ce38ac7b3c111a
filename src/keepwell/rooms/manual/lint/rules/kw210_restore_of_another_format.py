"""KW210: what restores a dump cannot read its format."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saving import base, target_of
from .saying import short

_PLAIN = "plain SQL"
_FORMATS = {"c": "the custom format", "d": "the directory format", "t": "the tar format"}


def _check(manual: Manual) -> Iterator[Finding]:
    written = dict(_dumps(manual))
    for command in manual.commands:
        for path in _loaded(command):
            made = written.get(_stem(path)) or _by_ending(path)
            if made and (made == _PLAIN) == (command.name == "pg_restore"):
                yield _finding(command, path, made)
                break


def _dumps(manual: Manual) -> Iterator[tuple[str, str]]:
    """The name of each dump that the manual makes, and its format."""
    for command in manual.commands:
        target = target_of(command) if command.name == "pg_dump" else None
        if target is not None:
            given = command.option("-F", "--format")
            yield _stem(target.filled), _FORMATS.get(given.filled[:1] if given is not None else "", _PLAIN)


def _stem(path: str) -> str:
    """The name of a dump without what compression adds and without its date."""
    return re.sub(r"\$\([^)]*\)|\$\{?\w+\}?|\*|\d{8}(?:[_-]\d{6})?", "*", re.sub(r"\.(?:gz|zst|xz|bz2)$", "", base(path)))


def _by_ending(path: str) -> str:
    name = re.sub(r"\.(?:gz|zst|xz|bz2)$", "", base(path))
    return _PLAIN if name.endswith(".sql") else ""


def _loaded(command: ShellCommand) -> Iterator[str]:
    if command.name == "pg_restore":
        yield from (word.filled for word in command.operands)
    elif command.name == "psql":
        yield from (word.filled for word in command.options("-f", "--file"))
        yield from (part.target.filled for part in command.redirections if part.operator == "<")


def _finding(command: ShellCommand, path: str, made: str) -> Finding:
    refuses = "pg_restore refuses it" if command.name == "pg_restore" else "psql takes it for SQL and fails at the first line"
    return Finding(
        command.line,
        f"{short(base(path), 60)} is {made}, and {refuses}: nothing is restored",
        column=command.column,
        width=len(command.name),
        fix="psql -v ON_ERROR_STOP=1 -1 -f FILE, or dump with pg_dump -Fc"
        if command.name == "pg_restore"
        else "pg_restore --exit-on-error -d DB FILE",
    )


RULE = Rule(
    id="KW210",
    name="restore-of-another-format",
    title="The restore cannot read what the backup writes",
    severity=Severity.ERROR,
    why="pg_dump writes plain SQL unless -F says otherwise; pg_restore reads only the custom, directory and tar formats and ends with "
    '"input file appears to be a text format dump". The other way round psql takes an archive for SQL. The pair is found broken on the '
    "day it is needed. Source: PostgreSQL documentation, pg_dump (-F) and pg_restore.",
    bad="""# Backup

```bash
pg_dump shop > /backup/shop.sql
```

# Restore

```bash
pg_restore -d shop /backup/shop.sql
```
""",
    good="""# Backup

```bash
pg_dump -Fc shop -f /backup/shop.dump
```

# Restore

```bash
pg_restore --exit-on-error -d shop /backup/shop.dump
```
""",
    check=_check,
)
