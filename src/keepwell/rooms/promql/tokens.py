"""The words of an expression and where they stand. The parser tells no places and recurses without bound: both are seen to here, before it
runs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from keepwell.kernel.problems import Place
from keepwell.rooms.promql.model import BadQuery

LONGEST = 100_000
"""Characters of an expression."""
DEEPEST = 60
"""How deep brackets nest."""
MOST_OPERATORS = 1_000
MOST_SIGNS = 40
"""How many signs follow each other, and how many powers stand in one expression: both nest to the right."""

Sort = Literal["name", "number", "string", "operator"]

_WORD = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)
    |(?P<number>0[xX][0-9a-fA-F_]+
        |(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?
         (?:(?:ms|[smhdwy])(?:[0-9]+(?:ms|[smhdwy]))*(?![A-Za-z0-9_]))?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_:]*|:[A-Za-z_][A-Za-z0-9_:]*)
    |(?P<operator>==|!=|=~|!~|>=|<=|</|>/|[-+*/%^<>=@(){}\[\],:])""",
    re.VERBOSE,
)

_WORDS = frozenset({"and", "or", "unless", "atan2"})
_PUNCTUATION = "(){}[],:="
_OPENING = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its sort, its text and where it starts."""

    sort: Sort
    text: str
    start: int

    @property
    def end(self) -> int:
        """The character after it."""
        return self.start + len(self.text)


def place_of(text: str, start: int, width: int = 1) -> Place:
    """That character as line and column, with its line."""
    line_start = text.rfind("\n", 0, start) + 1
    quote = text[line_start:].split("\n", 1)[0]
    return Place("query", text.count("\n", 0, start) + 1, start - line_start + 1, quote, max(1, width))


def bad(text: str, start: int, reason: str, width: int = 1) -> BadQuery:
    """The error of a text that is no expression, in Prometheus' form: line, column, reason."""
    where = place_of(text, min(start, len(text)), width)
    return BadQuery(f"{where.line}:{where.column}: parse error: {reason}", where=where)


def scan(text: str) -> tuple[Token, ...]:
    """All words. Raises BadQuery for a character that begins none, and for a text that is too long, too deep or has too many operators."""
    if len(text) > LONGEST:
        raise bad(text, LONGEST, f"the expression has {len(text)} characters; it may have {LONGEST}")
    tokens = tuple(_scan(text))
    _measure(text, tokens)
    return tokens


def _scan(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise bad(text, at, _unreadable(text[at]))
        if match.lastgroup != "space":
            yield Token(match.lastgroup, match.group(), at)  # type: ignore[arg-type]
        at = match.end()


def _unreadable(character: str) -> str:
    if character in "\"'`":
        return f"unterminated quoted string {character}"
    return f"unexpected character: '{character}'"


def _measure(text: str, tokens: Sequence[Token]) -> None:
    operators = signs = powers = 0
    for token in tokens:
        is_word = token.sort == "name" and token.text.lower() in _WORDS
        is_sign = token.sort == "operator" and token.text not in _PUNCTUATION
        operators += is_word or is_sign
        powers += token.text == "^"
        signs = signs + 1 if token.text in ("+", "-") else 0
        if operators > MOST_OPERATORS or max(signs, powers) > MOST_SIGNS:
            raise bad(text, token.start, f"too many operators: at most {MOST_OPERATORS}, and {MOST_SIGNS} signs in a row or powers")
    _close(text, tokens)


def _close(text: str, tokens: Sequence[Token]) -> None:
    open_brackets: list[Token] = []
    for token in tokens:
        if token.sort != "operator":
            continue
        if token.text in "([{":
            open_brackets.append(token)
        elif token.text in _OPENING and (not open_brackets or open_brackets.pop().text != _OPENING[token.text]):
            raise bad(text, token.start, f"unexpected {token.text!r} without its opening bracket")
        if len(open_brackets) > DEEPEST:
            raise bad(text, token.start, f"brackets nest deeper than {DEEPEST}; write the inner part as a recording rule")
    if open_brackets:
        raise bad(text, open_brackets[-1].start, f"unclosed {open_brackets[-1].text!r}")
