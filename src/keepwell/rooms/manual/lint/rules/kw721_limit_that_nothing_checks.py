"""KW721: a table of limits has levels that no script compares with anything."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual, Row, Table
from keepwell.rooms.manual.reading.quantities import measured, metric_in

_LEVELS = ("warning", "warn", "critical", "alert", "error", "threshold", "limit")
_COMPARED = re.compile(
    r"(?:-gt|-ge|-lt|-le|[<>]=?)\s*\"?\$?\{?(?P<limit>\d+(?:\.\d+)?)\b|\b(?P<name>\w*(?:THRESHOLD|LIMIT|MAX|WARN|CRIT)\w*)=\"?(?P<set>\d+(?:\.\d+)?)"
)
_SCALES = {"ratio": (0.01, 1.0), "seconds": (1.0, 0.001, 60.0), "bytes": (1.0, 1024.0, 1024.0**2, 1024.0**3), "": (1.0,)}
_RULES = re.compile(r"\b(expr|alert|for):|prometheusrule|alertmanager|grafana alert|datadog|cloudwatch|zabbix|nagios", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    if any(_RULES.search(fence.content) for fence in manual.fences if fence.script is None):
        return
    compared = tuple(_comparisons(manual))
    for table in manual.tables:
        columns = [at for at, head in enumerate(table.columns) if at and any(level in head.lower() for level in _LEVELS)]
        rows = [row for row in table.rows if any(_is_limit(row.cells[at]) for at in columns)]
        if len(rows) < 2:
            continue
        found = [_missing(table, row, columns, compared) for row in rows]
        some = any(len(missing) < sum(_is_limit(row.cells[at]) for at in columns) for row, missing in zip(rows, found, strict=True))
        if some:
            yield from (_finding(row, missing) for row, missing in zip(rows, found, strict=True) if missing)
        elif any(script.complete for script in manual.scripts):
            yield Finding(
                table.line,
                f"none of these {len(rows)} limits is compared with anything in the manual's scripts: they hold only if somebody looks",
                fix="compare them in the script that reads the values, or say which alert rule does",
            )


def _is_limit(cell: str) -> bool:
    return cell.strip().startswith(("<", ">", "≤", "≥")) and measured(cell) is not None


def _comparisons(manual: Manual) -> Iterator[tuple[float, str]]:
    """Every number that a script compares something with, and the metric that the line is about."""
    for script in manual.scripts:
        for line in script.text.split("\n"):
            for match in _COMPARED.finditer(line) if not line.lstrip().startswith("#") else ():
                yield float(match["limit"] or match["set"]), metric_in(line[: match.start()].replace("_", " ") or (match["name"] or ""))


def _missing(table: Table, row: Row, columns: list[int], compared: tuple[tuple[float, str], ...]) -> list[str]:
    metric = metric_in(row.cells[0])
    missing = []
    for at in columns:
        value = measured(row.cells[at]) if _is_limit(row.cells[at]) else None
        if value and not any(_same(value, number) and (not about or not metric or about == metric) for number, about in compared):
            missing.append(f"{table.columns[at].strip()} {row.cells[at].strip()}")
    return missing


def _same(value: tuple[float, str], number: float) -> bool:
    """Whether a number of a script is this value in any of its units."""
    return any(abs(number * scale - value[0]) <= 1e-6 * max(1.0, value[0]) for scale in _SCALES.get(value[1], (1.0,)))


def _finding(row: Row, missing: list[str]) -> Finding:
    return Finding(
        row.line,
        f"{row.cells[0].strip('* ')}: no script compares anything with {' or '.join(missing)}"[:290],
        fix="compare it where the value is read, or take the level out of the table",
    )


RULE = Rule(
    id="KW721",
    name="limit-that-nothing-checks",
    title="A documented limit is checked by no script",
    severity=Severity.WARNING,
    why="The table promises that somebody is warned at this value. The scripts beside it compare others of its values and not this "
    "one, so it never "
    "fires and everybody believes it does. Source: Google, Site Reliability Engineering, chapter 6 (monitoring distributed systems).",
    bad="""# Limits

| Metric | Warning | Critical |
|--------|---------|----------|
| CPU | >70% | >90% |
| Memory | >200MB | >300MB |

```bash
#!/bin/bash
if [ "$CPU_PERCENT" -gt 70 ]; then echo "cpu" | mail ops@shop.example.org; fi
if [ "$MEMORY_MB" -gt 200 ]; then echo "memory" | mail ops@shop.example.org; fi
```
""",
    good="""# Limits

| Metric | Warning |
|--------|---------|
| CPU | >70% |
| Memory | >200MB |

```bash
#!/bin/bash
if [ "$CPU_PERCENT" -gt 70 ]; then echo "cpu" | mail ops@shop.example.org; fi
if [ "$MEMORY_MB" -gt 200 ]; then echo "memory" | mail ops@shop.example.org; fi
```
""",
    check=_check,
)
