"""Text to expression: what is read, where errors point, what is refused."""

import promql_parser
import pytest

from keepwell.ports.samples import Matcher
from keepwell.rooms.promql.expression import Aggregate, Binary, Call, Matching, Negative, Number, Selector, Subquery, Text
from keepwell.rooms.promql.literals import decimal, general, is_name, shown, unquoted
from keepwell.rooms.promql.model import BadQuery, OutsideScope
from keepwell.rooms.promql.parse import parse
from keepwell.rooms.promql.rewrite import restored, rewrite
from keepwell.rooms.promql.scope import REFUSALS
from keepwell.rooms.promql.tokens import scan

X = (Matcher("__name__", "=", "x"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", Selector(X)),
        ("x offset 5m", Selector(X, offset=300_000)),
        ("x offset -1.5", Selector(X, offset=-1_500)),
        ("x @ 12.5", Selector(X, at=12_500)),
        ("x @ -1_0.5 offset 1s", Selector(X, offset=1_000, at=-10_500)),
        ("x @ 1h", Selector(X, at=3_600_000)),
        ("x @ end()", Selector(X, at="end")),
        ("x[1h30m] @ start()", Selector(X, range=5_400_000, at="start")),
        ('{"x"}', Selector(X)),
        (r'x{a=~"\\Qa.b\\E", c!="d"}', Selector((*X, Matcher("a", "=~", r"\Qa.b\E"), Matcher("c", "!=", "d")))),
        (r"x{a!~`\d+`}", Selector((*X, Matcher("a", "!~", r"\d+")))),
        ("(x)[1h:] offset 1m", Subquery(Selector(X, place=1), 3_600_000, None, 60_000, place=1)),
        ("x[5m:10s] @ 3", Subquery(Selector(X), 300_000, 10_000, at=3_000)),
        ("1_000", Number(1000.0)),
        ("0x_1F", Number(31.0)),
        ("5m", Number(300.0)),
        ("-3", Number(-3.0, 1)),
        ('"a\\nb"', Text("a\nb")),
        ("`a\\n`", Text("a\\n")),
        ("-x", Negative(Selector(X, place=1), 1, "vector", False)),
        ("+x", Selector(X, place=1)),
        ("time()", Call("time", (), 0, "scalar", False)),
        ("abs(x @ 1)", Call("abs", (Selector(X, at=1_000, place=4),), 0, "vector", True)),
        ("timestamp(x @ 1)", Call("timestamp", (Selector(X, at=1_000, place=10),), 0, "vector", False)),
        ("sum by (b, a) (x)", Aggregate("sum", Selector(X, place=15), None, ("a", "b"), False, 0, False)),
        ("SUM(x) WITHOUT (a)", Aggregate("sum", Selector(X, place=4), None, ("a",), True, 0, False)),
        ("topk(3, x)", Aggregate("topk", Selector(X, place=8), Number(3.0, 5), (), False, 0, False)),
    ],
)
def test_what_is_read(text: str, expected: object) -> None:
    assert parse(text) == expected


def test_operators_know_how_series_meet() -> None:
    found = parse("x > bool on (b, a) group_right (c) x")
    assert isinstance(found, Binary)
    assert (found.operator, found.as_bool, found.kind) == (">", True, "vector")
    assert found.matching == Matching(("a", "b"), True, "right", ("c",))
    plain = parse("1 + 2 * 3 ^ 2")
    assert isinstance(plain, Binary)
    assert (plain.operator, plain.kind, plain.fixed, plain.matching) == ("+", "scalar", True, Matching())


