"""KW707: one script has two names, or is called with an argument here and without it there."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import FileUse
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script

from .tasks import place, stems

_NEEDS_ONE = re.compile(r"restor|recover|import|rollback|load", re.IGNORECASE)
"""Names of scripts that work on something which they must be given; others may well have arguments that can be left out."""
_SCRIPT = re.compile(r"\.(sh|bash|py|pl|rb)$")


def _check(manual: Manual) -> Iterator[Finding]:
    runs = [use for use in manual.names.files if use.how == "executed" and _SCRIPT.search(use.name) and use.command is not None]
    yield from _two_names(manual, runs)
    yield from _two_calls(manual, runs)


def _two_names(manual: Manual, runs: list[FileUse]) -> Iterator[Finding]:
    first: dict[str, FileUse] = {}
    for use in runs:
        first.setdefault(use.name, use)
    if len(first) > 200:
        return
    unknown = [use for use in first.values() if not manual.names.defines(use.name)]
    for use in unknown:
        for other in unknown:
            if other.line < use.line and _same_purpose(manual, use, other):
                column, width = place(manual, use.line, use.path)
                yield Finding(
                    use.line,
                    f"{use.name} here and {other.name} in line {other.line} are said to do the same, and the manual contains neither",
                    column=column,
                    width=width,
                    fix="one name for one script",
                )
                break


def _same_purpose(manual: Manual, one: FileUse, other: FileUse) -> bool:
    """Whether the words of one name are among the other's, and the text around both speaks of the same."""
    mine, theirs = set(re.findall(r"[a-z]+", one.name.lower())), set(re.findall(r"[a-z]+", other.name.lower()))
    if min(len(mine), len(theirs)) < 3 or not (mine < theirs or theirs < mine) or len(mine ^ theirs) > 1:
        return False
    said = [stems(use.script.comment_above(use.line)) if use.script else frozenset() for use in (one, other)]
    return len(said[0] & said[1]) >= 2


def _two_calls(manual: Manual, runs: list[FileUse]) -> Iterator[Finding]:
    defined = {script.file.rpartition("/")[2]: script for script in manual.scripts if script.file}
    given: dict[str, FileUse] = {}
    for use in runs:
        if _arguments(use) and _NEEDS_ONE.search(use.name):
            given.setdefault(use.name, use)
    for use in runs:
        other = given.get(use.name)
        demands = use.name in defined and _demands(defined[use.name])
        if _arguments(use) or (other is None and not demands):
            continue
        where = f"line {other.line} gives it {_arguments(other)[0]}" if other else "it demands one"
        column, width = place(manual, use.line, use.path)
        yield Finding(
            use.line, f"{use.name} is called without an argument, and {where}", column=column, width=width, fix="name the argument here too"
        )


def _arguments(use: FileUse) -> list[str]:
    """What follows the script's name, options and what may be their values left out."""
    words = [word.filled for word in use.command.words] if use.command else []
    at = next((number for number, word in enumerate(words) if word == use.path), len(words))
    after = words[at + 1 :]
    return [word for number, word in enumerate(after) if not word.startswith("-") and not (number and after[number - 1].startswith("-"))]


def _demands(script: Script) -> bool:
    """Whether it ends where its first argument is missing."""
    held = {assignment.name for assignment in script.assignments if assignment.value and assignment.value.variables[:1] == ("1",)} | {"1"}
    tests = (test for command in script.commands for test in command.tests)
    asked = any(test.operator == "-z" and set(test.right.variables) & held for test in tests)
    return asked and any(script.named("exit"))


RULE = Rule(
    id="KW707",
    name="one-thing-named-or-called-two-ways",
    title="A script is named or called differently in two places",
    severity=Severity.WARNING,
    why="One of the two places is wrong: the file with that name does not exist, or the call without its argument ends with a usage "
    "message, or, worse, "
    "does something else. In an emergency nobody has the time to find out which. Source: Google, Site Reliability Workbook, On-Call "
    "(playbooks).",
    bad="""# Restore

```bash
./restore-database.sh backup.sql
```

## Database down

```bash
./restore-database.sh
```
""",
    good="""# Restore

```bash
./restore-database.sh backup.sql
```

## Database down

```bash
./restore-database.sh latest.sql
```
""",
    check=_check,
)
