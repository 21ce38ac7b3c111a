"""KW704: a script sets a variable and never uses it."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Assignment, Script

_FOR_OTHERS = re.compile(
    r"^(PATH|IFS|LANG|LC_\w+|PS\d|TZ|SHELL|MAILTO|HOME|DEBIAN_FRONTEND|OPTIND|REPLY|_\w*|PG\w+|AWS_\w+|MYSQL_\w+|KUBECONFIG|HISTFILE|SECONDS)$"
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if not script.complete or any(script.named("source", ".", "eval", "envsubst", "declare", "export")):
            continue
        for assignment in script.assignments:
            if _counts(assignment) and not _used(script, assignment.name):
                yield Finding(
                    assignment.line,
                    f"{assignment.name} is set and never used in this script{_meaning(assignment)}",
                    column=assignment.column,
                    width=len(assignment.name),
                    fix="use it, or leave it out",
                )


def _counts(assignment: Assignment) -> bool:
    return (
        not assignment.prefix and assignment.keyword != "export" and assignment.value is not None and not _FOR_OTHERS.match(assignment.name)
    )


def _used(script: Script, name: str) -> bool:
    """Whether the text has it anywhere else than on the left of an assignment."""
    return bool(re.search(rf"\$\{{?[#!]?{name}\b|(?<![\w$]){name}\b(?!\s*\+?=)", _without_comments(script)))


def _without_comments(script: Script) -> str:
    return "\n".join(line for line in script.text.split("\n") if not line.lstrip().startswith("#"))


def _meaning(assignment: Assignment) -> str:
    value = assignment.value.filled if assignment.value else ""
    if "://" in value:
        return ": the address is never asked"
    if re.search(r"RETENTION|KEEP|MAX|LIMIT|THRESHOLD", assignment.name):
        return ": the limit has no effect"
    return ""


RULE = Rule(
    id="KW704",
    name="set-and-never-used",
    title="A script sets a variable and never uses it",
    severity=Severity.WARNING,
    why="A setting at the head of a script says what the script does: this address is watched, that many days are kept. Where nothing "
    "uses it, the script "
    "does not, and whoever changes the value is deceived a second time. Source: ShellCheck SC2034.",
    bad="""# Monitor

```bash
#!/bin/bash
HEALTH_URL="http://localhost:8080/health"
STATUS_URL="http://localhost:8080/status"
curl -f "$HEALTH_URL"
```
""",
    good="""# Monitor

```bash
#!/bin/bash
HEALTH_URL="http://localhost:8080/health"
curl -f "$HEALTH_URL"
```
""",
    check=_check,
)
