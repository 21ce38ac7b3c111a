"""Conditions on JSON: paths, literals, comparisons, and the sentence that each gives."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.conditions import MISSING, Scalar, check_expected, json_value, judge, parse_path

DOCUMENT: dict[str, Any] = {
    "status": "DOWN",
    "ready": True,
    "nothing": None,
    "count": 5,
    "services": {"audio": "running", "a.b": 1},
    "items": [{"name": "first"}, {"name": "second"}],
    "metrics": {"memoryUsage": 225_000_000, "cpu": "82%", "uptime": 90, "latency": "120 ms", "heap": "185 MB"},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("status", "DOWN"),
        ("services.audio", "running"),
        ("items[0].name", "first"),
        ("items[1]", {"name": "second"}),
        ("$.metrics.memoryUsage", 225_000_000),
        ('services["a.b"]', 1),
        ('$["services"].audio', "running"),
        ("$", DOCUMENT),
        ("nothing", None),
        ("items[2].name", MISSING),
        ("items.name", MISSING),
        ("status.text", MISSING),
        ("status[0]", MISSING),
        ("nope", MISSING),
        ("nothing.more", MISSING),
    ],
)
def test_what_stands_at_a_path(path: str, expected: object) -> None:
    assert json_value(DOCUMENT, path) == expected


@pytest.mark.parametrize(
    "path", ["", " ", "a..b", "a b", "[x]", ".a", "a[", "a.", "$.", "a[0]b", '["a"', '["\\q"]', "[-1]", "a[" + "1" * 50 + "]", "a" * 1000]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path into JSON: write names and positions"):
        parse_path(path)


@pytest.mark.parametrize(
    ("path", "expected", "holds", "sentence"),
    [
        ("status", "UP", False, 'json.status is "DOWN", expected "UP"'),
        ("status", "DOWN", True, 'json.status is "DOWN", expected "DOWN"'),
        ("status", "!= down", True, 'json.status is "DOWN", expected != down'),
        ("status", "== DOWN", True, 'json.status is "DOWN", expected == DOWN'),
        ("status", "= UP", False, 'json.status is "DOWN", expected = UP'),
        ("status", "> 5", False, 'json.status is "DOWN", which cannot be compared with a number, expected > 5'),
        ("ready", True, True, "json.ready is true, expected true"),
        ("ready", 1, False, "json.ready is true, expected 1"),
        ("ready", "> 0", False, "json.ready is true, which cannot be compared with a number, expected > 0"),
        ("nothing", None, True, "json.nothing is null, expected null"),
        ("nothing", False, False, "json.nothing is null, expected false"),
        ("count", 5, True, "json.count is 5, expected 5"),
        ("count", 5.0, True, "json.count is 5, expected 5.0"),
        ("count", "5", False, 'json.count is 5, expected "5"'),
        ("count", "> 10", False, "json.count is 5, expected > 10"),
        ("count", "<= 5", True, "json.count is 5, expected <= 5"),
        ("items[1].name", "second", True, 'json.items[1].name is "second", expected "second"'),
        ("$.items", 3, False, "json.items is an array of 2, expected 3"),
        ("services", "x", False, 'json.services is an object with 2 names, expected "x"'),
        ("metrics.memoryUsage", "< 200MB", False, "json.metrics.memoryUsage is 225000000 (225 MB), expected < 200MB"),
        ("metrics.memoryUsage", "< 256MiB", True, "json.metrics.memoryUsage is 225000000 (214.6 MiB), expected < 256MiB"),
        ("metrics.heap", "< 200MB", True, 'json.metrics.heap is "185 MB", expected < 200MB'),
        ("metrics.cpu", "> 80%", True, 'json.metrics.cpu is "82%", expected > 80%'),
        ("metrics.latency", "< 100ms", False, 'json.metrics.latency is "120 ms", expected < 100ms'),
        ("metrics.uptime", "> 1h", False, "json.metrics.uptime is 90 (1 min 30 s), expected > 1h"),
        ("metrics.gone", "< 200MB", False, "json.metrics.gone is missing, expected < 200MB"),
        ("metrics.gone", "!= down", False, "json.metrics.gone is missing, expected != down"),
        ("nothing.more", None, False, "json.nothing.more is missing, expected null"),
    ],
)
def test_a_condition_is_judged_with_a_sentence(path: str, expected: Scalar, holds: bool, sentence: str) -> None:
    assert judge(DOCUMENT, path, expected) == (holds, sentence)


@pytest.mark.parametrize("expected", ["> fast", "< ", ">", ">= 5M"])
def test_an_expectation_that_cannot_be_used_is_refused_beforehand(expected: str) -> None:
    with pytest.raises(ValueError, match=r"write|such as"):
        check_expected(expected)


def test_numbers_beyond_a_float_are_compared_and_shortened() -> None:
    holds, sentence = judge({"n": 10**400, "m": -(10**400)}, "n", "> 5")
    assert holds
    assert len(sentence) < 120
    assert judge({"n": -(10**400)}, "n", "> 5")[0] is False
    assert judge({"n": float("nan")}, "n", "> 5")[0] is False


def test_a_sentence_is_one_short_line_whatever_the_document_says() -> None:
    _, sentence = judge({"status": "a\nb\x1b[31m" + "x" * 10_000}, "status", "UP")
    assert sentence.isprintable()
    assert len(sentence) < 160


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
EXPECTED = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["UP", "> 5", "< 200MB", "> 80%", ">= 1m", "!= x", ""])


@given(JSON, st.sampled_from(["$", "a", "a.b", "[0]", "a[1].c"]), EXPECTED)
def test_every_document_is_judged(document: object, path: str, expected: Scalar) -> None:
    holds, sentence = judge(document, path, expected)
    assert isinstance(holds, bool)
    assert sentence.startswith("json")
    assert sentence.isprintable()


@given(st.lists(st.one_of(st.text(max_size=8), st.integers(0, 2)), max_size=4))
def test_every_place_can_be_named(steps: list[str | int]) -> None:
    value: object = "here"
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [None] * step + [value]
    path = "$" + "".join(f"[{json.dumps(step)}]" for step in steps)
    assert parse_path(path) == tuple(steps)
    assert json_value(value, path) == "here"
