"""ShellCheck over a manual: all its scripts as one text on standard input, and its answers back at the manual's lines. Pure.

One call for a manual, since most of a call's time is its start. Each script becomes a function, so that what one sets up does not count
for the next.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script

from .model import Finding, Severity

ARGUMENTS = ("--format=json1", "--shell=bash", "--severity=warning", "--norc", "-")
WIKI = "https://www.shellcheck.net/wiki/"

NEVER = {
    1128: "the shebang line is first in its fence; here it is inside a function",
    2096: "as above: the shebang line",
    2239: "as above: the shebang line",
    1090: "the file to follow is on the reader's machine",
    1091: "the file to follow is on the reader's machine",
    2119: "a script's own arguments look like those of a function that is called without any",
    2120: "as above",
    2034: "KW7 rules look for what is set and never used, in the whole manual",
    2115: "KW3 rules name deletions that reach too far, and know which variables are set",
    2155: "KW1 rules name the places where the lost status matters",
    2317: "the function around a script is never called",
    2329: "the function around a script is never called",
    2030: "the scripts of a manual are no parts of each other",
    2031: "as above",
    2218: "functions of another script are no functions of this one",
    2318: "as above",
    2088: "a tilde in quotes is mostly prose of an echo",
}
"""Codes that make no sense for scripts in a manual, and why."""

NOT_ON_PASTED = {
    2154: "what is not set here was set by the lines pasted before",
    2164: "whoever pastes lines sees that cd failed",
    2046: "whoever pastes lines sees what they expand to, and often means the splitting",
    2148: "lines to paste have no shebang line",
    2104: "break and continue in lines out of a loop",
    2105: "as above",
    2162: "read is for the person who pastes",
    1083: "braces around what is to be filled in",
}
"""Codes that make no sense for lines that are pasted into a terminal, and why."""

# What these print has no spaces in it.
_ONE_WORD = re.compile(r"(?:\$\(|`)\s*(?:date|nproc|id|hostname|pgrep|pidof|whoami|uname|arch|mktemp)\b")
# A line that begins with an option is KW957, which says what to write.
_FLAG_AS_COMMAND = 2215
_SYNTAX = range(1000, 2000)
_FATAL = frozenset((1072, 1073, 1088, 1089, 1056, 1070))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The text for ShellCheck: ``starts[i]`` is its line on which script ``i`` begins."""

    text: str
    scripts: tuple[Script, ...]
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What ShellCheck said of one place, in its own lines."""

    code: int
    level: str
    message: str
    line: int
    end_line: int
    column: int
    end_column: int


def bundle(manual: Manual, without: frozenset[int] = frozenset()) -> Bundle:
    """All shell of a manual that can be parsed, except the scripts that begin at these lines."""
    scripts = [
        script
        for script in manual.scripts
        if script.origin in ("fence", "console", "heredoc") and not script.errors and script.line not in without and script.commands
    ]
    parts: list[str] = []
    starts: list[int] = []
    line = 1
    for number, script in enumerate(scripts):
        code = script.code.rstrip("\n")
        parts.append(f"keepwell_{number}() {{\n{code}\n:\n}}\n")
        starts.append(line + 1)
        line += code.count("\n") + 4
    return Bundle("".join(parts), tuple(scripts), tuple(starts))


def read_answers(output: str) -> tuple[Answer, ...]:
    """The answers in what ShellCheck printed. Raises ValueError where it is not its JSON."""
    comments = json.loads(output)["comments"]
    return tuple(
        Answer(part["code"], part["level"], part["message"], part["line"], part["endLine"], part["column"], part["endColumn"])
        for part in comments
    )


def unparsable(answers: Sequence[Answer], asked: Bundle) -> frozenset[int]:
    """The lines where the scripts begin that ShellCheck could not parse: nothing behind them was looked at."""
    fatal = [answer.line for answer in answers if answer.code in _FATAL]
    return frozenset(asked.scripts[number].line for line in fatal[-1:] if (number := _number(asked, line)) is not None)


def findings(manual: Manual, asked: Bundle, answers: Sequence[Answer]) -> Iterator[Finding]:
    """The answers as findings at the manual's lines."""
    for answer in answers:
        number = _number(asked, answer.line)
        if number is None or answer.code in NEVER or answer.code in _FATAL:
            continue
        script, start = asked.scripts[number], asked.starts[number]
        line = script.line + answer.line - start
        if not script.complete and answer.code in NOT_ON_PASTED:
            continue
        if answer.code == _FLAG_AS_COMMAND and not script.code.split("\n")[answer.line - start][: answer.column - 1].strip():
            continue
        if answer.code == 2046 and _ONE_WORD.match(script.code.split("\n")[answer.line - start], answer.column - 1):
            continue
        end = min(script.line + answer.end_line - start, script.end_line)
        one_line = answer.line == answer.end_line
        yield Finding(
            line,
            " ".join(answer.message.split()).rstrip("."),
            max(line, end),
            answer.column + _offset(manual, script, line),
            "",
            max(1, answer.end_column - answer.column) if one_line else 1,
            f"SC{answer.code}",
            Severity.ERROR if answer.level == "error" and answer.code not in _SYNTAX else Severity.WARNING,
        )


def _number(asked: Bundle, line: int) -> int | None:
    """Which script a line of the bundle is in; None for the lines around them."""
    number = bisect_right(asked.starts, line) - 1
    inside = number >= 0 and line < asked.starts[number] + asked.scripts[number].code.rstrip("\n").count("\n") + 1
    return number if inside else None


def _offset(manual: Manual, script: Script, line: int) -> int:
    """How many characters stand before the script's line in the manual."""
    lines = script.text.split("\n")
    own = lines[line - script.line] if line - script.line < len(lines) else ""
    whole = manual.line_text(line)
    return max(0, len(whole) - len(own)) if own and whole.endswith(own) else 0
