"""KW603: columns and functions of PostgreSQL that have another name now."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .removed import COLUMNS, FUNCTIONS


def _check(manual: Manual) -> Iterator[Finding]:
    for statement in manual.statements:
        code = re.sub(r"'[^']*'", "''", statement.code.lower())
        aliases = set(re.findall(r"\bas\s+(\w+)", code))
        found = [
            entry
            for entry in COLUMNS
            if any(view in code for view in entry.within) and entry.name not in aliases and re.search(rf"\b{entry.name}\b", code)
        ]
        found += [entry for entry in FUNCTIONS if re.search(rf"\b{entry.name}\s*\(", code)]
        if found:
            names = ", ".join(entry.name for entry in found)
            where = f" of {found[0].within[0]}" if found[0].within else ""
            yield Finding(
                statement.line,
                f"{names}{where}: renamed {found[0].when}, so the statement fails with 'does not exist'",
                statement.end_line,
                fix=", ".join(entry.instead for entry in found),
            )


RULE = Rule(
    id="KW603",
    name="column-renamed",
    title="A column or function of PostgreSQL has another name now",
    severity=Severity.ERROR,
    why="A statement with a name that was changed fails on every supported server, usually in the moment when somebody looks for "
    "a slow query or "
    "starts a backup by hand. The rule's table has each name with the version, the date and the release notes. "
    f"Source: {COLUMNS[0].source}",
    bad="# Slow\n\n```sql\nSELECT query, mean_time FROM pg_stat_statements ORDER BY mean_time DESC LIMIT 10;\n```\n",
    good="""# Slow

```sql
SELECT query, mean_exec_time AS mean_time FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10;
SELECT total_time FROM reports;
```
""",
    check=_check,
)
