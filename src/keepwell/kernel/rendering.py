"""Problems for a terminal and as JSON: one renderer each."""

import unicodedata
from collections.abc import Iterable

from .problems import Place, Problem

_WIDEST = 120
"""Columns of a quoted line that are shown; of a longer one, those around the mark."""

_LONGEST_QUOTE = 1000
_STYLES = {"place": "1", "message": "31", "mark": "31", "hint": "36", "dim": "2"}


def render_text(problems: Iterable[Problem], colour: bool = False) -> str:
    """Each problem with its place, its quoted line, a caret below what is meant, and what to do about it; ends with a line break.

    Whatever a terminal would obey (control and format characters of a message or a quoted line) is shown, not sent.
    """
    return "".join("\n".join(_lines(problem, colour)) + "\n" for problem in problems)


def as_json(problems: Iterable[Problem]) -> list[dict[str, str | int | None]]:
    """Each problem as ``{code, message, hint, file, line, column, quote}``; what is unknown is null, a quote at most 1,000 characters."""
    return [
        {
            "code": problem.code,
            "message": problem.message,
            "hint": problem.hint,
            "file": problem.where.file if problem.where else None,
            "line": problem.where.line if problem.where else None,
            "column": problem.where.column if problem.where else None,
            "quote": problem.where.quote[:_LONGEST_QUOTE] if problem.where and problem.where.quote is not None else None,
        }
        for problem in problems
    ]


def harmless(text: str) -> str:
    """The text with every character that a terminal would obey or hide replaced by one it shows, one for one.

    Control characters become their pictures (Unicode block "Control Pictures"), a tab a space, everything else unprintable U+FFFD.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if character == "\t":
        return " "
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else "\ufffd"


def _lines(problem: Problem, colour: bool) -> list[str]:
    place = f"{_painted(harmless(str(problem.where)), 'place', colour)}: " if problem.where else ""
    message = "\n".join(map(harmless, problem.message.split("\n")))
    lines = [place + _painted(message, "message", colour)]
    where = problem.where
    if where and where.quote is not None and where.line is not None:
        lines += _quote(where, where.line, colour)
    if problem.hint:
        lines.append("  " + _painted(f"hint: {harmless(problem.hint)}", "hint", colour))
    return lines


def _quote(where: Place, number: int, colour: bool) -> list[str]:
    column = (where.column or 1) - 1
    text, column = _around(harmless(where.quote or "").rstrip(), column)
    margin = f"{number:>6} | "
    below = " " * len(str(number).rjust(6)) + " | "
    marked = max(1, _width(text[column : column + where.width]))
    lines = [_painted(margin, "dim", colour) + text]
    if where.column is not None:
        lines.append(_painted(below, "dim", colour) + " " * _width(text[:column]) + _painted("^" * marked, "mark", colour))
    return lines


def _around(text: str, column: int) -> tuple[str, int]:
    """At most ``_WIDEST`` characters of a line with the column among them, and where the column is then."""
    column = min(column, len(text))
    if len(text) <= _WIDEST:
        return text, column
    start = max(0, min(column - _WIDEST // 3, len(text) - _WIDEST))
    cut = text[start : start + _WIDEST]
    before = "…" if start else ""
    after = "…" if start + _WIDEST < len(text) else ""
    return before + cut + after, column - start + len(before)


def _width(text: str) -> int:
    """Columns that a terminal gives the text (Unicode Standard Annex 11: wide and fullwidth take two, combining marks none)."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _painted(text: str, style: str, colour: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if colour else text
