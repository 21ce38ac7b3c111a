"""KW417: the calendar day of yesterday under the title of the last 24 hours."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import GREPS, files_of, pattern_of, said_above

_YESTERDAY = re.compile(r"\bdate\b[^)`]*(?:yesterday|1 day ago|-1 ?days?\b|-v-1d)[^)`]*\+[^)`]*%")


def _check(manual: Manual) -> Iterator[Finding]:
    rotated = {setting.path[0] for setting in manual.settings if setting.syntax == "logrotate" and setting.key == "daily"}
    for script in manual.scripts:
        for command in script.named(*GREPS):
            pattern = pattern_of(command)
            hours = re.search(r"%h|%T|%s", pattern.filled, re.IGNORECASE) if pattern else None
            if pattern is None or hours or not _YESTERDAY.search(pattern.filled):
                continue
            if re.search(r"(last|past|previous) (24 ?h(ours)?|day)\b|24 ?h(ours)?\b", said_above(manual, command.line)):
                moved = "; the daily rotation has already moved it out of this file" if _rotates(rotated, files_of(command)) else ""
                yield Finding(
                    command.line,
                    f"yesterday's date finds yesterday's calendar day, not the last 24 hours: nothing of today{moved}",
                    command.end_line,
                    command.column,
                    "journalctl --since '24 hours ago', or compare whole times: awk -v since=\"$(date -d '24 hours ago' '+%F %T')\"",
                    width=len(command.name),
                )


def _rotates(globs: set[str], files: tuple[str, ...]) -> bool:
    """Whether a daily rule of logrotate covers one of the files."""
    shapes = [re.compile(re.escape(part).replace(r"\*", "[^/]*")) for glob in globs for part in glob.split()]
    return any(shape.fullmatch(path) for shape in shapes for path in files)


RULE = Rule(
    id="KW417",
    name="yesterday-is-not-the-last-24-hours",
    title="Yesterday is not the last 24 hours",
    severity=Severity.WARNING,
    why="A search for yesterday's date gives the lines from midnight to midnight. What happened since midnight, which is what one "
    "looks for after an "
    "incident, is not among them, and where logs are rotated at midnight the file has no line of yesterday any more. Source: "
    "date(1), --date; logrotate(8).",
    bad="""# Errors

```bash
# Errors of the last 24 hours
grep "$(date -d '1 day ago' '+%Y-%m-%d')" /var/log/shop/error.log
```
""",
    good="""# Errors

```bash
# Errors of the last 24 hours
journalctl -u shop -p err --since '24 hours ago'
# Errors of yesterday
grep "$(date -d yesterday +%F)" error.log
```
""",
    check=_check,
)
