"""KW304: in an incident something is restarted before anybody looked."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .saying import headings_over, short

_INCIDENT = re.compile(r"incident|emergenc|outage|troubleshoot|breach|\bdown\b|failure|crash|high memory|unresponsive")
_PURPOSE_IS_RESTORE = re.compile(r"restor|backup|deploy|update|upgrade|commands?$")
_EVIDENCE = frozenset(
    ("journalctl", "dmesg", "netstat", "ss", "lsof", "jstack", "jmap", "gcore", "strace", "tcpdump", "last", "tail", "grep", "zgrep", "ps")
)
_STOPS = ("restart", "stop", "down", "kill")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        where = headings_over(manual, script.line)
        if (
            script.origin == "fence"
            and _INCIDENT.search(where)
            and not _PURPOSE_IS_RESTORE.search(manual.section_of(script.line).title.lower())
        ):
            first = next((command for command in script.commands if _cuts(command)), None)
            before = script.commands[: first.index] if first is not None else ()
            if first is not None and not any(_is_evidence(command) for command in before):
                later = next((one for one in script.commands[first.index + 1 :] if _is_evidence(one)), None)
                if later is not None:
                    yield _finding(first, later)


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


def _finding(first: ShellCommand, later: ShellCommand) -> Finding:
    return Finding(
        first.line,
        f"{short(first.text, 50)}{_all_of_it(first)} comes before {short(later.text, 50)} in line {later.line}: memory, processes and "
        f"connections that explain the incident are gone",
        column=first.column,
        width=len(first.name),
        fix="save logs, process list and connections first; then restart the one service that is broken",
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
