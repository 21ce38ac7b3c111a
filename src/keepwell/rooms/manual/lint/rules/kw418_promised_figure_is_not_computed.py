"""KW418: the text promises a ratio, a trend or a percentile, and the command computes none."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import said_above

_KEEPS = ("file", "variable")


def _check(manual: Manual) -> Iterator[Finding]:
    yield from _ratios(manual)
    yield from _trends(manual)


def _ratios(manual: Manual) -> Iterator[Finding]:
    """A cache hit ratio that is read from the settings."""
    for statement in manual.statements:
        promised = re.search(r"(cache )?hit (ratio|rate)s?", said_above(manual, statement.line))
        if promised and statement.verb in ("SELECT", "SHOW") and not re.search(r"_hit\b|hits\b|keyspace_hits", statement.code.lower()):
            yield Finding(
                statement.line,
                f"no {promised[0].rstrip('s')} is computed here: the statement reads no count of hits",
                statement.end_line,
                fix="SELECT sum(blks_hit) / nullif(sum(blks_hit + blks_read), 0) FROM pg_stat_database",
            )


def _trends(manual: Manual) -> Iterator[Finding]:
    """A trend or growth that is read from one moment, with nothing kept to compare with."""
    for command in manual.commands:
        shows_now = (command.name == "docker" and command.subcommand == "stats") or command.name in ("free", "df", "du")
        promised = re.search(r"\b(trends?|growth)\b", said_above(manual, command.line)) if shows_now else None
        shown = "docker stats" if command.name == "docker" else command.name
        if promised and command.pipeline[-1].output.how not in _KEEPS and not command.loops:
            yield Finding(
                command.line,
                f"one reading of {shown} is no {promised[0].rstrip('s')}: nothing is kept to compare it with",
                command.end_line,
                command.column,
                "append the figures with the date to a file, or ask the monitoring for the last weeks",
                width=len(command.name),
            )
        promised = re.search(r"\b(costs?|usage)\b", said_above(manual, command.line)) if _lists_objects(command) else None
        if promised:
            yield Finding(
                command.line,
                f"this prints one row for each object: no total is computed, and the {promised[0]} cannot be seen from it",
                command.end_line,
                command.column,
                "--query 'sum(Contents[].Size)' --output text, or the bucket's BucketSizeBytes in CloudWatch",
                width=len(command.name),
            )
    for statement in manual.statements:
        promised = re.search(r"\b(trends?|growth)\b", said_above(manual, statement.line))
        sizes = re.search(r"\bpg_(total_relation|database|relation|table)_size\b", statement.code)
        if promised and sizes and statement.verb == "SELECT" and "insert" not in statement.code.lower():
            yield Finding(
                statement.line,
                f"sizes of one moment show no {promised[0].rstrip('s')}: nothing is kept to compare them with",
                statement.end_line,
                fix="insert the sizes with the date into a table, and select the difference",
            )


def _lists_objects(command: ShellCommand) -> bool:
    """Whether it lists the objects of a bucket without adding up their sizes."""
    words = [word.filled for word in command.operands[:2]]
    query = command.option("--query")
    return (
        command.name == "aws"
        and words[:1] == ["s3api"]
        and words[1:2] in (["list-objects-v2"], ["list-objects"])
        and not (query and "sum(" in query.filled)
    )


RULE = Rule(
    id="KW418",
    name="promised-figure-is-not-computed",
    title="The figure that the text promises is not computed",
    severity=Severity.WARNING,
    why="A trend needs two readings, and a hit ratio needs the counts of hits and reads. A command that shows the present sizes, "
    "or the configured size of "
    "the cache, leaves the reader with a number that answers another question. "
    "Source: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW",
    bad="# Review\n\n```bash\n# Check memory usage trends\ndocker stats --no-stream\n```\n",
    good="""# Review

```bash
# Check memory usage trends
docker stats --no-stream >> /var/lib/shop/memory.log
# Check memory usage
free -h
```
""",
    check=_check,
)
