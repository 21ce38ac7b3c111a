"""KW111: a check whose answer goes into a filter that is content with nothing."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import PROOF, labels
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FILTERS = frozenset(("jq", "python", "python3", "head", "yq", "awk", "sed", "tail", "cut", "tr"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("curl", "wget"):
            if _is_silent(command) and _lost(command) and _is_check(manual, command):
                last = command.pipeline[-1]
                yield Finding(
                    command.line,
                    f"with the server down {command.name} says nothing, {_behaviour(last)}: as a check it never fails",
                    last.end_line,
                    command.column,
                    f"{_loud(command)}; with jq -e and a comparison such as '.status == \"healthy\"' the answer decides",
                    width=len(command.name),
                )


def _is_silent(command: ShellCommand) -> bool:
    if command.name == "wget":
        return command.has_flag("-q", "--quiet")
    quiet = command.has_flag("-s", "--silent")
    return quiet and not command.has_flag("-f", "--fail", "--fail-with-body", "-S", "--show-error")


def _lost(command: ShellCommand) -> bool:
    """Whether only the filter's status is left and nobody looks at what it gives."""
    last = command.pipeline[-1]
    if len(command.pipeline) < 2 or command.strict.pipefail or not command.is_first or command.depth:
        return False
    if any(part.name not in _FILTERS or (part.name == "jq" and part.has_flag("-e", "--exit-status")) for part in command.pipeline[1:]):
        return False
    return last.output.how == "shown" and last.status.how in ("ignored", "returned", "and")


def _is_check(manual: Manual, command: ShellCommand) -> bool:
    return bool(labels(manual, command, PROOF) - {"heading"})


def _behaviour(last: ShellCommand) -> str:
    if last.name == "jq":
        return "jq reads nothing and ends with 0"
    return f"{last.name} reads nothing and its status is all that is left"


def _loud(command: ShellCommand) -> str:
    return "curl -fsS and set -o pipefail" if command.name == "curl" else "wget -nv and set -o pipefail"


RULE = Rule(
    id="KW111",
    name="silence-into-a-filter",
    title="The answer of a check goes into a filter that is content with nothing",
    severity=Severity.WARNING,
    why="curl -s prints neither answer nor error when the server is down, and a pipe ends with the status of its last command. jq that "
    "reads nothing prints nothing and exits with 0, so the check of a dead server looks like a quiet one. Source: curl(1), "
    "--silent; jq manual, --exit-status; POSIX.1-2024, Shell Command Language, 2.9.2.",
    bad="# Update\n\n```bash\n# Verify the update\ncurl -s http://localhost:8080/health | jq '.status'\n```\n",
    good="""# Update

```bash
# Verify the update
set -o pipefail
curl -fsS http://localhost:8080/health | jq -e '.status == "healthy"'
```
""",
    check=_check,
)
