"""KW203: a backup is called verified, and nothing read it."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Note, Script, ShellCommand

from .saving import DUMPS, is_archiver
from .saying import BACKUP, RESTORE, commands_between, heading_over, until_next_comment

_SAYS = re.compile(r"verif|validat|integrity|\btest(?:s|ing)?\b")
_LOOKS = frozenset(("ls", "du", "stat", "wc", "echo", "printf", "exit", "date", "cut", "awk", "tail", "head", "sort", "return", "["))
_SIZE_ONLY = frozenset(("-f", "-e", "-s", "-r"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for note in _claims(manual, script):
            command = _only_a_look(script, note.line)
            if command is not None:
                yield _finding(command, note.text)


def _claims(manual: Manual, script: Script) -> Iterator[Note]:
    """The comments that say a backup is verified."""
    for note in script.comments:
        if not note.trailing and _says_so(note.text.lower(), heading_over(manual, note.line)):
            yield note


def _says_so(comment: str, heading: str) -> bool:
    return bool(_SAYS.search(comment)) and bool(
        BACKUP.search(comment) or (BACKUP.search(heading) and not RESTORE.search(f"{comment} {heading}"))
    )


def _only_a_look(script: Script, line: int) -> ShellCommand | None:
    """The first command that the comment stands over, if none of them reads the backup."""
    group = commands_between(script, line + 1, until_next_comment(script, line))
    if not group or not all(_looks(command, script) for command in group):
        return None
    return next((command for command in group if command.name in ("ls", "du", "stat", "wc", "[")), None)


def _looks(command: ShellCommand, script: Script) -> bool:
    if command.name != "[":
        return command.name in _LOOKS
    if "?" in [name for word in command.arguments for name in word.variables]:
        use = next((use for use in script.status_uses if use.by == command.index), None)
        maker = script.commands[use.of] if use is not None and use.of is not None else None
        return maker is not None and (maker.name in DUMPS or is_archiver(maker))
    return bool(command.tests) and all(test.operator in _SIZE_ONLY for test in command.tests)


def _finding(command: ShellCommand, comment: str) -> Finding:
    looked = "the status of the command that wrote it" if command.name == "[" else f"what {command.name} shows"
    return Finding(
        command.line,
        f'"{comment[:60]}" looks only at {looked}: nothing reads the backup back, so a broken or empty one passes',
        column=command.column,
        width=len(command.name),
        fix="read it: gzip -t, tar -tzf, pg_restore --list; and restore it into a scratch database from time to time",
    )


RULE = Rule(
    id="KW203",
    name="verification-only-looks",
    title="A backup is called verified although nothing read it",
    severity=Severity.ERROR,
    why="That a file exists, or that the command which wrote it ended with 0, says nothing of what is in it: a dump that stopped "
    "half-way and "
    "an archive of an empty folder have a name, a size and a date too. A backup is verified by reading it, and proven by restoring it. "
    "Source: PostgreSQL documentation, 25.1 SQL Dump; gzip(1), -t; NIST SP 800-34 Rev. 1, 3.4.2 (backups are to be tested).",
    bad="""# Backup

```bash
pg_dump shop > /backup/shop.sql

# Verify backup
ls -la /backup/
```
""",
    good="""# Backup

```bash
pg_dump -Fc shop -f /backup/shop.dump

# Verify backup
pg_restore --list /backup/shop.dump > /dev/null
```
""",
    check=_check,
)
