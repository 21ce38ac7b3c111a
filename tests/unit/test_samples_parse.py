"""Pages of measurements: what is read of a page known from before is exactly what prometheus_client reads of it."""

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import Metric
from keepwell.rooms.samples.scraping.lines import FAR, LONGEST_LINE, MOST_LINES, NO_TIME
from keepwell.rooms.samples.scraping.parse import Page, PageError, Reader, openmetrics, prometheus_text
from tests.support import outside

Row = tuple[tuple[tuple[str, str], ...], float | str, int | None]
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4"


class Target:
    """One target's reader, with the labels of its slots as whoever reads pages keeps them."""

    def __init__(self, content_type: str) -> None:
        self.reader = Reader()
        self.labels: dict[int, dict[str, str]] = {}
        self.content_type = content_type

    def read(self, text: str) -> list[Row]:
        return self.rows(self.reader.read(text.encode("utf-8", "surrogatepass"), self.content_type))

    def rows(self, page: Page) -> list[Row]:
        assert not set(page.fresh) & set(self.labels)
        self.labels |= {slot: dict(labels) for slot, labels in page.fresh.items()}
        instants = [None] * len(page) if page.at is None else [None if at == NO_TIME else at for at in page.at.tolist()]
        return [
            (tuple(sorted(self.labels[slot].items())), _comparable(value), at)
            for slot, value, at in zip(page.slot.tolist(), page.value.tolist(), instants, strict=True)
        ]


def _comparable(value: float) -> float | str:
    """The library reads ``-0`` as the whole number 0, and has no say on its sign."""
    return str(value) if math.isnan(value) else value + 0.0


def _by_library(text: str, content_type: str) -> list[Row]:
    """What the library alone says. Of a text page without its TYPE lines, as a counter keeps its name in Prometheus."""
    if content_type == OPENMETRICS:
        families = list(openmetrics_families(text))  # type: ignore[no-untyped-call]
    else:
        list(text_families(text))
        families = list(text_families("\n".join(line for line in text.split("\n") if not line.strip().startswith("# TYPE"))))
    return [_row(sample) for family in families for sample in family.samples if sample.value is not None]


def _row(sample: Any) -> Row:
    labels = {NAME: sample.name, **{name: value for name, value in (sample.labels or {}).items() if value}}
    at = sample.timestamp
    return (
        tuple(sorted(labels.items())),
        _comparable(float(sample.value)),
        None if at is None else max(-FAR, min(FAR, round(float(at) * 1000))),
    )


def _outcome(text: str, content_type: str) -> list[Row] | None:
    try:
        return _by_library(text, content_type)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        return None


def _assert_same(target: Target, text: str) -> None:
    wanted = _outcome(text, target.content_type)
    if wanted is not None:
        assert target.read(text) == wanted
        return
    with pytest.raises(PageError) as caught:
        target.read(text)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


# --- outside cases --------------------------------------------------------------------------------------------------------


def _conformance() -> Iterator[tuple[str, str, bool]]:
    folder = outside("conformance", "openmetrics")
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        meta = json.loads((case / "test.json").read_text("utf-8"))
        yield case.name, (case / meta["file"]).read_bytes().decode("utf-8"), meta["shouldParse"]


def test_every_openmetrics_case_is_judged_as_its_authors_say() -> None:
    cases = list(_conformance())
    assert len(cases) > 100
    wrong = []
    for name, text, valid in cases:
        try:
            openmetrics(text)
            parsed = True
        except PageError:
            parsed = False
        if parsed != valid:
            wrong.append(name)
    assert wrong == []


def test_every_openmetrics_case_reads_the_same_when_the_target_is_known() -> None:
    """Every case after every other on one reader, so that whatever is remembered of one meets all others."""
    cases = [text for _, text, _ in _conformance()]
    target = Target(OPENMETRICS)
    for text in cases + cases[::-1]:
        _assert_same(target, text)
        _assert_same(target, text)


