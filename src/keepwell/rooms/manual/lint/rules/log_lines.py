"""The lines that a manual's own scripts write to log files, as fields, so that an awk over the same file can be held against them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Redirection, Script, ShellCommand

from .pattern_words import files_of, program_of, short

_EXPANSION = re.compile(r"\$\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|\$\w+|`[^`]*`")
_DATED = re.compile(r"\bdate\b[^+)]*\+[\"']?([^\"')]*)")
_SUM = re.compile(r"/(?P<label>[^/]+)/\s*\{[^}]*?\+=\s*\$(?P<field>\d+)")
_END = re.compile(r"\bEND\s*\{(.*)\}", re.DOTALL)
_PRINTS_ONE = re.compile(r"^\s*\{\s*print\s+\$(\d+)\s*;?\s*\}\s*$")


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line that an echo or printf writes to a file. ``fields`` is what awk would make of it, ``…`` standing for a value."""

    path: str
    line: int
    text: str
    fields: tuple[str, ...]


def written_lines(manual: Manual) -> list[WrittenLine]:
    """Every line that a script of the manual appends or writes to a file by echo or printf."""
    return [
        _written(redirection, command, script)
        for script in manual.scripts
        for command in script.named("echo", "printf")
        for redirection in command.redirections
        if redirection.of_output and redirection.writes and command.operands
    ]


def _written(redirection: Redirection, command: ShellCommand, script: Script) -> WrittenLine:
    text = " ".join(_shown(word.filled, script) for word in command.operands)
    return WrittenLine(redirection.target.filled, command.line, text, tuple(text.split()))


def _shown(text: str, script: Script) -> str:
    """The text with every expansion replaced: a date by as many words as its format has, all else by ``…``."""
    return _EXPANSION.sub(lambda match: _value(match[0], script), text)


def _value(expansion: str, script: Script) -> str:
    name = expansion.strip("${}`()")
    given = [assignment.value.filled for assignment in script.assigned(name) if assignment.value]
    dated = _DATED.search(given[0] if given else expansion)
    return " ".join("…" for _ in dated[1].split()) if dated else "…"


def divisor(command: ShellCommand) -> str:
    """The variable that an awk's END divides by although it may be 0; empty where there is none or it is looked at first."""
    end = _END.search(program_of(command))
    divided = re.search(r"[\w)\]]\s*/\s*([A-Za-z_]\w*)", end[1]) if end else None
    if end is None or divided is None or re.search(rf"\?|\bif\b|\b{divided[1]}\s*(?:&&|\|\|)", end[1]):
        return ""
    return divided[1] if re.search(rf"\b{divided[1]}\s*(?:\+\+|\+=)|\+\+{divided[1]}\b", program_of(command)) else ""


@dataclass(frozen=True, slots=True)
class WrongField:
    """An awk that reads another field than its words say: the command, the sentence and what to write instead."""

    command: ShellCommand
    sentence: str
    fix: str


def wrong_fields(manual: Manual) -> Iterator[WrongField]:
    """Every awk of the manual that reads another field than it means, or lines that have no such field."""
    written = written_lines(manual)
    by_path: dict[str, list[WrittenLine]] = {}
    for line in written:
        by_path.setdefault(line.path, []).append(line)
    for command in manual.commands if written else ():
        sentence, fix = _judge(command, by_path) if program_of(command) else ("", "")
        if sentence:
            yield WrongField(command, sentence + ("; with no such line it divides by 0" if divisor(command) else ""), fix)


def _judge(command: ShellCommand, by_path: dict[str, list[WrittenLine]]) -> tuple[str, str]:
    files = files_of(command)
    same = [line for path in files for line in by_path.get(path, [])]
    found = (
        (_other_label(command, same), "read that field, or write the log as name=value or JSON and search for the name"),
        (_only_a_mark(command, same or _siblings(files, by_path)), r"count the words of the message: sed -E 's/^\[[^]]*\] //' before sort"),
        (_lines_without(command, same), "take only the lines that have it: awk -F'LABEL' 'NF > 1 {print $2}'"),
    )
    return next(((sentence, fix) for sentence, fix in found if sentence), ("", ""))


def _other_label(command: ShellCommand, lines: list[WrittenLine]) -> str:
    """``/Memory:/ {sum+=$4}`` where the line written has the memory in field 6."""
    match = _SUM.search(program_of(command))
    if match is None:
        return ""
    label, wanted = match["label"].strip(), int(match["field"])
    for line in lines:
        at = next((number for number, field in enumerate(line.fields, 1) if label in field), None)
        if at is None:
            continue
        right = at + 1 if line.fields[at - 1].endswith(label) else at
        if wanted == right or label not in line.text:
            return ""
        there = line.fields[wanted - 2] if 2 <= wanted <= len(line.fields) else ""
        what = f"the value of '{short(there, 30)}'" if there.endswith((":", "=")) else "something else"
        return (
            f"field {wanted} is {what} in the line that line {line.line} writes to this file; '{short(label, 30)}' is followed by "
            f"field {right}"
        )
    return ""


def _only_a_mark(command: ShellCommand, lines: list[WrittenLine]) -> str:
    """``{print $4}`` counted or listed where field 4 is a dash."""
    match = _PRINTS_ONE.match(program_of(command))
    if match is None or command.has_flag("-F") or not lines:
        return ""
    number = int(match[1])
    if all(0 < number <= len(line.fields) and not re.search(r"[\w…]", line.fields[number - 1]) for line in lines):
        mark = lines[0].fields[number - 1]
        return (
            f"field {number} of the lines that this manual writes (as in line {lines[0].line}) is only '{short(mark, 20)}', so all of them "
            "are counted as one kind"
        )
    return ""


def _siblings(files: tuple[str, ...], by_path: dict[str, list[WrittenLine]]) -> list[WrittenLine]:
    """For a log that no script writes: the lines written to logs beside it that carry its name (error.log: those with ERROR)."""
    found = []
    for path in files:
        folder, _, name = path.rpartition("/")
        stem = name.partition(".")[0].upper()
        beside = [other for other in by_path if folder and stem and other.rpartition("/")[0] == folder]
        found += [line for other in beside for line in by_path[other] if stem in line.fields]
    return found


def _lines_without(command: ShellCommand, lines: list[WrittenLine]) -> str:
    """``awk -F'Response: ' '{print $2}'`` over a file that also gets lines without that label, summed further on."""
    separator = command.option("-F")
    if separator is None or not re.search(r"[A-Za-z]{3}", separator.filled) or not _PRINTS_ONE.match(program_of(command)):
        return ""
    label = separator.filled
    counts = any(re.search(r"\+\+|\bNR\b", program_of(part)) for part in command.pipeline[command.position + 1 :])
    filtered = any(label.strip() in word.filled for part in command.pipeline[: command.position] for word in part.operands)
    without = [line for line in lines if label not in line.text]
    if not counts or filtered or not without or len(without) == len(lines):
        return ""
    return (
        f"lines without '{short(label, 30)}', as line {without[0].line} writes them to this file, come out empty and count as 0 in "
        "the average"
    )
