"""KW512: the name of one file is built from the time again and again."""

import re
from collections import defaultdict
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand
from keepwell.rooms.manual.reading.shell_values import Word

_MINUTES = re.compile(r"\$\(date [^)]*(%M|%S|%s|%T|%R|%N)[^)]*\)")

_ASSIGN = frozenset(("local", "export", "declare", "readonly", "typeset", "date"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        places: dict[str, list[ShellCommand]] = defaultdict(list)
        for command in script.commands:
            if (
                command.depth
                or command.name in _ASSIGN
                or (command.name in ("echo", "printf") and not any(part.writes for part in command.redirections))
            ):
                continue
            for name in {_bare(word.raw) for word in _files(command) if _MINUTES.search(word.raw)}:
                places[name].append(command)
        for name, uses in places.items():
            if len(uses) > 1:
                lines = " and ".join(str(use.line) for use in uses[1:4])
                yield Finding(
                    uses[0].line,
                    f"the time in {name[:100]} is taken anew in {'line' if len(uses) == 2 else 'lines'} {lines}: "
                    "when it turns in between, there are two files",
                    uses[0].end_line,
                    uses[0].column,
                    "take it once: file=/path/name-$(date +%Y%m%d-%H%M), then use $file",
                    width=len(uses[0].name),
                )


def _files(command: ShellCommand) -> Iterator[Word]:
    yield from (part.target for part in command.redirections)
    yield from command.arguments


def _bare(name: str) -> str:
    return name.strip("\"'")


RULE = Rule(
    id="KW512",
    name="time-taken-twice",
    title="The name of one file is built from the time more than once",
    severity=Severity.NOTE,
    why="Each $(date +%H%M) asks the clock again. Commands that are meant to write one file write two where the minute or second turns "
    "between them, and the later ones find nothing under the name of the first. Source: POSIX.1-2024, Shell Command Language, "
    "2.6.3.",
    bad="""# Incident

```bash
journalctl -u shop > "/tmp/incident-$(date +%Y%m%d-%H%M).txt"
ps aux >> "/tmp/incident-$(date +%Y%m%d-%H%M).txt"
```
""",
    good="""# Incident

```bash
report="/tmp/incident-$(date +%Y%m%d-%H%M).txt"
journalctl -u shop > "$report"
ps aux >> "$report"
```
""",
    check=_check,
)
