"""An expression as the parser can read it.

The parser's wheel reads no number with underscores, no time before 1970 behind ``@``, and checks regular expressions by another dialect
than RE2. Each of these is replaced by a stand-in before it parses, and put back when its tree is read. What is outside the scope is
refused here already, where the parser would only say that the text is wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepwell.rooms.promql.model import OutsideScope
from keepwell.rooms.promql.scope import DURATIONS, EXTENDED, FILL, TRIMMING, Refusal
from keepwell.rooms.promql.tokens import Token, bad, place_of, scan

_FARTHEST = 1 << 53
"""Milliseconds from 1970 behind ``@``: there is nothing beyond."""

_LISTS = ("by", "without", "on", "ignoring", "group_left", "group_right")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The text for the parser; what its stand-ins mean (``@ 3`` is ``moments[3]`` milliseconds, the pattern ``r3`` is the string literal
    ``patterns[3]``); and the words that begin parts of the expression, in order."""

    text: str
    moments: tuple[int, ...]
    patterns: tuple[str, ...]
    anchors: tuple[Token, ...]


def rewrite(text: str, tokens: Sequence[Token]) -> Rewritten:
    """The text with stand-ins. Raises OutsideScope for constructs that are refused, BadQuery for a time behind ``@`` that is none."""
    _refuse(text, tokens)
    moments: list[int] = []
    patterns: list[str] = []
    pieces: list[str] = []
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        piece = token.text
        if token.sort == "number" and (not token.text[-1].isalpha() or token.text[:2] in ("0x", "0X")):
            piece = token.text.replace("_", "")
        if token.sort == "string" and before in ("=~", "!~"):
            patterns.append(token.text)
            piece = f'"r{len(patterns) - 1}"'
        elif _is_moment(tokens, index):
            moments.append(_milliseconds(text, tokens, index))
            piece = str(len(moments) - 1)
        elif piece in "+-" and before == "@":
            piece = ""
        pieces.append(piece)
    return Rewritten(_joined(tokens, pieces), tuple(moments), tuple(patterns), tuple(_anchors(tokens)))


def restored(text: str, rewritten: Rewritten) -> str:
    """A text that the parser laid out, with what its stand-ins mean put back."""
    pieces: list[str] = []
    end = 0
    tokens = scan(text)
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        piece = token.text
        if token.sort == "string" and before in ("=~", "!~"):
            piece = rewritten.patterns[int(token.text[2:-1])]
        elif _is_moment(tokens, index):
            piece = f"{rewritten.moments[round(float(token.text))] / 1000:.3f}"
        pieces += [text[end : token.start], piece]
        end = token.end
    return "".join([*pieces, text[end:]])


def _joined(tokens: Sequence[Token], pieces: Sequence[str]) -> str:
    # A blank stands only where one stood, so that `foo{` stays one selector and `5m` one duration.
    parts: list[str] = []
    end = 0
    for token, piece in zip(tokens, pieces, strict=True):
        parts.append(" " if token.start > end else "")
        parts.append(piece)
        end = token.end
    return "".join(parts)


def _is_moment(tokens: Sequence[Token], index: int) -> bool:
    if tokens[index].sort != "number" and tokens[index].text.lower() not in ("inf", "nan"):
        return False
    before = [token.text for token in tokens[max(0, index - 2) : index]]
    return before[-1:] == ["@"] or (before[:1] == ["@"] and before[1] in "+-")


def _milliseconds(text: str, tokens: Sequence[Token], index: int) -> int:
    token = tokens[index]
    sign = -1 if tokens[index - 1].text == "-" else 1
    seconds = seconds_of(token.text)
    if seconds is None or not abs(seconds) < 9e15:
        raise bad(text, token.start, f"timestamp out of bounds for @ modifier: {token.text}", len(token.text))
    return sign * min(round(seconds * 1000), _FARTHEST)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


def seconds_of(word: str) -> float | None:
    """A number, or a duration with its units, in seconds; None where it is neither."""
    plain = word.replace("_", "")
    try:
        return float(int(plain, 16)) if plain[:2] in ("0x", "0X") else float(plain)
    except ValueError:
        pass
    total, digits, unit = 0.0, "", ""
    for character in plain + "0":
        if character.isdigit() and unit:
            if unit not in _UNITS or not digits:
                return None
            total, digits, unit = total + int(digits) * _UNITS[unit], "", ""
        if character.isdigit():
            digits += character
        else:
            unit += character
    return total


def _refuse(text: str, tokens: Sequence[Token]) -> None:
    for index, token in enumerate(tokens):
        refusal = _refused(tokens, index)
        if refusal is not None:
            where = place_of(text, token.start, len(token.text))
            what = f"`{token.text}`" if refusal is not DURATIONS else "a duration that is computed"
            raise OutsideScope(
                refusal.construct, f"{where.line}:{where.column}: {what} is not part of the language here: {refusal.why}", where=where
            )


def _refused(tokens: Sequence[Token], index: int) -> Refusal | None:
    token = tokens[index]
    before = tokens[index - 1] if index else None
    after = tokens[index + 1].text if index + 1 < len(tokens) else ""
    if token.text in TRIMMING.words:
        return TRIMMING
    if before is None:
        return None
    if token.text in EXTENDED.words and (before.text in ("]", "}") or before.sort == "name") and after not in ("(", "{", "="):
        return EXTENDED
    if token.text in FILL.words and after == "(" and (before.text == ")" or before.sort == "operator") and before.text not in "(,{":
        return FILL
    return DURATIONS if _computes(tokens, index) else None


def _computes(tokens: Sequence[Token], index: int) -> bool:
    # In brackets a duration is one word; what else stands there is arithmetic. Behind `offset`, only a sign may come before it.
    token, before = tokens[index], tokens[index - 1]
    if before.text.lower() == "offset" and token.text == "(":
        return True
    if before.text.lower() == "offset" and token.sort == "name" and token.text in ("step", "range", "min_of", "max_of"):
        return True
    opened = None
    for earlier in reversed(tokens[max(0, index - 12) : index]):
        if earlier.text in ("[", "]", "{", "}"):
            opened = earlier.text
            break
    return opened == "[" and (token.text in ("+", "-", "*", "/", "%", "^", "(") or token.text in ("step", "range", "min_of", "max_of"))


def _anchors(tokens: Sequence[Token]) -> Iterator[Token]:
    # The words that can begin a part: not those in label lists, in braces, in brackets, and behind `@` and `offset`.
    skip_to: str | None = None
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text.lower() if index else ""
        if skip_to is not None:
            skip_to = None if token.text == skip_to else skip_to
            continue
        if token.text == "(" and before in _LISTS:
            skip_to = ")"
        elif token.text in "[":
            skip_to = "]"
        elif token.text == "{":
            skip_to = "}"
            if index == 0 or tokens[index - 1].sort != "name":
                yield token
        elif token.sort != "operator" and before not in ("@", "offset"):
            yield token
