"""Pipelines over logs, stage by stage: what is chosen, what is made of it, and whether every word of it is understood. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .client_words import only, options, written
from .model import View

SEARCHES = ("grep", "zgrep", "egrep", "fgrep", "rg", "zegrep")
_SHOWS = ("cat", "zcat", "tail", "head", "less", "more", "multitail", "lnav", "tac")
_SHAPES = ("awk", "gawk", "mawk", "sed", "cut", "sort", "uniq", "wc", "tr", "tee", "column")
TOOLS = (*SEARCHES, *_SHOWS, *_SHAPES)
_FLAGS = {
    "grep": options(
        "-i -E -v -c -n -F -w -P -h -H -r -R -o -q -A -B -C -m -e -a -s -x -l -L -z -G --color --include --exclude "
        "--line-buffered --no-filename"
    ),
    "tail": options("-n -f -F -c -q --lines --follow --retry --pid"),
    "head": options("-n -c -q --lines --bytes"),
    "cat": ["-n", "-A", "-s"],
    "cut": options("-d -f -c -b --delimiter --fields --complement --output-delimiter -s"),
    "sort": options("-n -r -k -t -u -h -g -V -f -b -d -s -M --numeric-sort --reverse --key --human-numeric-sort"),
    "uniq": options("-c -d -u -i -f -s -w --count"),
    "wc": options("-l -c -w -m --lines"),
    "tr": ["-d", "-s", "-c"],
    "tee": ["-a", "--append"],
    "awk": ["-F", "-v", "--field-separator"],
    "sed": options("-n -E -r -e --quiet --regexp-extended"),
    "column": ["-t", "-s"],
}
_SAME = {"zgrep": "grep", "egrep": "grep", "fgrep": "grep", "zegrep": "grep", "zcat": "cat", "gawk": "awk", "mawk": "awk", "tac": "cat"}
_CONDITION = r"(?:/(?:[^/\\]|\\.)+/|[$\w\s.\"'=<>!~&|+*/()%:-]+)?"
_PRINTS = re.compile(rf"\s*{_CONDITION}\s*(?:\{{\s*(?:print|printf)\b[^{{}}`|>]*\}})?\s*", re.DOTALL)
_SUMS = re.compile(r".*(?:\+=|\+\+).*END\s*\{[^`|]*\b(?:print|printf)\b.*", re.DOTALL)
_ACTS = re.compile(r"\bsystem\s*\(|\bgetline\b|\|\s*[\"(]|\bprint[^;}]*>>?\s*[\"$/]")
"""What an awk program has that starts programs or writes files."""
_BASIC = re.compile(r"\\([|(){}+?])|([|(){}+?])")
"""In a basic regular expression these mean themselves, and behind a backslash what they mean elsewhere."""
_PART = r"(?:[^/\\]|\\.)*"
_SCRIPT = rf"(?:\d*,?\d*[pd]|\$d|/{_PART}/[dp]|s/{_PART}/{_PART}/[gip0-9]*|s\|[^|]*\|[^|]*\|[gip0-9]*|s#[^#]*#[^#]*#[gip0-9]*)"
_SUBSTITUTES = re.compile(rf"{_SCRIPT}(?:;\s*{_SCRIPT})*", re.DOTALL)
_LONGEST = 400
"""A program longer than this is nobody's one-liner."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a pipeline over logs does. ``operation`` is search, count, top, statistics, follow or show; ``understood`` whether all its
    words are.

    ``patterns`` are what is looked for, ``by`` what lines are grouped by, ``last`` how many lines are shown, ``figure`` what is computed.
    """

    operation: str
    paths: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    not_patterns: tuple[str, ...] = ()
    by: str = ""
    last: int = 0
    figure: str = ""
    understood: bool = True
    strangers: tuple[ShellCommand, ...] = field(default=())
    """Programs that are no tool for lines: what the lines are handed to."""


def shape_of(view: View, commands: Sequence[ShellCommand]) -> Shape | None:
    """The shape of a pipeline that reads files itself; None where it reads what another program wrote, or no file at all."""
    first = commands[0]
    paths = _paths(view, first)
    if first.name not in TOOLS or not paths or any(_acts(command) for command in commands):
        return None
    strangers = tuple(command for command in commands if command.name not in TOOLS)
    understood = not strangers and all(_is_understood(view, command) for command in commands)
    searches = [command for command in commands if command.name in SEARCHES]
    wanted = tuple(text for command in searches if not command.has_flag("-v") for text in _patterns(view, command))
    left_out = tuple(text for command in searches if command.has_flag("-v") for text in _patterns(view, command))
    return Shape(
        _operation(commands),
        paths,
        wanted,
        left_out,
        _grouped_by(view, commands),
        _lines(view, commands),
        _figure(view, commands),
        understood,
        strangers,
    )


def _acts(command: ShellCommand) -> bool:
    """Whether a tool does more than choose and count lines: it writes files of its own, or starts programs."""
    if _SAME.get(command.name, command.name) == "awk":
        return any(_ACTS.search(word.filled) for word in command.operands[:1])
    if command.name == "sed":
        return command.has_flag("-i", "--in-place", "-s")
    return command.name == "sort" and command.has_flag("-o", "--output")


def _paths(view: View, command: ShellCommand) -> tuple[str, ...]:
    """The files that a tool reads: behind the pattern or program, where it has one."""
    operands = [written(view, word) for word in command.operands]
    takes_text = command.name in SEARCHES and not command.options("-e", "-f", "--regexp", "--file")
    takes_text = takes_text or (
        _SAME.get(command.name, command.name) in ("awk", "sed") and not command.options("-f", "--file", "-e", "--expression")
    )
    given = tuple(written(view, part.target) for part in command.redirections if part.operator == "<")
    return (*operands[1 if takes_text else 0 :], *given)


def _patterns(view: View, command: ShellCommand) -> list[str]:
    """What a grep looks for, as one kind of regular expression whatever its options are (regex(7))."""
    words = command.options("-e", "--regexp") or command.operands[:1]
    found = [written(view, word) for word in words]
    if any(word.has_substitution for word in words):
        return found
    if command.has_flag("-F") or command.name == "fgrep":
        found = [re.escape(text) for text in found]
    elif not command.has_flag("-E", "-P") and command.name in ("grep", "zgrep"):
        found = [_BASIC.sub(lambda match: match[1] or f"\\{match[2]}", text) for text in found]
    if command.has_flag("-w"):
        found = [rf"\b(?:{text})\b" for text in found]
    return [f"(?i){text}" for text in found] if command.has_flag("-i") else found


def _is_understood(view: View, command: ShellCommand) -> bool:
    name = _SAME.get(command.name, command.name)
    if name not in _FLAGS or not only(command, _FLAGS[name]):
        return False
    if name == "awk":
        program = command.operands[0].filled if command.operands else ""
        return len(program) <= _LONGEST and bool(_PRINTS.fullmatch(program) or _SUMS.fullmatch(program))
    if name == "sed":
        words = [word.filled for word in command.options("-e", "--expression")] or [word.filled for word in command.operands[:1]]
        return all(len(word) <= _LONGEST and _SUBSTITUTES.fullmatch(word) for word in words)
    return True


def _operation(commands: Sequence[ShellCommand]) -> str:
    names = [_SAME.get(command.name, command.name) for command in commands]
    if any(command.name == "tail" and command.has_flag("-f", "-F", "--follow", "--retry") for command in commands):
        return "follow"
    if any(_computes(command) for command in commands):
        return "statistics"
    if "uniq" in names and "sort" in names:
        return "top"
    counts = any(command.has_flag("-c") for command in commands if command.name in SEARCHES)
    if counts or any(command.name == "wc" for command in commands):
        return "count"
    return "search" if "grep" in names else "show"


def _computes(command: ShellCommand) -> bool:
    return _SAME.get(command.name, command.name) == "awk" and any(
        len(word.filled) <= _LONGEST and _SUMS.fullmatch(word.filled) for word in command.operands[:1]
    )


def _grouped_by(view: View, commands: Sequence[ShellCommand]) -> str:
    """The fields by which lines are counted: ``field 1``, ``fields 1-3``."""
    if not any(command.name == "uniq" for command in commands):
        return ""
    for command in commands:
        fields = command.option("-f", "--fields") if command.name == "cut" else None
        if fields is not None:
            text = written(view, fields)
            return f"field{'s' if re.search('[-,]', text) else ''} {text}"
        match = (
            re.fullmatch(r".*\{\s*print\s+\$(\w+)\s*\}\s*", command.operands[0].filled)
            if _SAME.get(command.name, command.name) == "awk" and command.operands
            else None
        )
        if match:
            return f"field {match[1]}"
    return "line"


def _lines(view: View, commands: Sequence[ShellCommand]) -> int:
    """How many lines are shown: of the last head or tail, ten where it says nothing."""
    for command in reversed(commands):
        if command.name in ("tail", "head"):
            value = command.option("-n", "--lines")
            short = next((word.filled for word in command.arguments if re.fullmatch(r"-\d+", word.filled)), "")
            digits = re.sub(r"\D", "", written(view, value) if value else short)
            return int(digits[:7]) if digits else 10
    return 0


def _figure(view: View, commands: Sequence[ShellCommand]) -> str:
    """What is averaged or summed: the label that stands before the number."""
    if not any(_computes(command) for command in commands):
        return ""
    labels = [written(view, word) for command in commands for word in command.options("-F", "--field-separator")]
    labels += [match[1] for command in commands for word in command.operands[:1] if (match := re.match(r"\s*/([^/]+)/", word.filled))]
    return next((re.sub(r"[^\w ]", "", label).strip() for label in labels if len(label.strip()) > 2), "")
