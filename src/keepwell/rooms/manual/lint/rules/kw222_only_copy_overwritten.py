"""KW222: each run overwrites the only copy of what an earlier run made."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import DUMPS, base, savings_in
from .saying import short

_NAME = re.compile(r"[\w.-]+")
_LOOKERS = frozenset(("ls", "du", "stat", "psql", "mysql", "mariadb"))
_TEMPORARY = re.compile(r"^/(?:tmp|var/tmp|dev|run)/|^-$")


def _check(manual: Manual) -> Iterator[Finding]:
    named = _last_named(manual)
    for script in manual.scripts:
        yield from _partial(script)
        for saving in savings_in(manual, script):
            if saving.program in DUMPS and _is_fixed(saving.target) and named.get(base(saving.target), 0) <= saving.command.line:
                yield _finding(
                    saving.command,
                    f"every run writes {short(saving.target, 60)} again: while {saving.program} runs, and after it failed, there is no "
                    f"backup at all",
                    "a name with the date, written as a temporary file and renamed when it is complete",
                )


def _partial(script: Script) -> Iterator[Finding]:
    """A part of the history over a file that is meant to hold all of it."""
    for command in script.named("git"):
        target = target_of_output(command)
        is_part = command.subcommand == "log" and command.has_flag("--since", "--after", "-n", "--max-count")
        if is_part and _is_fixed(target) and not re.search(r"report|weekly|daily|tmp|summary", target.lower()):
            yield _finding(
                command,
                f"git log of a limited time overwrites {short(target, 60)}: what earlier runs wrote there is gone",
                f"put the new part before the old one, or generate {short(target, 40)} from the whole history",
            )


def target_of_output(command: ShellCommand) -> str:
    """The file that its output overwrites, else empty."""
    return next((part.target.filled for part in command.redirections if part.of_output and part.operator in (">", ">|")), "")


def _is_fixed(path: str) -> bool:
    return bool(path) and not re.search(r"[$`<>*]", path) and not _TEMPORARY.search(path)


def _last_named(manual: Manual) -> dict[str, int]:
    """The last line in which a command other than one that only looks names a file, by its last part."""
    found: dict[str, int] = {}
    for command in manual.commands:
        if command.name not in _LOOKERS:
            found.update((name, command.line) for name in _NAME.findall(command.text))
    return found


def _finding(command: ShellCommand, sentence: str, fix: str) -> Finding:
    return Finding(command.line, sentence, column=command.column, width=len(command.name), fix=fix)


RULE = Rule(
    id="KW222",
    name="only-copy-overwritten",
    title="Each run overwrites the only copy",
    severity=Severity.WARNING,
    why="The shell empties the file behind > before the program starts. If the program then fails, the old content is gone and the new "
    "one is not there; "
    "and damage that is noticed a day late is in the only copy. Source: POSIX.1-2024, Shell Command Language, 2.7.2 Redirecting Output.",
    bad="""# Backup

```bash
pg_dump shop > /backup/shop.sql
```
""",
    good="""# Backup

```bash
pg_dump -Fc shop -f "/backup/shop-$(date +%F).dump"
```
""",
    check=_check,
)
