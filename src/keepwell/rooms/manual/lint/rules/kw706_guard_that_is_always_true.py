"""KW706: the only guard of an action asks whether a variable is empty, and it holds a placeholder."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

_PLACEHOLDER = re.compile(r"\bYOUR\b|\byour[-_ ]|x{3,}|change[-_ ]?me|replace[-_ ]?(me|this)|<[\w -]+>|/TODO\b|placeholder", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for test in (test for command in script.commands for test in command.tests):
            name = test.right.variables[0] if len(test.right.variables) == 1 else ""
            value = script.value_of(name) if name and test.operator in ("-n", "-z") else None
            if value and _PLACEHOLDER.search(value):
                passes = (test.operator == "-n") != test.negated
                yield Finding(
                    test.line,
                    f"{name} holds the placeholder {value[:80]}, so this test "
                    f"{'always passes and what follows goes nowhere' if passes else 'never notices it'}",
                    column=test.column,
                    width=len(test.right.raw),
                    fix=f'{name}="" until there is a real value, or test for it',
                )


RULE = Rule(
    id="KW706",
    name="guard-that-is-always-true",
    title="A guard asks whether a variable is empty, and it holds a placeholder",
    severity=Severity.WARNING,
    why="The guard is meant to skip the alert until somebody has set it up. A placeholder is not empty, so the guard passes, the "
    "request goes to an "
    "address that does not exist, and nobody sees that no alert is ever sent. Source: POSIX.1-2024, test, -n.",
    bad="""# Alerts

```bash
WEBHOOK="https://hooks.example.org/YOUR/WEBHOOK"
if [ -n "$WEBHOOK" ]; then
    curl -f -d '{"text":"down"}' "$WEBHOOK"
fi
```
""",
    good="""# Alerts

```bash
WEBHOOK=""
if [ -n "$WEBHOOK" ]; then
    curl -f -d '{"text":"down"}' "$WEBHOOK"
fi
```
""",
    check=_check,
)
