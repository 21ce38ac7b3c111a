"""Samples as text and back: whatever there is comes back as it was, and strict readers take it."""

import io
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import STALE, Metric
from keepwell.rooms.samples.scraping.parse import openmetrics
from keepwell.rooms.samples.transfer import reading_out
from keepwell.rooms.samples.transfer.csv_reading import CsvReader, Foreign
from keepwell.rooms.samples.transfer.csv_writing import column_of, label_of
from keepwell.rooms.samples.transfer.imported import format_of
from keepwell.rooms.samples.transfer.model import Format
from keepwell.rooms.samples.transfer.openmetrics_reading import OpenMetricsReader, dump_reader, without_exemplar
from keepwell.rooms.samples.transfer.reading import Gathered
from keepwell.rooms.samples.transfer.texts import second_texts, value_texts
from tests.samples_transfer import Memory, bring, exported, key, read, reader_of, same

T = 1_795_000_000_000

NAMES = st.sampled_from(
    ["up", "a:b", "req_total", "lat", "lat_bucket", "lat_count", "lat_sum", "state", "x_info", "time", "with space", "ü.m"]
)
LABELS = st.sampled_from(["a", "b", "le", "quantile", "time", "metric", "value", "value.label", "state", "job", "ü"])
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12) | st.sampled_from(
    ['"', "\\", "\n", "\r\n", ",", " # ", "} 1 2", "a\tb", "\x00", "\u2028", "\x85", "+Inf", "0.5", "stale"]
)
VALUES = st.floats() | st.sampled_from([0.0, -0.0, 1.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 2.0**53 + 2])
KINDS = st.sampled_from(["counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram", "unknown"])
METRICS = st.builds(
    Metric, KINDS, st.text(st.characters(exclude_categories=("Cs",)), max_size=10), st.sampled_from(["", "bytes", "seconds"])
)


@st.composite
def stores(draw: st.DrawFn) -> Memory:
    """Any samples under any labels, with any metadata."""
    memory = Memory()
    for _ in range(draw(st.integers(0, 6))):
        labels = {**draw(st.dictionaries(LABELS, TEXTS, max_size=3)), NAME: draw(NAMES)}
        for at in draw(st.lists(st.integers(T, T + 5) | st.integers(T - 10**9, T + 10**9), max_size=4)):
            memory.put(labels, at, draw(VALUES))
    memory.metrics = draw(st.dictionaries(NAMES | st.sampled_from(["req", "x"]), METRICS, max_size=4))
    return memory


@pytest.mark.parametrize("format", [Format.CSV, Format.OPENMETRICS])
@settings(deadline=None)
@given(store=stores())
async def test_export_import_export_gives_the_same_bytes(store: Memory, format: Format) -> None:
    first = await exported(store, format)
    again = Memory()
    report = await bring(first, reader_of(format), again)
    assert report.is_clean, (report, first)
    assert same(store, again), first
    assert await exported(again, format) == first
    repeated = await bring(first, reader_of(format), again)
    assert (repeated.stored, repeated.known) == (0, report.stored)


@settings(deadline=None)
@given(store=stores())
async def test_a_strict_parser_takes_the_export_and_reads_every_sample(store: Memory) -> None:
    text = (await exported(store, Format.OPENMETRICS)).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert len(samples) == sum(map(len, store.samples.values()))
    assert len(openmetrics(text)) == len(samples)


@settings(deadline=None)
@given(store=stores())
async def test_parquet_is_what_any_reader_reads(store: Memory) -> None:
    table = pq.read_table(io.BytesIO(await exported(store, Format.PARQUET)), page_checksum_verification=True)
    found = Memory()
    for row in table.to_pylist():
        labels = {label_of(name): value for name, value in row.items() if value is not None and name not in ("time", "metric", "value")}
        found.put({**labels, NAME: row["metric"]}, round(row["time"].timestamp() * 1000), row["value"])
    assert same(store, found)
    assert table.column("time").type.tz == "UTC"


