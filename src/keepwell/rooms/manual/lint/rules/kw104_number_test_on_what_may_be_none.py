"""KW104: a number is compared that may be empty or null."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand
from keepwell.rooms.manual.reading.shell_values import Comparison

_NUMERIC = frozenset(("-gt", "-ge", "-lt", "-le", "-eq", "-ne"))
_ASKS = frozenset(("curl", "wget", "redis-cli", "psql", "mysql", "kubectl", "oc", "ps", "ssh", "aws", "bc"))
_CUTS = frozenset(("cut", "awk", "grep", "sed", "tr", "head", "tail"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for name, test, command in _first_tests(script) if script.complete else ():
            if reason := _may_be_none(script, name, command):
                yield Finding(
                    test.line,
                    f'${name} {reason}: the test then ends with an error ("integer expression expected") and is taken for false',
                    column=test.column,
                    width=len(name) + 1,
                    fix=f'[[ "${name}" =~ ^[0-9]+$ ]] first, and treat anything else as a failure',
                )


def _first_tests(script: Script) -> Iterator[tuple[str, Comparison, ShellCommand]]:
    """Each variable that is compared as a number, with its first test and the command that this belongs to."""
    seen: set[str] = set()
    for command in script.commands:
        for test in command.tests:
            name = _variable(test)
            if name and name not in seen:
                seen.add(name)
                yield name, test, command


def _variable(test: Comparison) -> str:
    """The variable that a numeric comparison of ``[`` has on its left; ``[[`` and ``((`` take the empty for 0."""
    if test.operator not in _NUMERIC or test.left is None or test.syntax not in ("[", "test"):
        return ""
    match = re.fullmatch(r'"?\$\{?(\w+)\}?"?', test.left.raw)
    return match[1] if match else ""


def _may_be_none(script: Script, name: str, at: ShellCommand) -> str:
    """Why the variable may hold no number; empty where it is sure to, or where something has tested it."""
    assigned = [assignment for assignment in script.assigned(name) if assignment.line <= at.line]
    if not assigned or _tested(script, name, at):
        return ""
    commands = script.members(assigned[-1].substitutes)
    if not commands:
        return ""
    last = commands[-1]
    pipeline = last.pipeline
    if last.name == "jq":
        asked = " ".join(word.filled for word in last.arguments)
        sure = "//" in asked or last.has_flag("-e", "--exit-status") or "length" in asked
        return "" if sure else "is the text null where the field is missing, and empty where the answer is"
    if last.name in _CUTS and any(command.name in _ASKS for command in pipeline[:-1]) and not _counts(last):
        return "is empty where the commands before give nothing"
    return ""


def _counts(command: ShellCommand) -> bool:
    program = " ".join(word.filled for word in command.arguments)
    return (
        (command.name == "grep" and command.has_flag("-c", "--count"))
        or (command.name == "awk" and "END" in program)
        or command.name == "tr"
    )


def _tested(script: Script, name: str, at: ShellCommand) -> bool:
    """Whether a test for emptiness or a pattern stands before it."""
    return any(
        test.operator in ("-n", "-z", "=~", "=", "==", "!=")
        and name in (*test.right.variables, *(test.left.variables if test.left else ()))
        for command in script.commands
        if command.index <= at.index
        for test in command.tests
    )


RULE = Rule(
    id="KW104",
    name="number-test-on-what-may-be-none",
    title="A number is compared that may be empty or null",
    severity=Severity.WARNING,
    why="[ x -gt n ] with an empty or non-numeric x prints an error and exits with 2, which an if takes for false: the alert behind it "
    "is never sent, just when the measurement failed. jq -r prints null for a field that is missing. Source: POSIX.1-2024, test, "
    "Exit Status; jq manual, -r.",
    bad="""# Watch

```bash
#!/bin/bash
used=$(curl -fs http://localhost:8080/health | jq -r .memory)
if [ "$used" -gt 200 ]; then
    echo "memory" | mail -s alert ops@example.com
fi
```
""",
    good="""# Watch

```bash
#!/bin/bash
used=$(curl -fs http://localhost:8080/health | jq -r .memory)
if ! [[ "$used" =~ ^[0-9]+$ ]] || [ "$used" -gt 200 ]; then
    echo "memory" | mail -s alert ops@example.com
fi
```
""",
    check=_check,
)
