"""A rule in words: for the terminal, and its page of documentation. Pure."""

import re
import textwrap
from collections.abc import Sequence

from .model import Rule, family


def rule_text(rule: Rule) -> str:
    """For a terminal."""
    examples = "".join(
        f"\n{title}:\n\n{textwrap.indent(text.strip(), '    ')}\n" for title, text in (("Bad", rule.bad), ("Good", rule.good))
    )
    why = textwrap.fill(rule.why, 100)
    return f"{rule.id} {rule.name} ({rule.severity.value})\n{rule.title}\n\n{why}\n{examples}\nTo allow it at one place:  {_allow(rule)}"


def rule_page(rule: Rule) -> str:
    """The rule's page, as Markdown."""
    examples = "".join(f"\n## {title}\n\n{_fenced(text)}\n" for title, text in (("Bad", rule.bad), ("Good", rule.good)))
    return (
        f"# {rule.id} {rule.name}\n\n**{rule.title}**\n\nSeverity: {rule.severity.value}. Family: {rule.family}.\n\n## Why\n\n"
        f"{textwrap.fill(rule.why, 140)}\n{examples}\n## To allow it\n\nBefore the block, or before a heading for its whole section:\n\n"
        f"```markdown\n{_allow(rule)}\n```\n"
    )


def index_page(rules: Sequence[Rule]) -> str:
    """The list of all rules by family."""
    parts = ["# The rules of `keepwell lint`\n"]
    last = ""
    for rule in rules:
        if family(rule.id) != last:
            last = family(rule.id)
            parts.append(f"\n## {last}\n\n| rule | severity | what |\n| --- | --- | --- |\n")
        title = rule.title.replace("|", "\\|")
        parts.append(f"| [{rule.id}]({rule.id}.md) {rule.name} | {rule.severity.value} | {title} |\n")
    return "".join(parts)


def _allow(rule: Rule) -> str:
    return f"<!-- keepwell: allow {rule.id} the reason -->"


def _fenced(text: str) -> str:
    """An example with a fence longer than any in it."""
    longest = max((len(mark) for mark in re.findall(r"`{3,}", text)), default=2)
    mark = "`" * (longest + 1)
    return f"{mark}markdown\n{text.strip()}\n{mark}"
