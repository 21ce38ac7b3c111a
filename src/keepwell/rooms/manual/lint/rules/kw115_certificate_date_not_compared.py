"""KW115: a certificate's end is printed and compared with nothing."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_DAYS = re.compile(r"\b(\d{1,3})\s*days?\b", re.IGNORECASE)
_DAY = 86400


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("openssl"):
            if command.subcommand == "x509" and _prints_dates(command) and command.pipeline[-1].output.how in ("shown", "discarded"):
                limit = _limit_near(manual, command.line)
                days = limit or 30
                yield Finding(
                    command.line,
                    f"the end of the certificate is printed and nothing compares it{_said(limit)}{_of_a_file(command)}",
                    command.end_line,
                    command.column,
                    f"openssl x509 -noout -checkend {days * _DAY} exits with 1 when fewer than {days} days are left",
                    width=len("openssl"),
                )


def _prints_dates(command: ShellCommand) -> bool:
    if command.has_flag("-checkend"):
        return False
    after = command.piped_to
    not_after = after is not None and after.name == "grep" and "after" in after.text.lower()
    return command.has_flag("-dates", "-enddate") or (command.has_flag("-text") and not_after)


def _limit_near(manual: Manual, line: int) -> int:
    """The days that the lines below name as the limit; 0 where there is none."""
    fence = manual.fence_at(line)
    end = min(fence.end_line if fence else line, line + 6)
    match = _DAYS.search("\n".join(manual.lines[max(0, line - 4) : end]))
    return int(match[1]) if match else 0


def _said(limit: int) -> str:
    return f" with the {limit} days that the text names" if limit else " with today"


def _of_a_file(command: ShellCommand) -> str:
    given = command.option("-in") or next(
        (after for word, after in zip(command.arguments, command.arguments[1:], strict=False) if word.raw == "-in"), None
    )
    if given is None or given.filled.startswith(("/dev/stdin", "<(")):
        return ""
    return f"; and {given.filled[:60]} is the file, not what is served"


RULE = Rule(
    id="KW115",
    name="certificate-date-not-compared",
    title="A certificate's end is printed and compared with nothing",
    severity=Severity.WARNING,
    why="A date that is printed must be read, subtracted and judged by a person each time; an expiry is overlooked once. openssl can "
    "decide: -checkend ends with 1 when the certificate expires within so many seconds. Source: openssl-x509(1), -checkend.",
    bad="# TLS\n\n```bash\n# Check the certificate\nopenssl x509 -in shop.pem -noout -dates\n```\n",
    good="""# TLS

```bash
# Check the certificate
openssl x509 -in shop.pem -noout -checkend 2592000 || echo 'renew within 30 days'
```
""",
    check=_check,
)
