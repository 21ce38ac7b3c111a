"""KW314: something is done if needed, and nothing says when it is."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saying import said_over, short

_IF = re.compile(
    r"\bif (?:needed|necessary|required|appropriate|applicable|corrupt\w*|it fails|that fails)\b|\b(?:as|when) (?:needed|necessary"
    r"|required|appropriate)\b"
)
_DISRUPTS = re.compile(
    r"^(?:restart|restore|recover|reindex|delete|del|flush\w*|drop|prune|reboot|rollback|undo|stop|down|kill|upgrade|truncate|vacuum"
    r"|drain|scale)$"
)
_STATES_WHEN = re.compile(r"\d|>|<|above|below|more than|unless|reports?\b|says\b")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            said = said_over(script, command.line) if _disrupts(command) else ""
            condition = _IF.search(said)
            if condition and not command.guards and not _STATES_WHEN.search(said) and _directly_over(script.comments, command):
                yield Finding(
                    command.line,
                    f'"{short(said, 60)}": nothing says how to see that it is, and the block does it anyway',
                    column=command.column,
                    width=len(command.name),
                    fix="the command that shows it and the value from which on it is needed, or an if around it",
                )


def _directly_over(comments: tuple[object, ...], command: ShellCommand) -> bool:
    return any(getattr(note, "line", 0) == command.line - 1 for note in comments)


def _disrupts(command: ShellCommand) -> bool:
    if command.depth or command.name in ("echo", "printf", "cat", "logrotate"):
        return False
    if command.name in ("reindexdb", "reboot", "shutdown") or re.search(r"restor|recover|rollback", command.name):
        return True
    if command.name in ("psql", "mysql"):
        return bool(re.search(r"\b(?:REINDEX|DELETE|TRUNCATE|DROP|VACUUM FULL)\b", command.text))
    return any(_DISRUPTS.match(word.filled.lower()) for word in command.operands[:2])


RULE = Rule(
    id="KW314",
    name="if-needed-and-does-it-anyway",
    title="Something is done if needed, and nothing says when it is",
    severity=Severity.NOTE,
    why="Whoever is on call for the first time cannot know when a restart or a restore is needed; and a block that is pasted whole does "
    "it in any case. A condition "
    "in a comment decides nothing. Source: Google SRE Workbook, chapter 8 (on-call: playbooks); POSIX.1-2024, Shell Command Language, "
    "2.9.4 (if).",
    bad="""# Updates

```bash
# Restart services if needed
systemctl restart shop
```
""",
    good="""# Updates

```bash
# Restart services that still use replaced libraries
if needrestart -b | grep -q shop; then
    systemctl restart shop
fi
```
""",
    check=_check,
)
