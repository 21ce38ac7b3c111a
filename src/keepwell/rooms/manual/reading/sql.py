"""Takes SQL apart into statements with their lines. Pure; a lexer, no parser: quotes, comments, dollar quotes and semicolons."""

import re
from collections.abc import Iterator

from .parts import Statement

_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|"
    r"\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)|;|(?:^|(?<=\n))[ \t]*\\[^\n]*|[^;'\"$/\\-]+|.",
    re.DOTALL,
)


def statements(text: str, first: int, client: str = "") -> Iterator[Statement]:
    """The statements of a text whose first line is line ``first`` of the manual."""
    code: list[str] = []
    raw: list[str] = []
    start = line = first
    for match in _TOKEN.finditer(text):
        token = match[0]
        blank = not "".join(code).strip()
        if token == ";" or (blank and token.lstrip().startswith("\\")):
            own = token.strip() if token != ";" else ""
            yield from _made([*code, own], [*raw, own], start, line, client)
            code, raw = [], []
        elif token.startswith(("--", "/*")):
            code.append(" ")
            raw.append(token if not blank else "")
        else:
            if blank and token.strip():
                start = line + token[: len(token) - len(token.lstrip())].count("\n")
            code.append(token)
            raw.append(token)
        line += token.count("\n")
        if blank and not token.strip():
            start = line
    yield from _made(code, raw, start, first + text.rstrip().count("\n"), client)


def _made(code: list[str], raw: list[str], start: int, end: int, client: str) -> Iterator[Statement]:
    joined = re.sub(r"\s+", " ", "".join(code)).strip()
    if joined:
        verb = re.match(r"\\?\w+", joined)
        yield Statement("".join(raw).strip(), joined, verb[0].upper() if verb else "", start, max(start, end), client)
