"""KW713: an unattended script finds a fault and only writes a line, though the manual has a way to alert."""

import re
from collections.abc import Iterator
from posixpath import basename

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_FAULT = re.compile(
    r"\b(ERROR|WARNING|WARN|CRITICAL|ALERT|FATAL|FAILED|[Ff]ailed|[Ff]ailure|[Hh]igh|exceed\w*|not found|[Mm]issing|No recent)\b|❌|✗"
)
_ALERTS = re.compile(r"alert|notify|page_|send_(mail|email|message|slack)|escalat", re.IGNORECASE)
_ADDRESS = re.compile(r"/alerts?\b|hooks\.|webhook|pagerduty|opsgenie|telegram|ntfy", re.IGNORECASE)
_MAILERS = frozenset(("mail", "mailx", "sendmail", "msmtp", "mutt", "ntfy", "wall", "logger"))
_UNATTENDED = re.compile(r"monitor|watch|backup|health|cleanup|rotate|sync|probe|cron", re.IGNORECASE)
_LOUD = re.compile(r"set -e|MAILTO")


def _check(manual: Manual) -> Iterator[Finding]:
    channel = next((name for script in manual.scripts for name in _channels(script)), "")
    if not channel:
        return
    for script in manual.scripts:
        here = channel in script.functions or not any(channel in other.functions for other in manual.scripts)
        how = f"call {channel} here" if here else f"put {channel} into a file that this script reads too, and call it here"
        if script.complete and (_UNATTENDED.search(basename(script.file)) or _runs_by_cron(manual, script)):
            yield from _of_script(script, channel, how)


def _channels(script: Script) -> Iterator[str]:
    yield from (name for name in script.functions if _ALERTS.search(name))
    yield from (command.name for command in script.commands if _tells(command) and command.name != "logger")


def _tells(command: ShellCommand) -> bool:
    if command.name in _MAILERS:
        return True
    if command.name in ("curl", "wget"):
        return any(_ADDRESS.search(word.filled) for word in command.arguments) and command.has_flag(
            "-X", "-d", "--data", "--json", "--post-data", "-F"
        )
    return bool(_ALERTS.search(command.name))


def _runs_by_cron(manual: Manual, script: Script) -> bool:
    name = basename(script.file)
    return bool(name) and any(not entry.commented and name in entry.command for entry in manual.cron)


def _of_script(script: Script, channel: str, how: str) -> Iterator[Finding]:
    for block in script.blocks_of("if"):
        outer = script.members((*block.condition, *block.body, *block.otherwise))
        if any(_tells(command) for command in outer):
            continue
        for branch, line in ((block.body, block.line), (block.otherwise, 0)):
            found = _complaint(script, branch)
            if found is not None and not _is_usage(script, branch):
                yield _finding(found, line or found.line, channel, how)
                break


def _complaint(script: Script, branch: tuple[int, ...]) -> ShellCommand | None:
    """The echo of a branch that says a fault was found."""
    said = (command for command in script.members(branch) if command.name in ("echo", "printf") and not command.depth)
    return next((command for command in said if _FAULT.search(" ".join(word.raw for word in command.arguments))), None)


def _is_usage(script: Script, branch: tuple[int, ...]) -> bool:
    return any(re.search(r"echo\s+[\"']?usage:", command.text, re.IGNORECASE) for command in script.members(branch))


def _finding(said: ShellCommand, line: int, channel: str, how: str) -> Finding:
    text = " ".join(word.raw for word in said.arguments).strip("\"'")
    where = "written to a log" if said.output.how == "file" else "printed"
    return Finding(line, f'"{text[:120]}" is only {where}: nobody is told, though the manual has {channel}', fix=how)


RULE = Rule(
    id="KW713",
    name="found-but-nobody-told",
    title="A fault is found and only written down",
    severity=Severity.WARNING,
    why="The script knows that something is wrong and writes a line that nobody reads until the users call. The same manual has a way "
    "to send alerts, so the "
    "fault was most likely forgotten here. Source: Google, Site Reliability Engineering, chapter 6 (monitoring output: alerts, "
    "tickets, logging).",
    bad="""# Monitor

```bash
#!/bin/bash
# cpu-monitor.sh
send_alert() { curl -f -d "text=$1" https://chat.example.org/hook; }
if [ "$HEALTH" != ok ]; then
    send_alert "down"
fi
if [ "$CPU" -gt 90 ]; then
    echo "WARNING - high CPU: $CPU" >> /var/log/cpu.log
fi
```
""",
    good="""# Monitor

```bash
#!/bin/bash
# cpu-monitor.sh
send_alert() { curl -f -d "text=$1" https://chat.example.org/hook; }
if [ "$CPU" -gt 90 ]; then
    echo "WARNING - high CPU: $CPU" >> /var/log/cpu.log
    send_alert "high CPU: $CPU"
fi
```
""",
    check=_check,
)
