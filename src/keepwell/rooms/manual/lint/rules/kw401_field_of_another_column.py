"""KW401: awk reads another field than the one that is meant, by the lines that the same manual writes."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .log_lines import wrong_fields


def _check(manual: Manual) -> Iterator[Finding]:
    for wrong in wrong_fields(manual):
        yield Finding(
            wrong.command.line,
            wrong.sentence,
            wrong.command.end_line,
            wrong.command.column,
            wrong.fix,
            width=len(wrong.command.name),
        )


RULE = Rule(
    id="KW401",
    name="field-of-another-column",
    title="awk reads another field than the one that is meant",
    severity=Severity.ERROR,
    why="awk counts fields by the spaces of the line, and a date with a time is already two of them. Held against the line that a "
    "script of the same "
    "manual writes to the file, the number names another column, or lines of another kind in the file have no such column and "
    "count as 0; the figure "
    "that comes out is wrong without any error. Source: POSIX.1-2024, awk, Regular Expressions and Variables (NF, FS).",
    bad="""# Metrics

```bash
#!/bin/bash
# sample.sh
NOW=$(date '+%Y-%m-%d %H:%M:%S')
echo "[$NOW] CPU: ${CPU}%, Memory: ${MEM}MB" >> /var/log/shop/metrics.log
```

```bash
awk '/Memory:/ {sum+=$4; n++} END {if (n) print sum/n}' /var/log/shop/metrics.log
```
""",
    good="""# Metrics

```bash
#!/bin/bash
# sample.sh
NOW=$(date '+%Y-%m-%d %H:%M:%S')
echo "[$NOW] CPU: ${CPU}%, Memory: ${MEM}MB" >> /var/log/shop/metrics.log
```

```bash
awk '/Memory:/ {sum+=$6; n++} END {if (n) print sum/n}' /var/log/shop/metrics.log
```
""",
    check=_check,
)