async def test_a_family_keeps_its_type_text_and_unit() -> None:
    store = Memory()
    store.metrics = {
        "http_requests_total": Metric("counter", 'How many\nof "them" \\', ""),
        "size_bytes": Metric("gauge", "Size", "bytes"),
        "wait_seconds": Metric("histogram", "Waited", "seconds"),
        "job_total": Metric("counter", "", "seconds"),
    }
    for at in (T, T + 1000):
        store.put({NAME: "http_requests_total", "code": "200"}, at, 3)
        store.put({NAME: "size_bytes"}, at, -4.5)
        store.put({NAME: "job_total"}, at, 1)
    for le, value in (("+Inf", 3.0), ("0.1", 1.0), ("1", 2.0)):
        store.put({NAME: "wait_seconds_bucket", "le": le}, T, value)
    store.put({NAME: "wait_seconds_count"}, T, 3)
    store.put({NAME: "wait_seconds_sum"}, T, 1.25)
    assert (await exported(store, Format.OPENMETRICS)).decode().splitlines() == [
        "# TYPE http_requests counter",
        '# HELP http_requests How many\\nof \\"them\\" \\\\',
        'http_requests_total{code="200"} 3.0 1795000000.000',
        'http_requests_total{code="200"} 3.0 1795000001.000',
        "# TYPE job counter",
        "job_total 1.0 1795000000.000",
        "job_total 1.0 1795000001.000",
        "# TYPE size_bytes gauge",
        "# UNIT size_bytes bytes",
        "# HELP size_bytes Size",
        "size_bytes -4.5 1795000000.000",
        "size_bytes -4.5 1795000001.000",
        "# TYPE wait_seconds histogram",
        "# UNIT wait_seconds seconds",
        "# HELP wait_seconds Waited",
        'wait_seconds_bucket{le="0.1"} 1.0 1795000000.000',
        'wait_seconds_bucket{le="1"} 2.0 1795000000.000',
        'wait_seconds_bucket{le="+Inf"} 3.0 1795000000.000',
        "wait_seconds_count 3.0 1795000000.000",
        "wait_seconds_sum 1.25 1795000000.000",
        "# EOF",
    ]


@pytest.mark.parametrize(
    ("kind", "name", "labels", "value"),
    [
        ("counter", "x_total", {}, math.nan),
        ("counter", "x_total", {}, -1.0),
        ("summary", "x", {"quantile": "2"}, 1.0),
        ("summary", "x", {}, 1.0),
        ("histogram", "x_bucket", {"le": "1"}, 1.0),
        ("histogram", "x_bucket", {"le": "+Inf"}, 1.5),
        ("histogram", "x_bucket", {"le": "inf"}, 1.0),
        ("info", "x_info", {}, 2.0),
        ("stateset", "x", {"x": "on"}, 0.5),
        ("stateset", "x", {}, 1.0),
    ],
)
async def test_what_breaks_the_rules_of_its_type_is_written_without_one(kind: str, name: str, labels: dict[str, str], value: float) -> None:
    store = Memory()
    store.metrics = {"x": Metric(kind, "Text", ""), "x_total": Metric(kind), "x_info": Metric(kind)}
    store.put({NAME: name, **labels}, T, value)
    text = (await exported(store, Format.OPENMETRICS)).decode()
    assert text.startswith(f"# TYPE {name} unknown\n")
    assert [family.type for family in text_string_to_metric_families(text)] == ["unknown"]


async def test_staleness_markers_are_kept_in_csv_and_parquet_and_left_out_of_openmetrics() -> None:
    store = Memory()
    store.put({NAME: "up"}, T, 1.0)
    store.put({NAME: "up"}, T + 1, float(STALE))
    text = await exported(store, Format.CSV)
    assert text.decode() == "time,metric,value\r\n2026-11-18T11:06:40.000Z,up,1.0\r\n2026-11-18T11:06:40.001Z,up,stale\r\n"
    again, report = await read(text, reader_of(Format.CSV))
    assert report.is_clean
    value = np.array(list(again.samples[key({NAME: "up"})].values()))
    assert value.view(np.uint64).tolist()[1] == np.array([STALE]).view(np.uint64).tolist()[0]
    parquet = pq.read_table(io.BytesIO(await exported(store, Format.PARQUET))).column("value").to_numpy()
    assert parquet.view(np.uint64).tolist()[1] == 0x7FF0000000000002
    assert (await exported(store, Format.OPENMETRICS)).decode() == "# TYPE up unknown\nup 1.0 1795000000.000\n# EOF\n"


