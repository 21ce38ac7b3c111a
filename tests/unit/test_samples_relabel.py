"""Relabelling as Prometheus' configuration page defines it; targets and series that it makes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.ports.http import Basic
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.scraping.intake import series_labels
from keepwell.rooms.samples.scraping.lines import PageError
from keepwell.rooms.samples.scraping.model import Target
from keepwell.rooms.samples.scraping.options import RelabelOptions, ScrapeOptions
from keepwell.rooms.samples.scraping.relabel import Rule, relabelled
from keepwell.rooms.samples.scraping.targets import targets_of

_CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parents[1] / "cases/samples/relabel.yaml").read_text("utf-8"))


def _rules(steps: list[dict[str, Any]]) -> list[Rule]:
    return [RelabelOptions.model_validate_json(json.dumps(step)).rule for step in steps]


@pytest.mark.parametrize("case", _CASES, ids=[case["says"] for case in _CASES])
def test_a_case_of_relabelling(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(ValidationError) as caught:
            _rules(case["steps"])
        assert case["refused"] in str(caught.value)
        return
    assert relabelled(case["labels"], _rules(case["steps"])) == case["becomes"]


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "__name__", "c1"]), st.text(max_size=8)),
    st.sampled_from(["replace", "keep", "drop", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase", "keepequal", "dropequal"]),
    st.sampled_from(["", "(.*)", "(a|b)?(.*)", "[^x]+", "(?i)A.*", ".*c1"]),
    st.sampled_from(["$1", "${2}", "", "x$$", "$1_$2"]),
)
def test_labels_of_any_text_are_relabelled_without_a_fault(labels: dict[str, str], action: Any, regex: str, replacement: str) -> None:
    became = relabelled(labels, [Rule(action, ("a", "b"), ";", regex, "t", replacement)])
    assert became is None or all(became.values())


# --- targets --------------------------------------------------------------------------------------------------------------


def _options(**given: Any) -> ScrapeOptions:
    return ScrapeOptions.model_validate_json(json.dumps({"targets": ["host:9100"], **given}))


def test_a_target_is_asked_at_the_address_that_its_labels_make() -> None:
    (target,) = targets_of("node", _options(every="15s")).targets
    assert dict(target.labels) == {"job": "node", "instance": "host:9100"}
    assert target.request.url == "http://host:9100/metrics"
    assert (target.every, target.request.timeout) == (15.0, 10.0)
    assert target.request.headers["Accept"].startswith("application/openmetrics-text;version=1.0.0,")
    assert target.request.headers["Accept-Encoding"] == "gzip"
    assert target.request.headers["X-Prometheus-Scrape-Timeout-Seconds"] == "10"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"scheme": "https", "metrics_path": "/m"}, "https://host:9100/m"),
        ({"params": {"module": ["a b"], "x": ["1", "2"]}}, "http://host:9100/metrics?module=a+b&x=1&x=2"),
        ({"targets": ["https://host/deep/page?module=y"]}, "https://host/deep/page?module=y"),
        ({"targets": ["http://host:1"]}, "http://host:1/metrics"),
        ({"targets": ["[::1]:9100"]}, "http://[::1]:9100/metrics"),
        (
            {"relabel_configs": [{"source_labels": ["__address__"], "target_label": "__param_target"}]},
            "http://host:9100/metrics?target=host%3A9100",
        ),
        ({"relabel_configs": [{"target_label": "__address__", "replacement": "other:1"}]}, "http://other:1/metrics"),
        ({"relabel_configs": [{"target_label": "__scheme__", "replacement": "https"}]}, "https://host:9100/metrics"),
        ({"relabel_configs": [{"target_label": "__metrics_path__", "replacement": "/ä"}]}, "http://host:9100/%C3%A4"),
    ],
)
def test_addresses(given: dict[str, Any], url: str) -> None:
    (target,) = targets_of("job", _options(**given)).targets
    assert target.request.url == url


def test_relabelling_says_how_often_and_under_which_labels() -> None:
    steps = [
        {"target_label": "__scrape_interval__", "replacement": "7s"},
        {"target_label": "__scrape_timeout__", "replacement": "500ms"},
        {"source_labels": ["__address__"], "regex": "(.*):.*", "target_label": "instance"},
        {"target_label": "job", "replacement": "renamed"},
    ]
    (target,) = targets_of("node", _options(labels={"env": "test"}, relabel_configs=steps)).targets
    assert (target.every, target.request.timeout) == (7.0, 0.5)
    assert dict(target.labels) == {"job": "renamed", "instance": "host", "env": "test"}


def test_targets_that_are_dropped_doubled_or_cannot_be_asked_are_told() -> None:
    groups = [{"targets": ["b:1", "c:1"], "labels": {"env": "two"}}]
    steps: list[dict[str, Any]] = [
        {"source_labels": ["__address__"], "regex": "drop.*", "action": "drop"},
        {"source_labels": ["__address__"], "regex": "bare:1", "target_label": "__address__", "replacement": ""},
        {"source_labels": ["__address__"], "regex": "slow:1", "target_label": "__scrape_timeout__", "replacement": "2h"},
    ]
    options = _options(
        targets=["a:1", "a:1", "drop:1", "bare:1", "slow:1"], labels={"env": "one"}, static_configs=groups, relabel_configs=steps
    )
    planned = targets_of("job", options)
    assert [(target.labels["instance"], target.labels["env"]) for target in planned.targets] == [
        ("a:1", "one"),
        ("b:1", "two"),
        ("c:1", "two"),
    ]
    assert planned.dropped == 1
    assert planned.refused == (
        "the target bare:1 of the job job cannot be asked: relabelling took its address away",
        "the target slow:1 of the job job cannot be asked: relabelling made its timeout longer than its interval",
    )


def test_credentials_stay_references() -> None:
    basic = _options(basic={"user": "probe", "password": "secret:PASSWORD"})
    assert targets_of("job", basic).targets[0].request.basic == Basic("probe", "secret:PASSWORD")
    bearer = _options(bearer="secret:TOKEN")
    assert targets_of("job", bearer).targets[0].request.bearer == "secret:TOKEN"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"targets": []}, "there is nothing to scrape"),
        ({"targets": ["host:1/metrics"]}, '"host:1/metrics" is no target'),
        ({"targets": ["ftp://host"]}, '"ftp://host" is no target'),
        ({"targets": ["http://user:word@host"]}, "is no target"),
        ({"every": "100ms"}, "every is below one second"),
        ({"every": "5s", "timeout": "6s"}, "timeout is longer than every"),
        ({"labels": {"a-b": "c"}}, '"a-b" cannot be the name of a label'),
        ({"bearer": "word"}, "a secret does not stand in this file"),
        (
            {"bearer": "secret:A", "basic": {"user": "u", "password": "secret:B"}},
            "basic and bearer are all sent as the header Authorization",
        ),
        ({"headers": {"X": "secret:A"}}, "the header X refers to a secret"),
        ({"scrape_interval": "5s"}, "scrape_interval"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _options(**given)
    assert sentence in str(caught.value)


# --- labels of series -----------------------------------------------------------------------------------------------------


def _target(honor: bool = False, **labels: str) -> Target:
    (target,) = targets_of("j", _options(honor_labels=honor, labels=labels)).targets
    return target


def test_the_targets_labels_count_and_the_pages_are_kept_beside_them() -> None:
    exposed = {NAME: "a", "job": "theirs", "instance": "i", "exported_job": "older"}
    assert series_labels(exposed, _target(env="x")) == {
        NAME: "a",
        "job": "j",
        "instance": "host:9100",
        "env": "x",
        "exported_instance": "i",
        "exported_job": "older",
        "exported_exported_job": "theirs",
    }


def test_honor_labels_lets_the_page_win() -> None:
    exposed = {NAME: "a", "job": "theirs"}
    assert series_labels(exposed, _target(honor=True, env="x")) == {NAME: "a", "job": "theirs", "instance": "host:9100", "env": "x"}


def test_a_series_may_be_dropped_and_may_not_lose_its_name() -> None:
    steps = [{"source_labels": ["__name__"], "regex": "go_.*", "action": "drop"}, {"regex": "secret", "action": "labeldrop"}]
    (target,) = targets_of("j", _options(metric_relabel_configs=steps)).targets
    assert series_labels({NAME: "go_gc"}, target) is None
    assert series_labels({NAME: "a", "secret": "x"}, target) == {NAME: "a", "job": "j", "instance": "host:9100"}
    (target,) = targets_of("j", _options(metric_relabel_configs=[{"regex": "__name__", "action": "labeldrop"}])).targets
    with pytest.raises(PageError, match='relabelling takes the name away from "a"'):
        series_labels({NAME: "a"}, target)
