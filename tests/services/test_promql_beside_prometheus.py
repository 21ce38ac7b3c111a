"""The same expressions over the same samples, here and in Debian's Prometheus.

No sample and no subquery's value lies on the edge of a window: Debian's 2.42 counts the left edge in, Prometheus 3 and we do not. Left out
is also what Prometheus 3 does otherwise: ``atan2`` keeps the name in 2.42; where samples are sparse, ``rate`` of what may fall below zero
extrapolates differently; ``predict_linear`` over a range with ``@`` had values at one moment only. And dates of NaN and infinities, which
are far years there and NaN here.
"""

import json
import math
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from keepwell.kernel.problems import KeepwellError
from keepwell.ports.samples import Column, Matcher
from keepwell.rooms.promql.model import InstantVector, Limits, Matrix, Scalar, Value
from keepwell.rooms.promql.patterns import fits
from keepwell.rooms.promql.work import query_instant, query_range
from tests.prometheus_server import prometheus_over
from tests.support import need

START = 1_700_000_000_000
"""Milliseconds; a multiple of 10 s."""
EDGELESS = 7_000
"""How far the moments of queries lie from multiples of a minute."""
STEPS = 25

Found = dict[tuple[tuple[str, str], ...], dict[int, float]]


def columns() -> list[Column]:
    """Counters with resets and gaps, gauges with NaN and infinities, and a classic histogram."""
    random = np.random.default_rng(20260101)
    found = []
    for number in range(12):
        at = START + 3_217 + 17 * number + 10_000 * np.arange(480)
        labels = {"job": f"j{number % 3}", "instance": f"i{number}", "l": "ab"[number % 2]}
        grown = np.cumsum(random.integers(0, 9, len(at))).astype(float)
        for reset in random.integers(20, 460, number % 4):
            grown[reset:] -= grown[reset]
        gauge = np.round(random.normal(3, 40, len(at)), 3)
        gauge[random.integers(0, 480, 3)] = [math.nan, math.inf, -math.inf][number % 3]
        there = random.random(len(at)) > (0.0, 0.3, 0.9)[number % 3]
        found.append(Column({"__name__": "requests_total", **labels}, at[there], grown[there]))
        found.append(Column({"__name__": "load", **labels}, at[there], gauge[there]))
        found.append(
            Column({"__name__": "limit", "job": f"j{number % 3}", "instance": f"i{number}", "owner": "o"}, at, np.full(480, number))
        )
    at = START + 3_111 + 10_000 * np.arange(480)
    for host in ("x", "y"):
        held = np.zeros(480)
        for bound in ("0.1", "0.5", "1", "5", "+Inf"):
            held = held + np.cumsum(random.integers(0, 6, 480))
            found.append(Column({"__name__": "took_bucket", "host": host, "le": bound}, at, held.copy()))
    return found


COLUMNS = columns()


