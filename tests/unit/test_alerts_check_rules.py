"""Rules over checks, as timelines: what a check is seen as at which second, and what is then active."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from keepwell.ports.alerts import Active
from keepwell.rooms.alerts.rules.checks import CheckRules, Looked
from keepwell.rooms.alerts.rules.model import CheckRule, Face, Timing
from keepwell.rooms.alerts.rules.standard import STANDARD

START = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
ERROR = "no answer within 1 s"


class Line:
    """The rules, and what was told: a stand-in for the desk that keeps what a source told last."""

    def __init__(self, *rules: CheckRule) -> None:
        self.rules = CheckRules(lambda check: f"http://keepwell.test/checks/{check}")
        self.given = rules or STANDARD
        self.told: dict[str, Sequence[Active]] = {}
        self.tellings = 0
        self.now = START
        self._ordinal = 0
        self._since: dict[str, tuple[str, datetime]] = {}
        self.rules.configure(self.given, ["api", "db"])

    def tell(self, source: str, active: Sequence[Active], at: datetime) -> None:
        self.told[source] = active
        self.tellings += 1

    def known(self, source: str) -> Sequence[Active]:
        return self.told.get(source, ())

    def look(self, seconds: float, state: str, *, check: str = "api", explained_by: str = "") -> Looked:
        self._ordinal += 1
        self.now = START + timedelta(seconds=seconds)
        if self._since.get(check, ("", self.now))[0] != state:
            self._since[check] = (state, self.now)
        return Looked(check, "", self._ordinal, self.now, state, self._since[check][1], f"seen {state}", explained_by)

    def sees(self, seconds: float, state: str, *, check: str = "api", explained_by: str = "") -> list[str]:
        """A look at a check, stored: what is active after it, as ``Name:state`` (``?`` in doubt, ``~`` flapping)."""
        look = self.look(seconds, state, check=check, explained_by=explained_by)
        if self.rules.concerns([look]):
            self.rules.keep(self.rules.judge([look], self))
        return self.active(check)

    def waits(self, seconds: float, check: str = "api") -> list[str]:
        """Time passes until then, and what is due is judged."""
        self.now = START + timedelta(seconds=seconds)
        due = self.rules.next_due()
        if due is not None and due <= self.now:
            self.rules.keep(self.rules.judge_due(self, are_new=False))
        return self.active(check)

    def active(self, check: str = "api") -> list[str]:
        alerts = self.told.get(f"checks/{check}", ())
        return [f"{one.labels['alertname']}:{one.state}{'?' if one.doubt else ''}{'~' if one.flapping else ''}" for one in alerts]


def test_a_check_that_warns_and_fails() -> None:
    line = Line()
    assert line.sees(0, "ok") == []
    assert line.sees(10, "warn") == ["CheckWarns:firing"]
    assert line.sees(20, "fail") == ["CheckFailed:firing", "CheckWarns:firing"]
    failed, warns = line.told["checks/api"]
    assert (failed.active_since, warns.active_since) == (START + timedelta(seconds=20), START + timedelta(seconds=10))
    assert failed.labels == {"alertname": "CheckFailed", "check": "api", "severity": "critical"}
    assert (failed.annotations, failed.generator_url) == ({"summary": "seen fail"}, "http://keepwell.test/checks/api")
    assert line.sees(30, "ok") == []


def test_looks_that_change_nothing_tell_nothing() -> None:
    line = Line()
    line.sees(0, "ok")
    line.sees(10, "fail")
    told = line.tellings
    for second in range(20, 200, 10):
        line.sees(second, "fail")
    assert line.tellings == told


def test_unknown_is_no_recovery_and_told_after_five_minutes() -> None:
    line = Line()
    line.sees(0, "fail")
    assert line.sees(10, "unknown") == ["CheckFailed:firing?", "CheckWarns:firing?", "CheckUnknown:pending"]
    assert line.told["checks/api"][0].doubt == "seen unknown"
    assert line.waits(309) == ["CheckFailed:firing?", "CheckWarns:firing?", "CheckUnknown:pending"]
    assert line.waits(310) == ["CheckFailed:firing?", "CheckWarns:firing?", "CheckUnknown:firing"]
    assert line.sees(320, "fail") == ["CheckFailed:firing", "CheckWarns:firing"]
    assert line.sees(330, "ok") == []


def test_what_is_explained_by_another_check_is_not_told() -> None:
    line = Line()
    line.sees(0, "ok")
    assert line.sees(10, "unknown", explained_by="switch") == []
    assert line.waits(1000) == []
    assert line.sees(1010, "unknown") == ["CheckUnknown:pending"], "the other is up again, and this cannot be looked at all the same"
    assert line.sees(1020, "unknown", explained_by="switch") == []


def test_for_and_keep_firing_for() -> None:
    timing = Timing(timedelta(seconds=60), timedelta(seconds=60))
    line = Line(CheckRule("rules", "Slow", Face("Slow", {"severity": "page"}), "api", frozenset({"warn", "fail"}), timing))
    assert line.sees(0, "warn") == ["Slow:pending"]
    assert line.sees(30, "fail") == ["Slow:pending"]
    assert line.waits(60) == ["Slow:firing"]
    assert line.sees(70, "ok") == ["Slow:firing"]
    assert line.waits(129) == ["Slow:firing"]
    assert line.waits(130) == []
    assert line.sees(140, "warn") == ["Slow:pending"]
    assert line.sees(150, "ok") == []


def test_rules_that_name_a_check_are_instead_of_those_for_all() -> None:
    own = CheckRule("rules", "ApiDown/api", Face("ApiDown"), "api", frozenset({"fail"}))
    line = Line(own, *STANDARD)
    assert line.sees(0, "fail") == ["ApiDown:firing"]
    assert line.sees(0, "fail", check="db") == ["CheckFailed:firing", "CheckWarns:firing"]


def test_a_check_that_comes_and_goes_is_held() -> None:
    line = Line(STANDARD[0])
    seen = [line.sees(look, "ok" if look % 2 else "fail") for look in range(12)]
    assert seen[:5] == [["CheckFailed:firing"], [], ["CheckFailed:firing"], [], ["CheckFailed:firing~"]]
    assert all(one == ["CheckFailed:firing~"] for one in seen[5:])
    quiet = [line.sees(20 + look, "ok") for look in range(25)]
    assert quiet[5] == ["CheckFailed:firing~"]
    assert quiet[-1] == []


def test_a_write_that_failed_is_judged_again() -> None:
    line = Line()
    line.sees(0, "ok")
    look = line.look(10, "fail")
    assert line.rules.concerns([look])
    line.rules.judge([look], line)
    line.told.clear()  # the transaction was rolled back: nothing of it is kept
    assert line.rules.concerns([look])
    line.rules.keep(line.rules.judge([look], line))
    assert line.active() == ["CheckFailed:firing", "CheckWarns:firing"]
    assert not line.rules.concerns([look])


def test_several_looks_in_one_batch_are_judged_in_their_order() -> None:
    line = Line(STANDARD[0])
    line.sees(0, "ok")
    batch = [line.look(10, "fail"), line.look(20, "ok"), line.look(30, "fail")]
    assert line.rules.concerns(batch)
    line.rules.keep(line.rules.judge(batch, line))
    (alert,) = line.told["checks/api"]
    assert (alert.active_since, line.tellings) == (START + timedelta(seconds=30), 3)


def test_after_a_start_nothing_ends_before_it_was_looked_at() -> None:
    line = Line()
    line.sees(0, "fail")
    line.sees(5, "unknown", check="db")
    again = Line()
    again.told = line.told
    assert again.rules.next_due() is None
    assert again.active() == ["CheckFailed:firing", "CheckWarns:firing"]
    since = again.told["checks/api"][0].active_since
    assert again.sees(1000, "fail") == ["CheckFailed:firing", "CheckWarns:firing"]
    assert again.told["checks/api"][0].active_since == since


def test_new_rules_are_judged_without_a_look() -> None:
    line = Line()
    line.sees(0, "fail")
    severe = CheckRule("rules", "CheckFailed", Face("CheckFailed", {"severity": "page"}), "*", frozenset({"fail"}))
    line.rules.configure([severe], ["api"])
    line.rules.keep(line.rules.judge_due(line, are_new=True))
    (alert,) = line.told["checks/api"]
    assert (alert.labels["severity"], alert.active_since) == ("page", START)
    assert not line.rules.is_source("checks/db")
