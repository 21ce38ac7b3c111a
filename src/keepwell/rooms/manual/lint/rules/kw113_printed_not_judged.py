"""KW113: a script that checks prints a figure and compares it with nothing."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import calls_itself_a_check, labels
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_MEASURES = {
    "df": "the space that is left",
    "free": "the memory that is left",
    "du": "the size",
    "ls": "what there is",
    "ps": "the processes (an absent one is just no line)",
    "docker": "what the containers use",
    "wc": "the count",
    "uptime": "the load",
}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if calls_itself_a_check(manual, script):
            yield from map(_finding, _groups(manual, script))


def _groups(manual: Manual, script: Script) -> list[list[ShellCommand]]:
    """The commands that only show a figure; those of one name in neighbouring lines are together."""
    groups: list[list[ShellCommand]] = []
    for command in script.commands:
        if not (_only_shown(command) and labels(manual, command) & {"comment", "echo"}):
            continue
        last = groups[-1][-1] if groups else None
        if last is not None and command.line <= last.end_line + 1 and command.name == last.name:
            groups[-1].append(command)
        else:
            groups.append([command])
    return groups


def _only_shown(command: ShellCommand) -> bool:
    if (
        command.depth
        or not command.is_first
        or command.pipeline[-1].output.how != "shown"
        or (command.status.used and command.status.how != "returned")
    ):
        return False
    if command.guards or command.pipeline[-1].status.how in ("condition", "and", "or", "asked"):
        return False
    names = [part.name for part in command.pipeline]
    if names[-1] == "wc":
        return names[0] not in ("apt", "apt-get")
    if command.name == "ps":
        return "grep" in names
    if command.name == "docker":
        return command.subcommand in ("stats", "system")
    if command.name == "ls":
        return command.has_flag("-l", "-s", "--size")
    return command.name in _MEASURES and not {"awk", "grep"} & set(names)


def _fix(name: str) -> str:
    if name == "ps":
        return "systemctl is-active --quiet UNIT || exit 1, or count the processes and end with 1 where there is none"
    return "compare the figure with a limit and end with 1 beyond it"


def _finding(group: list[ShellCommand]) -> Finding:
    first = group[0]
    last = first.pipeline[-1]
    measured = "the count" if last.name == "wc" else _MEASURES[first.name]
    name = "wc" if last.name == "wc" else first.name
    return Finding(
        first.line,
        f"{name} prints {measured} and nothing compares it with a limit: this step never fails",
        group[-1].end_line,
        first.column,
        _fix(name),
        width=len(first.name),
    )


RULE = Rule(
    id="KW113",
    name="printed-not-judged",
    title="A check prints a figure and compares it with nothing",
    severity=Severity.WARNING,
    why="A step of a check that prints df, free or ls leaves the judgement to whoever reads the output, each time, with the limit in "
    "mind. Run by a job nobody reads it, and a full disk passes as an empty one. Source: df(1): the exit status tells only whether "
    "the figures could be had.",
    bad='# Daily\n\n```bash\n#!/bin/bash\n# daily-check.sh\necho "Checking disk space"\ndf -h /var\necho "done"\n```\n',
    good="""# Daily

```bash
#!/bin/bash
# daily-check.sh
echo "Checking disk space"
used=$(df --output=pcent /var | tail -1 | tr -dc 0-9)
[ "$used" -lt 90 ] || exit 1
```
""",
    check=_check,
)
