"""KW107: a check or maintenance script that always exits with 0."""

from collections.abc import Iterator
from posixpath import basename

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import calls_itself_a_check
from keepwell.rooms.manual.lint.rules.kw106_success_said_unconditionally import unconditional_successes
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_SAYS = frozenset(
    (
        "echo",
        "printf",
        "date",
        "sleep",
        "set",
        "mkdir",
        "cd",
        "export",
        "local",
        "trap",
        "cat",
        "[",
        "[[",
        "((",
        "test",
        "command",
        "tee",
        "",
    )
)
_LEAST = 3


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if not calls_itself_a_check(manual, script) or any(unconditional_successes(script)):
            continue
        probes = [command for command in script.commands if command.depth == 0 and command.is_first and _probes(command)]
        if len(probes) >= _LEAST and not any(_can_fail(command, script) for command in script.commands) and not script.traps:
            name = basename(script.file) or "the script"
            yield Finding(
                _line(script),
                f"{name} judges none of its {len(probes)} commands: it ends with 0 whatever they find, "
                "so no job and no monitor sees a failure",
                fix="judge each step (step || failed=1), tell somebody, and end with exit $failed",
            )


def _probes(command: ShellCommand) -> bool:
    """Whether a pipeline asks something: ``echo | openssl s_client`` does, ``echo | tee report`` does not."""
    return command.name not in _SAYS or (command.name == "echo" and any(part.name not in _SAYS for part in command.pipeline))


def _can_fail(command: ShellCommand, script: Script) -> bool:
    """Whether it ends the script, or decides something by what a probe came to (not by whether a program is installed)."""
    if command.strict.errexit:
        return True
    if command.name in ("exit", "return"):
        return command.subcommand not in ("", "0")
    if command.condition_of:
        return command.name not in ("command", "which", "type", "hash")
    if command.status.how == "asked":
        uses = [use.by for use in script.status_uses if use.of == command.index]
        return any(by is None or script.commands[by].name not in ("echo", "printf") for by in uses)
    if command.status.how == "or":
        return True
    return command.name.startswith(("alert", "notify", "send_", "mail"))


def _line(script: Script) -> int:
    """The line of the comment that names the file, else the first."""
    name = basename(script.file)
    return next((note.line for note in script.comments if name and name in note.text), script.line)


RULE = Rule(
    id="KW107",
    name="script-that-cannot-fail",
    title="A script of checks always ends with 0",
    severity=Severity.WARNING,
    why="A scheduler, a monitor and a colleague who calls a script see its exit status. A script without set -e ends with the status of "
    "its last command, mostly an echo: 0. A round of checks that nobody reads line by line then never fails. Source: POSIX.1-2024, "
    "Shell Command Language, 2.8.2 and 2.9.3.",
    bad="""# Daily

```bash
#!/bin/bash
# /opt/shop/daily-check.sh
systemctl status shop --no-pager
df -h /var
free -m
echo "Daily check complete"
```
""",
    good="""# Daily

```bash
#!/bin/bash
# /opt/shop/daily-check.sh
failed=0
systemctl is-active --quiet shop || failed=1
test "$(df --output=pcent /var | tail -1 | tr -dc 0-9)" -lt 90 || failed=1
free -m
exit $failed
```
""",
    check=_check,
)
