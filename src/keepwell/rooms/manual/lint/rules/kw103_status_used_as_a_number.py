"""KW103: an exit status is printed as if it were a count."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

_STATUS = re.compile(r"status|exit|code|\brc\b|result|return|fail|success|\bok\b|error:", re.IGNORECASE)
_COUNT = re.compile(r"connections|count|number|\bof\b|total|requests|errors|attempts|users|files|processes|entries|lines", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for use in script.status_uses:
            if use.by is None or use.of is None or script.commands[use.by].name not in ("echo", "printf"):
                continue
            said, of = script.commands[use.by], script.commands[use.of]
            words = " ".join(word.filled for word in said.arguments)
            counts = of.name == "wc" or (of.name == "grep" and of.has_flag("-c", "--count"))
            if not _STATUS.search(words) and (counts or _COUNT.search(words)):
                yield Finding(
                    use.line,
                    f"$? is the exit status of {of.name or 'the command before'} (0 when it worked), not the number that is meant",
                    column=use.column,
                    width=2,
                    fix="keep the number: count=$(... | wc -l), and print $count",
                )


RULE = Rule(
    id="KW103",
    name="status-used-as-a-number",
    title="An exit status is printed as if it were a count",
    severity=Severity.WARNING,
    why="$? holds the exit status of the last command, 0 for success. What that command counted was printed or is gone; a line that "
    "shows $? as a number of connections or errors always reads 0. Source: POSIX.1-2024, Shell Command Language, 2.5.2.",
    bad='# Net\n\n```bash\nss -tn | grep -c :22\necho "Connections: $?"\n```\n',
    good='# Net\n\n```bash\nconnections=$(ss -tn | grep -c :22)\necho "Connections: $connections"\ntrue; echo "exit status: $?"\n```\n',
    check=_check,
)
