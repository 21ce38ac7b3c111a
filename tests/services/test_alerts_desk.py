"""The desk on SQLite and on PostgreSQL: what is told, what is stored with it, and what a start goes on from."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.kernel.problems import KeepwellError, NotFound, StorageError
from keepwell.rooms.alerts.escalation.decide import People
from keepwell.rooms.alerts.escalation.model import Policy as Escalation
from keepwell.rooms.alerts.escalation.model import Step
from keepwell.rooms.alerts.matchers import parse_matchers
from keepwell.rooms.alerts.model import MOST_TOLD, Acknowledgement, Posted, Silence, State
from keepwell.rooms.alerts.notice import packed, unpacked
from keepwell.rooms.alerts.store import load
from keepwell.rooms.alerts.work.desk import Turn
from tests.alerts_desk import NOW, POLICY, Rig, firing, pending, posted, refuse, rig_on, routed


@pytest.fixture
async def rig(database_place: Path | str) -> AsyncIterator[Rig]:
    async with rig_on(database_place) as made:
        yield made


# --- what sources tell -------------------------------------------------------------------------------------------------------------


async def test_an_alert_is_stored_told_and_journaled_together(rig: Rig) -> None:
    await rig.tell(firing("a", severity="critical", value=7.5))
    (row,) = await rig.rows()
    assert (row.number, row.state, row.source, row.value, row.service_added) == (1, State.FIRING, "rules/a", 7.5, True)
    assert row.labels == {"alertname": "a", "severity": "critical", "service": "shop"}
    assert await rig.told() == ["hook +a"]
    assert await rig.events() == [("alert.firing", "alerts/1")]
    (notice,) = await rig.notices()
    assert (notice.service, notice.group_labels, notice.reason) == ("shop", {"alertname": "a"}, "1 alert began to fire")


async def test_what_its_source_names_no_more_has_ended(rig: Rig) -> None:
    await rig.tell(firing("a"), firing("b"))
    rig.clock.advance(3)
    await rig.tell(firing("b"))
    assert [alert.name for alert in rig.desk.active()] == ["b"]
    await rig.after(20)
    assert await rig.told() == ["hook +a", "hook +b", "hook -a"]
    ended, other = await rig.rows()
    assert (ended.state, ended.resolved_at, ended.settled) == (State.RESOLVED, NOW + timedelta(seconds=3), True)
    assert (other.state, other.settled) == (State.FIRING, False)
    assert ("alert.resolved", "alerts/1") in await rig.events()


async def test_other_sources_are_left_alone(rig: Rig) -> None:
    await rig.tell(firing("a"), source="rules/a")
    await rig.tell(firing("a"), source="checks/a")
    await rig.tell(source="checks/a")
    assert [(alert.source, alert.number) for alert in rig.desk.active()] == [("rules/a", 1)]


async def test_one_that_never_fired_leaves_nothing_and_its_number_is_not_given_again(rig: Rig) -> None:
    await rig.tell(pending("a"))
    assert [alert.state for alert in await rig.rows()] == [State.PENDING]
    await rig.tell()
    assert await rig.rows() == []
    again = await rig.restarted()
    await again.tell(pending("a"))
    assert [alert.number for alert in await again.rows()] == [2]
    assert await rig.told() == []
    assert await rig.events() == []


async def test_pending_becomes_firing_and_never_pending_again(rig: Rig) -> None:
    await rig.tell(pending("a"))
    await rig.tell(firing("a"))
    await rig.tell(pending("a", NOW + timedelta(hours=1)))
    (alert,) = await rig.rows()
    assert (alert.number, alert.state, alert.active_since) == (1, State.FIRING, NOW)
    assert await rig.told() == ["hook +a"]


async def test_new_values_are_known_and_not_written(rig: Rig) -> None:
    await rig.tell(firing("a", value=1.0))
    await rig.tell(firing("a", value=2.0))
    assert [alert.value for alert in rig.desk.active()] == [2.0]
    assert [alert.value for alert in await rig.rows()] == [1.0]
    await rig.tell(replace(firing("a", value=3.0), doubt="no data"))
    assert [(alert.value, alert.doubt) for alert in await rig.rows()] == [(3.0, "no data")]


async def test_known_gives_back_what_was_told(rig: Rig) -> None:
    told = replace(firing("a", value=2.0), memory={"rule": "x"}, annotations={"summary": "s"}, flapping=True, doubt="d")
    await rig.tell(told)
    assert list(rig.desk.known("rules/a")) == [told]
    again = await rig.restarted()
    assert list(again.desk.known("rules/a")) == [told]
    assert list(again.desk.known("rules/b")) == []


async def test_a_label_service_of_its_own_stays(rig: Rig) -> None:
    await rig.tell(firing("a", service="other"))
    (alert,) = await rig.rows()
    assert (alert.labels["service"], alert.service_added) == ("other", False)
    assert rig.desk.known("rules/a")[0].labels == {"alertname": "a", "service": "other"}


async def test_sources_that_are_gone_end_and_posted_alerts_stay(rig: Rig) -> None:
    await rig.tell(firing("a"), source="rules/a")
    await rig.tell(firing("b"), source="rules/b")
    await rig.desk.post(posted("c"), "test")
    await rig.desk.retire(lambda source: source == "rules/b")
    assert [alert.name for alert in rig.desk.active()] == ["b", "c"]
    assert (await rig.rows())[0].reason == "what told of it is no longer configured"


# --- what programs post ------------------------------------------------------------------------------------------------------------


async def test_a_posted_alert_ends_when_nobody_tells_of_it_again(rig: Rig) -> None:
    await rig.desk.post(posted("a"), "test")
    await rig.after(299)
    await rig.desk.post(posted("a"), "test")
    await rig.after(299)
    assert [alert.name for alert in rig.desk.active()] == ["a"]
    await rig.after(11)
    assert rig.desk.active() == []
    (row,) = await rig.rows()
    assert (row.resolved_at, row.reason) == (NOW + timedelta(seconds=599), "its sender did not tell of it again")
    assert await rig.told() == ["hook +a", *["hook +a"] * 9, "hook -a"]  # repeat_interval is a minute here


async def test_one_that_lasts_stays_until_somebody_resolves_it(rig: Rig) -> None:
    (alert,) = await rig.desk.post([Posted({"alertname": "a"}, {}, lasts=True)], "test")
    await rig.after(3600)
    assert (await rig.desk.resolve(alert.number, "done", "anna")).state is State.RESOLVED
    assert rig.desk.active() == []
    assert (await rig.rows())[0].reason == "done"
    await rig.desk.post(posted("a"), "test")
    assert [one.number for one in rig.desk.active()] == [2]


async def test_its_sender_says_that_it_ended(rig: Rig) -> None:
    await rig.desk.post(posted("a", "b"), "test")
    rig.clock.advance(60)
    ended = NOW + timedelta(seconds=40)
    (alert,) = await rig.desk.post([Posted({"alertname": "a"}, {}, NOW, ended)], "test")
    assert (alert.state, alert.resolved_at) == (State.RESOLVED, ended)
    assert await rig.desk.post([Posted({"alertname": "never"}, {}, NOW, ended)], "test") == []


async def test_a_start_gives_senders_time_to_tell_again(rig: Rig) -> None:
    await rig.desk.post(posted("a"), "test")
    again = await rig.restarted(away=3600)
    await again.after(299)
    assert [alert.name for alert in again.desk.active()] == ["a"]
    await again.after(2)
    assert again.desk.active() == []


# --- what people say ---------------------------------------------------------------------------------------------------------------


async def test_an_acknowledged_alert_is_not_repeated_and_its_end_is_told(rig: Rig) -> None:
    await rig.tell(firing("a"))
    alert = await rig.desk.acknowledge(1, Acknowledgement("anna", NOW, "on it"), "token anna")
    assert alert.acknowledged == Acknowledgement("anna", NOW, "on it")
    again = await (await rig.restarted()).after(600)
    assert await again.told() == ["hook +a"]
    assert again.desk.find(1).acknowledged == alert.acknowledged
    await again.tell()
    await again.after(20)
    assert await again.told() == ["hook +a", "hook -a"]
    assert (await again.rows())[0].acknowledged == alert.acknowledged
    assert [event for event, _ in await again.events()] == ["alert.firing", "alert.acknowledged", "alert.resolved"]


async def test_repeats_go_on_after_its_time_and_after_it_was_taken_back(rig: Rig) -> None:
    await rig.tell(firing("a"), firing("b"))
    await rig.desk.acknowledge(1, Acknowledgement("anna", NOW, until=NOW + timedelta(seconds=200)), "anna")
    await rig.desk.acknowledge(2, Acknowledgement("anna", NOW), "anna")
    await rig.after(199)
    assert await rig.told() == ["hook +a", "hook +b"]
    await rig.after(12)
    assert await rig.told() == ["hook +a", "hook +b", "hook +a"]
    await rig.desk.unacknowledge(2, "anna")
    await rig.after(10)
    assert (await rig.told())[3:] == ["hook +b"]


async def test_what_cannot_be_done_is_said(rig: Rig) -> None:
    with pytest.raises(NotFound, match="no alert with the number 7 is open"):
        await rig.desk.acknowledge(7, Acknowledgement("anna", NOW), "anna")
    await rig.tell(firing("a"))
    await rig.tell()
    with pytest.raises(KeepwellError, match="alert 1 has ended: its condition holds no longer") as caught:
        await rig.desk.assign(1, "anna", "anna")
    assert caught.value.problems[0].code == "alerts.resolved"
    with pytest.raises(NotFound):
        await rig.desk.expire_silence("none", "anna")
    assert [event for event, _ in await rig.events()] == ["alert.firing", "alert.resolved"]


async def test_assigned_and_given_back(rig: Rig) -> None:
    await rig.tell(firing("a"))
    await rig.desk.assign(1, "ben", "anna")
    assert (await rig.restarted()).desk.find(1).assigned_to == "ben"
    await rig.desk.assign(1, "", "ben")
    assert (await rig.rows())[0].assigned_to == ""


async def test_what_was_resolved_by_hand_stays_closed_until_its_source_ends_it(rig: Rig) -> None:
    await rig.tell(firing("a"))
    await rig.desk.resolve(1, "", "anna")
    await rig.tell(firing("a", value=2.0))
    again = await (await rig.restarted()).after(60)
    await again.tell(firing("a", value=3.0))
    assert again.desk.active() == []
    assert await again.told() == ["hook +a", "hook -a"]
    await again.tell()
    assert [alert.settled for alert in await again.rows()] == [True]
    await again.tell(firing("a"))
    await again.after(20)
    assert await again.told() == ["hook +a", "hook -a", "hook +a"]
    assert (await again.rows())[0].reason == "resolved by anna"


async def test_a_posted_alert_resolved_by_hand_stays_closed_while_it_is_posted(rig: Rig) -> None:
    await rig.desk.post(posted("a"), "test")
    await rig.desk.resolve(1, "", "anna")
    for _ in range(5):
        await rig.after(60)
        await rig.desk.post(posted("a"), "test")
    assert rig.desk.active() == []
    await rig.after(301)
    assert [alert.settled for alert in await rig.rows()] == [True]
    await rig.desk.post(posted("a"), "test")
    assert [alert.number for alert in rig.desk.active()] == [2]


async def test_a_silence_outlives_a_start_and_its_end_is_journaled(rig: Rig) -> None:
    wanted = Silence("", parse_matchers('alertname="a"'), NOW, NOW + timedelta(seconds=30), NOW, "anna", "because")
    silence = await rig.desk.silence(wanted, "anna")
    again = await rig.restarted()
    assert again.desk.silences() == [silence]
    await again.tell(firing("a"))
    await again.after(29)
    assert await again.told() == []
    assert again.desk.find(1).muted_by == f"silence {silence.id}"
    await again.after(2)
    assert await again.told() == ["hook +a"]
    assert [event for event, _ in await again.events()] == ["silence.created", "alert.firing"]


async def test_a_silence_is_changed_and_ended(rig: Rig) -> None:
    wanted = Silence("", parse_matchers('alertname="a"'), NOW, NOW + timedelta(hours=1), NOW, "anna", "because")
    silence = await rig.desk.silence(wanted, "anna")
    longer = await rig.desk.silence(replace(silence, ends_at=NOW + timedelta(hours=2)), "anna")
    other = await rig.desk.silence(replace(longer, matchers=parse_matchers('alertname="b"')), "anna")
    assert (longer.id == silence.id, other.id == silence.id) == (True, False)
    ended = await rig.desk.expire_silence(other.id, "anna")
    assert ended.ends_at == NOW
    assert [event for event, _ in await rig.events()] == [
        "silence.created",
        "silence.changed",
        "silence.expired",
        "silence.created",
        "silence.expired",
    ]
    with pytest.raises(KeepwellError, match="at least one matcher"):
        await rig.desk.silence(replace(wanted, matchers=()), "anna")


# --- starts and reloads ------------------------------------------------------------------------------------------------------------


async def test_a_start_tells_nobody_twice_and_forgets_nobody(rig: Rig) -> None:
    slow = routed(group_wait=timedelta(seconds=30))
    first = await rig.restarted(slow)
    await first.tell(firing("a"), pending("b"))
    second = await first.restarted(slow, away=10)
    await second.after(19)
    assert await second.told() == []
    await second.after(1)
    assert await second.told() == ["hook +a"]
    third = await second.restarted(slow)
    await third.after(30)
    assert await third.told() == ["hook +a"]
    await third.tell(pending("b"))
    fourth = await third.restarted(slow)
    await fourth.after(15)
    assert await fourth.told() == ["hook +a", "hook -a"]


async def test_a_wait_that_ended_while_nobody_lived_is_over_at_the_start(rig: Rig) -> None:
    slow = routed(group_wait=timedelta(seconds=30))
    first = await rig.restarted(slow)
    await first.tell(firing("a"))
    second = await first.restarted(slow, away=3600)
    assert await second.told() == ["hook +a"]


async def test_other_routes_take_alerts_with_them(rig: Rig) -> None:
    await rig.tell(firing("a"))
    await rig.desk.configure(routed(path="0/1"))  # the same route, elsewhere in the file
    await rig.after(30)
    assert await rig.told() == ["hook +a"]
    await rig.desk.configure(routed(receiver="mail"))
    assert await rig.told() == ["hook +a", "mail +a"]
    await rig.desk.configure(routed(receiver="mail", group_by=None))
    assert await rig.told() == ["hook +a", "mail +a", "mail +a"]
    assert len(rig.desk.groups()) == 1


async def test_without_receivers_alerts_are_kept_and_nobody_is_told(rig: Rig) -> None:
    await rig.desk.configure(replace(POLICY, routing=replace(POLICY.routing, root=replace(POLICY.routing.root, receiver=""))))
    await rig.tell(firing("a"))
    await rig.tell()
    await rig.after(600)
    assert await rig.told() == []
    assert [(alert.state, alert.settled) for alert in await rig.rows()] == [(State.RESOLVED, True)]
    assert rig.desk.groups() == []


async def test_several_receivers_of_one_alert(rig: Rig) -> None:
    root = POLICY.routing.root
    both = tuple(replace(root, path=f"0/{name}", receiver=name, goes_on=True) for name in ("hook", "mail"))
    await rig.desk.configure(replace(POLICY, routing=replace(POLICY.routing, root=replace(root, routes=both))))
    await rig.tell(firing("a"))
    await rig.tell()
    await rig.after(11)
    assert sorted(await rig.told()) == ["hook +a", "hook -a", "mail +a", "mail -a"]
    assert [alert.settled for alert in await rig.rows()] == [True]
    keys = [notice.key for notice in await rig.notices()]
    assert len(set(keys)) == 4


async def test_an_alert_about_a_receiver_goes_to_all_others(rig: Rig) -> None:
    await rig.desk.configure(replace(POLICY, receivers=("hook", "mail", "chat")))
    await rig.tell(firing("ReceiverFailing", receiver="hook"), source="keepwell/receivers")
    assert sorted(await rig.told()) == ["chat +ReceiverFailing", "mail +ReceiverFailing"]


# --- escalation --------------------------------------------------------------------------------------------------------------------

ESCALATING = replace(
    routed(escalate="primary"),
    escalations={"primary": Escalation("primary", (Step(timedelta(seconds=20), ("boss",)), Step(timedelta(seconds=40), ("mail",))))},
    people=People(frozenset({"boss"}), {}),
)


async def test_nobody_answers_and_the_next_ones_are_told(rig: Rig) -> None:
    await rig.desk.configure(ESCALATING)
    await rig.tell(firing("a"))
    again = await rig.restarted(ESCALATING, away=15)
    await again.after(30)
    assert await again.told() == ["hook +a", "contact boss +a", "mail +a"]
    assert again.desk.escalating() == []
    assert [event for event, _ in await again.events()][1:] == ["escalation.step", "escalation.step"]


@pytest.mark.parametrize("how", ["acknowledged", "resolved", "silenced", "unrouted"])
async def test_it_ends_at_once_when_nobody_needs_to_be_called(rig: Rig, how: str) -> None:
    await rig.desk.configure(ESCALATING)
    await rig.tell(firing("a"))
    assert len(rig.desk.escalating()) == 1
    if how == "acknowledged":
        await rig.desk.acknowledge(1, Acknowledgement("anna", NOW), "anna")
    elif how == "resolved":
        await rig.tell()
    elif how == "silenced":
        await rig.desk.silence(Silence("", parse_matchers('alertname="a"'), NOW, NOW + timedelta(hours=1), NOW, "anna", ""), "anna")
    else:
        await rig.desk.configure(replace(POLICY, escalations={}))
    assert rig.desk.escalating() == []
    await rig.after(60)
    assert not any("boss" in line or "mail" in line for line in await rig.told())
    assert ("escalation.cancelled", f"alert-groups/{(await rig.notices())[0].group_digest[:16]}") in await rig.events()


# --- what fails --------------------------------------------------------------------------------------------------------------------


async def test_a_write_that_fails_changes_nothing(rig: Rig) -> None:
    with pytest.raises(RuntimeError):
        await rig.desk.change(lambda turn: turn.tell("rules/a", [firing("a")], NOW), also=refuse)
    assert (rig.desk.active(), await rig.rows(), await rig.told(), await rig.events()) == ([], [], [], [])
    await rig.tell(firing("a"))
    assert [alert.number for alert in rig.desk.active()] == [1]
    assert await rig.told() == ["hook +a"]


async def test_a_reload_that_cannot_be_stored_leaves_the_policy_in_force(rig: Rig) -> None:
    await rig.tell(firing("a"))
    await rig.database.close()
    with pytest.raises(StorageError):
        await rig.desk.configure(routed(receiver="mail"))
    assert rig.desk.policy is POLICY
    assert [group.receiver for group in rig.desk.groups()] == ["hook"]


async def test_a_caller_that_goes_away_does_not_take_it_back(rig: Rig) -> None:
    task = asyncio.ensure_future(rig.tell(firing("a")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await rig.tell(firing("b"), source="rules/b")
    assert [alert.name for alert in rig.desk.active()] == ["a", "b"]
    assert [alert.name for alert in await rig.rows()] == ["a", "b"]


async def test_timers_that_cannot_store_are_tried_again(rig: Rig) -> None:
    await rig.desk.configure(routed(group_wait=timedelta(seconds=5)))
    await rig.tell(firing("a"))
    store, failures = rig.storing.store, 3

    async def failing(*arguments: object) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StorageError("locked")
        await store(*arguments)  # type: ignore[arg-type]

    rig.storing.store = failing  # type: ignore[method-assign]
    await rig.after(5)
    assert await rig.told() == []
    await rig.after(4)
    assert await rig.told() == ["hook +a"]


# --- the clock ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_moves_no_timer(rig: Rig, hours: int) -> None:
    await rig.desk.configure(routed(group_wait=timedelta(seconds=30)))
    await rig.tell(firing("a"))
    await rig.desk.post(posted("b"), "test")
    rig.clock._now += timedelta(hours=hours)
    await rig.after(29)
    assert await rig.told() == []
    await rig.after(2)
    assert sorted(await rig.told()) == ["hook +a", "hook +b"]
    await rig.after(60)
    assert sorted(alert.name for alert in rig.desk.active()) == ["a", "b"]
    again = await rig.restarted(routed(group_wait=timedelta(seconds=30)))
    await again.after(120)
    assert sorted(set(await again.told())) == ["hook +a", "hook +b"]


# --- many --------------------------------------------------------------------------------------------------------------------------


async def test_many_alerts_are_one_notice(rig: Rig) -> None:
    await rig.desk.configure(routed(group_by=()))
    await rig.desk.post([Posted({"alertname": "Down", "instance": str(number)}, {}) for number in range(2500)], "test")
    (notice,) = await rig.notices()
    assert (len(notice.alerts), notice.truncated) == (MOST_TOLD, 2500 - MOST_TOLD)
    assert notice.common_labels == {"alertname": "Down"}
    assert len(await rig.rows()) == 2500
    assert unpacked(packed(notice)) == notice


async def test_listeners_hear_what_changed(rig: Rig) -> None:
    news = rig.desk.news()
    heard = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    await rig.tell(firing("a"), firing("b"))
    assert await heard == {1, 2}
    await news.aclose()  # type: ignore[attr-defined]


async def test_what_mutes_an_alert_is_shown_as_it_is_now(rig: Rig) -> None:
    await rig.tell(firing("a"))
    wanted = Silence("", parse_matchers('alertname="a"'), NOW, NOW + timedelta(seconds=5), NOW, "anna", "")
    silence = await rig.desk.silence(wanted, "anna")
    assert [alert.muted_by for alert in rig.desk.active()] == [f"silence {silence.id}"]
    rig.clock.advance(5)
    assert [alert.muted_by for alert in rig.desk.active()] == [""]
    standing = rig.desk.standings().alerts[0]
    assert (standing.receivers, standing.silenced_by) == (["hook"], [])


async def test_an_alert_that_is_named_twice_is_one(rig: Rig) -> None:
    await rig.tell(firing("a", value=1.0), firing("a", value=2.0))
    assert [(alert.number, alert.value) for alert in await rig.rows()] == [(1, 1.0)]


async def test_what_was_acknowledged_for_a_time_is_escalated_anew(rig: Rig) -> None:
    await rig.desk.configure(ESCALATING)
    await rig.tell(firing("a"))
    await rig.desk.acknowledge(1, Acknowledgement("anna", NOW, until=NOW + timedelta(seconds=30)), "anna")
    again = await (await rig.restarted(ESCALATING)).after(49)
    assert [line for line in await again.told() if "boss" in line] == []
    await again.after(2)
    assert [line for line in await again.told() if "boss" in line] == ["contact boss +a"]


async def test_many_sources_in_one_change(rig: Rig) -> None:
    names = [f"check-{number}" for number in range(3000)]

    def down(turn: Turn) -> None:
        for name in names:
            turn.tell(f"checks/{name}", [firing("CheckFailed", check=name)], NOW)

    await rig.desk.configure(routed(group_by=()))
    await rig.desk.change(down)
    assert (len(rig.desk.active()), len(await rig.notices())) == (3000, 1)
    await rig.desk.retire(lambda source: source == "checks/check-7")
    assert [alert.labels["check"] for alert in rig.desk.active()] == ["check-7"]


async def test_what_was_resolved_long_ago_is_forgotten(rig: Rig) -> None:
    def silence(hours: int, maintenance: bool) -> Silence:
        ends = NOW + timedelta(hours=hours)
        return Silence("", parse_matchers("alertname=never"), NOW, ends, NOW, "anna", "", maintenance)

    await rig.desk.post([Posted({"alertname": "a", "instance": str(number)}, {}, lasts=True) for number in range(4100)], "test")
    await rig.desk.post([Posted({"alertname": "a", "instance": str(number)}, {}, NOW, NOW) for number in range(4099)], "test")
    works = await rig.desk.silence(silence(1, True), "anna")
    for hours in (1, 5):
        await rig.desk.silence(silence(hours, False), "anna")
    await rig.after(11)
    await rig.storing.forget(NOW, NOW)
    assert len(await rig.rows()) == 4100
    await rig.storing.forget(NOW + timedelta(hours=2), NOW)
    assert [alert.labels["instance"] for alert in await rig.rows()] == ["4099"]
    kept = await rig.database.read(lambda connection: load(connection, NOW).silences)
    assert sorted((one.ends_at, one.maintenance) for one in kept) == [(works.ends_at, True), (NOW + timedelta(hours=5), False)]


async def test_of_two_sources_with_the_same_labels_the_last_one_ends_it(rig: Rig) -> None:
    await rig.tell(firing("a"), source="rules/a")
    await rig.tell(firing("a"), source="rules/b")
    await rig.tell(source="rules/b")
    await rig.after(20)
    assert await rig.told() == ["hook +a"]
    await rig.tell(source="rules/a")
    await rig.after(20)
    assert await rig.told() == ["hook +a", "hook -a"]
    assert [alert.settled for alert in await rig.rows()] == [True, True]
