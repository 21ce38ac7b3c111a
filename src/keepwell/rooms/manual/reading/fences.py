"""What a fence is parsed into, by its language. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .crontab import cron_entries, is_cron_line
from .embedded import embedded
from .languages import canonical, detect, starts_with_a_command
from .parts import CronEntry, Setting, Statement
from .settings import READERS, NotParsed
from .shell import Piece, file_header, read_shell
from .shell_model import Script
from .sql import statements

if TYPE_CHECKING:
    from .model import Fence

_PROMPT = re.compile(
    r"^(\s*)(?:\[[^\]\n]{1,60}\]|\([^)\n]{1,40}\)\s*|[\w.-]+@[\w.-]+[:~/\w.-]*\s?)?([$#%]|PS>|mysql>|[a-z_]+=[#>])(\s+)(?=\S)"
)
_CONTINUED = re.compile(r"\\\s*$")
SHELLS = frozenset(("bash", "sh", "zsh", "ksh", "dash", "shell"))


@dataclass(frozen=True, slots=True)
class Parsed:
    """The parts of a fence; see ``Fence`` and ``Manual`` for each."""

    language: str
    file: str = ""
    script: Script | None = None
    scripts: tuple[Script, ...] = ()
    settings: tuple[Setting, ...] = ()
    statements: tuple[Statement, ...] = ()
    cron: tuple[CronEntry, ...] = ()
    output: tuple[tuple[int, str], ...] = ()
    error: str = ""
    error_line: int = 0


def parse_fence(fence: "Fence", document: Sequence[str]) -> Parsed:
    """What is in a fence. ``document`` are the lines of the manual: from them comes how far the fence is indented."""
    lines = [text for _, text in fence.lines]
    file = file_header(lines)
    language = detect(canonical(fence.declared), fence.declared, lines, file)
    offsets = [_offset(document, fence.first + at, text) for at, text in enumerate(lines)]
    match language:
        case "shell":
            return _shell(fence, lines, file, offsets)
        case "console":
            return _console(fence, lines, offsets)
        case "crontab":
            entries = tuple(cron_entries(lines, fence.first, fence.section, file))
            return Parsed(language, file, scripts=tuple(entry.script for entry in entries), cron=entries)
        case "sql":
            return Parsed(language, file, statements=tuple(statements(fence.content, fence.first)))
        case _ if language in READERS:
            return _settings(fence, language, file)
        case _:
            return Parsed(language, file)


def whole_fence(fence: "Fence", parsed: Parsed) -> "Fence":
    """The fence together with what it was parsed into."""
    own = parsed.cron if parsed.language in ("crontab", "shell") else ()
    settings = parsed.settings if parsed.language in READERS else ()
    statements_ = parsed.statements if parsed.language == "sql" else ()
    return replace(
        fence, language=parsed.language, file=parsed.file, script=parsed.script, settings=settings, statements=statements_, cron=own,
        output=parsed.output, error=parsed.error, error_line=parsed.error_line,
    )  # fmt: skip


def _offset(document: Sequence[str], line: int, text: str) -> int:
    """How many characters stand before a line of content in the manual."""
    whole = document[line - 1] if line <= len(document) else text
    return len(whole) - len(text) if whole.endswith(text) else 0


def _shell(fence: "Fence", lines: Sequence[str], file: str, offsets: Sequence[int]) -> Parsed:
    """Shell; crontab lines in it are taken out, for they are no shell."""
    hidden = frozenset(fence.first + at for at, line in enumerate(lines) if is_cron_line(line))
    entries = tuple(cron_entries([line if fence.first + at in hidden else "" for at, line in enumerate(lines)], fence.first, fence.section))
    dialect = fence.declared.lower() if fence.declared.lower() in SHELLS - {"shell"} else "bash"
    script = read_shell(Piece(fence.content, fence.first, "fence", dialect, fence.section, file, offsets, hidden))
    inner = embedded(script)
    scripts = (script, *inner.scripts, *(entry.script for entry in entries))
    return Parsed(
        "shell", file, script, scripts, tuple(inner.settings), tuple(inner.statements), (*entries, *inner.cron),
        error="not all of it is shell" if script.errors else "",
        error_line=script.errors[0].line if script.errors else 0,
    )  # fmt: skip


def _console(fence: "Fence", lines: Sequence[str], offsets: Sequence[int]) -> Parsed:
    """Prompts with what was typed, and between them what was answered. Without any prompt all of it was typed, or all of it answered."""
    typed, output = _split_console(lines)
    if not any(text.strip() and not text.lstrip().startswith("#") for text in typed) and starts_with_a_command(lines):
        typed, output = list(lines), []
    hidden = frozenset(fence.first + at for at, _ in output)
    script = read_shell(Piece("\n".join(typed), fence.first, "console", "bash", fence.section, "", offsets, hidden))
    inner = embedded(script)
    answered = tuple((fence.first + at, text) for at, text in output)
    return Parsed(
        "console", "", script, (script, *inner.scripts), tuple(inner.settings), tuple(inner.statements), tuple(inner.cron), answered
    )


def _split_console(lines: Sequence[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """The lines with prompts blanked and output left empty, and the lines of output by their number from 0."""
    typed: list[str] = []
    output: list[tuple[int, str]] = []
    goes_on = False
    # Where prompts end in "$", "# ..." is a comment and not the prompt of root.
    has_dollars = any((match := _PROMPT.match(line)) and match[2] == "$" for line in lines)
    for at, line in enumerate(lines):
        prompt = _PROMPT.match(line)
        if has_dollars and not goes_on and line.lstrip().startswith("# "):
            typed.append(line)
        elif prompt and not goes_on:
            typed.append(" " * prompt.end() + line[prompt.end() :])
        elif goes_on:
            typed.append(re.sub(r"^(\s*)>(\s)", r"\1 \2", line))
        else:
            typed.append("")
            output.append((at, line))
        goes_on = bool(typed[-1].strip() and _CONTINUED.search(line))
    return typed, output


def _settings(fence: "Fence", language: str, file: str) -> Parsed:
    try:
        return Parsed(language, file, settings=tuple(READERS[language](fence.content, fence.first, file)))
    except NotParsed as error:
        return Parsed(language, file, error=error.reason, error_line=error.line)
