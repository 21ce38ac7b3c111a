"""An expression taken apart at its top-level comparison."""

import pytest

from keepwell.rooms.promql.apart import Apart, take_apart
from keepwell.rooms.promql.model import BadQuery


@pytest.mark.parametrize(
    ("text", "measured", "operator", "bound"),
    [
        ("up == 0", "up", "==", 0),
        ("(up == 0)", "up", "==", 0),
        ("( (a + b) / (c) ) > 0.1", "( (a + b) / (c) )", ">", 0.1),
        ("(a) > (0.5)", "(a)", ">", 0.5),
        ("10 < rate(a[5m])", "rate(a[5m])", ">", 10),
        ("a > -3", "a", ">", -3),
        ("a > 1 > 0.5", "a > 1", ">", 0.5),
        ("a > on(b) c", "a", ">", None),
        ("a > 2 * 3", "a", ">", None),
        ("a >= Inf", "a", ">=", None),
        ('a{b="x > y"} <= 1e3', 'a{b="x > y"}', "<=", 1000),
        ("sum by (x) (a > 3) != 4", "sum by (x) (a > 3)", "!=", 4),
        ("a > bool 3", "", "", None),
        ("a > 1 and b > 2", "", "", None),
        ("(a > 1) or b", "", "", None),
        ("absent(a)", "", "", None),
        ("a # > 3\n> 4", "a", ">", 4),
    ],
)
def test_what_is_measured_and_compared(text: str, measured: str, operator: str, bound: float | None) -> None:
    apart = take_apart(text)
    assert (apart.measured, apart.operator, apart.bound) == (measured, operator, bound)


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ("a / on(x) (b - c offset 5m) > 0", {"a", "b", "c"}),
        ("max_over_time(rate(a[5m])[1h:1m]) > quantile(0.9, {__name__='b'})", {"a", "b"}),
        ("-a > topk(3, c)", {"a", "c"}),
        ("vector(1) > 0", set()),
        ('a > {job="x"}', None),
        ('{__name__=~"a.*"} > 1', None),
    ],
)
def test_the_metrics_of_an_expression(text: str, metrics: set[str] | None) -> None:
    assert take_apart(text).metrics == metrics


def test_what_is_no_expression() -> None:
    with pytest.raises(BadQuery):
        take_apart("a >")
    assert take_apart("1 > bool 2") == Apart("", "", None, frozenset())
