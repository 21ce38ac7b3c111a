"""Questions that would take forever, or more memory than there is, or that make no sense: one clear error each, in bounded time."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import pytest

from keepwell.ports.samples import Column, Matcher
from keepwell.rooms.promql.model import (
    BadQuery,
    Cancelled,
    ExecutionError,
    InstantVector,
    Limits,
    Matrix,
    QueryError,
    Scalar,
    TimedOut,
)
from keepwell.rooms.promql.patterns import fits
from keepwell.rooms.promql.work import query_instant, query_range

HOUR = 3_600_000
AT = np.arange(0, HOUR, 10_000)
SERIES = [Column({"__name__": "x", "i": str(number), "j": str(number % 2)}, AT, np.arange(len(AT)) + 0.5) for number in range(300)]
BOUNDED = 30.0
"""Seconds: far more than any of these takes, far less than what they would take unbounded."""


async def select(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
    found = []
    for column in SERIES:
        low, high = column.timestamps.searchsorted([start, end + 1])
        if low < high and all(fits(matcher, dict(column.labels)) for matcher in matchers):
            found.append(Column(column.labels, column.timestamps[low:high], column.values[low:high]))
    return found


async def nothing(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
    return []


async def error_of(text: str, limits: Limits | None = None) -> QueryError:
    began = time.monotonic()
    with pytest.raises(QueryError) as caught:
        await query_instant(text, HOUR, select, limits or Limits(seconds=BOUNDED))
    assert time.monotonic() - began < BOUNDED
    return caught.value


@pytest.mark.parametrize(
    ("start", "end", "step", "part"),
    [
        (0, 10**12, 1, "exceeded maximum resolution of 11,000 points"),
        (0, 10**15, 1, "exceeded maximum resolution of 11,000 points"),
        (0, 10, 0, "zero or negative query resolution step"),
        (0, 10, -5, "zero or negative query resolution step"),
        (10, 0, 1, "end timestamp must not be before start time"),
        (0, 10**19, 10**18, "further from 1970"),
        (-(10**19), 0, 10**18, "further from 1970"),
    ],
)
async def test_impossible_ranges(start: int, end: int, step: int, part: str) -> None:
    with pytest.raises(BadQuery, match=part) as caught:
        await query_range("x", start, end, step, select, Limits())
    assert caught.value.kind == "bad_data"


@pytest.mark.parametrize(
    "text",
    [
        "max_over_time(x[10y:1ms])",
        "max_over_time(vector(1)[100y:1ms])",
        "max_over_time(max_over_time(max_over_time(x[1y:1s])[1y:1s])[1y:1s])",
        "sum_over_time(rate(x[1m])[200y:1s])",
        "count_over_time((x / 0)[1h:1ms])",
    ],
)
async def test_more_moments_than_memory(text: str) -> None:
    error = await error_of(text)
    assert isinstance(error, ExecutionError)
    assert "too many samples" in str(error)
    assert error.problems[0].hint


async def test_more_samples_than_allowed() -> None:
    assert "at most 1000" in str(await error_of("sum_over_time(x[1h])", Limits(samples=1000)))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("(" * 10_000 + "x" + ")" * 10_000, "nest deeper"),
        ("abs(" * 10_000 + "x" + ")" * 10_000, "nest deeper"),
        ("(" * 10_000, "nest deeper"),
        ("{" * 10_000, "nest deeper"),
        (")" * 10_000, "without its opening bracket"),
        ("-" * 10_000 + "x", "too many operators"),
        ("+".join(["x"] * 10_000), "too many operators"),
        ("^".join(["1"] * 10_000), "too many operators"),
        (" or ".join(["x"] * 10_000), "too many operators"),
        ("abs(x or x and x == x + x * -x ^ " * 40 + "x" + ")" * 40, "nests deeper"),
        ("x" * 200_000, "characters"),
        ("max_over_time(" * 100 + "x" + "[1m:1s])" * 100, "nest deeper"),
    ],
)
async def test_nesting_and_length_without_end(text: str, part: str) -> None:
    error = await error_of(text)
    assert isinstance(error, BadQuery)
    assert part in str(error)


async def test_what_is_allowed_to_be_large_works() -> None:
    deep = "(1 + " * 55 + "x" + ")" * 55
    assert isinstance((await query_instant(deep, HOUR, select, Limits())).value, InstantVector)
    wide = " or ".join(f'x{{i="{number}"}}' for number in range(300))
    found = (await query_instant(wide, HOUR, select, Limits())).value
    assert isinstance(found, InstantVector)
    assert len(found.points) == 300
    total = (await query_instant("+".join(["1"] * 900), HOUR, select, Limits())).value
    assert total == Scalar(HOUR, 900.0)


@pytest.mark.parametrize(
    "pattern",
    ["(a{1000}){1000}", "(((((a{1,100}){1,100}){1,100})))", "(" * 500 + "a" + ")" * 499, "a(?=b)", r"(a)\\1", "a" * 20_000, "x**", "[z-a]"],
)
async def test_regular_expressions_that_explode_or_are_none(pattern: str) -> None:
    error = await error_of(f'x{{i=~"{pattern}"}}')
    assert isinstance(error, BadQuery)
    assert "regular expression" in str(error) or "regexp" in str(error)
    error = await error_of(f'label_replace(x, "a", "$1", "i", "{pattern}")')
    assert isinstance(error, ExecutionError)
    assert "invalid regular expression in label_replace()" in str(error)


async def test_a_regular_expression_that_backtracks_elsewhere_is_matched_in_linear_time() -> None:
    series = [Column({"__name__": "x", "i": "a" * 5_000 + "!"}, AT, AT + 0.0)]

    async def one(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        return series

    found = await query_instant('label_replace(x, "hit", "yes", "i", "((a+)+)+")', HOUR - 1, one, Limits(seconds=BOUNDED))
    assert isinstance(found.value, InstantVector)
    assert "hit" not in found.value.points[0].labels


@pytest.mark.parametrize("text", ["x + on () x", "x * ignoring (i) x", "x + on (j) group_left x", "x > on () group_right x"])
async def test_cross_joins(text: str) -> None:
    error = await error_of(text)
    assert "many-to-many matching not allowed" in str(error)
    assert error.kind == "execution"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('x + "a"', "must contain only scalar and instant vector types"),
        ("sum(1)", "expected type vector"),
        ("rate(x)", "expected type matrix"),
        ("x[5m] + 1", "must contain only scalar and instant vector types"),
        ("x and 1", "set operator"),
        ("1 == 1", "must use BOOL"),
        ("vector(x)", "expected type scalar"),
        ("-x[5m]", "unary expression only allowed"),
        ('-"a"', "unary expression only allowed"),
        ("x[5m][5m:1m]", "subquery is only allowed on vector"),
        ('"a"[5m:1m]', "subquery is only allowed on vector"),
        ("topk(x, x)", "expected type scalar"),
        ("count_values(1, x)", "expected type string"),
        ("topk(NaN, x)", "Parameter value is NaN"),
        ("topk(1e30, x)", "overflows int64"),
    ],
)
async def test_mixed_types(text: str, part: str) -> None:
    assert part in str(await error_of(text))


async def test_types_that_have_no_range() -> None:
    for text, kind in (('"a"', "string"), ("x[5m]", "range vector")):
        with pytest.raises(BadQuery, match=f'invalid expression type "{kind}" for range query'):
            await query_range(text, 0, 10, 1, select, Limits())


@pytest.mark.parametrize("text", ["x", "rate(x[5m])", "sum(x)", "x + x", "histogram_quantile(0.9, x)", "topk(3, x)", "x or x", "sort(x)"])
async def test_an_empty_store_and_time_before_everything(text: str) -> None:
    for at, store in ((HOUR, nothing), (-(10**15), select), (10**15, select)):
        assert (await query_instant(text, at, store, Limits())).value == InstantVector(at, [])
        assert (await query_range(text, at, at + HOUR, 60_000, store, Limits())).value == Matrix([])


@pytest.mark.parametrize("text", ["x @ 8e15", "x @ -8e15", "x @ 8e15 offset 292y", "x offset -292y", "rate(x[292y] @ 0)"])
async def test_far_away_in_time(text: str) -> None:
    assert isinstance((await query_instant(text, HOUR, select, Limits())).value, InstantVector)


@pytest.mark.parametrize("text", ["x @ 1e300", "x @ NaN", "x @ Inf", "x[99999999999999999999y]", "x offset 293y", "x[9999y:1s]"])
async def test_times_that_are_none(text: str) -> None:
    assert isinstance(await error_of(text), BadQuery)


@pytest.mark.parametrize("text", ["\x00", "x\x00", "\ud800", '"\ud800"', "é", "x{é='a'}", '"', "'", "`", "x{", "#", "", "   ", "\u202ex"])
async def test_texts_that_are_no_expression(text: str) -> None:
    error = await error_of(text)
    assert isinstance(error, BadQuery)
    assert error.problems[0].where is not None


async def test_time_runs_out_inside_a_long_step() -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"longer than 0\.2 s") as caught:
        await query_range("stddev_over_time(x[59m])", 0, HOUR, 1_000, select, Limits(seconds=0.2))
    assert caught.value.kind == "timeout"
    assert time.monotonic() - began < BOUNDED


async def test_a_store_that_does_not_answer_is_not_waited_for() -> None:
    async def stuck(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        await asyncio.sleep(3600)
        return []

    with pytest.raises(TimedOut):
        await query_instant("x", 0, stuck, Limits(seconds=0.1))


async def test_who_asks_and_leaves_stops_the_evaluation() -> None:
    task = asyncio.create_task(query_range("stddev_over_time(x[59m])", 0, HOUR, 400, select, Limits(seconds=3600)))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < BOUNDED


def test_each_kind_of_error_has_prometheus_name_for_it() -> None:
    assert [kind("").kind for kind in (BadQuery, ExecutionError, TimedOut, Cancelled)] == ["bad_data", "execution", "timeout", "canceled"]
