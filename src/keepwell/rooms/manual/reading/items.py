"""The items inside a fence: its commands, assignments, comments, cron entries, statements and lines of output."""

import re
from collections.abc import Iterator

from .model import Fence, Item, Kind
from .shell_model import Script

_COMMENT = {
    "yaml": "#", "toml": "#", "ini": "#;", "systemd": "#;", "dockerfile": "#", "nginx": "#", "logrotate": "#", "crontab": "#",
    "promql": "#", "python": "#", "powershell": "#",
}  # fmt: skip
_SLASHED = frozenset(("json", "rust", "javascript", "js", "typescript", "ts", "go", "java", "c", "cpp"))


def fence_items(fence: Fence) -> Iterator[Item]:
    """The items that stand inside a fence."""
    found: list[tuple[Kind, int, int, str]] = []
    if fence.script:
        found += _shell(fence.script)
    else:
        found += [(Kind.COMMENT, line, line, text) for line, text in _comments(fence)]
    found += [(Kind.CRON, entry.line, entry.line, f"{entry.schedule} {entry.command}") for entry in fence.cron if not entry.commented]
    found += [(Kind.STATEMENT, part.line, part.end_line, part.text) for part in fence.statements]
    found += [(Kind.OUTPUT, line, line, text) for line, text in fence.output if text.strip()]
    for kind, line, end, text in sorted(found, key=lambda entry: entry[1]):
        yield Item(kind, line, min(end, fence.end_line), text, fence.section, language=fence.language)


def _shell(script: Script) -> Iterator[tuple[Kind, int, int, str]]:
    for command in script.commands:
        if command.depth == 0 and command.is_first and not (command.assignments and command.name in DECLARATIONS):
            ends = [part.heredoc.end_line if part.heredoc else part.end_line for part in command.pipeline]
            text = " | ".join(part.text for part in command.pipeline)
            yield Kind.COMMAND, command.line, max(command.end_line, *ends), text
    for assignment in script.assignments:
        if not assignment.prefix:
            value = assignment.value.raw if assignment.value else ""
            yield Kind.ASSIGNMENT, assignment.line, assignment.end_line, f"{assignment.name}={value}"
    for note in script.comments:
        yield Kind.COMMENT, note.line, note.line, note.text


DECLARATIONS = frozenset(("local", "export", "readonly", "declare", "typeset"))


def _comments(fence: Fence) -> Iterator[tuple[int, str]]:
    """Whole-line comments of languages that are not shell."""
    marks = _COMMENT.get(fence.language, "")
    for line, text in fence.lines:
        bare = text.strip()
        if marks and bare[:1] in marks and bare[:1]:
            yield line, bare.lstrip(marks).strip()
        elif fence.language in _SLASHED and bare.startswith("//"):
            yield line, bare.lstrip("/").strip()
        elif fence.language == "sql" and re.match(r"--(\s|$)", bare):
            yield line, bare.lstrip("-").strip()
