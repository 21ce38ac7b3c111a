"""Alerts as plain values: which are asked for, in which order, in which pages; and bodies that are refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from keepwell.kernel.problems import UsageError
from keepwell.rooms.alerts.model import Acknowledgement, Alert, State
from keepwell.rooms.alerts.people import asked, shown

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def alert(number: int, severity: str = "critical", state: State = State.FIRING, **changed: Any) -> Alert:
    """An alert of ten minutes ago."""
    since = NOW - timedelta(minutes=10)
    labels = {"alertname": f"Alert{number}", "severity": severity, "service": "shop", **changed.pop("labels", {})}
    fired = since if state is State.FIRING else None
    values = {"annotations": {"summary": "it is down"}, "source": "rules/x", "active_since": since, "updated_at": since, **changed}
    return Alert(number=number, fingerprint=f"{number:016x}", labels=labels, state=state, firing_since=fired, **values)


def test_an_alert_as_json_says_everything_and_is_json() -> None:
    known = Acknowledgement("maria", NOW, "restarting", NOW + timedelta(hours=2))
    told = shown.as_json(alert(7, acknowledged=known, value=0.5, muted_by="silence 1"))
    assert json.loads(json.dumps(told)) == told
    assert (told["id"], told["name"], told["severity"], told["message"]) == (7, "Alert7", "critical", "it is down")
    assert told["firing_since"] == "2026-11-22T11:50:00.000Z"
    assert told["acknowledged"] == {
        "by": "maria",
        "at": "2026-11-22T12:00:00.000Z",
        "note": "restarting",
        "until": "2026-11-22T14:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ({"summary": "a", "description": "b"}, "a"),
        ({"summary": "", "description": "b"}, "b"),
        ({"message": "c"}, "c"),
        ({"other": "d"}, ""),
    ],
)
def test_what_an_alert_says(annotations: dict[str, str], said: str) -> None:
    assert shown.sentence(annotations) == said


ACTIVE = [
    alert(1, "warning"),
    alert(2, state=State.PENDING),
    alert(3, acknowledged=Acknowledgement("maria", NOW)),
    alert(4, muted_by="silence 1"),
    alert(5, "P1", labels={"team": "web"}, assigned_to="tom"),
    alert(6, acknowledged=Acknowledgement("maria", NOW - timedelta(hours=2), until=NOW)),
]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"state": ["pending"]}, [2]),
        ({"severity": ["P1", "warning"]}, [5, 1]),
        ({"acknowledged": True}, [3]),
        ({"acknowledged": False, "state": ["firing"]}, [6, 5, 4, 1]),
        ({"muted": True}, [4]),
        ({"muted": False, "limit": 2}, [6, 5]),
        ({"assigned_to": "tom"}, [5]),
        ({"matcher": ['team="web"']}, [5]),
        ({"matcher": ['team=""', 'severity=~"crit.*"'], "muted": False}, [6, 3, 2]),
        ({"before": 3}, [2, 1]),
    ],
)
def test_which_alerts_are_listed(query: dict[str, Any], numbers: list[int]) -> None:
    question = asked.ActiveAsked(**query)
    answer = shown.listing(ACTIVE, question.wanted(), (question.limit, question.before), NOW)
    assert [one["id"] for one in answer["active_alerts"]] == numbers


def test_pages_follow_one_another_and_end() -> None:
    seen, before = [], None
    for _ in range(3):
        answer = shown.listing(ACTIVE, shown.Wanted(), (2, before), NOW)
        seen += [one["id"] for one in answer["active_alerts"]]
        before = answer["next"]
        assert answer["total"] == 6
    assert seen == [6, 5, 4, 3, 2, 1]
    assert before is None


def test_counts_are_of_all_that_is_active() -> None:
    answer = shown.listing(ACTIVE, shown.Wanted(states=frozenset({"pending"})), (10, None), NOW)
    assert answer["counts"] == {
        "firing": 5,
        "pending": 1,
        "acknowledged": 1,
        "muted": 1,
        "severities": {"critical": 3, "warning": 1, "P1": 1},
    }


def test_the_most_urgent_stands_first() -> None:
    assert [one.number for one in shown.worst_first(ACTIVE, NOW)] == [6, 5, 1, 3, 4, 2]


@pytest.mark.parametrize(
    ("word", "rank"), [("critical", 0), ("P1", 0), ("error", 1), ("Warning", 2), ("strange", 2), ("", 2), ("info", 3), ("test", 3)]
)
def test_how_urgent_words_are(word: str, rank: int) -> None:
    assert shown.severity_rank(word) == rank


def test_a_matcher_that_cannot_be_read_is_said() -> None:
    with pytest.raises(UsageError, match="is no matcher"):
        asked.ActiveAsked(matcher=["{{{"]).wanted()


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (asked.NewAlert, {}),
        (asked.NewAlert, {"message": ""}),
        (asked.NewAlert, {"message": "x", "for": "soon"}),
        (asked.NewAlert, {"message": "x", "for": "0s"}),
        (asked.NewAlert, {"message": "x", "for": "1h", "ends_at": "2026-11-22T12:00:00Z"}),
        (asked.NewAlert, {"message": "x", "ends_at": "2026-11-22T12:00:00"}),
        (asked.NewAlert, {"message": "x", "labels": {"a": 1}}),
        (asked.NewAlert, {"message": "x", "mesage": "y"}),
        (asked.Acknowledging, {"for": "1h", "until": "2026-11-22T12:00:00Z"}),
        (asked.NewSilence, {"matchers": [], "for": "1h", "comment": "x"}),
        (asked.NewSilence, {"matchers": ["a=b"], "comment": "x"}),
        (asked.NewSilence, {"matchers": ["a=b"], "for": "1h", "comment": ""}),
        (asked.HistoryAsked, {"limit": 0}),
        (asked.HistoryAsked, {"before": 2**63}),
        (asked.ActiveAsked, {"state": ["resolved"]}),
    ],
)
def test_bodies_that_make_no_sense_are_refused(model: type[BaseModel], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate_json(json.dumps(body))


def test_ends() -> None:
    assert asked.until_of("2h", None, NOW) == NOW + timedelta(hours=2)
    assert asked.until_of(None, NOW + timedelta(1), NOW) == NOW + timedelta(1)
    assert asked.until_of(None, None, NOW) is None
    with pytest.raises(UsageError, match="before it begins"):
        asked.until_of(None, NOW, NOW)
    with pytest.raises(UsageError, match="year 9999"):
        asked.until_of("9999y", None, NOW)
