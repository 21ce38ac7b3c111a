"""Finds the simple commands in a block of shell, well enough for single lines. Pure: only the block's own plain variables are expanded.

This is no shell parser: a line whose quotes do not end on it is given up and says so; here-documents are passed over.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_ASSIGNMENT = re.compile(r"(?:local\s+|export\s+|readonly\s+)?([A-Za-z_]\w*)=(\"[^\"$`\\]*\"|'[^']*'|[^\s\"'$`\\;&|()<>]+)\s*(?:#.*)?")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_BEFORE_A_COMMAND = frozenset(
    ("!", "{", "if", "then", "elif", "else", "while", "until", "do", "time", "sudo", "exec", "nohup", "local", "export", "readonly")
)
_HERE_DOCUMENT = re.compile(r"(?<!<)<<-?\s*[\"']?(\w+)")
_REDIRECTION = re.compile(r"[<>&|]*[<>][<>&|]*")
_OPERATOR = re.compile(r"[;&|()<>]+")
# "http://<host>/x" is written for a reader; a shell would take its brackets for redirections.
_FILL_IN = re.compile(r"<([A-Za-z][\w.:/-]*(?: [\w.:/-]+){0,4})>")
OPENING, CLOSING = "⟨⟩"
"""What stands for the angle brackets around a word to fill in."""
_LONGEST_LINE = 4096


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command: its words, and the files that its output goes to."""

    words: tuple[str, ...]
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line (continuations joined): its pipelines, or None where it could not be taken apart."""

    line: int
    text: str
    pipelines: tuple[tuple[Simple, ...], ...] | None


def shell_lines(content: str, first: int, worth: Callable[[str], bool]) -> Iterator[Line]:
    """The logical lines of a block whose first line has the number ``first``, those that are ``worth`` taking apart."""
    variables: dict[str, str] = {}
    for number, text in _joined(content, first):
        assignment = _ASSIGNMENT.fullmatch(text[:_LONGEST_LINE])
        if assignment:
            variables[assignment[1]] = assignment[2].strip("\"'")
        elif worth(text):
            yield Line(number, text, None if len(text) > _LONGEST_LINE else _pipelines(text, variables))


def _joined(content: str, first: int) -> Iterator[tuple[int, str]]:
    """Logical lines with the numbers of their first ones, without comments, prompts, empty lines and here-documents."""
    start, parts, inside = first, [""], ""
    for number, line in enumerate(content.split("\n"), first):
        if inside:
            inside = "" if line.strip() == inside else inside
            continue
        start = number if parts == [""] else start
        comment = parts == [""] and line.lstrip().startswith("#")
        parts.append(line.removesuffix("\\").strip())
        if line.endswith("\\") and not comment:
            continue
        text = " ".join(part for part in parts if part).removeprefix("$ ")
        parts = [""]
        if text and not comment:
            document = _HERE_DOCUMENT.search(text)
            inside = document[1] if document else ""
            yield start, text


def _pipelines(text: str, variables: dict[str, str]) -> tuple[tuple[Simple, ...], ...] | None:
    try:
        tokens = _tokens(_FILL_IN.sub(lambda match: OPENING + match[1].replace(" ", "-") + CLOSING, text))
    except ValueError:
        return None
    pipelines: list[list[Simple]] = [[]]
    words: list[str] = []
    outputs: list[str] = []
    redirected = ""
    for token in (*tokens, ";"):
        if _REDIRECTION.fullmatch(token):
            redirected = token
            words = words[:-1] if words and words[-1].isdigit() else words  # the number of the file descriptor
        elif _OPERATOR.fullmatch(token):
            pipelines[-1] += [_simple(words, outputs, variables)] if words else []
            pipelines += [[]] if token != "|" else []
            words, outputs, redirected = [], [], ""
        elif redirected:
            outputs += [token] if ">" in redirected else []
            redirected = ""
        else:
            words.append(token)
    return tuple(tuple(pipeline) for pipeline in pipelines if pipeline)


def _simple(words: list[str], outputs: list[str], variables: dict[str, str]) -> Simple:
    start = 0
    while start < len(words) - 1 and (words[start] in _BEFORE_A_COMMAND or re.match(r"[A-Za-z_]\w*=", words[start])):
        start += 1
    return Simple(tuple(_expand(word, variables) for word in words[start:]), tuple(_expand(output, variables) for output in outputs))


def _expand(word: str, variables: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], match[0]), word)


def _tokens(text: str) -> list[str]:
    """The words and operators of a line; a comment at its end is left out. Raises ValueError where a quote does not end."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    tokens: list[str] = []
    for token in lexer:
        if token.startswith("#"):
            break
        tokens.append(token)
    return tokens
