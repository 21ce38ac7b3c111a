"""KW805: a recurring check shows figures, and nothing says which would be bad."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .tasks import titles

_RECURS = re.compile(r"\b(daily|weekly|monthly|quarterly|nightly|hourly|morning|routine)\b", re.IGNORECASE)
_NOT = re.compile(r"\b(emergency|incident|troubleshoot\w*|recovery|diagnos\w*|issues)\b", re.IGNORECASE)
_LABEL = re.compile(r"\b(check|verif|monitor|review|health|test)", re.IGNORECASE)
_OVER_TIME = re.compile(r"\b(trend|growth|over time)", re.IGNORECASE)
"""What one reading cannot show, with or without a limit: KW418 speaks there."""
_COSTS = re.compile(r"\b(costs?|usage)\b", re.IGNORECASE)
"""What a list of objects does not add up, so that there is nothing to compare: KW418 speaks there too."""
_COUNT = re.compile(r"\bSELECT\s+(count\(|pg_size_pretty\(\s*pg_database_size)", re.IGNORECASE)
_STATUS = re.compile(r"\b(status|health|running|up)\b", re.IGNORECASE)
_LIMITED = re.compile(r"[<>≤≥]=?\s*\d+\s*%?|\bless than \d|\bmore than \d|\bbelow \d|\babove \d")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if script.complete or script.origin not in ("fence", "console") or not _recurs(manual, script.line):
            continue
        seen: set[str] = set()
        for command in script.commands:
            what = _looks_at(command)
            comment = script.comment_above(command.line)
            if (
                what
                and _LABEL.search(comment)
                and not _OVER_TIME.search(comment)
                and not (what == "storage" and _COSTS.search(comment))
                and not _LIMITED.search(comment)
                and not _is_judged(command)
                and comment not in seen
            ):
                seen.add(comment)
                yield _finding(manual, script, command, what)


def _recurs(manual: Manual, line: int) -> bool:
    around = " / ".join(titles(manual, line))
    return bool(_RECURS.search(around)) and not _NOT.search(around)


def _is_judged(command: ShellCommand) -> bool:
    return (
        command.depth > 0
        or any(part.name in ("awk", "grep", "test") and part is not command for part in command.pipeline)
        or command.output.used
    )


def _looks_at(command: ShellCommand) -> str:
    """What a command shows, in the words of the manual's metrics; empty where it is none of these."""
    sub = command.subcommand
    words = [word.filled for word in command.operands[:3]]
    if command.name == "df":
        return "disk"
    if command.name == "du":
        return "size"
    if command.name == "free":
        return "memory"
    if command.name == "docker" and (sub == "stats" or words[:2] == ["system", "df"]):
        return "memory" if sub == "stats" else "size"
    if command.name in ("psql", "mysql") and (query := command.option("-c", "-e")) and (count := _COUNT.search(query.filled)):
        return "connections" if "pg_stat_activity" in query.filled else ("size" if "size" in count[1].lower() else "")
    if command.name == "aws" and "list-objects" in " ".join(words):
        return "storage"
    if (command.name == "docker-compose" and sub == "ps") or words[:2] == ["compose", "ps"] or (command.is_("docker", "ps")):
        return "status"
    return "status" if command.is_("kubectl", "get") and words[1:2] in (["pods"], ["nodes"], ["pod"], ["node"]) else ""


def _finding(manual: Manual, script: Script, command: ShellCommand, what: str) -> Finding:
    comment = script.comment_above(command.line)[:60]
    shown = " ".join(part.filled for part in command.words[:3])[:40].strip()
    if what == "status":
        message, fix = (
            f'"{comment}": {shown} ends with 0 though everything is down',
            "ask for what is not running, and fail where there is any",
        )
    else:
        limit = next((one for one in manual.names.thresholds if one.about == what), None)
        known = f"the manual's own limit is in line {limit.line} ({limit.text})" if limit else "the manual gives no limit"
        message, fix = (
            f'"{comment}": {shown} shows figures and compares them with nothing; {known}',
            ("compare with it, and say what to do above it" if limit else "give a limit, compare with it, and say what to do above it"),
        )
    return Finding(command.line, message, command.end_line, command.column, fix, width=max(1, len(command.name)))


RULE = Rule(
    id="KW805",
    name="shown-against-no-limit",
    title="A recurring check shows figures and says nothing of what is bad",
    severity=Severity.NOTE,
    why="Somebody looks at the same table every morning and sees that it is a table. Without a limit the check depends on who looks, "
    "cannot be automated, and "
    "docker compose ps or kubectl get end with 0 whatever they show. Source: Google, Site Reliability Engineering, chapter 6 "
    "(monitoring distributed "
    "systems); Docker, docker compose ps.",
    bad="""# Service

## Daily tasks

```bash
# Check disk usage
df -h
```
""",
    good="""# Service

## Daily tasks

```bash
# Check disk usage
df --output=pcent,target | awk 'NR > 1 && $1 + 0 > 80 { print; bad = 1 } END { exit bad }'
```
""",
    check=_check,
    grouped=True,
)
