"""KW957: a command was wrapped by an editor, and its rest has become a command of its own."""

import re
from collections.abc import Iterator
from itertools import pairwise

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Fence, Manual

_OPTION = re.compile(r"^\s*(?:\$ )?(?P<option>--?[A-Za-z][\w-]*)(?=[\s=)|]|$)")
_CONTINUED = re.compile(r"(\\|\||&&|\|\||\(|\{|'|\"|`)\s*$")


def _check(manual: Manual) -> Iterator[Finding]:
    for fence in manual.fences:
        if fence.script is not None:
            yield from _of_fence(fence, _hidden(fence))


def _hidden(fence: Fence) -> frozenset[int]:
    """Lines that are no commands: output, bodies of here-documents, SQL and other text inside quotes."""
    found = {line for line, _ in fence.output}
    for command in fence.script.commands if fence.script else ():
        if command.heredoc:
            found.update(range(command.heredoc.line, command.heredoc.end_line + 1))
    return frozenset(found)


def _of_fence(fence: Fence, hidden: frozenset[int]) -> Iterator[Finding]:
    lines = fence.lines
    quoted = False
    for (_, before), (number, text) in pairwise(lines):
        quoted ^= _odd(before)
        match = _OPTION.match(text)
        if not match or quoted or number in hidden or not before.strip() or before.lstrip().startswith("#") or _CONTINUED.search(before):
            continue
        yield Finding(
            number,
            f"{match['option']} begins a line, and no backslash ends the one before: the shell runs it as a command of its own",
            column=text.find(match["option"]) + 1,
            width=len(match["option"]),
            fix="a backslash at the end of the line before, or one line",
        )


def _odd(line: str) -> bool:
    """Whether a quoted text begins or ends on a line and goes on beyond it."""
    bare = re.sub(r"\\.", "", line)
    single = bare.count("'") % 2 == 1
    return (bare.count('"') % 2 == 1) != single


RULE = Rule(
    id="KW957",
    name="command-broken-by-a-line-wrap",
    title="A command is broken by a line wrap",
    severity=Severity.ERROR,
    why="Somebody's editor wrapped the line at 80 columns. The shell ends a command at the end of a line, runs the first half without "
    "its options, and answers "
    '"command not found" to the second; what was to be captured is empty. Source: POSIX.1-2024, Shell Command Language, '
    "2.2.1 (a backslash continues a line).",
    bad="# Routes\n\n```bash\nROUTE=$(oc -n openshift-monitoring get routes/main\n--no-headers | awk '{print $2}')\n```\n",
    good="# Routes\n\n```bash\nROUTE=$(oc -n openshift-monitoring get routes/main \\\n  --no-headers | awk '{print $2}')\n```\n",
    check=_check,
)
