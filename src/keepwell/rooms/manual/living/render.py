"""The author's text as HTML, block by block, each with the lines that it stands in. Pure.

HTML in the text is shown as text: a manual runs nothing here. Links keep their http addresses only.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from keepwell.rooms.manual.reading.text import DEEPEST

_ADDRESS = re.compile(r"(?:https?://|mailto:|#)[^\s<>\"']*", re.IGNORECASE)
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What controls a terminal, or makes text look like another: shown as U+FFFD. Joiners stay: people write emoji with them."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the document: its first and last line (from 1), its HTML, and whether it is code."""

    line: int
    end_line: int
    html: str
    is_code: bool = False
    level: int = 0
    """Of a heading."""


def blocks(lines: Sequence[str], ahead: int = 0) -> list[Block]:
    """The blocks of a document in their order. ``ahead`` is how many lines are front matter: these are no Markdown."""
    shown = [_UNSEEN.sub("\ufffd", line) for line in lines]
    front = [Block(1, ahead, _code("\n".join(shown[1 : ahead - 1]), 2), True)] if ahead > 1 else []
    renderer = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable("table")
    renderer.validateLink = lambda url: _ADDRESS.fullmatch(url) is not None  # type: ignore[method-assign]
    renderer.disable("image")
    tokens = renderer.parse("\n".join((*("",) * ahead, *shown[ahead:])))
    return [*front, *(_block(renderer, part) for part in _parts(tokens))]


def _parts(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of each outermost block."""
    part: list[Token] = []
    depth = 0
    for token in tokens:
        part.append(token)
        depth += token.nesting
        if depth == 0:
            yield part
            part = []
    if part:
        yield part


def _block(renderer: MarkdownIt, part: list[Token]) -> Block:
    first = part[0]
    start, behind = first.map or (0, 1)
    if first.type in ("fence", "code_block"):
        offset = 1 if first.type == "fence" else 0
        return Block(start + 1, behind, _code(first.content, start + 1 + offset), True)
    level = int(first.tag[1]) if first.type == "heading_open" else 0
    html = str(renderer.renderer.render(part, renderer.options, {}))
    return Block(start + 1, behind, _checkboxes(html), False, level)


def _code(content: str, first: int) -> str:
    """Lines of code, each with its number in the manual."""
    lines = content.removesuffix("\n").split("\n") if content else []
    numbered = "".join(
        f'<span class="code-line" id="line-{number}"><i>{number}</i>{escape(line)}\n</span>' for number, line in enumerate(lines, first)
    )
    return f"<pre>{numbered}</pre>"


def _checkboxes(html: str) -> str:
    """``[ ]`` at the head of a list's entry as a box."""
    html = re.sub(r"<li>(<p>)?\[ \] ", lambda found: f'<li>{found[1] or ""}<span class="box">☐</span> ', html)
    return re.sub(r"<li>(<p>)?\[[xX]\] ", lambda found: f'<li>{found[1] or ""}<span class="box">☑</span> ', html)
