"""KW413: an average in awk that divides by a count which may be zero."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .log_lines import divisor, wrong_fields


def _check(manual: Manual) -> Iterator[Finding]:
    told = {wrong.command for wrong in wrong_fields(manual)}
    for command in manual.commands:
        count = divisor(command)
        if count and command not in told:
            yield Finding(
                command.line,
                f"when no line matches, {count} is 0 and the division ends awk with an error (gawk) or prints nan (mawk)",
                command.end_line,
                command.column,
                f'END {{ if ({count}) ...; else print "no data" }}',
                width=len(command.name),
            )


RULE = Rule(
    id="KW413",
    name="divided-by-nothing",
    title="An average divides by a count that may be zero",
    severity=Severity.WARNING,
    why="A day without a line, a log that was just rotated or a pattern that does not match leave the count at zero. gawk then "
    "stops with 'division by "
    "zero attempted' and mawk prints nan, and the report has an empty or senseless figure where it should say that there are no data. "
    "Source: POSIX.1-2024, awk, Expressions in awk; the GNU Awk manual, Arithmetic Operators.",
    bad="# Mean\n\n```bash\nawk '/took/ {sum+=$3; n++} END {print sum/n}' app.log\n```\n",
    good="# Mean\n\n```bash\nawk '/took/ {sum+=$3; n++} END {if (n) print sum/n; else print \"no data\"}' app.log\n```\n",
    check=_check,
)
