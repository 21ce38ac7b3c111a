"""KW125: an active unit is taken for a working service."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import tar_mode
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Block, Script, ShellCommand

_SUCCESS = re.compile(r"[✅✓✔]|\b(success\w*|recovered|restored|restarted|healthy|is up|works)\b", re.IGNORECASE)
_ASKS = frozenset(("curl", "wget", "pg_isready", "redis-cli", "nc"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for block in script.blocks_of("if", "elif"):
            conditions = script.members(block.condition)
            said = _success(script, block)
            if len(conditions) == 1 and said is not None and _restarted(script, conditions[0]) and (probe := _only_alive(conditions[0])):
                yield Finding(
                    conditions[0].line,
                    f"{probe} says that a process runs, and line {said.line} takes that for success; {_health(script, block)}",
                    column=conditions[0].column,
                    width=len(conditions[0].name),
                    fix="let the health page decide: if curl -fsS --max-time 10 .../health; then",
                )


def _restarted(script: Script, probe: ShellCommand) -> bool:
    """Whether something was started or restored before it: else the state of the unit may be all that is asked."""
    before = script.commands[: probe.index]
    return any(
        part.is_("systemctl", "start", "restart")
        or part.name in ("pg_restore", "service")
        or (part.name == "tar" and tar_mode(part) == "x")
        for part in before
    )


def _only_alive(command: ShellCommand) -> str:
    if command.negated:
        return ""
    if command.is_("systemctl", "is-active"):
        return "systemctl is-active"
    return "pgrep" if command.name == "pgrep" else ""


def _success(script: Script, block: Block) -> ShellCommand | None:
    body = script.members(block.body)
    return next((part for part in body if part.name in ("echo", "printf") and _SUCCESS.search(part.text)), None)


def _health(script: Script, block: Block) -> str:
    asked = next((part for part in script.members(block.body) if part.name in _ASKS and not part.condition_of), None)
    return f"the answer of {asked.name} in line {asked.line} decides nothing" if asked else "nothing asks whether it answers"


RULE = Rule(
    id="KW125",
    name="active-is-taken-for-recovered",
    title="An active unit is taken for a working service",
    severity=Severity.WARNING,
    why="systemctl is-active tells that the main process was started and has not exited. A service that hangs, answers 500 or is about "
    "to crash again is active too. After a restart or restore the service's own answer must decide. Source: systemctl(1), "
    "is-active; systemd.service(5), Type=.",
    bad="""# Restart

```bash
systemctl restart shop
if systemctl is-active shop > /dev/null; then
    echo "Restarted successfully"
    curl -s http://localhost:8080/health
fi
```
""",
    good="""# Restart

```bash
systemctl restart shop
if curl -fsS --max-time 10 http://localhost:8080/health; then
    echo "Restarted successfully"
fi
```
""",
    check=_check,
)
