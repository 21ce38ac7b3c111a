"""KW216: a path that the caller gave is used after cd went elsewhere."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .saving import names_in
from .saying import short

_READERS = frozenset(
    ("tar", "gunzip", "gzip", "zcat", "unzip", "cat", "psql", "pg_restore", "mysql", "cp", "mv", "rsync", "source", ".", "openssl", "gpg")
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        given = _given(script) if script.complete else set()
        moved = next((one for one in script.named("cd") if _goes_elsewhere(one, given)), None) if given else None
        if moved is not None:
            command = next((one for one in script.commands[moved.index + 1 :] if one.name in _READERS and _uses(one, given)), None)
            if command is not None:
                name = next(name for word in command.words for name in word.variables if name in given)
                yield Finding(
                    command.line,
                    f"${name} is a path that the caller gives; behind {short(moved.text, 40)} in line {moved.line} a relative one points "
                    f"to nothing",
                    column=command.column,
                    width=len(command.name),
                    fix=f'{name if name != "1" else "FILE"}=$(realpath "$1") before the cd, or tar -C',
                )


def _given(script: Script) -> set[str]:
    """The variables that hold ``$1`` as it was given."""
    names = {
        one.name
        for one in script.assignments
        if one.value is not None and names_in(one.value.raw) == ("1",) and not one.value.has_substitution
    }
    return names | ({"1"} if not any("realpath" in command.text or "readlink" in command.text for command in script.commands) else set())


def _goes_elsewhere(command: ShellCommand, given: set[str]) -> bool:
    words = [word.filled for word in command.operands]
    variables = {name for word in command.operands for name in word.variables}
    return (
        bool(words)
        and words[0] not in ("-", ".")
        and not variables & {*given, "OLDPWD", "0", "BASH_SOURCE"}
        and command.depth == 0
        and not command.function
    )


def _uses(command: ShellCommand, given: set[str]) -> bool:
    words = [*command.words, *(part.target for part in command.redirections if not part.writes)]
    return any(set(word.variables) & given and word.filled.startswith(("$", '"$')) for word in words)


RULE = Rule(
    id="KW216",
    name="relative-name-after-cd",
    title="A path that the caller gave is used after cd",
    severity=Severity.ERROR,
    why="restore.sh backup.tar.gz names a file of the folder that the caller is in. After cd / the same name means /backup.tar.gz; in a "
    "restore "
    "the live files are often already moved away by then. Source: POSIX.1-2024, 4.16 Pathname Resolution; realpath(1).",
    bad="""# Restore

```bash
#!/bin/bash
# restore.sh
ARCHIVE="$1"
cd /
tar -xzf "$ARCHIVE"
```
""",
    good="""# Restore

```bash
#!/bin/bash
# restore.sh
ARCHIVE=$(realpath "$1")
cd /
tar -xzf "$ARCHIVE"
```
""",
    check=_check,
)
