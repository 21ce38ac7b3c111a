"""KW109: a here-document writes a script and expands what the script should."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.embedded import written_file
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_SHELLS = frozenset(("sh", "bash", "zsh", "ksh", "dash"))
_EXPANSION = re.compile(r"(?<!\\)(?:\\\\)*(\$\?|\$\(|`|\$[1-9@*#]|\$\{?([A-Za-z_]\w*)\}?)")

_ASSIGNED = re.compile(r"(?:^|[;&|]|\blocal |\bexport |\bfor |\bread )\s*([A-Za-z_]\w*)(?==| in |\s*$)")
_HANDED_OVER = re.compile(r"(?m)^\s*(?:export )?([A-Za-z_]\w*)=[\"']?\$\{?\1\b")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if command.heredoc is not None and command.heredoc.expands and _becomes_a_script(command):
                yield from _first(script, command)


def _becomes_a_script(command: ShellCommand) -> bool:
    body = command.heredoc.body if command.heredoc else ""
    fed = command.name in _SHELLS or bool(command.wrappers and command.wrappers[-1] == "ssh") or command.name == "ssh"
    target = written_file(command)
    return fed or body.startswith("#!/") or (target is not None and target.filled.endswith((".sh", ".bash")))


def _first(script: Script, command: ShellCommand) -> Iterator[Finding]:
    """The first expansion in it that was meant for later."""
    here = command.heredoc
    if here is None:
        return
    outer = {assignment.name for assignment in script.assignments if not here.line <= assignment.line <= here.end_line}
    outer |= set(_HANDED_OVER.findall(here.body))
    written = here.body.startswith("#!/") or written_file(command) is not None
    assigned: set[str] = set()
    for number, text in enumerate(here.body.split("\n"), here.line):
        if text.lstrip().startswith("#"):
            continue
        for match in _EXPANSION.finditer(text):
            name = match[2]
            if (name in assigned and name not in outer) if name else (written or match[1] == "$?"):
                yield Finding(
                    number,
                    f"{match[1]} is expanded while the script is written, not when it runs: the delimiter {here.delimiter} is unquoted",
                    column=match.start(1) + 1,
                    width=len(match[1]),
                    fix=f"<< '{here.delimiter}'{_inner(text[: match.start(1)], match[1])}",
                )
                return
        assigned.update(_ASSIGNED.findall(text))


def _inner(before: str, what: str) -> str:
    """What must be mended as well where it stands inside ``bash -c "..."``, which the shell that runs the script expands too."""
    found = before.rpartition('sh -c "')
    nested = bool(found[1]) and re.search(r'(?<!\\)"', found[2]) is None
    return f', and \\{what} inside bash -c "...", which the shell of the script would expand' if nested else ""


RULE = Rule(
    id="KW109",
    name="expanded-too-early",
    title="A here-document expands what the script in it should",
    severity=Severity.ERROR,
    why="With an unquoted delimiter the shell that writes the here-document expands $?, $(...), backticks and $NAME in it. A script "
    "written that way contains the values of the moment of writing, mostly nothing or 0: its tests judge a constant. Source: "
    "POSIX.1-2024, Shell Command Language, 2.7.4.",
    bad="""# Deploy

```bash
cat > check.sh << EOF
#!/bin/bash
curl -fs http://localhost:8080/health
if [ $? -ne 0 ]; then exit 1; fi
EOF
```
""",
    good="""# Deploy

```bash
cat > check.sh << 'EOF'
#!/bin/bash
curl -fs http://localhost:8080/health
if [ $? -ne 0 ]; then exit 1; fi
EOF
```
""",
    check=_check,
)
