"""KW714: an echo announces an action that no command does."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .tasks import verb_of

_ANNOUNCES = re.compile(
    r"^[\s\d.)*\\n>-]*(?P<action>escalating|sending|notifying|alerting|paging|restarting|rolling "
    r"back|uploading|deploying|restoring|stopping|starting|"
    r"deleting|removing|cleaning|backing up|rotating|creating|compressing|archiving|attempting|syncing)\b",
    re.IGNORECASE,
)
_CHANGES = re.compile(r"^(update|renew|apply|upgrade|install|deploy|delete|remove|clean|sync|rotate|migrate|rebuild)$")
_REHEARSED = re.compile(r"\b(dry[- ]?run|test|check|verify|simulat\w*|preview|would|rehears\w*|see what)\b", re.IGNORECASE)
_SAYING = frozenset(("echo", "printf"))
_FEWEST = 4


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        yield from announced(script)
        yield from _rehearsed(manual, script)
        yield from _only_prints(script)


def announced(script: Script) -> Iterator[Finding]:
    """An echo that says what is done now, with no command behind it that does it."""
    if all(command.name in _SAYING for command in script.commands if not command.depth):
        return
    blocks = [set(part) for block in script.blocks for part in (block.body, block.otherwise) if part]
    for command in script.commands:
        said = _ANNOUNCES.search(_text(command)) if command.name in _SAYING and not command.depth and command.output.how != "file" else None
        after = command.next
        ended = after is None or any(command.index in block and after.index not in block for block in blocks)
        if said and command.is_last and (ended or _says(after)) and not _in_function_without(script, command):
            yield Finding(
                command.line,
                f'"{_text(command).strip()[:120]}" is said, and no command does it',
                column=command.column,
                width=len(command.name),
                fix="do it here, or say who has to, and how",
            )


def _text(command: ShellCommand) -> str:
    return " ".join(word.filled for word in command.arguments if word.filled not in ("-e", "-n"))


def _says(command: ShellCommand | None) -> bool:
    return command is not None and command.name in _SAYING and not any(part.name not in _SAYING for part in command.pipeline)


def _in_function_without(script: Script, command: ShellCommand) -> bool:
    """Whether it is the work of a function to say so (``log_start``)."""
    return bool(command.function) and all(part.name in _SAYING for part in script.commands if part.function == command.function)


def _rehearsed(manual: Manual, script: Script) -> Iterator[Finding]:
    for command in script.commands:
        flag = next((flag for flag in command.flags if flag in ("--dry-run", "--simulate", "--just-print")), "")
        comment = script.comment_above(command.line)
        around = f"{comment} {manual.section_of(command.line).title}"
        if flag and _CHANGES.match(verb_of(comment)) and not _REHEARSED.search(around):
            yield Finding(
                command.line,
                f'"{comment[:100]}" is promised, and {command.name} {command.subcommand} {flag} only rehearses it'.replace("  ", " "),
                command.end_line,
                command.column,
                f"leave {flag} out, or call it a test",
                width=len(command.name),
            )


def _only_prints(script: Script) -> Iterator[Finding]:
    """A script of nothing but echoes, some of which hold commands."""
    outer = [command for command in script.commands if not command.depth]
    if not script.complete or len(outer) < _FEWEST or any(command.name not in _SAYING for command in outer):
        return
    held = [command for command in outer if re.search(r":\s+[a-z][\w-]+ (\S+ )*(-|\S*[/>=]|delete|restart)", _text(command))]
    if len(held) >= 2:
        yield Finding(
            held[0].line,
            f"this script only prints what should be done, {len(held)} lines of it whole commands, and runs none of them",
            column=held[0].column,
            width=len(held[0].name),
            fix="run the commands, or show them as steps instead of a script",
        )


RULE = Rule(
    id="KW714",
    name="says-it-and-does-not",
    title="An action is announced and not done",
    severity=Severity.WARNING,
    why="The output says that somebody was called or that the certificate is being renewed, so nobody does it by hand. No command "
    "follows, or the command "
    "only rehearses. Source: certbot(1), --dry-run; Google, Site Reliability Workbook, On-Call (playbooks).",
    bad="""# Incident

```bash
#!/bin/bash
if ! systemctl restart shop; then
    echo "Escalating to the on-call engineer..."
    # send an alert with the diagnosis
fi
```
""",
    good="""# Incident

```bash
#!/bin/bash
if ! systemctl restart shop; then
    echo "Escalating to the on-call engineer..."
    journalctl -u shop --since "1 hour ago" | mail -s "shop is down" oncall@shop.example.org
fi
```
""",
    check=_check,
)
