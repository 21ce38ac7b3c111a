"""KW319: a process is killed before it was asked to end."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saying import short

_LAST_RESORT = re.compile(
    r"still|last resort|does not (?:stop|end|exit)|doesn't (?:stop|end|exit)|hung|hangs|unresponsive"
    r"|force",
    re.IGNORECASE,
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("kill", "pkill", "killall"):
            if _by_force(command) and not _asked_before(script, command) and not _LAST_RESORT.search(manual.words_near(command.line, 3)):
                yield Finding(
                    command.line,
                    f"{short(command.text, 60)} ends the process without a chance to finish its writes: nothing asked it to stop before",
                    column=command.column,
                    width=len(command.name),
                    fix="systemctl stop, or kill -TERM, wait, and -KILL only for what is left",
                )


def _by_force(command: ShellCommand) -> bool:
    words = [word.filled for word in command.arguments]
    given = command.option("-s", "--signal")
    return any(word in ("-9", "-KILL", "-SIGKILL") for word in words) or (given is not None and given.filled in ("9", "KILL", "SIGKILL"))


def _asked_before(script: Script, command: ShellCommand) -> bool:
    before = script.commands[: command.index]
    return any(one.name in ("kill", "pkill", "killall") or "stop" in [word.filled for word in one.operands] for one in before)


RULE = Rule(
    id="KW319",
    name="kills-at-once",
    title="A process is killed before it was asked to end",
    severity=Severity.WARNING,
    why="SIGKILL cannot be caught: buffers are not written, locks and sockets stay, child processes go on, and a database has to recover "
    "at its next start. "
    "SIGTERM and a little patience come first. Sources: signal(7); systemd.kill(5); PostgreSQL documentation, 18.5 Shutting Down the "
    "Server.",
    bad="""# Restart

```bash
pkill -9 shop-worker
systemctl start shop-worker
```
""",
    good="""# Restart

```bash
systemctl stop shop-worker
systemctl start shop-worker
```
""",
    check=_check,
)
