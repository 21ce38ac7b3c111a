"""KW310: a folder that is moved aside lands inside the first copy on the second run."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import base
from .saying import short

_FINER = re.compile(r"%[HsTNRMS]|%F_%|\$\$|RANDOM|mktemp")
_FILE = re.compile(r"\.(?:conf|cfg|ya?ml|json|ini|sql|txt|log|env|toml|gz|sh|py|service|html|xml)$")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            aside = _put_aside(command)
            if aside and not _finer(script, command) and not _cleared(script, command, aside[1]):
                source, target = aside
                when = "on the same day" if "date" in target or "$" in target else "at the second run"
                yield Finding(
                    command.line,
                    f"{when} {short(target, 60)} exists already, and {command.name} puts {short(base(source), 40)} inside it instead of "
                    f"beside it",
                    column=command.column,
                    width=len(command.name),
                    fix="a name with the time (%Y%m%d-%H%M%S), or mv -T, which refuses",
                )


def _put_aside(command: ShellCommand) -> tuple[str, str] | None:
    """Source and target of a folder that is moved or copied to its own name with something behind it."""
    if command.name not in ("mv", "cp") or len(command.operands) != 2 or command.has_flag("-T", "--no-target-directory", "-n"):
        return None
    if command.name == "cp" and not command.has_flag("-r", "-R", "-a"):
        return None
    source, target = (word.filled.rstrip("/") for word in command.operands)
    is_beside = target.startswith(source) and re.match(r"[._-]", target[len(source) :])
    return (source, target) if is_beside and not _FILE.search(source) and "*" not in source and "/" in source else None


def _finer(script: Script, command: ShellCommand) -> bool:
    values = [one.value.raw for name in command.operands[1].variables for one in script.assigned(name) if one.value is not None]
    return bool(_FINER.search(" ".join([command.operands[1].raw, *values])))


def _cleared(script: Script, command: ShellCommand, target: str) -> bool:
    before = script.commands[: command.index]
    if any(target in [word.filled.rstrip("/") for word in one.operands] for one in before if one.name in ("rm", "mv")):
        return True
    return any(target == test.right.filled.rstrip("/") for one in before for test in one.tests)


RULE = Rule(
    id="KW310",
    name="moved-into-itself-on-the-second-run",
    title="A folder that is moved aside lands inside the first copy",
    severity=Severity.WARNING,
    why="mv A B renames A to B where B is not there, and moves A into B where it is. A second attempt on the same day, which is what a "
    "recovery often takes, puts the "
    "folder into the copy of the first, and the way back is no longer what the manual says. Source: POSIX.1-2024, mv.",
    bad="""# Recovery

```bash
mv /opt/shop /opt/shop.before.$(date +%Y%m%d)
```
""",
    good="""# Recovery

```bash
mv -T /opt/shop /opt/shop.before.$(date +%Y%m%d-%H%M%S)
```
""",
    check=_check,
)
