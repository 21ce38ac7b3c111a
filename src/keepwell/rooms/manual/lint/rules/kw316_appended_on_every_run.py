"""KW316: a line is appended to a system file at every run."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import short

_FILE = re.compile(
    r"^(?:/etc/(?:sysctl\.conf|fstab|hosts|crontab|sudoers|profile|environment|exports|resolv\.conf|security/limits\.conf|ssh/sshd_config"
    r"|[\w-]+\.conf)"
    r"|(?:~|/root|/home/[\w$]+)/\.(?:bashrc|profile|ssh/authorized_keys))$"
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        seen: set[str] = set()
        for command in script.commands:
            path = _appended(command)
            if path and path not in seen and not _guarded(script, command, path):
                seen.add(path)
                yield Finding(
                    command.line,
                    f"each run appends the same line to {short(path, 60)} again, and a value that is changed higher up has no effect any "
                    f"more",
                    column=command.column,
                    width=len(command.name),
                    fix="write a file of its own with >: /etc/sysctl.d/60-app.conf; or grep -qxF LINE FILE || echo LINE >> FILE",
                )


def _appended(command: ShellCommand) -> str:
    """The system file that a fixed text is appended to."""
    if command.name in ("echo", "printf", "cat"):
        found = next((part.target.filled for part in command.redirections if part.of_output and part.operator == ">>"), "")
        taker = command.piped_to
        if not found and taker is not None and taker.name == "tee" and taker.has_flag("-a", "--append") and taker.operands:
            found = taker.operands[0].filled
        return found if _FILE.match(found) else ""
    return ""


def _guarded(script: Script, command: ShellCommand, path: str) -> bool:
    looked = any(one.name == "grep" and path in one.text for one in script.commands[: command.index])
    return looked or bool(command.guards)


RULE = Rule(
    id="KW316",
    name="appended-on-every-run",
    title="A line is appended to a system file at every run",
    severity=Severity.WARNING,
    why="A step that is run twice leaves two lines, and a machine that is looked after for years dozens of them. In most of these files "
    "the last line holds, so a later "
    "change higher up does nothing and nobody sees why. Sources: sysctl.d(5); fstab(5).",
    bad="""# Tuning

```bash
echo 'vm.swappiness=10' >> /etc/sysctl.conf
sysctl -p
```
""",
    good="""# Tuning

```bash
echo 'vm.swappiness=10' > /etc/sysctl.d/60-shop.conf
sysctl --system
```
""",
    check=_check,
)
