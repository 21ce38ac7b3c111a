"""The words of a template: text, and between ``{{`` and ``}}`` the tokens of actions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .model import TemplateError

LONGEST = 100_000
"""Characters of one template."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of an action: its sort, its text, where it starts, and whether white space stands before it."""

    sort: str
    text: str
    at: int
    spaced: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Text as it stands, or the tokens of one action."""

    text: str
    tokens: tuple[Token, ...]
    at: int
    is_action: bool


_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)
    |(?P<character>'(?:\\.|[^'\\\n])+')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.]))
    |(?P<field>\.[^\W\d]\w*)
    |(?P<variable>\$\w*)
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>:=|[.|()=,])""",
    re.VERBOSE,
)
_WHITE = " \t\r\n"


def scan(text: str) -> Iterator[Piece]:
    """All pieces. Raises TemplateError."""
    if len(text) > LONGEST:
        raise TemplateError(f"the template has {len(text)} characters; it may have {LONGEST}", LONGEST)
    at, trims = 0, False
    while True:
        start = text.find("{{", at)
        end = len(text) if start < 0 else start
        opens_trimming = start >= 0 and text[start + 2 : start + 3] == "-" and text[start + 3 : start + 4] in tuple(_WHITE)
        written = text[at:end]
        written = written.lstrip(_WHITE) if trims else written
        written = written.rstrip(_WHITE) if opens_trimming else written
        if written:
            yield Piece(written, (), at, is_action=False)
        if start < 0:
            return
        inside = start + (3 if opens_trimming else 2)
        at, trims, tokens = _comment(text, inside) or _action(text, inside, start)
        if tokens is not None:
            yield Piece("", tokens, start, is_action=True)


def _comment(text: str, inside: int) -> tuple[int, bool, None] | None:
    body = text[inside:].lstrip(_WHITE) if text[inside - 1] == "-" else text[inside:]
    if not body.startswith("/*"):
        return None
    start = len(text) - len(body)
    end = text.find("*/", start + 2)
    if end < 0:
        raise TemplateError("unclosed comment", start)
    rest = re.compile(r"(\s-)?\}\}").match(text, end + 2)
    if rest is None:
        raise TemplateError("a comment ends before the closing }}", end)
    return rest.end(), rest[1] is not None, None


def _action(text: str, inside: int, start: int) -> tuple[int, bool, tuple[Token, ...]]:
    tokens: list[Token] = []
    at, spaced = inside, True
    while True:
        if text.startswith("}}", at):
            return at + 2, False, tuple(tokens)
        if spaced and text.startswith("-}}", at):
            return at + 3, True, tuple(tokens)
        match = _WORD.match(text, at)
        if match is None:
            if at >= len(text):
                raise TemplateError("unclosed action: }} is missing", start)
            raise TemplateError(f"unexpected {text[at]!r} in an action", at)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), at, spaced))
        spaced = match.lastgroup == "space"
        at = match.end()
