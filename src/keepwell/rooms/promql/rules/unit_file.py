"""Files of unit tests for rules, read (prometheus.io, "Unit testing for rules"). Spans are milliseconds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepwell.config.findings import Findings
from keepwell.config.nodes import Node, Scalar
from keepwell.config.yaml_reader import read_yaml
from keepwell.kernel.quoting import quoted

from .fields import Fields, fields_of
from .series_text import Item, SeriesTextError, read_items, read_metric

_FILE = ("rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare")
_TEST = (
    "name", "interval", "input_series", "alert_rule_test", "promql_expr_test", "external_labels", "external_url", "start_timestamp",
)  # fmt: skip
_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Input:
    """A series that a test is given, one item each ``interval``."""

    labels: Mapping[str, str]
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """One alert that is to fire: all its labels but for its name, and its annotations."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AlertTest:
    """The alerts of that name that are to fire at that time."""

    at: int
    name: str
    alerts: Sequence[ExpectedAlert]
    line: int


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    """One series with its value; ``is_native`` is one whose value is a native histogram."""

    labels: Mapping[str, str]
    value: float
    is_native: bool = False


@dataclass(frozen=True, slots=True)
class ExpressionTest:
    """An expression and what it is to give at that time."""

    at: int
    expression: str
    samples: Sequence[ExpectedSample]
    line: int


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a file. ``start`` is the instant of its first samples."""

    name: str
    line: int
    interval: int
    inputs: Sequence[Input]
    alerts: Sequence[AlertTest]
    expressions: Sequence[ExpressionTest]
    external_labels: Mapping[str, str]
    external_url: str
    start: int = 0

    @property
    def last(self) -> int:
        """The last time that it looks at, counted from ``start``."""
        return max([*(one.at for one in self.alerts), *(one.at for one in self.expressions)], default=0)


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A file of tests. ``patterns`` are the rule files, relative to it. ``fuzzy``: values may be a neighbouring number."""

    path: Path
    patterns: Sequence[str]
    interval: int
    order: Sequence[str]
    tests: Sequence[Test]
    fuzzy: bool


def read_unit_file(path: Path) -> UnitFile:
    """Reads a file of tests. Raises ConfigurationError with every problem in it."""
    document = read_yaml(path)
    findings = document.findings
    top = fields_of(document.root, _FILE, findings)
    interval = _positive(top, "evaluation_interval", _MINUTE)
    order = [_text(node, findings) for node in top.items("group_eval_order")]
    for name in {name for name in order if order.count(name) > 1}:
        findings.add("rules.value", f"the group {quoted(name)} stands twice in the order of evaluation", top.place("group_eval_order"))
    tests = [_test(fields, interval) for fields in top.each("tests", _TEST)]
    patterns = [_text(node, findings) for node in top.items("rule_files")]
    read = UnitFile(path, patterns, interval, order, tests, _flag(top, "fuzzy_compare"))
    if findings.found:
        raise findings.stop()
    return read


def _positive(fields: Fields, key: str, instead: int) -> int:
    return fields.duration(key) or instead


def _text(node: Node, findings: Findings) -> str:
    if isinstance(node, Scalar) and node.text:
        return node.text
    findings.add("rules.type", "expected text", node)
    return ""


def _flag(fields: Fields, key: str) -> bool:
    node = fields.place(key) if key in fields else None
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return node.value
    if node is not None:
        fields.findings.add("rules.type", "expected true or false", node)
    return False


def _test(fields: Fields, interval: int) -> Test:
    external = {name: one.text for name, one in fields.texts("external_labels").items()}
    return Test(
        name=fields.text("name"),
        line=fields.node.line + 1,
        interval=_positive(fields, "interval", interval),
        inputs=tuple(_inputs(fields)),
        alerts=tuple(_alerts(fields)),
        expressions=tuple(_expressions(fields)),
        external_labels=external,
        external_url=fields.text("external_url"),
        start=_instant(fields),
    )


def _instant(fields: Fields) -> int:
    """``start_timestamp``: RFC 3339, or seconds since 1970."""
    from datetime import datetime

    text = fields.text("start_timestamp")
    if not text:
        return 0
    try:
        return round(float(text) * 1000)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"{quoted(text)} is no instant: write it as 2026-01-31T12:00:00Z, or in seconds since 1970"
        fields.findings.add("rules.value", message, fields.place("start_timestamp"))
        return 0
    return round(moment.timestamp() * 1000)


def _inputs(fields: Fields) -> Iterator[Input]:
    for one in fields.each("input_series", ("series", "values")):
        labels = _said(one, "series", read_metric, {})
        yield Input(labels, _said(one, "values", read_items, []))


def _said(fields: Fields, key: str, read: Any, instead: Any) -> Any:
    try:
        return read(fields.text(key))
    except SeriesTextError as error:
        fields.findings.add("rules.series", f"{error} (character {error.at + 1})", fields.place(key))
        return instead


def _alerts(fields: Fields) -> Iterator[AlertTest]:
    for one in fields.each("alert_rule_test", ("eval_time", "alertname", "exp_alerts")):
        name = one.text("alertname")
        if not name:
            one.findings.add("rules.missing", 'the item has no "alertname"', one.node, "write which alert is to be looked at")
        expected = [
            ExpectedAlert(
                {key: text.text for key, text in alert.texts("exp_labels").items() if text.text},
                {key: text.text for key, text in alert.texts("exp_annotations").items()},
            )
            for alert in one.each("exp_alerts", ("exp_labels", "exp_annotations"))
        ]
        yield AlertTest(one.duration("eval_time") or 0, name, expected, one.node.line + 1)


def _expressions(fields: Fields) -> Iterator[ExpressionTest]:
    for one in fields.each("promql_expr_test", ("expr", "eval_time", "exp_samples")):
        samples = [_sample(sample) for sample in one.each("exp_samples", ("labels", "value", "histogram"))]
        yield ExpressionTest(one.duration("eval_time") or 0, one.text("expr"), samples, one.node.line + 1)


def _sample(fields: Fields) -> ExpectedSample:
    labels: Mapping[str, str] = _said(fields, "labels", read_metric, {}) if fields.text("labels") else {}
    node = fields.place("value") if "value" in fields else None
    value = node.value if isinstance(node, Scalar) else None
    if node is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        fields.findings.add("rules.type", "expected a number", node)
        value = 0
    return ExpectedSample(labels, float(value or 0), bool(fields.text("histogram")))
