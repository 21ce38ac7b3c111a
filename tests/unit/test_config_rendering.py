"""Problems as text and as JSON."""

import json

from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.problems import Place, Problem
from keepwell.kernel.rendering import as_json, harmless, render_text

WRONG = Problem("config.type", "expected text", "use quotes", Place("ops/keepwell.yaml", 12, 8, "  name: 5", 1))


def test_a_problem_with_its_line_and_mark() -> None:
    assert render_text([WRONG, Problem("x", "no place")]) == (
        "ops/keepwell.yaml:12:8: expected text\n    12 |   name: 5\n       |        ^\n  hint: use quotes\nno place\n"
    )


def test_nothing_gives_nothing() -> None:
    assert render_text([]) == ""


def test_a_place_without_a_line() -> None:
    assert render_text([Problem("x", "empty", where=Place("f"))]) == "f: empty\n"


def test_colour() -> None:
    text = render_text([WRONG], colour=True)
    assert "\x1b[1mops/keepwell.yaml:12:8\x1b[0m: \x1b[31mexpected text\x1b[0m" in text
    assert "\x1b" not in render_text([WRONG])


def test_tabs_and_wide_characters_keep_the_mark_in_its_column() -> None:
    lines = render_text([Problem("x", "m", where=Place("f", 1, 6, "\t中é\u0301 here", 4))]).splitlines()
    assert lines[1] == "     1 |  中é\u0301 here"
    assert lines[2] == "       | " + " " * 5 + "^^^^"


def test_a_terminal_obeys_nothing_of_a_quoted_line() -> None:
    where = Place("f\x1b]0;title\x07", 1, 1, "\x1b[2Ja\x9bb\u202ec\x7f\x00", 3)
    text = render_text([Problem("x", "message \x1b[31m", "hint \r", where)])
    assert all(character == "\n" or character.isprintable() for character in text)
    assert "␛[2Ja�b�c␡␀" in text


def test_long_lines_are_cut_around_the_mark() -> None:
    quote = "a" * 5000 + "HERE" + "b" * 5000
    lines = render_text([Problem("x", "m", where=Place("f", 1, 5001, quote, 4))]).splitlines()
    assert all(len(line) < 140 for line in lines)
    start = lines[2].index("^")
    assert lines[1][start : start + 4] == "HERE"
    assert lines[2].count("^") == 4
    assert lines[1].startswith("     1 | …a")
    assert lines[1].endswith("b…")


@given(st.text(max_size=300), st.integers(1, 400), st.integers(0, 400))
def test_any_line_renders_safely(quote: str, column: int, width: int) -> None:
    lines = render_text([Problem("x", "m", where=Place("f", 3, column, quote, width))]).split("\n")
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert "^" in lines[2]


@given(st.text())
def test_harmless_keeps_every_character_in_its_place(text: str) -> None:
    assert len(harmless(text)) == len(text)
    assert harmless(text).isprintable()


def test_json() -> None:
    everything = as_json([WRONG, Problem("x", "no place"), Problem("y", "long", where=Place("f", 1, 1, "a" * 5000))])
    assert everything[0] == {
        "code": "config.type",
        "message": "expected text",
        "hint": "use quotes",
        "file": "ops/keepwell.yaml",
        "line": 12,
        "column": 8,
        "quote": "  name: 5",
    }
    assert everything[1] == {"code": "x", "message": "no place", "hint": "", "file": None, "line": None, "column": None, "quote": None}
    assert everything[2]["quote"] == "a" * 1000
    assert json.loads(json.dumps(everything)) == everything