@pytest.mark.parametrize("content_type", [TEXT, OPENMETRICS])
def test_a_large_real_page_reads_the_same_first_and_again(content_type: str) -> None:
    text = Path(outside("conformance", "openmetrics.alltypes.237mfs.prom.txt")).read_text("utf-8")
    text = text if content_type == TEXT else text + "# EOF\n"
    target = Target(content_type)
    for _ in range(2):
        _assert_same(target, text)


# --- generated pages ------------------------------------------------------------------------------------------------------

_VALUES = [
    "1",
    "0",
    "-0",
    "+1",
    "1.5",
    "1e3",
    "1E-7",
    "NaN",
    "nan",
    "+Inf",
    "-Inf",
    "inf",
    "007",
    "1_0",
    "",
    " ",
    "0x1p3",
    "9" * 400,
    "x",
    "1e",
    "٣",
]
_LABELS = [
    "",
    "{}",
    '{a="1"}',
    '{a="1",}',
    '{a="b c"}',
    '{a="}"}',
    '{a="\\"{"}',
    '{a=""}',
    '{a="1",b="# {"}',
    '{a="\\\\"}',
    '{a="1" ,b="2"}',
    "{a=1}",
]
_BEHIND = ["", "", "", " 5", " 1700000000123", " 1700000000.5", "  7", "\t8", " 1 2", ' # {x="1"} 3', " ", "\r", "9" * 20]


def _noise() -> st.SearchStrategy[str]:
    pieces = st.sampled_from(["a", "b_total", "c", "a 1", "# a", " a"])
    line = st.tuples(
        pieces, st.sampled_from(_LABELS), st.sampled_from([" ", "  ", "\t", ""]), st.sampled_from(_VALUES), st.sampled_from(_BEHIND)
    )
    comment = st.sampled_from(
        [
            "# TYPE a counter",
            "# TYPE b_total counter",
            "# HELP a of use",
            "# TYPE a",
            "#",
            "# EOF",
            "# TYPE c histogram",
            "",
            " # TYPE a gauge",
        ]
    )
    return st.one_of(line.map("".join), line.map("".join), comment)


def _well_formed(line: Sequence[str]) -> str:
    return f"{line[0]}{line[1]} {line[2]}{line[3]}"


def _sound() -> st.SearchStrategy[str]:
    names = st.sampled_from(["a", "b_total", "c_bucket"])
    labels = st.sampled_from(["", '{a="1"}', '{a="b c"}', '{a="}"}', '{a="\\"{",b="2"}'])
    values = st.one_of(st.floats().map(repr), st.integers().map(str), st.sampled_from(["NaN", "+Inf", "-Inf", "1e300"]))
    return st.tuples(names, labels, values, st.sampled_from(["", "", " 12", " -1700000000123"])).map(_well_formed)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.one_of(_noise(), _sound()), max_size=6), min_size=1, max_size=6))
def test_any_text_page_reads_as_the_library_reads_it_whatever_came_before(pages: list[list[str]]) -> None:
    target = Target(TEXT)
    for lines in pages:
        for line in lines:
            _assert_same(target, line)
        _assert_same(target, "\n".join(lines) + "\n")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(_sound(), max_size=30), min_size=1, max_size=6))
def test_sound_text_pages_read_as_the_library_reads_them(pages: list[list[str]]) -> None:
    target = Target(TEXT)
    for lines in pages:
        _assert_same(target, "\n".join(lines))


_NUMBERS = st.one_of(
    st.integers(-2, 5).map(str),
    st.sampled_from(["0", "1", "1", "1.5", "NaN", "+Inf", "-Inf", "1e3", "9007199254740993", "9007199254740992"]),
)


