"""KW302: something is deleted or stopped under a title that says something else."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .deleting import find_deletes, removes_tree
from .saying import heading_over, said_over, short

_ONLY_LOOKS = re.compile(r"\b(?:monitor|check|review|status|health|verif|diagnos|inspect|overview|audit)\w*")
_DELETES = re.compile(r"clean|clear|remov|delet|purg|prun|drop|rotat|truncat|wipe|reset|old|expire|uninstall|evict")
_DATABASES = frozenset(("postgresql", "postgres", "mysql", "mariadb", "mysqld", "mongod", "mongodb", "redis", "redis-server"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            sentence = _mismatch(manual, script, command)
            if sentence:
                severe = "volume" in sentence or "secret" in sentence
                yield Finding(
                    command.line,
                    sentence,
                    column=command.column,
                    width=len(command.name),
                    fix="a section and a comment of its own that say what is lost, and when it may be run",
                    severity=Severity.ERROR if severe else None,
                )


def _mismatch(manual: Manual, script: Script, command: ShellCommand) -> str:
    said, heading = said_over(script, command.line), heading_over(manual, command.line)
    words = [word.filled for word in command.operands]
    if command.name == "docker" and words[1:2] == ["prune"]:
        return _of_prune(command, words[0], said, manual.section_of(command.line).title)
    if command.name in ("systemctl", "service") and "restart" in words and re.search(r"connection", said):
        name = next((word.removesuffix(".service") for word in words if word.removesuffix(".service") in _DATABASES), "")
        return (
            f'"{short(said, 50)}" restarts {name} itself: every connection of every client is cut and running transactions are lost'
            if name
            else ""
        )
    if command.name in ("kubectl", "oc") and words[:2] == ["delete", "secret"] and re.search(r"rotat|renew|refresh", said):
        return f'"{short(said, 50)}" deletes the secret: nothing makes a new one, and pods that start meanwhile fail'
    deletes = removes_tree(command) or find_deletes(command) or command.name in ("userdel", "dropdb")
    is_hidden = _ONLY_LOOKS.search(heading) and not _DELETES.search(f"{said} {heading}")
    if deletes and is_hidden and not _own_temporary(script, command):
        return f'under "{short(manual.section_of(command.line).title, 50)}", which only looks, {short(command.text, 60)} deletes'
    return ""


def _of_prune(command: ShellCommand, what: str, said: str, heading: str) -> str:
    with_volumes = command.has_flag("--volumes")
    if with_volumes and not re.search(r"volume|prun", said) and re.search(r"\blogs?\b|cache|image|tmp|temp", said):
        return (
            f'"{short(said, 50)}" deletes volumes, stopped containers, networks and images; '
            "docker system prune --volumes touches no log of a running container"
        )
    if _ONLY_LOOKS.search(heading.lower()) and what == "system":
        return (
            f'under "{short(heading, 50)}" docker system prune deletes every stopped container, with its logs and files, '
            "also one that was stopped on purpose or has just crashed"
        )
    return ""


def _own_temporary(script: Script, command: ShellCommand) -> bool:
    """Whether it removes what the same script has made."""
    made = [word.filled for other in script.commands[: command.index] if other.name in ("mkdir", "mktemp") for word in other.operands]
    return any(word.filled in made or "mktemp" in (word.filled + " ".join(word.variables)).lower() for word in command.operands)


RULE = Rule(
    id="KW302",
    name="destructive-under-an-innocent-title",
    title="Something is deleted or cut off under a title that says something else",
    severity=Severity.WARNING,
    why="A reader decides by the heading whether a block may be pasted. Disk space monitoring that removes containers, or a cleaning of "
    "logs that removes "
    "volumes, is run every day by somebody who would not have run it under its own name. Sources: docker system prune (reference); "
    "systemctl(1).",
    bad="""# Disk space monitoring

```bash
df -h
docker system prune -f
```
""",
    good="""# Disk space monitoring

```bash
df -h
docker system df
```
""",
    check=_check,
)
