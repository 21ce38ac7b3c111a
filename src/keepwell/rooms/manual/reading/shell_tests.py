"""Comparisons of ``[ ]``, ``[[ ]]``, ``test`` and ``(( ))``. Pure."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .shell_values import Comparison, Word
from .shell_words import Words

if TYPE_CHECKING:
    from tree_sitter import Node

_INNER = frozenset(("binary_expression", "unary_expression", "parenthesized_expression", "test_operator", "postfix_expression"))
_JOINS = frozenset(("&&", "||", "-a", "-o"))
_COMPARES = frozenset(("=", "==", "!=", "<", ">", "<=", ">=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"))


def flat_words(node: "Node", words: Words) -> list[Word]:
    """The words of a bracketed test in order, the opening bracket first."""
    found: list[Word] = []
    waiting = list(reversed(node.children))
    while waiting:
        part = waiting.pop()
        if part.type in _INNER and part.children:
            waiting.extend(reversed(part.children))
        elif part.is_named and part.type not in ("test_operator", "comment"):
            found.append(words.word(part))
        elif part.end_byte > part.start_byte:
            found.append(words.plain(part))
    return found


def read_tests(node: "Node", own: Sequence[Word], words: Words) -> Iterator[Comparison]:
    """The comparisons that a command makes."""
    syntax = own[0].raw if own else ""
    if node.type == "test_command" or syntax == "((":
        for child in node.children:
            if child.is_named:
                yield from _expression(child, syntax, words)
    elif syntax == "test":
        yield from _of_test(own[1:])


def _expression(node: "Node", syntax: str, words: Words, negated: bool = False) -> Iterator[Comparison]:
    inner = [child for child in node.children if child.type not in ("(", ")")]
    if node.type == "parenthesized_expression":
        for child in inner:
            yield from _expression(child, syntax, words, negated)
    elif node.type == "unary_expression" and len(inner) == 2:
        operator = words.raw(inner[0])
        if operator == "!":
            yield from _expression(inner[1], syntax, words, not negated)
        else:
            yield _made(operator, None, words.word(inner[1]), syntax, negated)
    elif node.type == "binary_expression" and len(inner) >= 3:
        operator = words.raw(inner[1])
        if operator in _JOINS:
            yield from _expression(inner[0], syntax, words, negated)
            yield from _expression(inner[2], syntax, words, negated)
        elif inner[0].type == "binary_expression" and any(words.raw(child) in _JOINS for child in inner[0].children):
            # `a -a b = c` is parsed as `(a -a b) = c`.
            joined = inner[0]
            yield from _expression(joined.children[0], syntax, words, negated)
            yield _made(operator, words.word(joined.children[-1]), words.word(inner[2]), syntax, negated)
        else:
            yield _made(operator, words.word(inner[0]), words.word(inner[2]), syntax, negated)
    elif node.is_named:
        yield _made("-n", None, words.word(node), syntax, negated)


def _of_test(words: Sequence[Word]) -> Iterator[Comparison]:
    """``test a = b -a -f c``: its words are parted at -a and -o."""
    part: list[Word] = []
    for word in (*words, None):
        if word is not None and word.raw not in _JOINS:
            part.append(word)
            continue
        negated = bool(part) and part[0].raw == "!"
        part = part[1:] if negated else part
        if len(part) == 3 and part[1].raw in _COMPARES:
            yield _made(part[1].raw, part[0], part[2], "test", negated)
        elif len(part) == 2:
            yield _made(part[0].raw, None, part[1], "test", negated)
        elif len(part) == 1:
            yield _made("-n", None, part[0], "test", negated)
        part = []


def _made(operator: str, left: Word | None, right: Word, syntax: str, negated: bool) -> Comparison:
    start = left or right
    return Comparison(operator, left, right, start.line, start.column, syntax, negated)