def _family(kind: str) -> st.SearchStrategy[str]:
    """A family of a fixed shape: only its values, and now and then an instant or an exemplar, are drawn."""
    shapes = {
        "counter": ["c_total", 'c_total{a="1"}', 'c_created{a="1"}'],
        "gauge": ["g", 'g{a="b c"}'],
        "histogram": ['h_bucket{le="1"}', 'h_bucket{le="2"}', 'h_bucket{le="+Inf"}', "h_count", "h_sum"],
        "gaugehistogram": ['gh_bucket{le="1"}', 'gh_bucket{le="+Inf"}', "gh_gcount", "gh_gsum"],
        "summary": ['s{quantile="0.5"}', 's{quantile="0.99"}', "s_count", "s_sum"],
        "info": ['i_info{version="1"}'],
        "stateset": ['t{t="on"}', 't{t="off"}'],
        "unknown": ["u"],
    }
    short = {
        "counter": "c",
        "gauge": "g",
        "histogram": "h",
        "gaugehistogram": "gh",
        "summary": "s",
        "info": "i",
        "stateset": "t",
        "unknown": "u",
    }[kind]
    behind = st.sampled_from([""] * 30 + [" 123", " 123.5", ' # {x="y"} 1', " "])
    rows = st.tuples(*(st.tuples(st.just(f"{head} "), _NUMBERS, behind).map("".join) for head in shapes[kind]))
    return rows.map(lambda lines: "\n".join([f"# TYPE {short} {kind}", *lines]))


_PAGE = st.lists(
    st.sampled_from(["counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"]).flatmap(_family),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_PAGE, min_size=1, max_size=8))
def test_openmetrics_pages_read_as_the_library_reads_them_whatever_came_before(pages: list[list[str]]) -> None:
    target = Target(OPENMETRICS)
    for families in pages:
        for family in families:
            _assert_same(target, f"{family}\n# EOF\n")
        _assert_same(target, "\n".join([*families, "# EOF"]))
        _assert_same(target, "\n".join([*families, "z 1", "# EOF", ""]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(_noise(), max_size=5), min_size=1, max_size=5))
def test_any_openmetrics_page_reads_as_the_library_reads_it(pages: list[list[str]]) -> None:
    target = Target(OPENMETRICS)
    for lines in pages:
        _assert_same(target, "\n".join([*lines, "# EOF"]))
        _assert_same(target, "\n".join(lines))


def test_a_histogram_that_breaks_the_rules_on_a_later_page_is_refused_then() -> None:
    target = Target(OPENMETRICS)
    shape = '# TYPE h histogram\nh_bucket{{le="1"}} {}\nh_bucket{{le="+Inf"}} {}\nh_count {}\nh_sum 1\n# EOF\n'
    assert len(target.read(shape.format(1, 2, 2))) == 4
    assert len(target.read(shape.format(2, 2, 2))) == 4
    with pytest.raises(PageError, match="out of order"):
        target.read(shape.format(3, 2, 2))
    with pytest.raises(PageError, match="does not match"):
        target.read(shape.format(1, 2, 3))
    assert len(target.read(shape.format(5, 9, 9))) == 4


# --- the rest -------------------------------------------------------------------------------------------------------------


def test_forgetting_series_changes_no_row() -> None:
    rng = random.Random(1)
    for content_type, end in ((TEXT, ""), (OPENMETRICS, "# EOF\n")):
        target = Target(content_type)
        for _ in range(20):
            chosen = rng.sample(range(50), 20)
            _assert_same(target, "".join(f'm{number}{{a="{number}"}} {rng.random()}\n' for number in chosen) + end)
            kept = sorted(rng.sample(sorted(target.labels), min(10, len(target.labels))))
            import numpy as np

            target.reader.keep(np.array(kept, dtype=np.int64))
            target.labels = {new: target.labels[old] for new, old in enumerate(kept)}


