"""Who is told when nobody answers: rotas over weeks, zones and overrides, and escalations step by step."""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.kernel.windows import parse_window
from keepwell.rooms.alerts.escalation.decide import Cancelled, Escalated, People, Waiting, begin, due
from keepwell.rooms.alerts.escalation.model import Override, Policy, Rota, Step
from keepwell.rooms.alerts.escalation.options import EscalationOptions, RotaOptions
from keepwell.rooms.alerts.escalation.rota import gaps, on_call, shifts
from keepwell.rooms.alerts.escalation.told import describe
from keepwell.rooms.alerts.model import Acknowledgement, Alert, State

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = Rota("primary", ("anna", "ben", "cleo"), 0, time(9), BERLIN, date(2026, 1, 1))
"""Its first hand-over is Monday, 5 January 2026."""
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("at", "person"),
    [
        (local(2026, 1, 5, 8, 59), ""),
        (local(2026, 1, 5, 9), "anna"),
        (local(2026, 1, 12, 8, 59), "anna"),
        (local(2026, 1, 12, 9), "ben"),
        (local(2026, 1, 19, 9), "cleo"),
        (local(2026, 1, 26, 9), "anna"),
        # Clocks go forward on 29 March and back on 25 October: the hand-over stays at nine on the wall.
        (local(2026, 3, 30, 8, 59), "cleo"),
        (local(2026, 3, 30, 9), "anna"),
        (local(2026, 10, 26, 8, 59), "cleo"),
        (local(2026, 10, 26, 9), "anna"),
    ],
)
def test_people_take_turns_from_hand_over_to_hand_over(at: datetime, person: str) -> None:
    assert on_call(WEEKLY, at).person == person


def test_before_the_rota_begins_nobody_is_on_call_and_it_says_so() -> None:
    shift = on_call(WEEKLY, local(2025, 12, 31))
    assert (shift.person, shift.why, shift.end) == ("", "the rota begins on 2026-01-01", local(2026, 1, 5, 9))


def test_an_override_stands_in_and_the_newest_written_wins() -> None:
    first = Override(local(2026, 1, 6, 0), local(2026, 1, 9, 0), "ben")
    second = Override(local(2026, 1, 7, 0), local(2026, 1, 8, 0), "cleo")
    rota = replace(WEEKLY, overrides=(first, second))
    found = [(shift.person, shift.start, shift.end) for shift in shifts(rota, local(2026, 1, 5, 9), local(2026, 1, 12, 9))]
    assert found == [
        ("anna", local(2026, 1, 5, 9), local(2026, 1, 6, 0)),
        ("ben", local(2026, 1, 6, 0), local(2026, 1, 7, 0)),
        ("cleo", local(2026, 1, 7, 0), local(2026, 1, 8, 0)),
        ("ben", local(2026, 1, 8, 0), local(2026, 1, 9, 0)),
        ("anna", local(2026, 1, 9, 0), local(2026, 1, 12, 9)),
    ]


def test_a_rota_for_office_hours_has_gaps_which_an_override_closes() -> None:
    office = replace(WEEKLY, covers=parse_window("weekdays 09:00-17:00", "Europe/Berlin"))
    nights = gaps(office, local(2026, 1, 5, 9), local(2026, 1, 7, 9))
    assert [(gap.start, gap.end) for gap in nights] == [
        (local(2026, 1, 5, 17), local(2026, 1, 6, 9)),
        (local(2026, 1, 6, 17), local(2026, 1, 7, 9)),
    ]
    assert nights[0].why == "outside of weekdays 09:00-17:00"
    covered = replace(office, overrides=(Override(local(2026, 1, 5, 17), local(2026, 1, 7, 9), "cleo"),))
    assert gaps(covered, local(2026, 1, 5, 9), local(2026, 1, 7, 9)) == []


INSTANTS = st.timedeltas(timedelta(0), timedelta(days=1800)).map(lambda after: datetime(2025, 1, 1, tzinfo=UTC) + after)


