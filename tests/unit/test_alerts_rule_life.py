"""The life of a rule's alerts, as timelines: what is measured at which second, and what is then active."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keepwell.kernel.comparisons import parse_comparison
from keepwell.ports.alerts import Active
from keepwell.rooms.alerts.rules.flapping import flaps, looked, share
from keepwell.rooms.alerts.rules.judging import Facts, Held, Histories, judged, resumed
from keepwell.rooms.alerts.rules.life import fires_at
from keepwell.rooms.alerts.rules.model import Face, MeasuredRule, Point, Recovery, Timing

START = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RULE = MeasuredRule("rules", "High", Face("High", {"severity": "page"}), "load > 10", "load", parse_comparison("> 10"))


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


class Line:
    """A rule with what it holds for active, asked again and again. Values are by the label ``i``; nothing is a series that is absent."""

    def __init__(self, rule: MeasuredRule) -> None:
        self.rule = rule
        self.active: Sequence[Active] = ()
        self.histories: Histories = {}

    def looks(self, seconds: float, values: Mapping[str, float] | None = None, error: str = "", recovered: Sequence[str] = ()) -> list[str]:
        """An evaluation: what is active after it, as ``i:state`` (``?`` in doubt, ``~`` flapping), sorted."""
        measured = [Point({"i": name}, value) for name, value in (values or {}).items()]
        limit = self.rule.limit
        assert limit is not None
        held = [Held(point, {**point.labels, "alertname": "High"}, {}) for point in measured if limit.holds(point.value)]
        fits = [Point({"i": name}, 1) for name in recovered]
        facts = Facts(error=error) if error else Facts(held, measured, fits)
        after = judged(self.rule, self.active, facts, self.histories, at(seconds))
        self.active, self.histories = after.active, after.histories
        return sorted(map(told, after.active))


def told(alert: Active) -> str:
    name = alert.labels.get("i", alert.labels["alertname"])
    return f"{name}:{alert.state}{'?' if alert.doubt else ''}{'~' if alert.flapping else ''}"


def test_pending_then_firing_then_over() -> None:
    line = Line(replace(RULE, timing=Timing(20 * SECOND)))
    assert line.looks(0, {"a": 11, "b": 5}) == ["a:pending"]
    assert line.looks(10, {"a": 12, "b": 50}) == ["a:pending", "b:pending"]
    assert line.looks(20, {"a": 13, "b": 9}) == ["a:firing"]
    (alert,) = line.active
    assert (alert.active_since, alert.firing_since, alert.value) == (at(0), at(20), 13)
    assert line.looks(30, {"a": 10}) == []


def test_no_data_is_no_recovery() -> None:
    line = Line(replace(RULE, no_data_for=15 * SECOND))
    assert line.looks(0, {"a": 11, "b": 12}) == ["a:firing", "b:firing"]
    assert line.looks(10, {"b": 12}) == ["a:firing?", "b:firing"], "one series is gone"
    assert line.looks(20) == ["NoData:pending", "a:firing?", "b:firing?"]
    assert line.looks(30) == ["NoData:pending", "a:firing?", "b:firing?"]
    assert line.looks(40) == ["NoData:firing", "a:firing?", "b:firing?"]
    assert {alert.labels["rule"] for alert in line.active if "rule" in alert.labels} == {"High"}
    assert line.looks(50, {"a": 3, "b": 20}) == ["b:firing"]


def test_an_error_is_no_recovery_and_has_an_alert_of_its_own() -> None:
    line = Line(replace(RULE, timing=Timing(20 * SECOND), no_data_for=10 * SECOND))
    line.looks(0, {"a": 11})
    line.looks(20, {"a": 11, "b": 11})
    assert line.looks(30, error="too slow") == ["RuleError:pending", "a:firing?", "b:pending?"]
    assert line.looks(40, error="too slow") == ["RuleError:firing", "a:firing?", "b:pending?"]
    assert line.looks(45, {"a": 11, "b": 11}) == ["a:firing", "b:firing"], "b has held all the time, as far as anybody saw"


def test_a_pending_alert_without_data_does_not_fire() -> None:
    line = Line(replace(RULE, timing=Timing(20 * SECOND)))
    line.looks(0, {"a": 11})
    assert line.looks(30) == ["NoData:pending", "a:pending?"]
    assert [fires_at(line.rule.timing, alert) for alert in line.active if alert.doubt] == [None]
    assert line.looks(40, {"a": 1}) == []


def test_recovery_by_a_comparison() -> None:
    line = Line(replace(RULE, recovery=Recovery(parse_comparison("< 5"))))
    assert line.looks(0, {"a": 11}) == ["a:firing"]
    assert line.looks(10, {"a": 7}) == ["a:firing"]
    assert line.active[0].value == 7
    assert line.looks(20, {"a": 5}) == ["a:firing"]
    assert line.looks(30, {"a": 4}) == []
    assert line.looks(40, {"a": 7}) == [], "what is between the two begins nothing"


def test_recovery_by_an_expression() -> None:
    line = Line(replace(RULE, recovery=Recovery(text="quiet > 0")))
    assert line.looks(0, {"a": 11, "b": 11}) == ["a:firing", "b:firing"]
    assert line.looks(10, {"a": 1, "b": 1}) == ["a:firing", "b:firing"]
    assert line.looks(20, {"a": 1, "b": 1}, recovered=["b"]) == ["a:firing"]


def test_keep_firing_for() -> None:
    line = Line(replace(RULE, timing=Timing(keep_firing=20 * SECOND)))
    line.looks(0, {"a": 11})
    assert line.looks(10, {"a": 1}) == ["a:firing"]
    assert fires_at(line.rule.timing, line.active[0]) == at(30)
    assert line.looks(20, {"a": 11}) == ["a:firing"]
    assert line.active[0].keep_firing_since is None
    line = Line(line.rule)
    line.looks(0, {"a": 11})
    assert line.looks(30, {"a": 1}) == ["a:firing"]
    assert line.looks(49, {"a": 1}) == ["a:firing"]
    assert line.looks(50, {"a": 1}) == []


def test_what_comes_and_goes_is_held() -> None:
    line = Line(RULE)
    seen = [line.looks(15 * look, {"a": 11 if look % 2 else 1}) for look in range(12)]
    assert seen[:4] == [[], ["a:firing"], [], ["a:firing"]]
    assert seen[4:] == [["a:firing~"]] * 8, "from the fourth change on it is one alert"
    quiet = [line.looks(200 + 15 * look, {"a": 1}) for look in range(25)]
    ends = quiet.index([])
    assert quiet == [["a:firing~"]] * ends + [[]] * (25 - ends)
    assert 14 <= ends <= 20


@pytest.mark.parametrize(("changes", "expected"), [(0, 0.0), (1, 0.0625), (20, 1.0)])
def test_the_share_is_that_of_nagios(changes: int, expected: float) -> None:
    bits = 0
    for change in range(changes):
        bits = looked(bits, change % 2 == 0)
    assert share(bits) == pytest.approx(expected)
    assert flaps(bits, did=False) is (expected >= 0.2)


def test_older_changes_weigh_less() -> None:
    bits = looked(0, True)
    weights = []
    for _ in range(20):
        weights.append(share(bits) * 20)
        bits = looked(bits, True)
    assert weights == pytest.approx([1.25 - 0.5 / 19 * age for age in range(20)])
    assert share(bits) == 0


def test_time_that_nobody_looked_does_not_count_as_waited() -> None:
    line = Line(replace(RULE, timing=Timing(60 * SECOND)))
    line.looks(0, {"a": 11})
    line.active = resumed(line.active, 600 * SECOND, at(640))
    assert line.looks(640, {"a": 11}) == ["a:pending"]
    assert line.looks(660, {"a": 11}) == ["a:firing"]
    (again,) = resumed(line.active, timedelta(hours=5), at(20_000))
    assert again == line.active[0], "what fires stays as it is"
    pending = replace(again, state="pending")
    assert resumed([pending], timedelta(hours=1), at(9000))[0].active_since == at(9000)


def test_labels_that_an_operator_left_out() -> None:
    line = Line(RULE)
    line.looks(0, {"a": 11})
    (alert,) = line.active
    measured = [Point({"i": "a", "instance": "1"}, 3)]
    assert judged(RULE, [alert], Facts((), measured), {}, at(10)).active == []
    (kept,) = judged(RULE, [alert], Facts((), [Point({"i": "b", "instance": "1"}, 3)]), {}, at(10)).active
    assert kept.doubt == "no data: load gives nothing to compare"
