"""KW311: all packages of a machine are upgraded without a way back."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import is_look

_UPGRADES = frozenset(("upgrade", "dist-upgrade", "full-upgrade", "update"))
_SAVES = re.compile(r"snapshot|back[ -]?up|etckeeper|timeshift|staging|canary|rollback", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if not _upgrades_all(command) or command.depth > 0:
                continue
            before, after = _saved_before(manual, script, command), any(is_look(one) for one in script.commands[command.index + 1 :])
            if not (before and after):
                yield _finding(command, before, after)


def _upgrades_all(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if command.name in ("apt", "apt-get", "aptitude"):
        return len(words) == 1 and words[0] in _UPGRADES - {"update"} and command.has_flag("-y", "--yes", "--assume-yes", "-yq", "-qy")
    if command.name in ("yum", "dnf"):
        return len(words) == 1 and words[0] in ("update", "upgrade") and command.has_flag("-y", "--assumeyes")
    return (
        command.name == "zypper" and words[:1] in (["up"], ["update"], ["dup"]) and command.has_flag("-y", "-n", "--non-interactive")
    ) or (command.name == "pacman" and any("yu" in word.filled for word in command.arguments) and command.has_flag("--noconfirm"))


def _saved_before(manual: Manual, script: Script, command: ShellCommand) -> bool:
    text = "\n".join(manual.lines[manual.section_of(command.line).line : command.line])
    return bool(_SAVES.search(text))


def _finding(command: ShellCommand, before: bool, after: bool) -> Finding:
    missing = [] if before else ["no snapshot or backup in this section before"]
    missing += [] if after else ["no look at the services after"]
    return Finding(
        command.line,
        f"this upgrades every package of the machine, database, kernel and libraries included, with {' and '.join(missing)}",
        column=command.column,
        width=len(command.name),
        fix="list first (apt list --upgradable), take a snapshot, upgrade in the window, check the services, and say how to go back",
    )


RULE = Rule(
    id="KW311",
    name="upgrades-everything-unattended",
    title="Everything is upgraded unattended",
    severity=Severity.WARNING,
    why="apt upgrade -y answers every question with yes and restarts services as packages ask for it. A major change in one of a few "
    "hundred packages is found by the "
    "users, and apt has no way back. Sources: apt-get(8), upgrade and -y; NIST SP 800-40 Rev. 4, 3.3 (test, then deploy, then verify).",
    bad="""# Weekly updates

```bash
sudo apt update && sudo apt upgrade -y
```
""",
    good="""# Weekly updates

```bash
# Snapshot first
lvcreate --snapshot --name before --size 5G vg0/root
sudo apt update && sudo apt upgrade -y
systemctl is-active shop && curl --fail http://localhost:8080/health
```
""",
    check=_check,
)
