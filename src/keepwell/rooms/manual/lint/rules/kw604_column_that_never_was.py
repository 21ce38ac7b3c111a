"""KW604: a column that a statistics view of PostgreSQL does not have."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

_TABLES = ("pg_stat_user_tables", "pg_stat_all_tables", "pg_stat_sys_tables", "pg_statio_user_tables", "pg_statio_all_tables")
_INDEXES = ("pg_stat_user_indexes", "pg_stat_all_indexes", "pg_statio_user_indexes", "pg_statio_all_indexes")
_RIGHT = {
    **{view: {"tablename": "relname", "table_name": "relname", "schema_name": "schemaname"} for view in _TABLES},
    **{
        view: {"tablename": "relname", "table_name": "relname", "indexname": "indexrelname", "index_name": "indexrelname"}
        for view in _INDEXES
    },
    "pg_stat_activity": {"username": "usename", "database": "datname", "dbname": "datname"},
    "pg_tables": {"relname": "tablename", "table_name": "tablename", "table_schema": "schemaname"},
    "pg_indexes": {"relname": "tablename", "indexrelname": "indexname"},
}
"""View, then each name that is often taken for the right one."""
_MORE_FROM = re.compile(r"\bjoin\b|\bunion\b|\bwith\b|from\s+[\w.]+(?:\s+\w+)?\s*,|\(\s*select\b")


def _check(manual: Manual) -> Iterator[Finding]:
    for statement in manual.statements:
        code = re.sub(r"'[^']*'|\"[^\"]*\"", "''", statement.code.lower())
        source = re.search(r"\bfrom\s+(?:pg_catalog\.)?(\w+)", code)
        wrong = _RIGHT.get(source[1], {}) if source and statement.verb == "SELECT" and not _MORE_FROM.search(code) else {}
        aliases = set(re.findall(r"\bas\s+(\w+)", code))
        found = [name for name in wrong if name not in aliases and re.search(rf"(?<!\.)\b{name}\b(?!\s*\()", code)]
        if source and found:
            yield Finding(
                statement.line,
                f"{source[1]} has no column {' and no '.join(found)}, so the statement always fails",
                statement.end_line,
                fix=", ".join(wrong[name] for name in found),
            )


RULE = Rule(
    id="KW604",
    name="column-that-never-was",
    title="The view has no such column",
    severity=Severity.ERROR,
    why="The statistics views name a table relname and an index indexrelname; tablename and indexname belong to pg_tables and "
    "pg_indexes. The statement "
    "ends with 'column does not exist' on every version, which shows that it was never run. "
    "Source: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW",
    bad="# Tables\n\n```sql\nSELECT schemaname, tablename, n_tup_ins FROM pg_stat_user_tables ORDER BY n_tup_ins DESC;\n```\n",
    good="""# Tables

```sql
SELECT schemaname, relname AS tablename, n_tup_ins FROM pg_stat_user_tables ORDER BY n_tup_ins DESC;
SELECT tablename FROM pg_tables WHERE schemaname = 'public';
```
""",
    check=_check,
)
