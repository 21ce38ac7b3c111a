"""KW304: in an incident something is restarted before anybody looked."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import headings_over, short

_INCIDENT = re.compile(r"incident|emergenc|outage|troubleshoot|breach|\bdown\b|failure|crash|high memory|unresponsive")
_PURPOSE_IS_RESTORE = re.compile(r"restor|backup|deploy|update|upgrade|commands?$")
_EVIDENCE = frozenset(
    ("journalctl", "dmesg", "netstat", "ss", "lsof", "jstack", "jmap", "gcore", "strace", "tcpdump", "last", "tail", "grep", "zgrep", "ps")
)
_STOPS = ("restart", "stop", "down", "kill")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        first = next((command for command in script.commands if _cuts(command)), None)
        if first is None or not _is_for_an_incident(manual, script):
            continue
        evidence = next((command for command in script.commands if command.index != first.index and _is_evidence(command)), None)
        if evidence is not None and evidence.index > first.index:
            yield _finding(first, evidence)


def _is_for_an_incident(manual: Manual, script: Script) -> bool:
    return (
        script.origin == "fence"
        and bool(_INCIDENT.search(headings_over(manual, script.line)))
        and not _PURPOSE_IS_RESTORE.search(manual.section_of(script.line).title.lower())
    )


def _cuts(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if command.name in ("kill", "killall", "pkill", "reboot"):
        return True
    if command.name in ("systemctl", "docker", "docker-compose", "service", "supervisorctl", "pm2"):
        return any(word in _STOPS for word in words[:2])
    return command.name in ("kubectl", "oc") and words[:2] == ["rollout", "restart"]


def _is_evidence(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if command.name in ("docker", "docker-compose", "kubectl", "oc"):
        return any(word in ("logs", "cp", "describe", "events") for word in words[:2])
    if command.name in ("grep", "zgrep", "tail"):
        return command.piped_from is None and any("log" in word for word in words)
    return command.name in _EVIDENCE


def _all_of_it(command: ShellCommand) -> str:
    words = [word.filled for word in command.operands if word.filled != "compose"]
    is_all = command.name == "docker-compose" or (command.name == "docker" and command.subcommand == "compose")
    return ", for every service at once," if is_all and len(words) == 1 else ""


def _named(command: ShellCommand) -> str:
    """The program, with its verb where it has several."""
    several = command.name in ("docker", "docker-compose", "kubectl", "oc")
    return " ".join([command.name, *(word.filled for word in command.operands[:1] if several)])[:60]


def _finding(first: ShellCommand, later: ShellCommand) -> Finding:
    again = (
        "restart the one service that is broken"
        if any(word.filled == "restart" for word in first.operands) or first.name == "reboot"
        else "stop only what has to be stopped; a host is also isolated by its firewall or network"
    )
    return Finding(
        first.line,
        f"{short(first.text, 50)}{_all_of_it(first)} comes before {_named(later)} in line {later.line}: memory, processes and "
        f"connections that explain the incident are gone",
        column=first.column,
        width=len(first.name),
        fix=f"save logs, process list and connections first; then {again}",
    )


RULE = Rule(
    id="KW304",
    name="restart-before-the-evidence",
    title="Something is restarted before the evidence is saved",
    severity=Severity.WARNING,
    why="A restart often ends the symptom and always ends the evidence: memory, open connections, the state of stuck processes. Without "
    "it the incident comes "
    "back and is no better understood; in a break-in it is what an investigation needs first. "
    "Sources: NIST SP 800-61 Rev. 2, 3.3.2 (evidence gathering); RFC 3227, 2.1 (order of volatility).",
    bad="""# Incident: high memory

```bash
systemctl restart shop
journalctl -u shop --since "1 hour ago"
```
""",
    good="""# Incident: high memory

```bash
journalctl -u shop --since "1 hour ago" > /var/tmp/shop-incident.log
ps aux --sort=-rss | head -20
systemctl restart shop
```
""",
    check=_check,
)
