"""Shell text made ready for the parser, with every character where it was: what the parser would stumble over is masked. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .shell_model import Heredoc

# "http://<host>/x" is written for a reader; a shell would take its brackets for redirections.
_FILL_IN = re.compile(r"<([A-Za-z_][\w.:/-]*(?: [\w.:/-]+){0,4})>")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_HEREDOC_OR_QUOTE = re.compile(
    r"\\.|'|\"|(?<![^\s;&|(])#[^\n]*|<<<|"
    r"<<(?P<dash>-?)[ \t]*(?:'(?P<single>[^'\n]+)'|\"(?P<double>[^\"\n]+)\"|\\?(?P<bare>[A-Za-z_][\w.-]*))|\n",
    re.DOTALL,
)
_WORD = re.compile(r"(?<![^\s;&|(])#[^\n]*+|(?:'[^']*+'|\"(?:\\.|[^\"\\])*+\"|\\.|[^\s'\"\\();&|<>`])++", re.DOTALL)
_PART = re.compile(r"'[^']*+'|\"(?:\\.|[^\"\\])*+\"|\\.|\$\{[^}]*+\}|\$[A-Za-z_]\w*+|.", re.DOTALL)
_LITERAL = re.compile(r"[/.:,@%+=-]")
_JOINING = "/.:,@%+=_-"


@dataclass(frozen=True, slots=True)
class Source:
    """Shell text. ``masked`` is ASCII and as long as ``text``, so that offsets of the parser are those of ``text``.

    ``first`` is the line of the manual of its first line, ``offsets`` how many characters of each line of the manual stand before the text
    (a fence inside a list is indented there).
    """

    text: str
    masked: str
    first: int
    offsets: Sequence[int]
    heredocs: Mapping[int, Heredoc] = field(default_factory=dict)
    """By the offset of their ``<<``."""
    hidden: frozenset[int] = frozenset()
    """Lines (of the manual) that are no shell although they stand in it: cron entries, a console's output."""
    code: str = ""
    """The text without what is hidden, and with placeholders that a shell takes for words."""

    def line(self, row: int) -> int:
        """The line of the manual of a row of the text (from 0)."""
        return self.first + row

    def column(self, row: int, at: int) -> int:
        """The column in the manual of a place in a row."""
        return at + 1 + (self.offsets[row] if row < len(self.offsets) else 0)


def make_source(text: str, first: int, offsets: Sequence[int] = (), hidden: frozenset[int] = frozenset()) -> Source:
    """Masks placeholders, characters beyond ASCII, hidden lines and here-documents."""
    lines = text.split("\n")
    for line in hidden:
        if 0 <= line - first < len(lines):
            lines[line - first] = " " * len(lines[line - first])
    visible = "\n".join(lines)
    code = _FILL_IN.sub(lambda match: "X" + match[1].replace(" ", "-") + "X", visible).replace("\r", " ")
    masked = _inner_expansions(_NOT_ASCII.sub("X", code))
    masked, heredocs = _without_heredocs(masked, visible, first)
    return Source(text, masked, first, offsets, heredocs, hidden, code)


def _inner_expansions(code: str) -> str:
    """``$B`` in an unquoted ``$A/$B/x`` loses its ``$``, behind which the grammar would end the word; ``Words`` reads it from the text."""
    if code.count("$") < 2:
        return code
    marks: list[int] = []
    for word in _WORD.finditer(code):
        expanded = False
        for part in _PART.finditer(word[0]) if word[0].count("$") > 1 else ():
            is_name = part[0].startswith("$") and part[0] != "$"
            if is_name and expanded and _LITERAL.match(word[0], part.end()) and word[0][part.start() - 1] in _JOINING:
                marks.append(word.start() + part.start())
            expanded |= is_name or part[0].startswith('"')
    for at in marks:
        code = f"{code[:at]}X{code[at + 1 :]}"
    return code


def _without_heredocs(masked: str, text: str, first: int) -> tuple[str, dict[int, Heredoc]]:
    """Bodies become blank, ``<<`` becomes the redirection ``< ``: the grammar of the parser knows here-documents at the end of a line
    only."""
    if "<<" not in masked:
        return masked, {}
    found: dict[int, Heredoc] = {}
    waiting: list[re.Match[str]] = []
    pieces: list[str] = []
    quote, at, done = "", 0, 0
    while match := _HEREDOC_OR_QUOTE.search(masked, at):
        at = match.end()
        token = match[0]
        if token in "'\"":
            quote = "" if quote == token else quote or token
        elif token == "\n" and waiting:
            pieces.append(masked[done:at])
            done = at
            for opening in waiting:
                heredoc, at = _body(opening, masked, text, at, first)
                found[opening.start()] = heredoc
            pieces.append(re.sub(r"[^\n]", " ", masked[done:at]))
            done = at
            waiting = []
        elif not quote and token.startswith("<<") and token != "<<<" and not _is_shift(masked, match.start()):
            waiting.append(match)
    pieces.append(masked[done:])
    whole = "".join(pieces)
    for start in found:
        whole = whole[:start] + "< " + _no_dash(whole[start + 2 :])
    return whole, found


def _no_dash(rest: str) -> str:
    return " " + rest[1:] if rest.startswith("-") else rest


def _is_shift(text: str, at: int) -> bool:
    """Whether ``<<`` stands in arithmetic."""
    before = text[text.rfind("\n", 0, at) + 1 : at]
    return before.count("((") > before.count("))")


def _body(opening: re.Match[str], masked: str, text: str, at: int, first: int) -> tuple[Heredoc, int]:
    """The here-document whose body begins at an offset, and where the text goes on."""
    delimiter = opening["single"] or opening["double"] or opening["bare"]
    line = first + text.count("\n", 0, at)
    body: list[str] = []
    position = at
    while position < len(masked):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        bare = text[position:end]
        position = min(end + 1, len(text))
        if (bare.lstrip("\t") if opening["dash"] else bare).rstrip() == delimiter:
            break
        body.append(bare)
        if end == len(text):
            break
    expands = opening["bare"] is not None and not opening[0].lstrip("<-").strip().startswith("\\")
    return Heredoc(delimiter, "\n".join(body), line, line + max(0, len(body) - 1), expands), position
