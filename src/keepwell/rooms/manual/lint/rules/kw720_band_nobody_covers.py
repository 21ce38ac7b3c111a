"""KW720: between the target and the first warning lies a range that belongs to neither."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual, Row, Table
from keepwell.rooms.manual.reading.quantities import measured


def _check(manual: Manual) -> Iterator[Finding]:
    for table in manual.tables:
        target = table.column("target", "normal", "goal", "ok", "green", "good")
        warning = table.column("warning", "warn", "yellow", "degraded")
        if target is not None and warning is not None and target != warning:
            for row in table.rows:
                yield from _gap(table, row, target, warning)


def _gap(table: Table, row: Row, target: int, warning: int) -> Iterator[Finding]:
    wanted, warned = row.cells[target].strip(), row.cells[warning].strip()
    good, bad = measured(wanted), measured(warned)
    if good is None or bad is None or good[1] != bad[1] or not warned.startswith((">", "<")):
        return
    upwards = warned.startswith(">")
    opposite = wanted.startswith("<" if upwards else ">")
    if opposite and (bad[0] > good[0] if upwards else bad[0] < good[0]):
        low, high = (wanted.lstrip("<>=≤≥ "), warned.lstrip("<>=≤≥ ")) if upwards else (warned.lstrip("<>=≤≥ "), wanted.lstrip("<>=≤≥ "))
        yield Finding(
            row.line,
            f"{row.cells[0].strip('* ')}: {low} to {high} is neither on target nor a warning",
            fix="let the warning begin where the target ends, or name the band between",
        )


RULE = Rule(
    id="KW720",
    name="band-nobody-covers",
    title="A range of values belongs to no band",
    severity=Severity.NOTE,
    why="A target below 50 ms and a warning above 100 ms leave what lies between to everybody's taste: the target is missed, and "
    "nothing says so or "
    "what to do. Source: Google, Site Reliability Workbook, Alerting on SLOs (an alert follows from the objective).",
    bad="""# Limits

| Metric | Target | Warning | Critical |
|--------|--------|---------|----------|
| Response time | <50ms | >100ms | >500ms |
""",
    good="""# Limits

| Metric | Target | Warning | Critical |
|--------|--------|---------|----------|
| Response time | <50ms | >50ms | >500ms |
""",
    check=_check,
)
