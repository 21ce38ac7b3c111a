"""Reading YAML: the core schema, positions and limits."""

import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.config import yaml_reader
from keepwell.config.core_schema import resolve
from keepwell.config.nodes import Mapping, Scalar, plain
from keepwell.config.yaml_reader import parse_yaml
from keepwell.kernel.problems import ConfigurationError, Problem

# YAML 1.2.2, section 10.3.2, and what YAML 1.1 would have made of it.
CORE_SCHEMA: list[tuple[str, Any]] = [
    *[(text, text) for text in ("on", "off", "yes", "no", "On", "OFF", "y", "n", "tRUE", "nuLL", "1:30", "20:30:15", "2026-01-01")],
    *[
        (text, text)
        for text in ("2026-01-01T10:00:00Z", "1_000", "0b11", "0o18", "0xg", "-0x10", "+0o7", "1e", ".", "..", "+", "-", "=", "<<")
    ],
    *[(text, text) for text in ("inf", "nan", "Infinity", ".INf", "+.nan", "1.2.3", "10.0.0.1", "1,000", "٣", "0o", "0x")],
    *[(text, True) for text in ("true", "True", "TRUE")],
    *[(text, False) for text in ("false", "False", "FALSE")],
    *[(text, None) for text in ("", "~", "null", "Null", "NULL")],
    *[("0", 0), ("017", 17), ("0o17", 15), ("0xff", 255), ("0xFF", 255), ("-12", -12), ("+12", 12), ("00", 0)],
    *[("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("1e3", 1000.0), ("1E-3", 0.001), ("12e03", 12000.0), ("-2E+05", -200000.0)],
    *[(text, math.inf) for text in (".inf", ".Inf", ".INF", "+.inf")],
    *[("-.inf", -math.inf), ("-.INF", -math.inf)],
    ("9" * 5000, "9" * 5000),
]


@pytest.mark.parametrize(("text", "value"), CORE_SCHEMA, ids=lambda value: repr(value)[:20])
def test_unquoted_scalars_mean_what_the_core_schema_says(text: str, value: Any) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_not_a_number() -> None:
    assert all(math.isnan(resolve(text)) for text in (".nan", ".NaN", ".NAN"))  # type: ignore[arg-type]


def test_quoted_scalars_are_text_and_keys_are_text() -> None:
    document = parse_yaml(b"on: 'true'\n200: \"5\"\n~: |\n  1\nx: ! 5\n", "f")
    assert plain(document.root) == {"on": "true", "200": "5", "~": "1\n", "x": "5"}


@pytest.mark.parametrize("loader", ["c", "pure"])
def test_nodes_know_their_place(loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if loader == "pure":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    root = parse_yaml("# ü\na:\n  - ünï: {b: c}\n".encode(), "f").root
    assert isinstance(root, Mapping)
    inner = plain(root)
    assert inner == {"a": [{"ünï": {"b": "c"}}]}
    found = root.child("a").items[0].child("ünï").child("b")  # type: ignore[union-attr]
    assert isinstance(found, Scalar)
    assert (found.line, found.column, found.end_column) == (2, 13, 14)


def test_a_byte_order_mark_and_foreign_line_breaks_do_not_shift_places() -> None:
    text = "\ufeffa: 1\r\n# next line\u2028# and \x85b: 2\n"
    document = parse_yaml(text.encode(), "f")
    assert plain(document.root) == {"a": 1, "b": 2}
    assert isinstance(document.root, Mapping)
    key = document.root.key("b")
    assert key
    assert document.findings.source.place(key).quote == "b: 2"


def refused(data: bytes) -> tuple[str, str, int | None, int | None]:
    with pytest.raises(ConfigurationError) as caught:
        raise parse_yaml(data, "f").findings.stop()
    problem = caught.value.problems[0]
    assert problem.where
    return problem.code, problem.message, problem.where.line, problem.where.column


@pytest.mark.parametrize(
    ("data", "code", "line", "column", "word"),
    [
        (b"a: 1\na: 2\n", "config.duplicate-key", 2, 1, "first in line 1, column 1"),
        (b"{a: 1, 'a': 2}", "config.duplicate-key", 1, 8, '"a" stands twice'),
        (b"a: !!python/object/apply:os.system [echo]\n", "config.tag", 1, 4, "python/object"),
        (b"a: !mine 5\n", "config.tag", 1, 4, "!mine"),
        (b"a: !!str 5\n", "config.tag", 1, 4, "tag"),
        (b"[a]: 1\n", "config.key", 1, 1, "a key is a list or a mapping"),
        (b"a: 1\n---\nb: 2\n", "config.documents", 2, 1, "second document"),
        (b"a: *b\n", "config.alias", 1, 4, "no anchor"),
        (b"a: &b [*b]\n", "config.alias", 1, 8, "contains itself"),
        (b"a: &b\n  c: {d: *b}\n", "config.alias", 2, 10, "contains itself"),
        (b"a:\n\tb: 1\n", "config.syntax", 2, 1, "a tab stands"),
        (b"a: b: c\n", "config.syntax", 1, 5, "mapping values are not allowed"),
        (b"a: 'b\n", "config.syntax", 2, 1, "end of stream"),
        (b"a: [1, 2\nb: 3\n", "config.syntax", 2, 2, "expected ','"),
        (b"a: @b\n", "config.syntax", 1, 4, "cannot start any token"),
        (b"a: \x00b\n", "config.character", 1, 4, "U+0000"),
        (b"a: 1\nb: \x1b[2J\n", "config.character", 2, 4, "U+001B"),
        (b"a: 1\nb: caf\xe9\n", "config.encoding", 2, 7, "byte 0xe9 at offset 11 is not UTF-8"),
        (b"\xff\xfea\x00:\x00", "config.encoding", 1, 1, "byte 0xff at offset 0"),
        (b"[" * 65 + b"]" * 65, "config.too-deep", 1, 65, "more than 64 levels"),
    ],
)
def test_refused(data: bytes, code: str, line: int, column: int, word: str) -> None:
    found = refused(data)
    assert found[0] == code
    assert found[2:] == (line, column)
    assert word in found[1]


def test_sixty_four_levels_are_read() -> None:
    assert parse_yaml(b"[" * 64 + b"]" * 64, "f").findings.found == []


def test_aliases_cannot_go_deeper_than_the_limit() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 80)]
    assert refused("\n".join(lines).encode())[0] == "config.too-deep"


def test_an_anchor_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    code, message, line, _ = refused("\n".join(lines).encode())
    assert code == "config.too-many"
    assert "200000" in message
    assert line == 6


def test_a_long_list_is_refused_where_the_limit_is_passed() -> None:
    assert refused(b"- x\n" * (yaml_reader.MOST_NODES + 1))[0] == "config.too-many"


def test_ordinary_aliases_are_copies() -> None:
    assert plain(parse_yaml(b"a: &a {b: [1]}\nc: *a\nd: *a\n", "f").root) == {"a": {"b": [1]}, "c": {"b": [1]}, "d": {"b": [1]}}


def test_more_than_a_hundred_problems_are_counted() -> None:
    findings = parse_yaml(b"a: 1\n" * 151, "f").findings
    problems = findings.problems()
    assert len(problems) == 101
    assert problems[-1].message == "and 50 problems more"


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="abc:-[]{},&*!|>'\"#%@\t\n ?~0", max_size=80).map(str.encode)))
@settings(max_examples=300, deadline=None)
def test_anything_at_all_is_read_or_refused(data: bytes) -> None:
    try:
        root = parse_yaml(data, "f").root
    except ConfigurationError as error:
        found = error.problems
    else:
        found = [Problem("fine", repr(plain(root)))]
    assert all(problem.message for problem in found)


# JSON is YAML 1.2, but PyYAML does not read the pairs of escapes by which JSON writes what is beyond U+FFFF.
TEXTS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs",)), max_size=8)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    )
)
@settings(max_examples=150, deadline=None)
def test_what_another_program_writes_as_json_is_read_as_it_was_meant(value: Any) -> None:
    assert plain(parse_yaml(json.dumps(value).encode(), "f").root) == value
