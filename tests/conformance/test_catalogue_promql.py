"""The questions in PromQL that the catalogue of operations asks for, as their manual writes them: put to Debian's Prometheus, to the
evaluator here over the same samples, and by the kind of check ``prometheus`` to Debian's Prometheus and to a running Keepwell.
"""

import csv
import math
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from keepwell.kernel.states import State
from keepwell.ports.samples import NAME, Column, Matcher
from keepwell.rooms.promql.model import InstantVector, Limits
from keepwell.rooms.promql.patterns import fits
from keepwell.rooms.promql.work import query_instant
from tests.prometheus_server import prometheus_over
from tests.services.look import look
from tests.services.test_promql_beside_prometheus import differences, shaped, theirs
from tests.serving import keepwell, operations, serving
from tests.support import need, outside

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("catalogue-promql")]

FAILED, DURATION = "transcription_failures_total", "http_request_duration_seconds"
AVAILABLE, TOTAL = "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"
ROWS: Mapping[str, str] = {
    "ST-004": "increase(http_requests_total[24h])",
    "ST-005": f"rate({FAILED}[24h])/rate(transcription_uploads_total[24h])",
    "ST-006": f"rate({DURATION}_sum[24h])/rate({DURATION}_count[24h])",
    "ST-007": '100-(avg(rate(node_cpu_seconds_total{mode="idle"}[5m]))*100)',
    "ST-008": f"(1-({AVAILABLE}/{TOTAL}))*100",
}
"""Each row's expression."""

EVERY = 15_000
HOURS = 25


def columns(end: int) -> list[Column]:
    """What the service of the manual and its host would have said until ``end`` (milliseconds): counters, one of them restarted in between,
    and gauges."""
    random, count = np.random.default_rng(4), HOURS * 3_600_000 // EVERY
    at = end - EVERY * np.arange(count, dtype=np.int64)[::-1] - 7
    api = {"instance": "api:8080", "job": "api"}
    found = []

    def counter(name: str, mean: float, **labels: str) -> None:
        grown = np.cumsum(random.poisson(100 * mean, count) / 100)
        if name.startswith("http"):
            grown[count // 2 :] -= grown[count // 2]
        found.append(Column({NAME: name, **labels}, at, grown))

    counter("http_requests_total", 30, **api)
    counter("transcription_uploads_total", 3, **api)
    counter(FAILED, 0.05, **api)
    counter(f"{DURATION}_sum", 6, **api)
    counter(f"{DURATION}_count", 30, **api)
    for cpu in range(2):
        for mode, mean in (("idle", 11.0), ("user", 3.0), ("system", 1.0)):
            counter("node_cpu_seconds_total", mean, instance="host:9100", cpu=str(cpu), mode=mode)
    found.append(Column({NAME: TOTAL, "instance": "host:9100"}, at, np.full(count, 8_253_000_704.0)))
    found.append(Column({NAME: AVAILABLE, "instance": "host:9100"}, at, random.integers(2**31, 2**32, count).astype(float)))
    return found


def openmetrics(found: Sequence[Column]) -> str:
    """The columns as promtool and keepwell samples import take them."""
    lines = []
    for column in found:
        inside = ",".join(f'{name}="{value}"' for name, value in column.labels.items() if name != NAME)
        for at, value in zip(column.timestamps.tolist(), column.values.tolist(), strict=True):
            lines.append(f"{column.labels[NAME]}{{{inside}}} {value!r} {at // 1000}.{at % 1000:03d}")
    return "\n".join([*lines, "# EOF", ""])


class Stores:
    """The same samples here and there, and when they end (milliseconds)."""

    def __init__(self, folder: Path) -> None:
        self.end = int(time.time() * 1000)
        self.columns = columns(self.end)
        self.file = folder / "samples.om"
        self.file.write_text(openmetrics(self.columns))
        self.address = ""

    async def select(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        """See ``keepwell.ports.samples.Select``."""
        found = []
        for column in self.columns:
            if all(fits(matcher, dict(column.labels)) for matcher in matchers):
                low, high = column.timestamps.searchsorted([start, end + 1])
                found.append(Column(column.labels, column.timestamps[low:high], column.values[low:high]))
        return [column for column in found if len(column.timestamps)]

    async def figure(self, expression: str) -> float:
        """What the evaluator here gives now: windows have moved on since the samples ended. The one value of a vector."""
        value = (await query_instant(expression, int(time.time() * 1000), self.select, Limits())).value
        assert isinstance(value, InstantVector)
        assert len(value.points) == 1
        return value.points[0].value


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    folder = tmp_path_factory.mktemp("catalogue")
    made = Stores(folder)
    command = [need("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(made.file), str(folder / "blocks")]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    with prometheus_over(folder / "blocks") as made.address:
        yield made


def test_each_row_is_written_as_its_manual_writes_it() -> None:
    manual = outside("manuals", "speech-to-text.md").read_text().split("\n")
    with outside("procedures.csv").open(newline="") as file:
        wanted = {row["id"]: row for row in csv.DictReader(file) if row["capability"] == "check.promql"}
    assert {row["manual"] for row in wanted.values()} == {"speech-to-text.md"}
    found = {name: re.search(r"\?query=(.*?)' \|", manual[int(row["line"]) - 1]) for name, row in wanted.items()}
    assert {name: match and match[1] for name, match in found.items()} == ROWS


@pytest.mark.parametrize("row", ROWS)
async def test_a_row_gives_here_what_it_gives_in_prometheus(stores: Stores, row: str) -> None:
    ours = shaped((await query_instant(ROWS[row], stores.end, stores.select, Limits())).value)
    others = theirs(stores.address, "query", query=ROWS[row], time=stores.end / 1000)
    assert others
    assert list(differences(ours, others)) == []
    assert all(math.isfinite(value) and value > 0 for points in ours.values() for value in points.values())


@pytest.mark.parametrize("row", ROWS)
async def test_a_check_of_that_query_measures_it(stores: Stores, row: str) -> None:
    seen = await look("prometheus", {"url": stores.address, "query": ROWS[row], "value": {"fail": "< 0"}})
    assert seen.state is State.OK, seen.sentence
    # Between the look and the figure a moment goes by, by which windows move on.
    assert seen.values["value"] == pytest.approx(await stores.figure(ROWS[row]), rel=0.02)
    judged = await look("prometheus", {"url": stores.address, "query": ROWS[row], "value": {"fail": "> 0"}})
    assert judged.state is State.FAIL


async def test_the_same_checks_measure_a_running_keepwell(stores: Stores, tmp_path: Path) -> None:
    folder, data = operations(tmp_path / "ops", "keepwell: 1\nservice: speech\n"), tmp_path / "data"
    brought = keepwell("samples", "import", str(stores.file), "--data", str(data))
    assert brought.returncode == 0, brought.stdout + brought.stderr
    with serving(folder, data) as server:
        for expression in ROWS.values():
            seen = await look("prometheus", {"url": f"http://127.0.0.1:{server.port}/prometheus", "query": expression})
            assert seen.state is State.OK, seen.sentence
            assert seen.values["value"] == pytest.approx(await stores.figure(expression), rel=0.05)