async def test_an_export_reads_a_bounded_number_of_samples_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_out, "BUDGET", 500)
    store = Memory()
    store.metrics = {"req_total": Metric("counter"), "few": Metric("gauge")}
    for number in range(40):
        for step in range(300):
            store.put({NAME: "req_total", "n": str(number)}, T + step * 10_000, float(step))
    for step in range(3000):
        store.put({NAME: "long"}, T + step * 10_000, float(step))
        store.put({NAME: "few", "n": str(step % 50)}, T + step * 1_000_000, 1.0)
    for format in (Format.CSV, Format.OPENMETRICS):
        text = await exported(store, format, T - 86_400_000, T + 10**10)
        again, report = await read(text, reader_of(format))
        assert report.is_clean
        assert same(store, again)
    assert store.asked <= 2500


async def test_only_the_stretch_that_was_asked_for_is_written() -> None:
    store = Memory()
    for step in range(10):
        store.put({NAME: "up"}, T + step, float(step))
    again, _ = await read(await exported(store, Format.OPENMETRICS, T + 3, T + 5))
    assert list(again.samples[key({NAME: "up"})].items()) == [(T + 3, 3.0), (T + 4, 4.0), (T + 5, 5.0)]


@given(st.lists(st.integers(-(10**15), 10**15), max_size=5))
def test_instants_as_seconds_are_exact(instants: list[int]) -> None:
    texts = second_texts(np.array(instants, np.int64))
    assert [round(float(text) * 1000) for text in texts] == instants


@given(st.lists(st.floats(allow_nan=False), max_size=5))
def test_values_as_text_are_exact(values: list[float]) -> None:
    assert [float(text).hex() for text in value_texts(np.array(values, np.float64))] == [value.hex() for value in values]


@given(st.text(max_size=30) | st.sampled_from(["time", "value", "metric.label", "time.label.label", "value.labels"]))
def test_columns_name_their_labels(label: str) -> None:
    assert label_of(column_of(label)) == label
    assert column_of(label) not in ("time", "metric", "value")


# --- reading what others write ---


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a 1", "states no instant"),
        ('a{b="c"} 1', "states no instant"),
        ("a one 1795000000", "its value is no number"),
        ("a 1 never", ""),
        ("a 1e999 1795000000", "larger than any number"),
        ("a 1_0 1795000000", "its value is no number"),
        ("a 1 1e300", "no time that can be meant"),
        ("a 1 NaN", ""),
        ('a{b="c} 1 1795000000', ""),
        ('a{b="c",b="d"} 1 1795000000', "labels cannot be read"),
        ("9a 1 1795000000", "name of a metric"),
        ("a  1 1795000000", ""),
        ("just some text", ""),
        ("\x00", ""),
    ],
)
async def test_a_bad_line_is_told_with_its_number_and_the_rest_is_read(line: str, reason: str) -> None:
    rejected: list = []
    memory = Memory()
    text = f"before 1 1795000000\n{line}\nafter 2 1795000000.25\n# EOF\n".encode()
    report = await bring(text, reader_of(Format.OPENMETRICS), memory, rejected)
    assert [(one.line, one.text) for one in rejected] == [(2, line.encode())]
    assert reason in rejected[0].reason
    assert rejected[0].reason
    assert (report.stored, report.passed_over, report.faults) == (2, 1, [])
    assert memory.samples[key({NAME: "after"})] == {T + 250: 2.0}


async def test_lines_of_a_backfill_may_stand_in_any_order() -> None:
    text = b"""# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{code="200",service="user"} 123 1795000000
http_requests_total{code="500",service="user"} 42 1795000010
other{} 1 1795000000
http_requests_total{code="200",service="user"} 124 1794999990 # {trace="x # y"} 0.5 1794999990
http_requests_total{code="200",service="user"} 125 1794999980 # {} 0.5
# EOF
"""
    memory, report = await read(text)
    assert report.is_clean
    assert memory.samples[key({NAME: "http_requests_total", "code": "200", "service": "user"})] == {
        T: 123,
        T - 10_000: 124,
        T - 20_000: 125,
    }
    assert memory.metrics == {"http_requests_total": Metric("counter", "The total number of HTTP requests.")}


async def test_what_stands_behind_the_end_is_not_taken_and_a_missing_end_is_told() -> None:
    memory, report = await read(b"a 1 1795000000\n# EOF\na 1 1795000001\n")
    assert (report.stored, report.passed_over, report.complaints[0].line) == (1, 1, 3)
    memory, report = await read(b"a 1 1795000000\na 1 179500")
    assert report.faults == ["it does not end with # EOF: it broke off, or is not OpenMetrics"]
    assert len(memory.samples) == 1