@pytest.mark.parametrize(
    ("text", "line", "column", "part"),
    [
        ("foo bar", 1, 5, "unexpected 'bar'"),
        ("sum(x", 1, 4, "unclosed '('"),
        ("sum(x))", 1, 7, "without its opening bracket"),
        ("1 +", 1, 4, "unexpected end of input"),
        ("x +\n  nofunction(y)", 2, 3, "unknown function with name 'nofunction'"),
        ("x{a=~'('}", 1, 1, "missing )"),
        ('x{a="b', 1, 5, "unterminated quoted string"),
        ("x ; y", 1, 3, "unexpected character"),
        ("{}", 1, 1, "at least one non-empty matcher"),
        ("x + {a=~'.*'}", 1, 5, "at least one non-empty matcher"),
        ("{a!~'.+'}", 1, 1, "at least one non-empty matcher"),
        ("x @ NaN", 1, 5, "timestamp out of bounds"),
        ("* x", 1, 1, "unexpected"),
        ("", 1, 1, "no expression"),
        ("x[0s]", 1, 1, "greater than 0"),
        ("x + on (a) group_left (a) y", 1, 9, "must not occur in ON and GROUP clause"),
    ],
)
def test_errors_point_at_the_word(text: str, line: int, column: int, part: str) -> None:
    with pytest.raises(BadQuery) as caught:
        parse(text)
    where = caught.value.problems[0].where
    assert where is not None
    assert (where.line, where.column) == (line, column)
    assert where.quote == text.split("\n")[line - 1]
    assert str(caught.value).startswith(f"{line}:{column}: parse error: ")
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "construct"),
    [
        ("histogram_count(x)", "native histogram function"),
        ("x </ 3", "native histogram operator"),
        ("mad_over_time(x[5m])", "experimental function"),
        ("double_exponential_smoothing(x[5m], 0.1, 0.1)", "experimental function"),
        ("sum(sort_by_label(x, 'a'))", "experimental function"),
        ("vector(step())", "experimental function"),
        ("start()", "experimental function"),
        ("limitk(1, x)", "experimental aggregation"),
        ("limit_ratio(0.5, x)", "experimental aggregation"),
        ("x smoothed", "extended range selector"),
        ("rate(x[5m] anchored)", "extended range selector"),
        ("rate(x{a='b'}[5m] smoothed offset 1m)", "extended range selector"),
        ("x + fill (0) y", "fill modifier"),
        ("x + on (a) fill_left (0) y", "fill modifier"),
        ("rate(x[5m * 2])", "duration expression"),
        ("x offset (5m + 1m)", "duration expression"),
        ("x[1h:step()]", "duration expression"),
        ("rate(x[(1m)])", "duration expression"),
        ("{a='b' or c='d'}", "alternative matchers"),
    ],
)
def test_what_is_outside_the_scope_is_refused_by_name(text: str, construct: str) -> None:
    with pytest.raises(OutsideScope) as caught:
        parse(text)
    assert caught.value.construct == construct
    assert construct in {refusal.construct for refusal in REFUSALS}
    assert "is not part of the language here" in str(caught.value)
    assert caught.value.problems[0].where is not None


@pytest.mark.parametrize(
    "text", ["fill", "sum(fill)", "step", "x offset -5m", "x[5m]", "range + 1", "info", "fill + on (a) start", "x{step='1'}"]
)
def test_words_of_refused_constructs_may_name_series(text: str) -> None:
    assert parse(text) is not None


def test_every_refusal_says_why() -> None:
    for refusal in REFUSALS:
        assert refusal.construct
        assert len(refusal.why.split()) > 5


@pytest.mark.parametrize(
    ("literal", "text"),
    [('"a"', "a"), (r'"\x41\101\u00e9\U0001F600"', "AAé\U0001f600"), (r"'\''", "'"), ("`\\`", "\\"), (r'"\t\\\""', '\t\\"'), ('"ä"', "ä")],
)
def test_literals(literal: str, text: str) -> None:
    assert unquoted(literal) == text


def test_bytes_that_are_no_text_name_no_label() -> None:
    text = unquoted(r'"a\xc5z"')
    assert not is_name(text)
    assert shown(text) == r"a\xc5z"
    assert is_name("ä.b")
    assert not is_name("")


@pytest.mark.parametrize(
    ("value", "as_general", "as_decimal"),
    [
        (0.1, "0.1", "0.1"),
        (100000.0, "100000", "100000"),
        (1e6, "1e+06", "1000000"),
        (1.5e-5, "1.5e-05", "0.000015"),
        (-2.5, "-2.5", "-2.5"),
        (123456789.0, "1.23456789e+08", "123456789"),
        (float("inf"), "+Inf", "+Inf"),
        (float("nan"), "NaN", "NaN"),
        (0.0, "0", "0"),
    ],
)
def test_numbers_as_go_writes_them(value: float, as_general: str, as_decimal: str) -> None:
    assert general(value) == as_general
    assert decimal(value) == as_decimal


def test_what_the_parser_did_not_see_is_put_back() -> None:
    text = 'rate(x{a=~"b|c",d!~`e`}[5m] @ -77.5) + x @ 3'
    rewritten = rewrite(text, scan(text))
    laid_out = promql_parser.parse(rewritten.text).prettify()
    assert restored(laid_out, rewritten) == 'rate(x{a=~"b|c",d!~`e`}[5m] @ -77.500) + x @ 3.000'
