"""KW608: statements that MySQL no longer knows."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .removed import STATEMENTS


def _check(manual: Manual) -> Iterator[Finding]:
    if any("mariadb" in line.lower() for line in manual.lines):
        return  # it keeps these statements
    for statement in manual.statements:
        code = re.sub(r"\s+", " ", statement.code).upper()
        entry = next((entry for entry in STATEMENTS if code.startswith(entry.name)), None)
        if entry:
            yield Finding(statement.line, f"{entry.name} is a syntax error {entry.when}", statement.end_line, fix=entry.instead)


RULE = Rule(
    id="KW608",
    name="statement-removed",
    title="MySQL does not know this statement any more",
    severity=Severity.WARNING,
    why="MySQL 8.4 removed the statements with the words master and slave that had been deprecated since 8.0.22. A check of "
    "replication built on them ends "
    "with a syntax error, and what filters its output sees nothing. "
    f"Source: {STATEMENTS[0].source}",
    bad="# Replication\n\n```bash\nmysql -e 'SHOW SLAVE STATUS\\\\G'\n```\n",
    good="# Replication\n\n```bash\nmysql -e 'SHOW REPLICA STATUS\\\\G'\n```\n",
    check=_check,
)