@pytest.mark.parametrize("text", ['a{b="c # d"} 1 2', 'a{b="\\\\"} 1 2', 'a{b="\\" # "} 1 2', "a 1 2"])
def test_an_exemplar_begins_outside_of_quotes(text: str) -> None:
    assert without_exemplar(text.encode()) == text.encode()
    assert without_exemplar(f'{text} # {{t="x # y"}} 3 4'.encode()) == text.encode()


async def test_what_promtool_dumps_is_read() -> None:
    series = '{__name__="up", job="a\\tb\\u00a0\\x7f\\"\\\\"}'
    text = f"{series} 1 1795000000123\n{series} NaN 1795000000124\n"
    memory, report = await read(text.encode(), dump_reader(Gathered({"site": "north"})))
    assert report.is_clean
    assert list(memory.samples) == [key({NAME: "up", "job": 'a\tb\u00a0\x7f"\\', "site": "north"})]
    assert list(memory.samples[key({NAME: "up", "job": 'a\tb\u00a0\x7f"\\', "site": "north"})]) == [T + 123, T + 124]
    _, report = await read(b'{__name__="up"} 1 1795000000123\n{__name__="up"} 1 17950', dump_reader(Gathered({})))
    assert "broke off" in report.faults[0]


async def test_foreign_csv_with_named_columns() -> None:
    text = (
        b"when;host;cpu %\r\n1795000000;a;1.5\r\n1795000000123;a;2\r\n2026-11-18T12:06:41+01:00;b;3\r\n2026-11-18 12:06:42;b;4\r\n;a;1\r\n"
    )
    from zoneinfo import ZoneInfo

    foreign = Foreign("when", "cpu %", "cpu", ("host",), ZoneInfo("Europe/Berlin"), ";")
    memory, report = await read(text, CsvReader(Gathered({}), foreign))
    assert memory.samples[key({NAME: "cpu", "host": "a"})] == {T: 1.5, T + 123: 2.0}
    assert memory.samples[key({NAME: "cpu", "host": "b"})] == {T + 1000: 3.0, T + 2000: 4.0}
    assert [(one.line, one.reason) for one in report.complaints] == [
        (6, 'its time "" is neither RFC 3339 nor seconds or milliseconds since 1970')
    ]
    _, report = await read(text, CsvReader(Gathered({}), Foreign("when", "cpu %", "cpu", ("host",), None, ";")))
    assert "states no zone" in report.complaints[0].reason


async def test_a_quotation_mark_that_is_not_closed_costs_one_line() -> None:
    rows = [f"2026-11-18T11:06:40.{number:03d}Z,up,1,{number}" for number in range(500)]
    rows[7] = '2026-11-18T11:06:40.007Z,up,1,"open'
    rows[300] = '2026-11-18T11:06:40.300Z,up,1,"two\nlines"'
    memory, report = await read(("time,metric,value,n\n" + "\n".join(rows) + "\n").encode(), reader_of(Format.CSV))
    assert (report.stored, report.passed_over) == (499, 1)
    assert [(one.line, one.reason) for one in report.complaints] == [(9, "a quotation mark in it is not closed")]
    assert key({NAME: "up", "n": "two\nlines"}) in memory.samples


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (b"# TYPE a gauge", "openmetrics"),
        (b"a 1 2", "openmetrics"),
        (b'a{b="c,d"} 1 2', "openmetrics"),
        (b'{"with space",a="b"} 1 2', "openmetrics"),
        (b'{__name__="a", b="c"} 1 2', "dump"),
        (b"time,metric,value,job", "csv"),
        (b"time,some thing,value", "csv"),
        (b'"time",metric,value', "csv"),
        (b"", "openmetrics"),
    ],
)
def test_a_format_is_known_by_its_first_line(text: bytes, format: str) -> None:
    assert format_of(text) == format


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
async def test_no_bytes_break_a_reader(text: bytes) -> None:
    if text.startswith((b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff", b"BZh", b"PK\x03\x04", b"PAR1", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")):
        return  # other tests are about these
    _, report = await read(text, OpenMetricsReader(Gathered({})))
    assert report.lines == text.removeprefix(b"\xef\xbb\xbf").count(b"\n") + bool(text.removeprefix(b"\xef\xbb\xbf").rpartition(b"\n")[2])
    _, report = await read(b"time,metric,value,a\n" + text, reader_of(Format.CSV))
    _, report = await read(text, dump_reader(Gathered({})))
