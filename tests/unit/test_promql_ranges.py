"""A range is evaluated at once: at each of its moments it is worth what an instant query gives there."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from keepwell.ports.samples import STALE_BITS, Column, Matcher
from keepwell.rooms.promql.model import ExecutionError, InstantVector, Limits, Matrix, QueryError, Scalar, Value
from keepwell.rooms.promql.patterns import fits
from keepwell.rooms.promql.work import query_instant, query_range

Found = dict[tuple[tuple[str, str], ...], float]


def columns() -> list[Column]:
    """Series that come, go, fall, are marked stale, and lie on the edges of windows."""
    random = np.random.default_rng(77)
    found = []
    for number in range(8):
        at = np.arange(0, 7_200_000, 15_000) + (0 if number % 2 else 4_321)
        grown = np.cumsum(random.integers(0, 5, len(at))).astype(float)
        grown[200:] -= grown[200]
        labels = {"job": "ab"[number % 2], "i": str(number)}
        there = (random.random(len(at)) > 0.2) & ((at < 3_000_000) | (at > 4_500_000) | (number < 3))
        level = np.round(random.normal(0, 9, len(at)), 2)
        level[50 * number + 3] = math.nan
        level[350 + number] = math.inf
        ended = level.copy()
        ended.view(np.uint64)[random.integers(0, len(at), 9)] = STALE_BITS
        found += [
            Column({"__name__": "c_total", **labels}, at[there], grown[there]),
            Column({"__name__": "g", **labels}, at[there], ended[there]),
            Column({"__name__": "other", **labels, "extra": "e"}, at, level),
        ]
    for bound in ("1", "2", "4", "+Inf"):
        at = np.arange(0, 7_200_000, 30_000)
        grown = np.cumsum(random.integers(0, 4, len(at))).astype(float) * (1 + 2 * (bound == "+Inf"))
        keep = random.random(len(at)) > (0.5 if bound == "2" else 0.05)
        found.append(Column({"__name__": "h_bucket", "le": bound}, at[keep], grown[keep]))
    return found


COLUMNS = columns()


async def select(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
    found = []
    for column in COLUMNS:
        low, high = column.timestamps.searchsorted([start, end + 1])
        if low < high and all(fits(matcher, dict(column.labels)) for matcher in matchers):
            found.append(Column(column.labels, column.timestamps[low:high], column.values[low:high]))
    return found


RANGE_FUNCTIONS = [
    *("rate", "increase", "irate", "delta", "idelta", "changes", "resets", "deriv", "absent_over_time", "present_over_time"),
    *("avg_over_time", "sum_over_time", "min_over_time", "max_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time"),
    *("last_over_time", "first_over_time"),
]
EXPRESSIONS = [
    "g",
    "g offset 10m",
    "g @ 4000",
    "sum(g @ end()) + on () vector(time())",
    *(f"{function}(c_total[3m])" for function in RANGE_FUNCTIONS),
    *(f"{function}(g[70s] offset 1m)" for function in RANGE_FUNCTIONS),
    *(f"{function}(g[10m:45s])" for function in ("rate", "avg_over_time", "quantile_over_time", "absent_over_time") if function[0] != "q"),
    *(f"{name} by (job) (g)" for name in ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")),
    *(f"{name} without (i) (g > 0)" for name in ("sum", "avg", "min", "max", "count")),
    "quantile_over_time(0.7, g[5m])",
    "quantile_over_time(scalar(sum(other)) / 100, g[5m])",
    "predict_linear(g[5m], 300)",
    "predict_linear(c_total[5m] @ 3000, 300)",
    "quantile by (job) (0.3, g)",
    "topk by (job) (2, g)",
    "bottomk(time() % 5, g)",
    "count_values by (job) ('v', round(g, 5))",
    "count_values without (i) ('job', round(g, 8))",
    "g + on (i) other",
    "g > on (i, job) group_left (extra) other",
    "other <= bool on (i) group_right (extra) g",
    "g and on (i) (other > 0)",
    "g unless on (i) (other > 0)",
    "(g > 0) or (g < -5) or -other",
    "-g or -c_total",
    "abs(g) or timestamp(g) or hour(other)",
    "timestamp(g @ 3000)",
    "absent(g{i='7'})",
    "scalar(g{i='1'}) + 1",
    "clamp(g, scalar(g{i='0'}), 5)",
    "label_replace(rate(c_total[5m]), 'was', '$1', '__name__', '(.*)_total')",
    "label_join(g, 'i', '', 'job', 'i')",
    "histogram_quantile(0.8, h_bucket)",
    "histogram_quantile(0.8, rate(h_bucket[5m]))",
    "histogram_fraction(1, 3, h_bucket)",
    "max_over_time(sum by (job) (rate(c_total[2m]))[10m:1m])",
    "avg_over_time((g > 0)[7m:50s] offset 3m)",
    "min_over_time(max_over_time(g[1m])[5m:1m] @ 5000)",
    "sum_over_time(vector(time())[3m:7s])",
    "time() % 7",
    "sum(c_total) / sum(other) > 0 and vector(1)",
    "last_over_time(rate({__name__=~'c_total|other'}[5m])[10m:])",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
async def test_a_range_is_its_instants(text: str) -> None:
    start, end, step = 600_000, 7_500_000, 345_000
    whole = (await query_range(text, start, end, step, select, Limits())).value
    assert isinstance(whole, Matrix)
    fixed = text.replace("end()", str(end / 1000))
    assert {at for one in whole.series for at in one.at.tolist()} <= set(range(start, end + 1, step))
    for at in range(start, end + 1, step):
        assert same(row_at(whole, at), flat((await query_instant(fixed, at, select, Limits())).value)), at


def row_at(whole: Matrix, at: int) -> Found:
    return {tuple(sorted(one.labels.items())): float(one.values[one.at == at][0]) for one in whole.series if (one.at == at).any()}


def flat(value: Value) -> Found:
    if isinstance(value, Scalar):
        return {(): value.value}
    assert isinstance(value, InstantVector)
    return {tuple(sorted(point.labels.items())): point.value for point in value.points}


def same(one: Found, other: Found) -> bool:
    return one.keys() == other.keys() and all(
        math.isclose(value, other[key], rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(value) and math.isnan(other[key]))
        for key, value in one.items()
    )


@pytest.mark.parametrize("step", [1_000, 60_000, 3_600_000])
async def test_a_step_larger_or_smaller_than_windows_changes_nothing(step: int) -> None:
    text = "avg_over_time(rate(c_total[2m])[4m:20s])"
    start = 3_600_000
    whole = (await query_range(text, start, start + 2 * step, step, select, Limits())).value
    assert isinstance(whole, Matrix)
    for at in (start, start + step, start + 2 * step):
        assert same(row_at(whole, at), flat((await query_instant(text, at, select, Limits())).value))


@pytest.mark.parametrize(
    "text",
    [
        "{__name__=~'g|c_total',job='a'} + 1",
        "rate({__name__=~'g|c_total',job='a'}[5m])",
        "-{__name__=~'g|c_total',job='a'}",
        "label_replace(other, 'i', '', '', '')",
    ],
)
async def test_series_that_become_the_same_are_refused_at_an_instant_and_over_a_range(text: str) -> None:
    with pytest.raises(ExecutionError, match="same labelset"):
        await query_instant(text, 2_000_000, select, Limits())
    with pytest.raises(ExecutionError, match="same labelset"):
        await query_range(text, 2_000_000, 2_060_000, 60_000, select, Limits())


async def test_series_that_become_the_same_but_never_meet_are_one() -> None:
    at = np.arange(0, 600_000, 10_000)
    halves = [Column({"__name__": "x", "p": "1"}, at[:20], at[:20] + 0.0), Column({"__name__": "x", "p": "2"}, at[55:], at[55:] + 0.0)]

    async def two(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        return halves

    whole = (await query_range("label_replace(last_over_time(x[10s]), 'p', '', '', '')", 0, 590_000, 10_000, two, Limits())).value
    assert isinstance(whole, Matrix)
    assert [dict(one.labels) for one in whole.series] == [{"__name__": "x"}]
    assert whole.series[0].at.tolist() == [*at[:20].tolist(), *at[55:].tolist()]


async def test_infos_and_warnings_name_the_place() -> None:
    found = await query_instant("sum(rate(g[5m])) +\n quantile(1.5, g)", 2_000_000, select, Limits())
    assert found.infos == ('PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "g" (1:10)',)
    assert found.warnings == ("PromQL warning: quantile value should be between 0 and 1, got 1.5 (2:11)",)


async def test_a_fault_of_the_store_is_passed_on() -> None:
    async def broken(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        raise QueryError("the store is closed")

    with pytest.raises(QueryError, match="the store is closed"):
        await query_instant("x", 0, broken, Limits())