@given(INSTANTS, st.integers(0, 6), st.times(), st.integers(1, 5), st.data())
def test_shifts_follow_one_another_without_holes(start: datetime, weekday: int, handover: time, people: int, data: st.DataObject) -> None:
    spans = data.draw(st.lists(st.tuples(INSTANTS, st.timedeltas(timedelta(hours=1), timedelta(days=20))), max_size=3))
    overrides = tuple(Override(start, start + length, "dora") for start, length in spans)
    rota = Rota("r", [f"p{n}" for n in range(people)], weekday, handover.replace(microsecond=0), BERLIN, date(2026, 1, 1), overrides)
    end = start + timedelta(days=40)
    found = list(shifts(rota, start, end))
    assert found[0].start == start
    assert found[-1].end == end
    for one, following in itertools.pairwise(found):
        assert one.start < one.end == following.start
    for one in found:
        assert on_call(rota, one.start).person == one.person == on_call(rota, one.end - timedelta(microseconds=1)).person


# --- escalations


PRIMARY = Policy(
    "primary",
    (Step(timedelta(0), ("primary-rota",)), Step(timedelta(minutes=15), ("boss", "pager")), Step(timedelta(minutes=30), ("all",))),
)
PEOPLE = People(frozenset({"anna", "boss"}), {"primary-rota": replace(WEEKLY, people=("anna",), starts=date(2026, 1, 1))})


def alert(number: int, state: State = State.FIRING, **more: object) -> Alert:
    whole = {"firing_since": START, **more}
    return Alert(number, f"{number:016x}", {"alertname": "Down"}, {}, "rules/Down", state, START, START, **whole)  # type: ignore[arg-type]


def played(alerts: Sequence[Alert], minutes: Sequence[int], policy: Policy = PRIMARY, people: People = PEOPLE) -> list[object]:
    """What happens when the escalation that began at START is looked at after so many minutes."""
    escalating, found = begin(policy, "d", START), list[object]()
    for minute in minutes:
        outcome = due(escalating, policy, alerts, people, START + timedelta(minutes=minute))
        found.append(outcome)
        if isinstance(outcome, Escalated) and outcome.next is not None:
            escalating = outcome.next
    return found


def test_steps_are_taken_at_their_delays() -> None:
    found = played([alert(1)], [0, 14, 15, 30])
    assert found[0] == Escalated(
        ("contact anna",),
        "escalation primary, step 1 of 3",
        replace(begin(PRIMARY, "d", START), step=1, next_at=START + timedelta(minutes=15)),
    )
    assert found[1] == Waiting(START + timedelta(minutes=15))
    assert isinstance(found[2], Escalated)
    assert found[2].to == ("contact boss", "pager")
    assert found[2].reason == "escalation primary, step 2 of 3, nobody acknowledged within 15m"
    assert isinstance(found[3], Escalated)
    assert found[3].to == ("all",)
    assert found[3].next is None


@pytest.mark.parametrize(
    ("alerts", "reason"),
    [
        ([alert(1, State.RESOLVED)], "resolved"),
        ([], "resolved"),
        ([alert(1, acknowledged=Acknowledgement("anna", START))], "acknowledged by anna"),
        ([alert(1, muted_by="silence 12")], "silence 12"),
        ([alert(1, acknowledged=Acknowledgement("ben", START)), alert(2, muted_by="window weekly")], "acknowledged by ben"),
    ],
)
def test_it_ends_when_nobody_needs_to_be_called(alerts: Sequence[Alert], reason: str) -> None:
    assert played(alerts, [15]) == [Cancelled(reason)]


def test_an_acknowledgement_for_a_time_holds_for_that_time_only() -> None:
    held = alert(1, acknowledged=Acknowledgement("anna", START, until=START + timedelta(minutes=20)))
    ended, escalated = played([held], [15, 30])
    assert ended == Cancelled("acknowledged by anna")
    assert isinstance(escalated, Escalated)


def test_a_new_alert_keeps_an_acknowledged_group_escalating() -> None:
    both = [alert(1, acknowledged=Acknowledgement("anna", START)), alert(2)]
    assert isinstance(played(both, [0])[0], Escalated)


