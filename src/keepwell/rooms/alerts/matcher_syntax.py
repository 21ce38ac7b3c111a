"""The newer syntax of matchers: names and values of any UTF-8, in double quotes with Go's escapes where they need them.

``{ "label with spaces" =~ "a|b", severity = P0, }``: braces are there on both sides or on none; one comma may end the list.
"""

import re
from collections.abc import Mapping
from typing import Literal

Operator = Literal["=", "!=", "=~", "!~"]
Written = tuple[str, Operator, str]
"""Label, operator and value."""

OPERATORS: Mapping[str, Operator] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}


class NotThisSyntax(ValueError):
    """The text is not written in this syntax."""


_TOKEN = re.compile(r"""\s*(?:(?P<sign>[{},]|=~|!=|!~|=)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<plain>[^\s{}!=~,\\"'`]+))""", re.DOTALL)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|[abfnrtv\\\"])|\\|\n", re.DOTALL)
_SINGLE = {b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11, b"\\": 92, b'"': 34}


def read_newer(text: str) -> tuple[Written, ...]:
    """The matchers of a text. Raises NotThisSyntax."""
    tokens = _tokens(text)
    opened = bool(tokens) and tokens[0] == ("sign", "{")
    closed = bool(tokens) and tokens[-1] == ("sign", "}")
    if opened is not closed or (opened and len(tokens) < 2):
        raise NotThisSyntax("a brace has no partner")
    rest = tokens[1:-1] if opened else tokens
    found: list[Written] = []
    while rest:
        found.append(_one(rest[:3]))
        rest = rest[3:]
        if rest and rest.pop(0) != ("sign", ","):
            raise NotThisSyntax("a comma is missing")
    return tuple(found)


def _one(tokens: list[tuple[str, str]]) -> Written:
    if len(tokens) < 3 or tokens[1][0] != "sign" or tokens[1][1] not in OPERATORS:
        raise NotThisSyntax("a matcher is a label, an operator and a value")
    label = _text(*tokens[0])
    if not label:
        raise NotThisSyntax("a label has a name")
    return label, OPERATORS[tokens[1][1]], _text(*tokens[2])


def _text(kind: str, text: str) -> str:
    if kind == "sign":
        raise NotThisSyntax("a matcher is a label, an operator and a value")
    return _unquoted(text) if kind == "quoted" else text


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise NotThisSyntax("a sign stands where none can")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens


def _unquoted(literal: str) -> str:
    """The text of a string literal of Go (https://go.dev/ref/spec#String_literals)."""
    try:
        return _ESCAPE.sub(_escaped, literal[1:-1].encode()).decode()
    except UnicodeError:
        raise NotThisSyntax("the text is not valid UTF-8") from None


def _escaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code is None:
        raise NotThisSyntax("a line break or a backslash stands in quotes")
    if code in _SINGLE:
        return bytes([_SINGLE[code]])
    if code[:1] == b"x":
        return bytes([int(code[1:], 16)])
    number = int(code[1:], 16) if code[:1] in b"uU" else int(code, 8)
    if code[:1] not in b"uU":
        if number > 255:
            raise NotThisSyntax("a byte has at most 255")
        return bytes([number])
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise NotThisSyntax("this is no character")
    return chr(number).encode()
