"""KW404: log lines are grouped by their first fields, which hold the time."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import files_of, is_access_log, is_log, program_of


def _check(manual: Manual) -> Iterator[Finding]:
    for command in manual.commands:
        fields = _leading_fields(command)
        rest = command.pipeline[command.position + 1 :]
        counted = any(part.name == "uniq" and part.has_flag("-c", "--count") for part in rest)
        files = files_of(command.pipeline[0])
        if fields and counted and any(is_log(path) for path in files) and not any(is_access_log(path) for path in files):
            yield Finding(
                command.line,
                f"the first {fields} fields of a log line hold its date and time, so nearly every group has a count of 1",
                command.end_line,
                command.column,
                "group by what stands behind the time: cut -d' ' -f4-, or sed the time away first",
                width=len(command.name),
            )


def _leading_fields(command: ShellCommand) -> int:
    """How many first fields, separated by blanks, a cut or awk keeps (2 or more and nothing else); 0 for everything else."""
    if command.name == "cut":
        separator, kept = command.option("-d", "--delimiter"), command.option("-f", "--fields")
        match = re.fullmatch(r"(?:1)?-([2-4])|1,2(?:,(3))?", kept.filled) if kept else None
        return int(match[1] or match[2] or 2) if match and separator and separator.filled == " " else 0
    match = re.fullmatch(r"\s*\{\s*print\s+\$1\s*,?\s*(?:\" \")?\s*\$2\s*(?:,?\s*(?:\" \")?\s*(\$3))?\s*;?\s*\}\s*", program_of(command))
    return 0 if match is None or command.has_flag("-F") else 3 if match[1] else 2


RULE = Rule(
    id="KW404",
    name="counts-each-time-stamp-once",
    title="Log lines are grouped by their time",
    severity=Severity.WARNING,
    why="uniq -c counts lines that are the same. A line of a log begins with its date and time, so what is cut from its first "
    "fields differs from line to "
    "line: the result is a long list of ones and no pattern of errors. Source: uniq(1); RFC 5424, section 6.2.3 (TIMESTAMP stands first).",
    bad="# Errors\n\n```bash\ngrep -i error logs/app.log | cut -d' ' -f1-3 | sort | uniq -c | sort -nr\n```\n",
    good="# Errors\n\n```bash\ngrep -i error logs/app.log | cut -d' ' -f4- | sort | uniq -c | sort -nr\n```\n",
    check=_check,
)
