"""KW306: something is removed by a variable that may be empty."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word

from .deleting import find_deletes, removes_tree
from .saying import short

_FROM_ROOT = re.compile(r"(?:/|~|\$HOME|\$\{HOME\})/?\*?")
_LEADING = re.compile(r'"?\$(?:\{(?P<braced>\w+)\}|(?P<bare>\w+))"?/')
_SET_ELSEWHERE = frozenset(("HOME", "PWD", "TMPDIR", "USER", "RUNNER_TEMP", "GITHUB_WORKSPACE", "OLDPWD"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        removing = [(command, word) for command in script.commands for word in _targets(command)]
        reasons = {name: _why_empty(script, name) for name in {_leading(word) for _, word in removing} if name}
        for command, word in removing:
            sentence = _from_root(command, word) or _from_variable(script, command, word, reasons)
            if sentence:
                fix = '"${NAME:?is not set}/...", which ends the script instead'
                yield Finding(command.line, sentence, column=word.column, width=len(word.raw), fix=fix)


def _leading(word: Word) -> str:
    """The variable that a path begins with."""
    match = _LEADING.match(word.raw)
    return (match["braced"] or match["bare"]) if match else ""


def _from_root(command: ShellCommand, word: Word) -> str:
    everything = _FROM_ROOT.fullmatch(word.raw.strip("\"'")) and removes_tree(command)
    return f"{short(command.text, 60)} removes everything below {word.raw}" if everything else ""


def _from_variable(script: Script, command: ShellCommand, word: Word, reasons: dict[str, str]) -> str:
    name = _leading(word)
    match = _LEADING.match(word.raw)
    why = reasons.get(name, "")
    if match is None or not why or name in _SET_ELSEWHERE or command.strict.nounset or not (script.complete or script.assigned(name)):
        return ""
    rest = word.raw[match.end() - 1 :].strip("\"'")
    return f"${name} {why}; where it is empty, {command.name} works on {short(rest, 50)} of the whole machine"


def _targets(command: ShellCommand) -> tuple[Word, ...]:
    if removes_tree(command):
        return command.operands
    if find_deletes(command):
        return command.arguments[:1]
    return command.operands[1:] if command.name in ("chown", "chmod") and command.has_flag("-R", "--recursive") else ()


def _why_empty(script: Script, name: str) -> str:
    """Why a variable may be empty; nothing where it is checked, or set to text."""
    if name.isdigit():
        return "" if _checked(script, name) else "is whatever the caller gives"
    values = script.assigned(name)
    if (
        "mktemp" in " ".join(one.value.raw for one in values if one.value is not None)
        or _checked(script, name)
        or any(one.name == name for one in script.assignments if one.keyword in ("read", "for"))
    ):
        return ""
    if not values:
        loops = [block.variable for block in script.blocks]
        return (
            ""
            if name in loops or any(read.name == "read" and name in read.text for read in script.commands)
            else "is never set in this script"
        )
    texts = [one.value for one in values if one.value is not None]
    if all(one.raw.strip('"') in (f"${name}", "$1", "$2", "${1}") or one.raw.strip('"').startswith("$(") for one in texts) and texts:
        return "comes from a command or the caller"
    return ""


def _checked(script: Script, name: str) -> bool:
    if re.search(rf"\$\{{{re.escape(name)}(?::?[?=-])", script.text):
        return True
    return any(
        name in (test.right.variables + (test.left.variables if test.left is not None else ()))
        for command in script.commands
        for test in command.tests
    )


RULE = Rule(
    id="KW306",
    name="removes-by-a-variable-that-may-be-empty",
    title="Something is removed by a variable that may be empty",
    severity=Severity.ERROR,
    why='rm -rf "$DIR/data" is rm -rf /data where DIR was never set, was misspelt, or the command that fills it failed. '
    "Source: POSIX.1-2024, Shell Command Language, 2.6.2 (${parameter:?}); ShellCheck, SC2115.",
    bad="""# Cleanup

```bash
#!/bin/bash
# cleanup.sh
WORK=$(cat /etc/shop/workdir)
rm -rf "$WORK/cache"
```
""",
    good="""# Cleanup

```bash
#!/bin/bash
# cleanup.sh
WORK=$(cat /etc/shop/workdir)
rm -rf "${WORK:?}/cache"
```
""",
    check=_check,
)
