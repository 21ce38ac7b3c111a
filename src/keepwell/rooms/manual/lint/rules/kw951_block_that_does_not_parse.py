"""KW951: a block is not what it is declared as, or holds a sentence where a value belongs."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Fence, Manual

_PARSED = frozenset(("json", "yaml", "toml", "ini", "systemd", "dockerfile", "sql"))
_TEMPLATE = re.compile(r"\.\.\.|…|\{\{|<[\w -]+>|\{%|^\s*//|^\s*#", re.MULTILINE)
_SENTENCE = re.compile(
    r"^\d+%? of [A-Za-z]|^\(?[A-Za-z][\w ]* - \w+\)? */|\b(total|available|half|your) (ram|memory|cores?|cpus?)\b", re.IGNORECASE
)


def _check(manual: Manual) -> Iterator[Finding]:
    for fence in manual.fences:
        if fence.error and fence.language in _PARSED and fence.declared and not _TEMPLATE.search(fence.content):
            yield _refused(fence)
        yield from _sentences(fence)


def _refused(fence: Fence) -> Finding:
    line = fence.error_line or fence.first
    return Finding(
        line, f"this is no valid {fence.language}: {fence.error}"[:290].replace("\n", " "), fix="mend it, or declare the block as text"
    )


def _sentences(fence: Fence) -> Iterator[Finding]:
    """Settings whose value is prose: the program would refuse to start with them."""
    bad = [setting for setting in fence.settings if fence.language in ("ini", "toml", "systemd") and _SENTENCE.search(setting.value)]
    if bad:
        listed = ", ".join(setting.path[-1] for setting in bad[:4])
        yield Finding(
            bad[0].line,
            f"{listed}: {bad[0].value!r} is a sentence, not a value; a file with it is refused",
            bad[-1].end_line,
            fix="a value as an example, the rule of thumb in a comment",
        )


RULE = Rule(
    id="KW951",
    name="block-that-does-not-parse",
    title="A block is no valid file of its kind",
    severity=Severity.WARNING,
    why="Whoever copies the block into the file gets a program that does not start, in the middle of a repair: PostgreSQL refuses its "
    "whole configuration for one "
    "value that is a sentence. Source: PostgreSQL, 20.1 Setting parameters; RFC 8259 (JSON); YAML 1.2.2.",
    bad="# Tuning\n\n```ini\nshared_buffers = 25% of RAM\nwork_mem = 4MB\n```\n",
    good="# Tuning\n\n```ini\n# a quarter of the memory\nshared_buffers = 4GB\nwork_mem = 4MB\n```\n",
    check=_check,
)
