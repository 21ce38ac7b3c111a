"""What is fetched for an expression, before anything is evaluated."""

from collections.abc import Sequence

import numpy as np
import pytest

from keepwell.ports.samples import Column, Matcher
from keepwell.rooms.promql.model import Limits
from keepwell.rooms.promql.parse import parse
from keepwell.rooms.promql.plan import needs
from keepwell.rooms.promql.work import query_instant, query_range

M = 60_000


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("x", [("x", 95 * M + 1, 110 * M)]),
        ("x offset 10m", [("x", 85 * M + 1, 100 * M)]),
        ("x offset -10m", [("x", 105 * M + 1, 120 * M)]),
        ("x @ 600", [("x", 5 * M + 1, 10 * M)]),
        ("x @ start()", [("x", 95 * M + 1, 100 * M)]),
        ("x @ end() offset 1m", [("x", 105 * M + 1, 110 * M)]),
        ("rate(x[1m])", [("x", 99 * M + 1, 110 * M)]),
        ("x / x offset 1m", [("x", 94 * M + 1, 110 * M)]),
        ("x - x offset 1h", [("x", 35 * M + 1, 50 * M), ("x", 95 * M + 1, 110 * M)]),
        ("max_over_time(rate(x[2m])[10m:3m])", [("x", 91 * M + 1, 108 * M)]),
        ("max_over_time(x[10m:] offset 1m)", [("x", 85 * M + 1, 109 * M)]),
        ("max_over_time(x[1s:1h])", []),
        ("sum_over_time(x[5m:1m] @ 600)", [("x", M + 1, 10 * M)]),
        ("sum(x) + quantile(scalar(y), z)", [("x", 95 * M + 1, 110 * M), ("y", 95 * M + 1, 110 * M), ("z", 95 * M + 1, 110 * M)]),
        ("-time() + 1", []),
    ],
)
def test_stretches(text: str, stretches: list[tuple[str, int, int]]) -> None:
    found = needs(parse(text), (100 * M, 110 * M, 111 * M), M)
    assert [(need.matchers[0].value, need.start, need.end) for need in found] == stretches


def test_how_long_a_sample_stands_for_its_series_is_fetched() -> None:
    (need,) = needs(parse("x offset 1m"), (100 * M, 110 * M, 110 * M), M, look_back=15 * M)
    assert (need.start, need.end) == (84 * M + 1, 109 * M)


async def test_each_stretch_is_asked_for_once() -> None:
    asked: list[tuple[int, int]] = []

    async def select(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        asked.append((start, end))
        return [Column({"__name__": "x"}, np.array([start, end]), np.array([1.0, 2.0]))]

    await query_range("x + x + rate(x[1m]) + x offset 1m", 0, 10 * M, M, select, Limits())
    assert asked == [(-6 * M + 1, 10 * M)]
    asked.clear()
    await query_instant("1 + 1", 0, select, Limits())
    assert asked == []