def test_where_nobody_is_on_call_the_next_step_is_due_at_once() -> None:
    late = People(PEOPLE.contacts, {"primary-rota": replace(WEEKLY, starts=date(2027, 1, 1))})
    (found,) = played([alert(1)], [0], people=late)
    assert isinstance(found, Escalated)
    assert found.to == ("contact boss", "pager")
    assert "nobody is on call in primary-rota (the rota begins on 2027-01-01)" in found.reason
    assert found.next is not None
    assert found.next.step == 2


def test_an_escalation_that_reaches_nobody_says_so_for_the_groups_own_receiver() -> None:
    late = People(frozenset(), {"primary-rota": replace(WEEKLY, starts=date(2027, 1, 1))})
    (found,) = played([alert(1)], [0], Policy("lonely", (Step(timedelta(0), ("primary-rota",)),)), late)
    expected = "escalation lonely reached nobody: nobody is on call in primary-rota (the rota begins on 2027-01-01)"
    assert found == Escalated((), expected, None)


def test_words_say_what_is_next() -> None:
    assert describe(PRIMARY, replace(begin(PRIMARY, "d", START), step=1)) == "primary: step 2 of 3 (boss, pager) 15m after its begin"
    assert describe(PRIMARY, begin(PRIMARY, "d", START)) == "primary: step 1 of 3 (primary-rota) at once"
    assert describe(PRIMARY, replace(begin(PRIMARY, "d", START), step=3)) == "primary: all 3 steps were taken"


# --- as they are written


def read_rota(**more: object) -> Rota:
    return RotaOptions.model_validate_json(json.dumps({"people": ["anna", "ben"], "starts": "2026-01-01", **more})).rota("week")


def test_a_rota_is_read_with_its_wall_clock() -> None:
    stand_in = {"from": "2026-12-24 09:00", "until": "2026-12-27", "person": "ben"}
    rota = read_rota(handover="tue 17:30", zone="Europe/Berlin", covers="weekdays 08:00-18:00", overrides=[stand_in])
    assert (rota.weekday, rota.at, rota.starts, str(rota.covers)) == (1, time(17, 30), date(2026, 1, 1), "weekdays 08:00-18:00")
    assert rota.overrides == (Override(local(2026, 12, 24, 9), local(2026, 12, 27), "ben"),)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"handover": "Moonday 09:00"}, '"Moonday 09:00" is no hand-over: write a day of the week and a time, such as Monday 09:00'),
        ({"handover": "Monday 25:00"}, '"Monday 25:00" is no hand-over'),
        ({"zone": "Berlin"}, '"Berlin" is no time zone'),
        ({"starts": "soon"}, "expected a day such as 2026-01-05"),
        ({"people": []}, "at least 1 item"),
        ({"overrides": [{"from": "2026-12-24", "until": "2026-12-23", "person": "ben"}]}, "an override ends before it begins"),
        ({"overrides": [{"from": "24.12.2026", "until": "2026-12-27", "person": "ben"}]}, "expected a day and a time such as 2026-12-24"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(written: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(reason)):
        read_rota(**written)


def test_an_escalation_is_a_list_of_steps() -> None:
    written = [{"after": "0m", "to": "week"}, {"after": "15m", "to": ["boss", "pager"]}]
    policy = EscalationOptions.model_validate_json(json.dumps(written)).policy("primary")
    assert policy == Policy("primary", (Step(timedelta(0), ("week",)), Step(timedelta(minutes=15), ("boss", "pager"))))


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("week", "expected a list of steps"),
        ([], "at least 1 item"),
        ([{"after": "5m", "to": "a"}, {"after": "0m", "to": "b"}], "a step after 0s stands behind one after 5m: order them"),
        ([{"after": "0m", "to": []}], "a step tells nobody"),
    ],
)
def test_an_escalation_that_leads_nowhere_is_refused(written: object, reason: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(reason)):
        EscalationOptions.model_validate_json(json.dumps(written))
