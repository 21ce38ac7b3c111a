"""KW106: a script says success whatever came before."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_SUCCESS = re.compile(r"[✅✓✔]|\b(success|successfully|passed|verified|valid|all good|healthy)\b|\bOK\b", re.IGNORECASE)
_MARKER = re.compile(r"(\.|/|-|_)(success|ok|done)$|latest", re.IGNORECASE)
_HARMLESS = frozenset(
    (
        "",
        "echo",
        "printf",
        "date",
        "sleep",
        "[",
        "[[",
        "((",
        "test",
        "set",
        "mkdir",
        "cd",
        "exit",
        "return",
        "true",
        "local",
        "export",
        "trap",
    )
) | frozenset(("trap", "log", "logger", "rm", "cat", "df", "ls", "free", "uptime", "ps"))
_TESTS = ("[", "[[", "((", "test")
_BLOCKS = ("if", "elif", "for", "while", "until", "case", "function")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if script.complete:
            yield from (_finding(said, work) for said, work in unconditional_successes(script))


def unconditional_successes(script: Script) -> Iterator[tuple[ShellCommand, ShellCommand]]:
    """Where a script says or writes success in no condition, each with the nearest command before it whose status nothing took."""
    if _watches_its_steps(script):
        return
    inside = {index for block in script.blocks_of(*_BLOCKS) for index in (*block.body, *block.otherwise)}
    work: ShellCommand | None = None
    for command in script.commands:
        if command.depth or command.strict.errexit:
            continue
        if work is not None and command.index not in inside and not command.guards and _claims(command):
            yield command, work
        if command.name not in _HARMLESS and command.is_last and not command.status.used:
            work = command


def _watches_its_steps(script: Script) -> bool:
    """Whether the failure of some step ends it: then its author has thought of the others too."""
    for command in script.commands:
        if (
            command.or_else is not None
            and command.or_else.name in ("exit", "return", "die", "fail", "error")
            and command.name not in _TESTS
        ):
            return True
    ends = {command.index for command in script.commands if command.name in ("exit", "return") and command.subcommand not in ("", "0")}
    for block in script.blocks_of("if", "elif"):
        judged = [part for part in script.members(block.condition) if part.name not in _TESTS or "$?" in part.text]
        if judged and ends & {*block.body, *block.otherwise}:
            return True
    return False


def _claims(command: ShellCommand) -> bool:
    if command.name not in ("echo", "printf", "touch"):
        return False
    said = " ".join(word.filled for word in command.arguments)
    if command.output.how == "file":
        return bool(_MARKER.search(command.output.detail))
    return command.output.how == "shown" and command.name != "touch" and bool(_SUCCESS.search(said)) and "❌" not in said


def _finding(said: ShellCommand, work: ShellCommand) -> Finding:
    return Finding(
        said.line,
        f"this is said whatever came before: nothing looks at whether {work.name[:60]} in line {work.line} failed",
        said.end_line,
        said.column,
        "set -euo pipefail at the head, or say it in the branch that has seen every step succeed",
        width=len(said.name),
    )


RULE = Rule(
    id="KW106",
    name="success-said-unconditionally",
    title="Success is said whatever came before",
    severity=Severity.ERROR,
    why="Without set -e a shell goes on after a command that failed. A line at the end that says success is then printed over failures "
    "too, and so is the exit status of 0 that goes with it: people and jobs believe it. Source: POSIX.1-2024, Shell Command "
    "Language, 2.8.1 and set -e.",
    bad="""# Verify

```bash
#!/bin/bash
tar -tzf "$1" > /dev/null
sha256sum -c "$1.sha256"
echo "Backup verified successfully"
```
""",
    good="""# Verify

```bash
#!/bin/bash
set -euo pipefail
tar -tzf "$1" > /dev/null
sha256sum -c "$1.sha256"
echo "Backup verified successfully"
```
""",
    check=_check,
)
