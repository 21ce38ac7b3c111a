"""KW209: a backup counts as recent because a file exists."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import BACKUP, heading_over, label, short

_ASKS = re.compile(
    r"(?:back[ -]?ups?|dumps?|snapshots?)\b.{0,20}\b(?:age|status|freshness|recent|up to date)|(?:last|latest|recent"
    r"|age of)\b.{0,20}back[ -]?up"
)
_EXISTS = frozenset(("-f", "-e", "-s", "-r", "-d"))
_SHOWS = frozenset(("ls", "cat", "stat"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if _compares_ages(script):
            continue
        for command in script.commands:
            about = f"{label(script, command)} {heading_over(manual, command.line)}"
            if _ASKS.search(about) and (_tests_a_backup(command) or (command.name in _SHOWS and _is_asked(script, command))):
                yield _finding(command)
                break


def _is_asked(script: Script, command: ShellCommand) -> bool:
    return bool(_ASKS.search(label(script, command))) and command.output.how == "shown" and command.piped_from is None


def _tests_a_backup(command: ShellCommand) -> bool:
    words = [test.right.filled.lower() for test in command.tests if test.operator in _EXISTS]
    return any(BACKUP.search(word) or "latest" in word or "success" in word for word in words)


def _compares_ages(script: Script) -> bool:
    for command in script.commands:
        if (command.name == "find" and command.has_flag("-mtime", "-mmin", "-newer", "-newermt", "-ctime", "-cmin")) or (
            command.name in ("stat", "date")
            and command.output.how == "variable"
            and command.has_flag("-c", "-f", "-r", "--format", "--reference")
        ):
            return True
        if any(test.operator in ("-nt", "-ot") for test in command.tests):
            return True
    return False


def _finding(command: ShellCommand) -> Finding:
    shown = f"{command.name} shows dates, and nothing says how old is too old"
    exists = "that the file exists is taken for a recent backup; one of last year looks the same"
    return Finding(
        command.line,
        f"{short(command.text, 50)}: {exists if command.tests else shown}",
        column=command.column,
        width=len(command.name),
        fix="compare its age: find FILE -mmin -1500 | grep -q . || report",
        severity=Severity.ERROR if command.tests else Severity.WARNING,
    )


RULE = Rule(
    id="KW209",
    name="age-not-judged",
    title="A backup counts as recent because there is one",
    severity=Severity.ERROR,
    why="The file of the last good backup stays where it is when backups stop. A check that asks only whether it exists is content for "
    "ever; "
    "one that prints a date leaves the judging to a reader who sees a date every day. Source: find(1), -mmin; test(1), -f.",
    bad="""# Daily check

```bash
#!/bin/bash
# Check backup status
if [ -f /backup/latest.success ]; then
    echo "last backup: $(cat /backup/latest.success)"
fi
```
""",
    good="""# Daily check

```bash
#!/bin/bash
# Check backup status
if ! find /backup/latest.success -mmin -1500 | grep -q .; then
    echo "no backup in the last 25 hours" >&2
    exit 1
fi
```
""",
    check=_check,
)
