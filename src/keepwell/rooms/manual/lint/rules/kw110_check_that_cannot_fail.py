"""KW110: a command that is called a check and ends with 0 whatever it finds."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import PROOF, comment_over, in_emergency, labels, path_of
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_TLS = re.compile(r"\b(ssl|tls|certificate)\b", re.IGNORECASE)
_CODE = ("http_code", "response_code")
_FAIL = ("-f", "--fail", "--fail-with-body")
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--json", "-F", "--form")


def _check(manual: Manual) -> Iterator[Finding]:
    posted = {path_of(command) for command in manual.commands if command.name == "curl" and _sends(command)} - {""}
    for script in manual.scripts:
        for command in script.commands:
            if command.name == "curl":
                message, fix = _curl(manual, script, command, posted)
            elif command.name == "redis-cli":
                message, fix = _redis(manual, command)
            else:
                continue
            if message:
                yield Finding(command.line, message, command.end_line, command.column, fix, width=len(command.name))


def _curl(manual: Manual, script: Script, command: ShellCommand, posted: set[str]) -> tuple[str, str]:
    wanted = (written.filled if (written := command.option("-w", "--write-out")) else "").lower()
    if (
        command.has_flag(*_FAIL)
        or any(name in wanted for name in _CODE)
        or (command.status.used and command.status.how not in ("returned", "errexit"))
    ):
        return "", ""
    if _times(command, wanted):
        return (
            "curl measures the time and nothing looks at the code: a server that answers with 500 at once counts as fast",
            "add --fail, and -w '%{http_code} %{time_total}', and compare both",
        )
    if len(command.pipeline) > 1 or command.output.how not in ("shown", "discarded") or not _is_check(manual, script, command):
        return "", ""
    if command.has_flag("-I", "--head") and path_of(command) in posted:
        return (
            "HEAD is asked where the service takes POST: the answer is 404 or 405 although all is well, and curl ends with 0 either way",
            "send the request that the service takes, with --fail, or compare the code of -w '%{http_code}' with the one expected",
        )
    if command.has_flag("-I", "--head") and in_emergency(manual, command.line):
        return "", ""  # the person who looks for a fault reads the status: -I shows nothing else first
    if _TLS.search(comment_over(manual, command)) and any(word.filled.startswith("https://") for word in command.operands):
        return (
            "curl fails here only where the handshake does: an error such as 502 passes, and protocol and days left are not judged",
            "add --fail; for the days left: openssl x509 -noout -checkend 2592000",
        )
    asked = path_of(command) or "the server"
    return f"curl exits with 0 although {asked[:120]} answers with an error: {_consequence(command)}", (
        "add --fail (-f), or compare the code that -w '%{http_code}' prints"
    )


def _sends(command: ShellCommand) -> bool:
    method = command.option("-X", "--request")
    return (method is not None and method.filled.upper() == "POST") or command.has_flag(*_DATA)


def _times(command: ShellCommand, wanted: str) -> bool:
    """Whether only the time of the answer is kept."""
    thrown = command.option("-o", "--output")
    return ("time_" in wanted or wanted.startswith("@")) and thrown is not None and thrown.filled == "/dev/null"


def _is_check(manual: Manual, script: Script, command: ShellCommand) -> bool:
    called = labels(manual, command)
    method = command.option("-X", "--request")
    changes = method is not None and method.filled.upper() in ("PUT", "DELETE", "PATCH")
    if changes or _answered(manual, script, command) or _shown_in_full(manual, command) or _told_by_activity(command):
        return False
    return bool(called - {"heading"} if _sends(command) else called)


def _answered(manual: Manual, script: Script, command: ShellCommand) -> bool:
    """Whether the manual shows the answer that is expected right below: a person compares the two."""
    fence = manual.fence_at(command.line) if script.origin == "console" else None
    return fence is not None and any(command.end_line < line <= command.end_line + 2 for line, _ in fence.output)


def _shown_in_full(manual: Manual, command: ShellCommand) -> bool:
    """Whether a person who looks for a fault reads all of the answer: ``curl -v`` below a heading on troubleshooting."""
    return command.has_flag("-v", "--verbose") and in_emergency(manual, command.line)


def _told_by_activity(command: ShellCommand) -> bool:
    """Whether it follows a success that was said by the unit's activity alone: KW125 speaks there."""
    return any(guard.is_("systemctl", "is-active") or guard.name == "pgrep" for guard in command.guarded_by)


def _consequence(command: ShellCommand) -> str:
    return "nothing notices" if command.output.how == "discarded" else "as a check it never fails"


def _redis(manual: Manual, command: ShellCommand) -> tuple[str, str]:
    if command.has_flag("-e") or command.subcommand.lower() != "ping" or command.output.how not in ("shown", "discarded"):
        return "", ""
    if command.status.used and command.status.how not in ("returned", "errexit"):
        return "", ""
    if not labels(manual, command, PROOF) and "comment" not in labels(manual, command):
        return "", ""
    return (
        "redis-cli exits with 0 also where Redis answers NOAUTH or LOADING: as a check it never fails",
        f'[ "$({command.text.split("|")[0].strip()[:120]})" = PONG ]',
    )


RULE = Rule(
    id="KW110",
    name="check-that-cannot-fail",
    title="The command is called a check and ends with 0 whatever it finds",
    severity=Severity.WARNING,
    why="curl exits with 0 whenever it gets any answer at all, also for 404 or 500; redis-cli does so for NOAUTH. Run by a person the "
    "fault may be overlooked in the output, run by a job it is never seen. Source: curl(1), -f, --fail; redis-cli --help, -e "
    "(return exit error code when command execution fails).",
    bad="""# Check

```bash
# Check the shop
curl -s http://localhost:8080/health
```
""",
    good="""# Check

```bash
# Check the shop
curl --fail --silent --show-error --max-time 10 http://localhost:8080/health
code=$(curl -s -o /dev/null -w '%{http_code}' http://localhost:8080/health)
[ "$code" = 200 ] || exit 1
# Test the cache
[ "$(redis-cli ping)" = PONG ] || exit 1
```

## Incident

```bash
# Check the shop
curl -I http://localhost:8080/health
```
""",
    check=_check,
)
