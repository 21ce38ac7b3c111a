"""KW409: a process is looked for by a word that may stand in any command line."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .pattern_words import GREPS, decides, pattern_of


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            sentence, fix = _full_match(manual, command, script) or _grep_in_list(command, script) or ("", "")
            if sentence:
                yield Finding(command.line, sentence, column=command.column, fix=fix, width=len(command.name))


def _bare(text: str) -> bool:
    """Whether a pattern is a mere word: no path, no anchor, no class."""
    return bool(re.fullmatch(r"[A-Za-z][\w.-]*", text))


def _unit(manual: Manual, program: str) -> str:
    """The unit of the manual that the program belongs to: of its name, or the longest that its name begins with."""
    units = {used.name.removesuffix(".service") for used in manual.names.units}
    return max((unit for unit in units if unit and f"{program}-".startswith(f"{unit}-")), key=len, default="UNIT")


def _full_match(manual: Manual, command: ShellCommand, script: Script) -> tuple[str, str] | None:
    if command.name not in ("pgrep", "pkill") or not command.has_flag("-f", "--full") or command.has_flag("-x", "--exact"):
        return None
    name = next((word.filled for word in command.operands), "")
    if not _bare(name) or (command.name == "pgrep" and not (decides(command, script) or command.output.how == "argument")):
        return None
    does = "kills" if command.name == "pkill" else "finds"
    return f"{command.name} -f {does} every process with '{name}' anywhere in its command line: an editor or tail of its log too", (
        f"systemctl show -p MainPID --value {_unit(manual, name)}"
        if command.name == "pgrep"
        else f"systemctl stop {_unit(manual, name)}, or pkill -x (at most 15 characters)"
    )


def _grep_in_list(command: ShellCommand, script: Script) -> tuple[str, str] | None:
    pattern = pattern_of(command) if command.name in GREPS else None
    if pattern is None or command.pipeline[0].name != "ps" or command.is_first or not _bare(pattern.filled) or not decides(command, script):
        return None
    if pattern.filled == "grep" or command.has_flag("-v", "--invert-match"):
        return None
    spared = any(part.name in GREPS and part.has_flag("-v") for part in command.pipeline)
    itself = "" if spared else ", and the grep itself"
    return (
        f"every process with '{pattern.filled}' anywhere in its line is found{itself}: an editor or tail of its log too",
        "pgrep -x, or systemctl is-active",
    )


RULE = Rule(
    id="KW409",
    name="any-command-line-with-that-word",
    title="A process is looked for by a word in any command line",
    severity=Severity.WARNING,
    why="pgrep -f and ps | grep compare with whole command lines. A person who edits the configuration, follows the log or runs "
    "this very script has the "
    "word in theirs, so a stopped service is taken for a running one, or the wrong process is killed. Source: pgrep(1), -f and -x.",
    bad='# Watch\n\n```bash\nPID=$(pgrep -f shop-server)\nif [ -z "$PID" ]; then systemctl restart shop; fi\n```\n',
    good="""# Watch

```bash
if ! systemctl is-active --quiet shop; then systemctl restart shop; fi
pgrep -x shop-server
ps aux | grep shop-server
```
""",
    check=_check,
)
