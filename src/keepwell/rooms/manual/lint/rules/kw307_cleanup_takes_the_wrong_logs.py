"""KW307: a cleanup of logs spares the rotated ones and takes the live ones."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .deleting import find_deletes, find_roots, found_by

_SYSTEM = frozenset(("/var/log", "/var/log/"))
_DATED = re.compile(r"\.log\.?-?(?:YYYY|\$\(date|20\d\d)|[-_](?:YYYY|20\d\d|%Y)[\w%-]*\.log", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    dated = any(_DATED.search(text) for text in manual.lines)
    for command in manual.commands:
        packs = found_by(command) in ("gzip", "bzip2", "xz", "zstd") if command.name == "find" else False
        if command.name != "find" or not (find_deletes(command) or packs):
            continue
        pattern = command.option("-name", "-iname")
        name = pattern.filled if pattern is not None else ""
        if name == "*.log" and not dated:
            yield _finding(
                command,
                _of_live(packs),
                "let logrotate do it, with copytruncate or a postrotate that reopens" + ("" if packs else "; delete by '*.log.*'"),
            )
        elif name in ("*.log", "*.log*", "*") and set(find_roots(command)) & _SYSTEM and not packs:
            yield _finding(
                command,
                f"this deletes whatever is called {name} below /var/log, of every program of the machine, also files that are still being "
                f"written",
                "name the service's own folder, and rotated files only ('*.log.*.gz'); logrotate and journald keep the rest",
            )


def _of_live(packs: bool) -> str:
    if packs:
        return (
            "*.log is the file that is written to, not a rotated one: a quiet log is packed while its program holds it open, and what "
            "comes later is lost"
        )
    return (
        "*.log never matches rotated files (.log.1, .log.2.gz), which therefore stay for ever, and deletes a live log that was quiet "
        "for that long"
    )


def _finding(command: ShellCommand, sentence: str, fix: str) -> Finding:
    return Finding(command.line, sentence, column=command.column, width=len(command.name), fix=fix)


RULE = Rule(
    id="KW307",
    name="cleanup-takes-the-wrong-logs",
    title="A cleanup of logs takes the wrong ones",
    severity=Severity.ERROR,
    why="Rotation renames app.log to app.log.1 and later app.log.2.gz. The pattern *.log meets only the file that is being written: a "
    "process goes on writing to "
    "the deleted or renamed file, and its space is not even given back. Sources: logrotate(8); find(1), -name; unlink(2).",
    bad="""# Cleanup

```bash
find /var/log/shop -name "*.log" -mtime +30 -delete
```
""",
    good="""# Cleanup

```bash
find /var/log/shop -name "*.log.*" -mtime +30 -delete
```
""",
    check=_check,
)
