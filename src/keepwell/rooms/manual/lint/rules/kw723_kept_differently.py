"""KW723: the same things are kept for different times in two places."""

import re
from collections.abc import Iterator, Sequence

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.quantities import Quantity

_DAY = 86_400.0
_MOST = 300


def _check(manual: Manual) -> Iterator[Finding]:
    kept = manual.names.retention[:_MOST]
    yield from _beside_its_comment(kept)
    found = [one for one in kept if one.where == "command" and one.text.startswith("find")]
    for at, later in enumerate(found):
        for earlier in found[:at]:
            if later.value != earlier.value and _meet(later.about, earlier.about):
                yield Finding(
                    later.line,
                    f"here {later.about} goes after {_days(later)}, in line {earlier.line} {earlier.about} after {_days(earlier)}: the "
                    f"shorter time wins",
                    fix="one time for both, or leave the narrower folder out here",
                )
                break


def _beside_its_comment(kept: Sequence[Quantity]) -> Iterator[Finding]:
    """A number in a comment, and another one in the command below it."""
    by_line = {one.line: one for one in kept if one.where == "comment"}
    for one in kept:
        said = next((by_line[line] for line in (one.line - 1, one.line - 2) if line in by_line), None)
        if one.where == "command" and said and said.value != one.value and abs(said.value - one.value) >= _DAY:
            yield Finding(one.line, f"the comment above says {_days(said)}, the command {_days(one)}", fix="make both say the same")


def _days(one: Quantity) -> str:
    days = one.value / _DAY
    return f"{days:g} day{'' if days == 1 else 's'}"


def _meet(one: str, other: str) -> bool:
    """Whether two "folder pattern" can name the same file: one folder is in the other, and the patterns are the same."""
    first, _, glob = one.partition(" ")
    second, _, other_glob = other.partition(" ")
    if not first.startswith("/") or not second.startswith("/") or _kind(glob) != _kind(other_glob) or first == "/tmp" or second == "/tmp":
        return False
    shorter, longer = sorted((first.rstrip("/"), second.rstrip("/")), key=len)
    return longer == shorter or longer.startswith(f"{shorter}/")


def _kind(glob: str) -> str:
    return re.sub(r"[*.]+", "", glob)


RULE = Rule(
    id="KW723",
    name="kept-differently",
    title="The same things are kept for different times",
    severity=Severity.WARNING,
    why="One place promises that logs or backups are kept for 30 days, and another command deletes the same files after 7. The shorter "
    "time wins, and "
    "whoever needs the older ones finds out on that day. Source: find(1), -mtime, -delete.",
    bad="""# Logs

```bash
find /var/log/shop -name "*.log" -mtime +30 -delete
```

## Disk full

```bash
find /var/log -name "*.log" -mtime +7 -delete
```
""",
    good="""# Logs

```bash
# keep logs for 30 days
find /var/log/shop -name "*.log" -mtime +30 -delete
```

## Disk full

```bash
find /var/log -name "*.log" -mtime +30 -delete
```
""",
    check=_check,
)
