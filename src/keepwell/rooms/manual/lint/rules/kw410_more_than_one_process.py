"""KW410: a list of process ids where one is expected."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word

from .pattern_words import inner

_TAKES_ONE = {
    "jmap": "", "jstat": "", "jstack": "", "jinfo": "", "jcmd": "", "pmap": "", "strace": "-p", "gdb": "-p", "perf": "-p", "nsenter": "-t",
    "taskset": "-p", "prlimit": "-p", "ionice": "-p", "ps": "-p", "lsof": "-p", "top": "-p",
}  # fmt: skip
"""Programs that take a process id, and the option that it is the value of (empty: an operand)."""
_WITH_COMMAS = ("ps", "lsof", "top")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        told: set[str] = set()
        lists = {assignment.name: assignment.line for assignment in script.assignments if _several(script, assignment.substitutes)}
        for command in script.commands:
            word = _process(command)
            if word is None:
                continue
            variables = [name for name in word.variables if name in lists and name not in told]
            told.update(variables)
            if variables or (word.has_substitution and any(_may_be_several(part) for part in inner(script, command))):
                origin = f"${variables[0]} (line {lists[variables[0]]})" if variables else "pgrep's answer"
                yield _finding(command, origin)


def _finding(command: ShellCommand, origin: str) -> Finding:
    if command.name in _WITH_COMMAS:
        sentence = (
            f"{origin} is several ids with blanks between as soon as two processes match, and {command.name} -p wants them with commas"
        )
        fix = "join them: pgrep -d,"
    else:
        sentence = f"{origin} is a list as soon as two processes match and empty when none does; {command.name} takes one process id"
        fix = "pgrep -o (the oldest), or ask systemd: systemctl show -p MainPID --value UNIT"
    return Finding(command.line, sentence, column=command.column, fix=fix, width=len(command.name))


def _several(script: Script, substitutes: tuple[int, ...]) -> bool:
    return any(part.is_last and _may_be_several(part) for part in script.members(substitutes))


def _may_be_several(command: ShellCommand) -> bool:
    """Whether it prints as many ids as there are processes, blanks or line ends between."""
    return (command.name == "pgrep" and not command.has_flag("-o", "--oldest", "-n", "--newest", "-d", "--delimiter", "-c", "--count")) or (
        command.name == "pidof" and not command.has_flag("-s")
    )


def _process(command: ShellCommand) -> Word | None:
    """The word that names the process; None for a program that takes none."""
    option = _TAKES_ONE.get(command.name)
    if option is None:
        return None
    words = (
        [after for flag, after in zip(command.arguments, command.arguments[1:], strict=False) if flag.filled == option]
        if option
        else command.operands
    )
    return next((word for word in words if word.variables or word.has_substitution), None)


RULE = Rule(
    id="KW410",
    name="more-than-one-process",
    title="A list of process ids stands where one is taken",
    severity=Severity.WARNING,
    why="pgrep and pidof print every process that matches. With two of them, ps -p and lsof -p refuse the list or take the second "
    "id for something else, "
    "and the Java tools look at the wrong process or print their usage; what is computed from the answer becomes empty or 0. "
    "Source: pgrep(1), -o, -n and -d; ps(1), -p pidlist.",
    bad="# Memory\n\n```bash\njmap -histo $(pgrep java) | head -20\n```\n",
    good='# Memory\n\n```bash\njmap -histo "$(pgrep -o java)" | head -20\nlsof -p "$(pgrep -d, java)"\nkill $(pgrep java)\n```\n',
    check=_check,
)
