"""The variables of a script whose value is known without running. Pure."""

import re
from collections import Counter
from typing import TYPE_CHECKING

from .shell_source import Source
from .shell_words import Words

if TYPE_CHECKING:
    from tree_sitter import Node

_LONGEST = 2000
_ONLY_EXPANSION = re.compile(r"\s*|\$\w+|\$\{[^}]*\}|\$\(.*\)|`[^`]*`|\$[@*#?$!0-9]", re.DOTALL)


def constants(root: "Node", source: Source) -> dict[str, str]:
    """Name and value of each variable that is assigned exactly once. A value may keep ``$NAME`` and ``$(...)`` that are not known."""
    found: dict[str, str] = {}
    assignments: list[Node] = []
    counts: Counter[str] = Counter()
    words = Words(source, found)
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == "variable_assignment":
            assignments.append(node)
            counts[words.raw(node.children[0])] += 1
        elif node.type in ("for_statement", "c_style_for_statement") or _reads(node, words):
            counts.update(2 * [words.raw(child) for child in node.children if child.type in ("variable_name", "word")])
        waiting.extend(reversed(node.children))
    for node in assignments:
        name = words.raw(node.children[0])
        value = node.child_by_field_name("value")
        in_command = node.parent is not None and node.parent.type == "command"
        if counts[name] == 1 and value is not None and value.type != "array" and node.children[1].type == "=" and not in_command:
            filled = words.word(value).filled
            # A value that is nothing but an expansion ($1, $(date)) says less than the name.
            if len(filled) < _LONGEST and not _ONLY_EXPANSION.fullmatch(filled):
                found[name] = filled
    return found


def _reads(node: "Node", words: Words) -> bool:
    return node.type == "command" and node.child_count > 0 and words.raw(node.children[0]) in ("read", "mapfile", "readarray", "getopts")
