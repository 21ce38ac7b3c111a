"""The sections objectives and windows: what is read, what is refused with one sentence; and how promises are judged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from keepwell.composition import verbs
from keepwell.config.operations import load
from keepwell.kernel.comparisons import Unit, parse_comparison
from keepwell.kernel.problems import ConfigurationError
from keepwell.rooms.samples.objectives.offer import objectives_of, windows_of
from keepwell.rooms.samples.objectives.options import ObjectiveOptions
from keepwell.rooms.samples.questions.asked import Stretch, milliseconds
from keepwell.rooms.samples.questions.promises import Promise, share_budget, time_budget, verdict, worse
from keepwell.rooms.samples.questions.spans import chosen, spans

CHECKS = {"api-health": {"http": {"target": "api", "path": "/"}, "every": "30s"}}


def written(folder: Path, **sections: Any) -> Path:
    document = {"keepwell": 1, "service": "shop", "targets": {"api": {"url": "http://127.0.0.1:1"}}, "checks": CHECKS, **sections}
    (folder / "keepwell.yaml").write_text(yaml.safe_dump(document))
    return folder


def read(folder: Path, **objective: Any) -> ObjectiveOptions:
    return objectives_of(load(written(folder, objectives={"it": objective}), verbs.sections(), {}).entries("objectives"))["it"]


def test_the_shapes_that_people_and_import_write(tmp_path: Path) -> None:
    one = read(tmp_path, availability="99.9%", latency="p95 < 2s", errors="< 1%", over="30d", target="api")
    assert (one.availability, str(one.latency), str(one.errors), one.over) == (0.999, "p95 < 2s", "< 1%", timedelta(days=30))
    assert str(read(tmp_path, latency="< 2000ms").latency) == "p95 < 2000ms"
    assert read(tmp_path, latency="p99.9 <= 1s").latency.percentile == 99.9  # type: ignore[union-attr]
    assert read(tmp_path, rto="2h", rpo="24h").rpo == timedelta(days=1)
    assert read(tmp_path, availability="99.9%", warning="< 99.5%", critical="< 99%").critical.bound == 0.99  # type: ignore[union-attr]
    assert read(tmp_path, metric='used_ratio{mount="/"}', want="< 80%", of="p95").of == "p95"
    assert read(tmp_path, failed='a_total{code=~"5.."}', all="a_total", errors="< 1%").promises == 1


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        ({}, "nothing is promised"),
        ({"availability": "120%"}, "a share of time is above 0% and at most 100%"),
        ({"availability": "0%"}, "a share of time is above 0% and at most 100%"),
        ({"availability": 99.9}, "99.9"),
        ({"latency": "p95"}, "a percentile with its limit"),
        ({"latency": "p95 > 2s"}, "a percentile with its limit"),
        ({"latency": "p95 < 2"}, "with a duration"),
        ({"latency": "p95 < 2 parsec"}, "parsec"),
        ({"errors": "> 1%"}, "a share that may fail"),
        ({"errors": "< 5"}, "a share that may fail"),
        ({"metric": "up"}, "metric and want belong together"),
        ({"want": "< 5"}, "metric and want belong together"),
        ({"metric": "sum(up)", "want": "< 5"}, "more than a selector"),
        ({"failed": "a_total", "errors": "< 1%"}, "failed and all belong together"),
        ({"failed": "a_total", "all": "b_total"}, "failed and all belong together"),
        ({"check": "api-health", "target": "api", "errors": "< 1%"}, "twice"),
        ({"availability": "99%", "errors": "< 1%", "warning": "< 98%"}, "need one promise"),
        ({"rto": "1h", "critical": "< 98%"}, "need one promise"),
        ({"availability": "99%", "warning": "< 5s"}, "in the same unit"),
        ({"availability": "99%", "warning": "== 5%"}, "with < or >"),
        ({"availability": "99%", "over": "0s"}, "no length of time"),
        ({"availability": "99%", "check": "api-healht"}, '"api-healht" is not one of the checks'),
        ({"availability": "99%", "target": "apo"}, '"apo" is not one of the targets'),
        ({"availability": "99%", "windows": ["weakly"]}, '"weakly" is not one of the windows'),
        ({"availabilty": "99%"}, "availabilty"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_its_place(tmp_path: Path, objective: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, **objective)
    told = [problem for problem in refused.value.problems if words in problem.message]
    assert told, [problem.message for problem in refused.value.problems]
    assert told[0].where is not None
    assert "\n" not in told[0].message


def test_windows_are_read_and_refused(tmp_path: Path) -> None:
    sections = {"weekly": {"on": "Sunday 02:00-04:00"}, "night": {"on": "daily 22:00-06:00", "zone": "Europe/Berlin"}}
    found = windows_of(load(written(tmp_path, windows=sections), verbs.sections(), {}).entries("windows"))
    assert {name: (str(window), window.zone.key) for name, window in found.items()} == {
        "weekly": ("Sunday 02:00-04:00", "UTC"),
        "night": ("daily 22:00-06:00", "Europe/Berlin"),
    }
    for entry, words in (({"on": "soon"}, "is not a window"), ({"on": "daily 1:00-2:00", "zone": "Mars"}, "no time zone"), ({}, "on")):
        with pytest.raises(ConfigurationError, match=words):
            load(written(tmp_path, windows={"it": entry}), verbs.sections(), {})


def test_the_sample_that_init_writes_names_both() -> None:
    samples = {section.key: section.sample for section in verbs.sections()}
    for key in ("objectives", "windows"):
        document = yaml.safe_load("\n".join(line.removeprefix("# ") for line in samples[key].splitlines()))
        assert document[key]


# --- spans of windows -------------------------------------------------------------------------------------------------------------


def test_spans_of_windows_in_a_stretch(tmp_path: Path) -> None:
    sections = {"weekly": {"on": "Sunday 02:00-04:00"}, "night": {"on": "daily 22:00-01:00"}}
    windows = windows_of(load(written(tmp_path, windows=sections), verbs.sections(), {}).entries("windows"))
    sunday = milliseconds(datetime(2026, 11, 22, tzinfo=UTC))
    hour = 3_600_000
    found = spans(windows.values(), Stretch(sunday + hour // 2, sunday + 23 * hour))
    assert sorted(found) == [
        (sunday - 2 * hour, sunday + hour),
        (sunday + 2 * hour, sunday + 4 * hour),
        (sunday + 22 * hour, sunday + 25 * hour),
    ]
    assert list(chosen(windows, "night")) == ["night"]
    assert (chosen(windows, "none"), list(chosen(windows, None))) == ({}, ["night", "weekly"])


# --- judging ----------------------------------------------------------------------------------------------------------------------

AUDIO_DECK = Promise(parse_comparison(">= 99.9%"), parse_comparison("< 99.5%"), parse_comparison("< 99%"))


@pytest.mark.parametrize(
    ("measured", "wanted"),
    [
        (None, "no data"),
        (float("nan"), "no data"),
        (1.0, "met"),
        (0.999, "met"),
        (0.9989, "missed"),
        (0.995, "missed"),
        (0.9949, "warning"),
        (0.99, "warning"),
        (0.98, "critical"),
        (0.0, "critical"),
    ],
)
def test_verdicts(measured: float | None, wanted: str) -> None:
    assert verdict(AUDIO_DECK, measured) == wanted


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0.5, 1))
def test_a_budget_is_left_where_the_promise_is_kept(up: float, down: float, target: float) -> None:
    budget = time_budget(target, up, down)
    known = up + down
    if known and abs(up / known - target) > 1e-9:
        assert (budget.left > 0) is (up / known > target)
    assert budget.left == budget.allowed - down
    assert budget.unit is Unit.SECONDS


def test_a_promise_that_allows_nothing_has_no_part_left() -> None:
    assert time_budget(1.0, 100.0, 3.0).left_ratio is None
    assert share_budget(0.01, 4, 1000).left_ratio == pytest.approx(0.6)


def test_which_figure_is_worse() -> None:
    assert worse(5, 4, parse_comparison("< 3"))
    assert worse(4, 5, parse_comparison(">= 3"))
