"""KW119: openssl s_client is meant to test a certificate chain and accepts every one."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import announced_by, comment_over
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_CHAIN = re.compile(r"\b(chain|certificate|cert|ssl|tls)\b", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("openssl"):
            if (
                command.subcommand != "s_client"
                or command.has_flag("-verify_return_error")
                or (len(command.pipeline) > 1 and not command.is_last)
            ):
                continue
            if command.output.used or not _CHAIN.search(comment_over(manual, command) + announced_by(command)):
                continue
            waits = ", and waits for input until it is interrupted" if not _has_input(command) else ""
            yield Finding(
                command.line,
                f"openssl s_client ends with 0 also over a chain that is not trusted or has expired{waits}",
                command.end_line,
                command.column,
                "add -verify_return_error and < /dev/null, and let the exit status decide",
                width=len("openssl"),
            )


def _has_input(command: ShellCommand) -> bool:
    return command.piped_from is not None or any(part.operator.startswith("<") for part in command.redirections)


RULE = Rule(
    id="KW119",
    name="tls-probe-that-accepts-everything",
    title="The test of a TLS chain accepts every chain",
    severity=Severity.WARNING,
    why="openssl s_client goes on after a verification error: it prints a verify code among hundred lines and ends with 0. With "
    "-verify_return_error it ends the handshake and the exit status tells. Source: openssl-s_client(1), -verify_return_error.",
    bad="""# TLS

```bash
# Check the certificate chain
openssl s_client -connect shop.example.com:443 -servername shop.example.com
```
""",
    good="""# TLS

```bash
# Check the certificate chain
openssl s_client -connect shop.example.com:443 -servername shop.example.com -verify_return_error < /dev/null
```
""",
    check=_check,
)
