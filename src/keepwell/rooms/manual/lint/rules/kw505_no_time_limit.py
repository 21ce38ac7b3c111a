"""KW505: a monitor or a scheduled script waits for the network without a limit."""

import re
from collections.abc import Iterator
from posixpath import basename

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import called, entries_of
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_SHOWN = 8
_MONITOR = re.compile(r"monitor|health|watchdog|heartbeat|probe", re.IGNORECASE)
_LIMITS = {
    "curl": ("-m", "--max-time", "--connect-timeout"),
    "wget": ("-T", "--timeout", "--read-timeout"),
    "nc": ("-w",),
}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        entries = entries_of(manual, script)
        if script.origin != "cron" and not (script.complete and (entries or _MONITOR.search(called(manual, script)))):
            continue
        waiting = [command for command in script.commands if _waits(command)]
        if waiting:
            first = waiting[0]
            yield Finding(
                first.line,
                f"{first.name} has no time limit: a server that hangs holds {_what(script)}{_rest(waiting)}",
                first.end_line,
                first.column,
                "ssh -o ConnectTimeout=10 -o ServerAliveInterval=15"
                if first.name == "ssh"
                else f"{first.name} {_LIMITS[first.name][0]} 10",
                width=len(first.name),
            )


def _waits(command: ShellCommand) -> bool:
    if command.name == "ssh":
        return "ConnectTimeout" not in command.text and "timeout" not in command.wrappers
    limits = _LIMITS.get(command.name)
    return limits is not None and not command.has_flag(*limits) and "timeout" not in command.wrappers


def _what(script: Script) -> str:
    return f"{basename(script.file)[:60]} for ever" if script.file else "the job for ever"


def _rest(waiting: list[ShellCommand]) -> str:
    others = sorted({command.line for command in waiting[1:]} - {waiting[0].line})
    if not others:
        return ""
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    lines = ", ".join(str(line) for line in others[:_SHOWN]) + more
    return f" (so does the one in line {lines})" if len(others) == 1 else f" (so do those in lines {lines})"


RULE = Rule(
    id="KW505",
    name="no-time-limit",
    title="A monitor waits for the network without a limit",
    severity=Severity.WARNING,
    why="curl has no limit of its own for an answer that never comes. A server that accepts the connection and hangs, the very fault a "
    "monitor is there for, then stops the monitor: no alert, and from cron one more waiting process each time. Source: curl(1), "
    "--max-time.",
    bad="# Watch\n\n```bash\n#!/bin/bash\n# /opt/shop/health-monitor.sh\ncurl -fsS http://localhost:8080/health || exit 1\n```\n",
    good="""# Watch

```bash
#!/bin/bash
# /opt/shop/health-monitor.sh
curl -fsS --max-time 10 http://localhost:8080/health || exit 1
```
""",
    check=_check,
)