async def select(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
    """The columns by their labels, cut to the stretch."""
    found = []
    for column in COLUMNS:
        if all(fits(matcher, dict(column.labels)) for matcher in matchers):
            low, high = column.timestamps.searchsorted([start, end + 1])
            if low < high:
                found.append(Column(column.labels, column.timestamps[low:high], column.values[low:high]))
    return found


def openmetrics() -> str:
    """The columns as promtool takes them: one family after the other."""
    lines = []
    for column in sorted(COLUMNS, key=lambda column: column.labels["__name__"]):
        inside = ",".join(f'{name}="{value}"' for name, value in column.labels.items() if name != "__name__")
        for at, value in zip(column.timestamps.tolist(), column.values.tolist(), strict=True):
            text = "NaN" if math.isnan(value) else str(value).replace("inf", "Inf").replace("Inf", "+Inf" if value > 0 else "Inf")
            lines.append(f"{column.labels['__name__']}{{{inside}}} {text} {at // 1000}.{at % 1000:03d}")
    return "\n".join(lines) + "\n# EOF\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with the same samples."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "samples.om").write_text(openmetrics())
    make = [need("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(folder / "samples.om"), str(folder / "blocks")]
    made = subprocess.run(make, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    with prometheus_over(folder / "blocks") as found:
        yield found


def theirs(address: str, path: str, **parameters: object) -> Found | None:
    """What Prometheus answers; None where it refuses."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=60) as reply:
            data = json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        if error.code in (400, 422):
            return None
        raise
    if data["resultType"] == "scalar":
        return {(): {round(data["result"][0] * 1000): float(data["result"][1])}}
    return {
        tuple(sorted(one["metric"].items())): {round(at * 1000): float(value) for at, value in one.get("values") or [one["value"]]}
        for one in data["result"]
    }


def shaped(value: Value) -> Found:
    """Our answer in the same shape."""
    match value:
        case Scalar():
            return {(): {value.at: value.value}}
        case InstantVector():
            return {tuple(sorted(point.labels.items())): {value.at: point.value} for point in value.points}
        case Matrix():
            return {tuple(sorted(one.labels.items())): dict(zip(one.at.tolist(), one.values.tolist(), strict=True)) for one in value.series}
    raise AssertionError(value)


def differences(ours: Found, others: Found) -> Iterator[str]:
    """Where both answers differ."""
    if ours.keys() != others.keys():
        yield f"series: only here {sorted(ours.keys() - others.keys())[:3]}, only there {sorted(others.keys() - ours.keys())[:3]}"
        return
    for key, points in others.items():
        if points.keys() != ours[key].keys():
            yield f"{key}: other moments, {sorted(points.keys() ^ ours[key].keys())[:3]}"
            continue
        for at, value in points.items():
            mine = ours[key][at]
            if not (math.isnan(value) and math.isnan(mine)) and not math.isclose(value, mine, rel_tol=1e-9, abs_tol=1e-9):
                yield f"{key} at {at}: {mine} here, {value} there"


OF_RANGE = [
    "rate",
    "increase",
    "irate",
    "delta",
    "idelta",
    "changes",
    "resets",
    "deriv",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "present_over_time",
]
OF_VECTOR = [
    "abs",
    "ceil",
    "floor",
    "exp",
    "ln",
    "log2",
    "log10",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "deg",
    "rad",
    "sgn",
    "round",
    "timestamp",
    "sort",
    "sort_desc",
    "scalar",
    "absent",
]
DATES = ["year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute"]
EXPRESSIONS = [
    "load",
    "requests_total offset 3m",
    "load @ 1700001000",
    "load @ start()",
    "sum(load @ end())",
    "load > 10 < 50",
    "load > bool 10",
    "10 < load",
    "-load ^ 2",
    "load % 7",
    "7 % load",
    "2 atan2 3",
    "1 / (load - load)",
    "time() - load",
    "vector(time()) / 60",
    *(f"{function}(requests_total[2m])" for function in OF_RANGE),
    *(f"{function}(load[5m] offset 1m)" for function in OF_RANGE if function not in ("rate", "increase")),
    *(f"{function}(load)" for function in OF_VECTOR),
    *(f"{function}(limit * 1e7 - 3e7)" for function in DATES),
    *(f"{function}()" for function in DATES),
    "rate(requests_total[10m] @ 1700002000)",
    "quantile_over_time(0.3, load[5m])",
    "quantile_over_time(scalar(limit{instance='i1'}) / 7, load[5m])",
    "predict_linear(load[5m], 600)",
    "absent_over_time(load{instance='i2'}[20s])",
    "absent(nothing{a='b',c=~'d'})",
    "clamp(load, -5, 5) or clamp_min(load, 3) or clamp_max(load, 4)",
    "round(load, 0.25)",
    *(f"{operator} by (job) (load)" for operator in ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")),
    *(f"{operator} without (instance, l) (requests_total)" for operator in ("sum", "avg", "min", "max", "count", "stddev")),
    "quantile by (job) (0.4, load)",
    "quantile(2, load)",
    "topk by (job) (2, requests_total + limit * 0.001)",
    "bottomk(3, load)",
    "count_values by (job) ('v', round(limit / 3))",
    "requests_total + on (instance) limit",
    "requests_total / on (job, instance) group_left (owner) limit",
    "limit * on (instance) group_right (owner) load",
    "load > on (instance) limit",
    "load == bool ignoring (l, owner) limit",
    "load * on (job) limit",
    "load + ignoring (l) limit",
    "load and on (instance) (limit > 5)",
    "load or requests_total{l='a'}",
    "load unless ignoring (l, owner) (limit > 5)",
    "sum by (job) (rate(requests_total[5m])) / on (job) sum by (job) (limit)",
    "histogram_quantile(0.9, rate(took_bucket[5m]))",
    "histogram_quantile(0.5, sum by (le) (rate(took_bucket[2m])))",
    "histogram_quantile(-1, took_bucket)",
    "label_replace(load, 'x', '$2-$1', 'instance', '(.)(.*)')",
    "label_join(load, 'x', '/', 'job', 'l', 'none')",
    "label_replace(load, 'instance', '', 'instance', '.*')",
    "max_over_time(rate(requests_total[2m])[10m:1m])",
    "avg_over_time(load[7m:30s] offset 2m)",
    "sum_over_time((load > 0)[5m:])",
    "rate(sum by (job) (requests_total)[5m:20s])",
    "min_over_time(max_over_time(load[1m])[5m:1m] @ 1700001507)",
    "count_over_time(vector(1)[10m:1m])",
    "sum(rate(requests_total{job=~'j[01]',instance!~'i1.*'}[3m])) > 0",
    "{__name__=~'load|limit', job='j0'}",
    "scalar(load)",
    "1 + 2 * 3 ^ 2 ^ 0.5 % 4",
    "load offset -5m",
    "sum(load) by (job) or vector(1)",
    "rate(requests_total[1s])",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_prometheus_says_the_same(address: str, expression: str) -> None:
    start = START // 60_000 * 60_000 + 20 * 60_000 + EDGELESS
    end = start + 2 * 60_000 * (STEPS - 1)
    others = theirs(address, "query_range", query=expression, start=start / 1000, end=end / 1000, step=120)
    try:
        found = shaped((await query_range(expression, start, end, 120_000, select, Limits())).value)
    except KeepwellError:
        found = None
    assert (found is None) == (others is None)
    assert list(differences(found or {}, others or {})) == []


@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_prometheus_says_the_same_at_one_instant(address: str, expression: str) -> None:
    at = START // 60_000 * 60_000 + 41 * 60_000 + EDGELESS
    others = theirs(address, "query", query=expression, time=at / 1000)
    try:
        found = shaped((await query_instant(expression, at, select, Limits())).value)
    except KeepwellError:
        found = None
    assert (found is None) == (others is None)
    assert list(differences(found or {}, others or {})) == []
