"""KW101: a curl that is meant to notice failures and cannot."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("curl"):
            if (
                not command.has_flag("-f", "--fail", "--fail-with-body")
                and not _looks_at_the_code(command, script)
                and _is_a_check(command)
            ):
                yield Finding(
                    command.line,
                    f"curl exits with 0 although the server answers with an error{_consequence(command)}",
                    command.end_line,
                    command.column,
                    "add --fail (-f), or compare the code that -w '%{http_code}' prints",
                    width=len("curl"),
                )


def _is_a_check(command: ShellCommand) -> bool:
    """Whether somebody relies on its status: something decides by it, or it asks for a health page and nothing else is done with the answer."""
    if command.status.used and command.status.how not in ("returned", "errexit"):
        return True
    url = next((word.filled for word in command.operands), "").lower()
    asks = any(word in url for word in ("health", "status", "ping", "ready", "live"))
    return asks and not command.has_flag("-X", "-d", "--data") and command.output.how in ("shown", "discarded")


def _looks_at_the_code(command: ShellCommand, script: Script) -> bool:
    """Whether the HTTP status is asked for and something compares what was printed, or it is piped on to something that may."""
    wanted = command.option("-w", "--write-out")
    if wanted is None or ("http_code" not in wanted.filled and "response_code" not in wanted.filled):
        return False
    return command.output.how != "shown"


def _consequence(command: ShellCommand) -> str:
    match command.status.how:
        case "and":
            return ", so what follows && runs over a broken service"
        case "or":
            return ", so what follows || never runs"
        case "condition":
            return f", so the {command.condition_of} takes a broken service for a healthy one"
        case "asked":
            return f", so the $? of {command.status.detail} sees no failure"
        case _:
            return ": as a check it never fails"


RULE = Rule(
    id="KW101",
    name="curl-without-fail",
    title="curl does not fail where the server answers with an error",
    severity=Severity.WARNING,
    why="curl exits with 0 whenever it gets any answer at all, also for 404 or 500. A health check, an if or a $? that relies on its status "
    "therefore takes an erroring server for a healthy one. Source: curl(1), -f, --fail.",
    bad="""# Check

```bash
curl -s http://localhost:8080/health
if [ $? -ne 0 ]; then
    systemctl restart shop
fi
```
""",
    good="""# Check

```bash
if ! curl --fail --silent --show-error --max-time 10 http://localhost:8080/health; then
    systemctl restart shop
fi
code=$(curl -s -o /dev/null -w '%{http_code}' http://localhost:8080/health)
[ "$code" = 200 ] || exit 1
```
""",
    check=_check,
)
