"""KW509: logs that the system rotates are rotated once more."""

import re
from collections.abc import Iterator
from posixpath import basename

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import comment_over, in_emergency, titles
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_ROTATES = re.compile(r"rotat\w*[-_]?logs?|logs?[-_]?rotat", re.IGNORECASE)
_CADENCE = re.compile(r"hourly|daily|nightly|weekly|monthly", re.IGNORECASE)
_BY_HAND = re.compile(r"\bmanual|by hand|\btest", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    configured = next((setting for setting in manual.settings if setting.syntax == "logrotate"), None)
    told: set[str] = set()
    for script in manual.scripts:
        for command in script.commands:
            if command.depth:
                continue
            if (
                command.name == "logrotate"
                and command.has_flag("-f", "--force")
                and _recurs(manual, command, comment_over(manual, command))
            ):
                yield _finding(
                    command,
                    "logrotate -f rotates although it is not due, on top of the system's own daily run: each time a kept log is lost early",
                )
            elif configured is not None and _ROTATES.search(basename(command.name)) and command.name not in {"logrotate", *told}:
                told.add(command.name)
                yield _finding(command, _twice(manual, command.name, configured.line))


def _twice(manual: Manual, name: str, configured: int) -> str:
    calls = sum(command.name == name for command in manual.commands)
    places = f", called {calls} times in this manual," if calls > 1 else ""
    return (
        f"{name[:60]}{places} rotates what logrotate rotates already (line {configured}): "
        "every rotation more uses up one of the copies that are kept"
    )


def _recurs(manual: Manual, command: ShellCommand, comment: str) -> bool:
    if _BY_HAND.search(comment) or in_emergency(manual, command.line):
        return False
    return bool(_CADENCE.search(titles(manual, command.line)) or _CADENCE.search(comment))


def _finding(command: ShellCommand, message: str) -> Finding:
    fix = "leave it to logrotate's own timer; logrotate -d shows what it would do"
    return Finding(command.line, message, command.end_line, command.column, fix, width=len(command.name))


RULE = Rule(
    id="KW509",
    name="rotated-twice",
    title="Logs are rotated twice",
    severity=Severity.WARNING,
    why="The system runs logrotate by a timer of its own, and rotate N counts rotations, not days. A forced run in a daily or weekly "
    "task, or a script that rotates the same files, uses the kept copies up sooner than the text promises. Source: logrotate(8), "
    "--force and rotate.",
    bad="# Operations\n\n## Weekly tasks\n\n```bash\nsudo logrotate -f /etc/logrotate.d/shop\n```\n",
    good="# Operations\n\n## Weekly tasks\n\n```bash\nsudo logrotate -d /etc/logrotate.d/shop\n```\n",
    check=_check,
)