def test_metadata_is_told_once_and_again_when_it_changes() -> None:
    reader = Reader()
    first = b"# HELP a_total Requests.\n# TYPE a_total counter\na_total 1\n# TYPE b gauge\nb 2\n"
    assert reader.read(first).metrics == {"a_total": Metric("counter", "Requests."), "b": Metric("gauge")}
    assert reader.read(first).metrics == {}
    assert reader.read(first.replace(b"b gauge", b"b counter")).metrics == {"b": Metric("counter")}
    reader = Reader()
    second = b"# TYPE a counter\n# UNIT a_seconds seconds\n# EOF\n"
    assert reader.read(second, OPENMETRICS).metrics == {"a_total": Metric("counter"), "a_seconds": Metric("unknown", "", "seconds")}
    assert reader.read(second, OPENMETRICS).metrics == {}


def test_a_counter_keeps_the_name_that_its_line_has() -> None:
    page = prometheus_text("# TYPE requests counter\nrequests 5\n")
    assert [dict(labels) for labels in page.fresh.values()] == [{NAME: "requests"}]


@pytest.mark.parametrize(
    ("body", "content_type", "sentence"),
    [
        (b"a 1\nb two\n", TEXT, 'line 2: its value is no number: "b two"'),
        (b"a 1\n\nb{x=y} 2\n", TEXT, 'line 3: its labels cannot be read: "b{x=y} 2"'),
        (b"a 1\n9a 2\n", TEXT, 'line 2: it begins with no name of a metric: "9a 2"'),
        (b"a 1\n" + b"9" * 400 + b" 2\n", TEXT, "line 2: it begins with no name of a metric: "),
        (b"a " + b"9" * 400 + b"\n", TEXT, "line 1: its value is no number: "),
        (b'ok 1\na{x="\xff"} 1\n', TEXT, "line 2: the byte 0xff is no UTF-8"),
        (b"a 1\n", OPENMETRICS, "line 1: the text does not end with # EOF there: it broke off, or is not OpenMetrics"),
        (b"a 1\n# EOF\nb 1\n", OPENMETRICS, 'line 3: received line after # EOF: "b 1"'),
        (b"a\n" * (MOST_LINES + 1), TEXT, "it has 100001 lines, and at most 100000 are read"),
        (b"<!DOCTYPE html><html></html>", "text/html", "the body is a page for people (HTML), not one of measurements"),
        (b"\x0a\x01", "application/vnd.google.protobuf", 'the body is "application/vnd.google.protobuf", and only text'),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(body: bytes, content_type: str, sentence: str) -> None:
    with pytest.raises(PageError) as caught:
        Reader().read(body, content_type)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_monstrous_line_is_left_out_and_counted_and_the_rest_is_read() -> None:
    long = 'm{x="' + "y" * LONGEST_LINE + '"} 1\n'
    labels = "m{" + ",".join(f'l{number}="v"' for number in range(10_000)) + "} 1\n"
    for content_type, end in ((TEXT, ""), (OPENMETRICS, "# EOF\n")):
        reader = Reader()
        for _ in range(2):
            page = reader.read(f"a 1\n{long}b 2\n{labels}c 3\n{end}".encode(), content_type)
            assert page.value.tolist() == [1, 2, 3]
            assert page.monstrous == 2
        with pytest.raises(PageError, match=r'^line 4: its value is no number: "c x"'):
            reader.read(f"a 1\n{long}{labels}c x\n{end}".encode(), content_type)


@pytest.mark.parametrize(("content_type", "end"), [(TEXT, ""), (OPENMETRICS, "# EOF\n")])
def test_a_zero_keeps_its_sign(content_type: str, end: str) -> None:
    reader = Reader()
    for _ in range(2):
        for zero in ("-0", "-0.0"):
            assert math.copysign(1, reader.read(f"a {zero}\n{end}".encode(), content_type).value[0]) == -1


def test_a_page_with_an_error_changes_nothing_that_is_remembered() -> None:
    target = Target(TEXT)
    assert len(target.read("a 1\nb 2\n")) == 2
    with pytest.raises(PageError):
        target.read("c 3\na 1\nb x\n")
    assert target.read("c 3\na 1\nb 2\n") == _by_library("c 3\na 1\nb 2\n", TEXT)
