"""KW416: sessions that do nothing are listed as long running queries."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual


def _check(manual: Manual) -> Iterator[Finding]:
    for statement in manual.statements:
        code = statement.code.lower()
        if "pg_stat_activity" not in code or not re.search(r"\bquery_start\b", code.partition("where")[2]):
            continue
        if not re.search(r"\bstate\b|\bxact_start\b|wait_event|\bbackend_type\b", code.partition("where")[2]):
            kills = "pg_terminate_backend" in code or "pg_cancel_backend" in code
            yield Finding(
                statement.line,
                f"without a condition on state every session that has been idle that long is {'ended' if kills else 'listed'} "
                "as a long running query",
                statement.end_line,
                fix="add AND state <> 'idle'",
                severity=Severity.ERROR if kills else None,
            )


RULE = Rule(
    id="KW416",
    name="idle-taken-for-long-running",
    title="Idle sessions are taken for long running queries",
    severity=Severity.WARNING,
    why="query_start is the start of the current query only while state is 'active'; of an idle session it is the start of the "
    "last one, long finished. "
    "A pool keeps such sessions for hours, so the list is full of them and the slow query is not to be seen. "
    "Source: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW",
    bad="# Slow\n\n```sql\nSELECT pid, query FROM pg_stat_activity WHERE now() - query_start > interval '5 minutes';\n```\n",
    good="# Slow\n\n```sql\nSELECT pid FROM pg_stat_activity WHERE state <> 'idle' AND now() - query_start > interval '5 min';\n```\n",
    check=_check,
)
