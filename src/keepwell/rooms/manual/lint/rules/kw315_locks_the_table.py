"""KW315: routine maintenance locks a table of the running service."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .saying import headings_over

_WHERE = re.compile(r"mainten|optimi[sz]|weekly|monthly|daily|performance|database|tuning|troubleshoot")
_NAME = r"(?P<of>[\w.\"]+)"
_LOCKS = (
    (
        re.compile(rf"^REINDEX\s+(?!.*\bCONCURRENTLY\b)(?:\([^)]*\)\s*)?(?:TABLE|INDEX|DATABASE|SCHEMA)\s+{_NAME}", re.IGNORECASE),
        "REINDEX without CONCURRENTLY stops writes to {of}, and reads that use the index,",
        "REINDEX TABLE CONCURRENTLY {of}",
    ),
    (
        re.compile(rf"^VACUUM\s+(?:FULL\b|\([^)]*\bFULL\b[^)]*\))(?:\s+(?:ANALYZE|VERBOSE))*(?:\s+{_NAME})?", re.IGNORECASE),
        "VACUUM FULL stops all reads and writes of {of}",
        "VACUUM, or pg_repack",
    ),
    (re.compile(rf"^CLUSTER\s+{_NAME}", re.IGNORECASE), "CLUSTER stops all reads and writes of {of}", "pg_repack"),
    (
        re.compile(
            rf"^CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)(?:IF NOT EXISTS\s+)?[\w.\"]*\s*ON\s+(?:ONLY\s+)?{_NAME}", re.IGNORECASE
        ),
        "CREATE INDEX without CONCURRENTLY stops all writes to {of}",
        "CREATE INDEX CONCURRENTLY",
    ),
)


def _check(manual: Manual) -> Iterator[Finding]:
    seen: set[tuple[int, str]] = set()
    made = {
        match[1].strip('"')
        for one in manual.statements
        if (match := re.match(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.\"]+)", one.code, re.IGNORECASE))
    }
    for statement in manual.statements:
        if statement.client in ("mysql", "sqlite3", "mariadb") or not _WHERE.search(headings_over(manual, statement.line)):
            continue
        for pattern, sentence, fix in _LOCKS:
            match = pattern.match(statement.code)
            name = match["of"] or "every table" if match else ""
            section = manual.section_of(statement.line).line
            if match and name.strip('"') not in made and (section, sentence) not in seen:
                seen.add((section, sentence))
                yield Finding(
                    statement.line,
                    f"{sentence.format(of=name)} for as long as it runs, on a large table for minutes or hours",
                    fix=fix.format(of=name),
                )


RULE = Rule(
    id="KW315",
    name="locks-the-table",
    title="Maintenance locks a table of the running service",
    severity=Severity.WARNING,
    why="REINDEX and CREATE INDEX hold a lock that writes wait for, VACUUM FULL and CLUSTER one that reads wait for too, for minutes or "
    "hours on a large table; "
    "and what waits in line behind them makes everything wait. Sources: PostgreSQL documentation, 13.3 Explicit Locking, REINDEX and "
    "CREATE INDEX (CONCURRENTLY).",
    bad="""# Weekly maintenance

```sql
REINDEX TABLE orders;
```
""",
    good="""# Weekly maintenance

```sql
REINDEX TABLE CONCURRENTLY orders;
```
""",
    check=_check,
)
