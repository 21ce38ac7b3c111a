"""KW219: two folders of the same name are copied into one place."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import base
from .saying import short


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        seen: dict[tuple[str, str], tuple[str, ShellCommand]] = {}
        copies = ((command, *copied) for command in script.commands for copied in _copied_into(script, command))
        for command, source, place in copies:
            first = seen.setdefault((place, base(source)), (source, command))
            if first[0] != source and first[1].index != command.index:
                yield _finding(command, source, place, first)


def _copied_into(script: Script, command: ShellCommand) -> Iterator[tuple[str, str]]:
    """Each folder that a command copies under its own name, and where to."""
    if command.name not in ("cp", "rsync", "mv") or (
        command.name != "mv" and not command.has_flag("-r", "-R", "-a", "--recursive", "--archive")
    ):
        return
    words = [word.filled for word in command.operands]
    if len(words) < 2 or command.guards or command.function or command.loops:
        return
    place = words[-1]
    if place.endswith("/") or _is_made(script, place):
        for source in words[:-1]:
            if (
                not (command.name == "rsync" and source.endswith("/"))
                and base(source) not in ("", "*", ".", "*.*")
                and "*" not in base(source)
            ):
                yield source.rstrip("/"), place.rstrip("/")


def _is_made(script: Script, place: str) -> bool:
    return any(word.filled.rstrip("/") == place for command in script.named("mkdir") for word in command.operands)


def _finding(command: ShellCommand, source: str, place: str, first: tuple[str, ShellCommand]) -> Finding:
    return Finding(
        command.line,
        f"{short(source)} and, in line {first[1].line}, {short(first[0])} both become {short(f'{place}/{base(source)}')}: the second is "
        f"mixed into the first",
        column=command.column,
        width=len(command.name),
        fix=f"give each a name of its own: {short(place, 40)}/config, {short(place, 40)}/app",
    )


RULE = Rule(
    id="KW219",
    name="copies-collide",
    title="Two folders of the same name are copied into one",
    severity=Severity.ERROR,
    why="cp -r /etc/shop D/ makes D/shop; cp -r /opt/shop D/ then copies into that same folder. Files of the same name are overwritten, "
    "the others are "
    "mixed, and no restore can take them apart again. Source: POSIX.1-2024, cp (second synopsis form).",
    bad="""# Backup

```bash
mkdir -p /backup/now
cp -r /etc/shop /backup/now/
cp -r /opt/shop /backup/now/
```
""",
    good="""# Backup

```bash
mkdir -p /backup/now/etc /backup/now/opt
cp -r /etc/shop /backup/now/etc/
cp -r /opt/shop /backup/now/opt/
```
""",
    check=_check,
)
