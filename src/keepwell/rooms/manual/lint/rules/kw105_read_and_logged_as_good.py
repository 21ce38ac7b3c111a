"""KW105: a state is read, logged as good and never compared."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Assignment, Script, ShellCommand

_STATE = re.compile(r"^(\w*_)?(status|state|health|result)$", re.IGNORECASE)
_FIELD = re.compile(r"\.(status|state|health|result)\b", re.IGNORECASE)
_GOOD = re.compile(r"\b(OK|healthy|success\w*|passed|good)\b|[✅✓✔]", re.IGNORECASE)

_SAYS = frozenset(("echo", "printf", "logger", "log"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        read = [one for one in script.assignments if _STATE.match(one.name) and _reads_a_field(script, one)]
        uses = _uses(script, frozenset(one.name for one in read))
        for assignment in read:
            after = [use for use in uses[assignment.name] if use is None or use.line >= assignment.line]
            if not all(use is not None and use.name in _SAYS for use in after):
                continue
            said = next((use for use in after if use is not None and _GOOD.search(use.text)), None)
            if said is not None:
                yield Finding(
                    assignment.line,
                    f"${assignment.name} is read and line {said.line} logs it as good, whatever it says: nothing compares it",
                    column=assignment.column,
                    width=len(assignment.name),
                    fix=f'[ "${assignment.name}" = healthy ] || the branch that reports the failure',
                )


def _reads_a_field(script: Script, assignment: Assignment) -> bool:
    return any(_FIELD.search(word.filled) for command in script.members(assignment.substitutes) for word in command.arguments)


def _uses(script: Script, names: frozenset[str]) -> dict[str, list[ShellCommand | None]]:
    """The commands that expand each of these variables; None for a case or a loop over it."""
    uses: dict[str, list[ShellCommand | None]] = {name: [] for name in names}
    if not names:
        return uses
    for command in script.commands:
        for name in {name for word in command.words for name in word.variables} & names if command.depth == 0 else ():
            uses[name].append(command)
    for block in script.blocks:
        for name in {name for word in block.words for name in word.variables} & names:
            uses[name].append(None)
    return uses


RULE = Rule(
    id="KW105",
    name="read-and-logged-as-good",
    title="A state is read and logged as good without being compared",
    severity=Severity.WARNING,
    why="A health page says in its body how the service is: many answer 200 with a status that says degraded or unhealthy. A script "
    "that fetches the field and prints it behind OK reports that as fine. Source: draft-inadarei-api-health-check, 3.1 (status: "
    "pass, warn, fail).",
    bad="""# Watch

```bash
#!/bin/bash
status=$(curl -fs http://localhost:8080/health | jq -r .status)
echo "OK - status $status" >> /var/log/health.log
```
""",
    good="""# Watch

```bash
#!/bin/bash
status=$(curl -fs http://localhost:8080/health | jq -r .status)
[ "$status" = healthy ] || exit 1
echo "OK - status $status" >> /var/log/health.log
```
""",
    check=_check,
)
