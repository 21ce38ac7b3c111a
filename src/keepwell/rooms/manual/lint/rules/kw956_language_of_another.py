"""KW956: a block is declared as shell and holds something else."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Fence, Manual

_SHELL = frozenset(("bash", "sh", "shell", "zsh", "console", "shell-session", "terminal"))
_KINDS = {name: f"a {name} configuration" for name in ("logrotate", "nginx", "systemd")} | {"crontab": "crontab entries"}
_SHAPES = (
    ("a log", re.compile(r"\A\s*(?:[IWEF]\d{4}\s+\d\d:\d\d:\d\d\.|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)")),
    ("json", re.compile(r"\A\s*[\[{]\s*\n\s*[\"{].*[\]}]\s*\Z", re.DOTALL)),
    (
        "yaml",
        re.compile(
            r"\A\s*(?:apiVersion|kind|metadata|spec|version|services):(?:\s.*)?\n(?:\s*[\w./-]+:.*\n|\s*-\s.*\n|\s*[\w.]+:[\w.]+\n)+\Z"
        ),
    ),
    (
        "promql",
        re.compile(r"^\s*(?:topk|sum|avg|rate|irate|increase|max|min|count|histogram_quantile)\s*(?:by|without)?\s*\(", re.MULTILINE),
    ),
)


def _check(manual: Manual) -> Iterator[Finding]:
    for fence in manual.fences:
        if fence.declared.lower() in _SHELL:
            yield from _of_fence(fence)


def _of_fence(fence: Fence) -> Iterator[Finding]:
    entries = [entry for entry in fence.cron if not entry.commented and not _typed_into_an_editor(fence, entry.line)]
    if fence.language not in ("shell", "console", "text") and fence.language.lower() != fence.declared.lower():
        yield _finding(fence, fence.line, fence.language)
    elif entries:
        yield Finding(
            entries[0].line,
            f"a crontab entry in a block declared as {fence.declared}: pasted into a shell, {entries[0].schedule.split()[0]} becomes "
            f"the names of the files here"
            if entries[0].schedule.startswith("*")
            else f"a crontab entry in a block declared as {fence.declared}: pasted into a shell, it is an unknown command",
            fix="a block of its own, declared as crontab",
        )
    elif not fence.cron:
        shape = next((name for name, pattern in _SHAPES if pattern.search(fence.content)), "")
        if shape:
            yield _finding(fence, fence.line, shape)


def _typed_into_an_editor(fence: Fence, line: int) -> bool:
    """Whether ``crontab -e`` stands above: then KW502 has said that the entries are no commands."""
    return any(re.match(r"\s*(sudo\s+)?crontab\b.*\s-\w*e", text) for number, text in fence.lines if number < line)


def _finding(fence: Fence, line: int, language: str) -> Finding:
    return Finding(
        line,
        f"this block is declared as {fence.declared} and holds {_KINDS.get(language, language)}: "
        "pasted into a shell, its lines run as commands",
        fix=f"```{language if ' ' not in language else 'text'}",
    )


RULE = Rule(
    id="KW956",
    name="language-of-another",
    title="A block is declared as shell and holds something else",
    severity=Severity.NOTE,
    why="People paste what is declared as bash into a terminal, and programs that run or check manuals do the same. A crontab line "
    "there runs its first asterisk "
    "as the name of a file. Source: CommonMark 0.31, 4.5 (info strings); crontab(5).",
    bad="# Jobs\n\n```bash\n# Every minute\n* * * * * /opt/shop/monitor.sh\n```\n",
    good="# Jobs\n\n```crontab\n# Every minute\n* * * * * /opt/shop/monitor.sh\n```\n",
    check=_check,
    grouped=True,
)
