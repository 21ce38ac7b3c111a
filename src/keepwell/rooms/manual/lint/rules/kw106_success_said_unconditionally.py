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
        "log",
        "rm",
        "",
    )
)
_BLOCKS = ("if", "elif", "for", "while", "until", "case", "function")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if script.complete:
            yield from (_finding(script, said) for said in unconditional_successes(script))


def unconditional_successes(script: Script) -> Iterator[ShellCommand]:
    """The commands of a complete script that say or write success in no condition, with work before them whose status nothing took."""
    inside = {index for block in script.blocks_of(*_BLOCKS) for index in (*block.body, *block.otherwise)}
    for command in script.commands:
        if (
            command.name not in ("echo", "printf", "touch")
            or command.depth
            or command.index in inside
            or command.guards
            or command.strict.errexit
        ):
            continue
        if _claims(command) and _unjudged(script, command) is not None:
            yield command


def _claims(command: ShellCommand) -> bool:
    said = " ".join(word.filled for word in command.arguments)
    if command.output.how == "file":
        return bool(_MARKER.search(command.output.detail))
    return command.output.how == "shown" and command.name != "touch" and bool(_SUCCESS.search(said)) and "❌" not in said


def _unjudged(script: Script, said: ShellCommand) -> ShellCommand | None:
    """The nearest command before it that can fail and whose status nothing takes."""
    before = [command for command in script.commands if command.index < said.index and command.depth == 0 and command.name not in _HARMLESS]
    return next((command for command in reversed(before) if command.is_last and not command.status.used), None)


def _finding(script: Script, said: ShellCommand) -> Finding:
    work = _unjudged(script, said)
    what = f"{work.name} in line {work.line}" if work else "what it did"
    return Finding(
        said.line,
        f"this is said whatever came before: nothing looks at whether {what[:120]} failed",
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
