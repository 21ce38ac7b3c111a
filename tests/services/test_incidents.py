"""Incidents on SQLite and on PostgreSQL: what opens them, what is due, what people do, and what a start goes on from."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.kernel.problems import AskError, KeepwellError, NotFound, StorageError, UsageError
from keepwell.ports.fakes import result
from keepwell.ports.runner import Command, Result
from keepwell.rooms.alerts.matchers import parse_matchers
from keepwell.rooms.alerts.model import Acknowledgement, Silence
from keepwell.rooms.incidents import store
from keepwell.rooms.incidents.asked import Asked
from keepwell.rooms.incidents.evidence import AT_ONCE
from keepwell.rooms.incidents.model import Kind, Policy, Stage
from keepwell.rooms.incidents.options import SeverityOptions
from keepwell.rooms.incidents.verbs import Diagnostic
from tests.alerts_desk import NOW, POLICY, ROUTE, firing
from tests.incidents_desk import MINUTE, P1, P2, SEVERITIES, Life, life_on, promising, severe


@pytest.fixture
async def life(database_place: Path | str) -> AsyncIterator[Life]:
    async with life_on(database_place) as made:
        yield made


# --- what opens them -------------------------------------------------------------------------------------------------------------


async def test_an_alert_of_a_severity_opens_an_incident_with_its_clocks(life: Life) -> None:
    await life.fire(severe("ApiDown"))
    (one,) = await life.rows()
    assert (one.number, one.severity, one.title, one.stage) == (1, "P1", "ApiDown: ApiDown is bad", Stage.OPEN)
    assert [(clock.kind, clock.due_at - NOW) for clock in one.clocks] == [
        (Kind.RESPOND, 15 * MINUTE),
        (Kind.UPDATE, 30 * MINUTE),
        (Kind.RESOLVE, 240 * MINUTE),
    ]
    assert [alert.number for alert in one.alerts] == [1]
    assert await life.events() == ["opened", "alert-joined"]


async def test_a_critical_alert_opens_one_of_the_most_severe_and_a_warning_none(life: Life) -> None:
    await life.fire(severe("A", "critical"), severe("B", "warning"), severe("C", "p2"))
    assert [(one.severity, one.title) for one in await life.rows()] == [("P1", "A: A is bad"), ("P2", "C: C is bad")]


async def test_alerts_of_one_group_are_one_incident_and_the_most_severe_counts(life: Life) -> None:
    await life.fire(severe("Api", "P2", host="a"))
    life.clock.advance(60)
    await life.fire(severe("Api", "P2", host="a"), severe("Api", "P1", host="b"), severe("Other", "P2"))
    first, second = await life.rows()
    assert (first.severity, [one.number for one in first.alerts]) == ("P1", [1, 2])
    assert (second.severity, [one.number for one in second.alerts]) == ("P2", [3])
    assert await life.events() == ["opened", "alert-joined", "alert-joined", "reclassified"]
    assert first.clock(Kind.RESPOND).due_at == NOW + 15 * MINUTE  # type: ignore[union-attr]  # since it was opened


async def test_where_no_route_takes_them_alerts_of_one_name_are_one_incident(life: Life) -> None:
    await life.desk.configure(replace(POLICY, routing=replace(POLICY.routing, root=replace(ROUTE, receiver=""))))
    await life.fire(severe("CheckFailed", check="a"), severe("CheckFailed", check="b"), severe("Other"))
    assert [len(one.alerts) for one in await life.rows()] == [2, 1]


async def test_what_is_muted_opens_none_until_it_is_not(life: Life) -> None:
    quiet = Silence("", tuple(parse_matchers('alertname="A"')), NOW, NOW + 10 * MINUTE, NOW, "anna", "known")
    await life.desk.silence(quiet, "anna")
    await life.fire(severe("A"))
    assert await life.rows() == []
    await life.after(11 * 60)
    assert [one.title for one in await life.rows()] == ["A: A is bad"]


async def test_one_that_fired_and_ended_between_two_looks_opens_one_too(life: Life) -> None:
    await life.desk.tell("rules/a", [severe("A")], NOW)
    number = life.desk.active()[0].number
    await life.desk.tell("rules/a", [], NOW)
    life.incidents._changed.add(number)  # what listen() hears
    await life.incidents.look()
    (one,) = await life.rows()
    assert [(alert.number, alert.ended_at) for alert in one.alerts] == [(number, NOW)]
    await life.incidents.look()
    assert len(await life.rows()) == 1


async def test_one_that_was_pending_at_the_last_look_and_ended_before_the_next_opens_one_too(life: Life) -> None:
    await life.fire(replace(severe("A"), state="pending", firing_since=None))
    assert await life.rows() == []
    await life.desk.tell("rules/a", [severe("A")], NOW)
    life.incidents._changed.add(life.desk.active()[0].number)  # what listen() hears
    await life.desk.tell("rules/a", [], NOW)
    await life.incidents.look()
    assert [one.title for one in await life.rows()] == ["A: A is bad"]


async def test_an_alert_that_ends_resolves_nothing_and_is_not_counted_twice(life: Life) -> None:
    await life.fire(severe("A"))
    life.clock.advance(30)
    await life.fire()
    await life.incidents.look()
    (one,) = await life.rows()
    assert one.stage is Stage.OPEN
    assert one.alerts[0].ended_at == NOW + timedelta(seconds=30)
    assert await life.events() == ["opened", "alert-joined", "alert-ended"]
    told = await life.database.read(lambda connection: store.timeline(connection, [1], [1]))
    assert [one.event for one in told if "end" in one.event or "resolved" in one.event] == ["incident.alert-ended"], "its end is said once"
    assert told[-1].facts["name"] == "A"


async def test_a_new_episode_joins_while_it_is_open_and_opens_another_after_that(life: Life) -> None:
    await life.fire(severe("A"))
    await life.fire()
    await life.fire(severe("A"))
    assert [[alert.number for alert in one.alerts] for one in await life.rows()] == [[1, 2]]
    await life.incidents.resolve(1, "anna", "fixed", "anna")
    await life.incidents.look()
    assert len(await life.rows()) == 1, "the alert that fires still belongs to the incident that was resolved"
    await life.fire()
    await life.fire(severe("A"))
    assert [[alert.number for alert in one.alerts] for one in await life.rows()] == [[1, 2], [3]]


async def test_its_own_alerts_open_nothing(life: Life) -> None:
    await life.fire(severe("A"))
    await life.after(20 * 60)
    assert life.firing() == ["IncidentResponseOverdue"]
    await life.incidents.look()
    assert len(await life.rows()) == 1


# --- clocks ----------------------------------------------------------------------------------------------------------------------


async def test_a_response_that_is_missed_is_an_alert_until_somebody_answers(life: Life) -> None:
    await life.fire(severe("A"))
    await life.after(15 * 60 - 1)
    assert life.firing() == []
    await life.after(2)
    assert life.firing() == ["IncidentResponseOverdue"]
    (alert,) = [one for one in life.desk.active() if one.source == "incidents"]
    assert alert.severity == "P1"
    assert alert.annotations["summary"] == "P1 incident 1 (A: A is bad): nobody has acknowledged it within 15m"
    assert "respond-missed" in await life.events()
    await life.incidents.acknowledge(1, "anna", "on it", "anna")
    await life.incidents.look()
    assert life.firing() == []
    (one,) = await life.rows()
    clock = one.clock(Kind.RESPOND)
    assert clock is not None
    assert (clock.missed_at, clock.ended_at) == (NOW + 15 * MINUTE, life.clock.now())


async def test_updates_are_due_again_and_again_until_it_is_resolved(life: Life) -> None:
    await life.fire(severe("A"))
    await life.incidents.acknowledge(1, "anna", "", "anna")
    await life.after(31 * 60)
    assert life.firing() == ["IncidentUpdateOverdue"]
    await life.incidents.note(1, "anna", "the disk is full", "anna")
    await life.after(29 * 60)
    assert life.firing() == []
    await life.after(2 * 60)
    assert life.firing() == ["IncidentUpdateOverdue"]
    await life.incidents.resolve(1, "anna", "", "anna")
    await life.after(1)
    assert life.firing() == []
    (one,) = await life.rows()
    assert one.clock(Kind.UPDATE).misses == 2  # type: ignore[union-attr]


async def test_what_was_missed_while_no_server_ran_is_told_after_the_start(life: Life) -> None:
    await life.fire(severe("A"))
    again = await life.restarted(away=3600.0)
    assert again.firing() == ["IncidentResponseOverdue", "IncidentUpdateOverdue"]
    (one,) = await again.rows()
    assert one.clock(Kind.RESPOND).missed_at == NOW + 15 * MINUTE  # type: ignore[union-attr]


async def test_an_incident_opened_by_a_crash_between_is_opened_at_the_next_start(life: Life) -> None:
    await life.desk.tell("rules/a", [severe("A")], NOW)
    again = await life.restarted()
    assert [one.title for one in await again.rows()] == ["A: A is bad"]
    assert len(await (await again.restarted()).rows()) == 1


async def test_a_severity_that_is_no_more_promised_leaves_no_overdue_clock(life: Life) -> None:
    await life.fire(severe("A"))
    await life.incidents.reclassify(1, "P2", "only room 4", "anna")
    await life.after(59 * 60)
    assert life.firing() == []
    await life.after(2 * 60)
    assert life.firing() == ["IncidentResponseOverdue"]
    (one,) = await life.rows()
    assert [clock.kind for clock in one.clocks] == [Kind.RESPOND]


async def test_promises_that_change_count_for_what_begins_anew(life: Life) -> None:
    await life.fire(severe("A"))
    again = await life.restarted(policy=promising(update=5 * MINUTE))
    await again.incidents.note(1, "anna", "looking", "anna")
    (one,) = await again.rows()
    assert one.clock(Kind.UPDATE).due_at == NOW + 5 * MINUTE  # type: ignore[union-attr]


async def test_updates_that_were_missed_stay_counted_when_the_severity_changes(database_place: Path | str) -> None:
    policy = Policy({"P1": P1, "P2": replace(P2, update=60 * MINUTE)}, SEVERITIES.opens)
    async with life_on(database_place, policy=policy) as life:
        await life.fire(severe("A"))
        await life.after(31 * 60)
        await life.incidents.reclassify(1, "P2", "only room 4", "anna")
        await life.after(61 * 60)
        assert "Updates (every 1h): missed 2 times." in await life.reading.review(1)


# --- people ----------------------------------------------------------------------------------------------------------------------


async def test_who_answers_an_incident_has_acknowledged_its_alerts_and_the_other_way_round(life: Life) -> None:
    await life.fire(severe("A"), severe("B"))
    await life.incidents.acknowledge(1, "anna", "on it", "uid:anna")
    known = {alert.name: alert.acknowledged for alert in life.desk.active()}
    assert known["A"] is not None
    assert (known["A"].by, known["A"].note) == ("anna", "on it")
    assert known["B"] is None
    number = next(alert.number for alert in life.desk.active() if alert.name == "B")
    await life.desk.acknowledge(number, Acknowledgement("ben", NOW), "ben")
    await life.incidents.look()
    second = (await life.rows())[1]
    assert second.acknowledged is not None
    assert second.acknowledged.by == "ben"


async def test_who_mitigates_what_nobody_answered_has_acknowledged_its_alerts(life: Life) -> None:
    await life.fire(severe("A"), severe("B"))
    await life.incidents.acknowledge(1, "anna", "on it", "anna")
    await life.incidents.mitigate(1, "ben", "restarted", "ben")
    await life.incidents.mitigate(2, "ben", "restarted", "ben")
    known = {alert.name: alert.acknowledged.by for alert in life.desk.active() if alert.acknowledged}
    assert known == {"A": "anna", "B": "ben"}


async def test_the_instants_and_what_was_said_are_kept(life: Life) -> None:
    await life.fire(severe("A"))
    life.clock.advance(60)
    await life.incidents.acknowledge(1, "anna", "on it", "anna")
    life.clock.advance(60)
    await life.incidents.mitigate(1, "ben", "restarted", "ben")
    life.clock.advance(60)
    await life.incidents.resolve(1, "anna", "disk replaced", "anna")
    (one,) = await (await life.restarted()).rows()
    deeds = [one.acknowledged, one.mitigated, one.resolved]
    assert [(deed.by, (deed.at - NOW).total_seconds(), deed.note) for deed in deeds if deed] == [
        ("anna", 60.0, "on it"),
        ("ben", 120.0, "restarted"),
        ("anna", 180.0, "disk replaced"),
    ]
    assert all(not clock.is_running and clock.missed_at is None for clock in one.clocks)
    assert await life.events() == ["opened", "alert-joined", "acknowledged", "mitigated", "resolved"]


async def test_who_resolves_has_answered_and_mitigated(life: Life) -> None:
    await life.fire(severe("A"))
    one = await life.incidents.resolve(1, "anna", "", "anna")
    assert [deed.by for deed in (one.acknowledged, one.mitigated) if deed] == ["anna", "anna"]
    with pytest.raises(KeepwellError, match="incident 1 is resolved since 2026-03-02 08:00 UTC"):
        await life.incidents.acknowledge(1, "ben", "", "ben")
    await life.incidents.note(1, "ben", "what we learned", "ben")
    assert (await life.events())[-1] == "noted"


async def test_an_incident_that_is_part_of_another_goes_on_as_that_one(life: Life) -> None:
    await life.fire(severe("Slow", "P2"))
    await life.incidents.acknowledge(1, "anna", "on it", "anna")
    life.clock.advance(60)
    await life.fire(severe("Slow", "P2"), severe("Down"))
    whole = await life.incidents.merge(2, 1, "anna", "one outage", "anna")
    assert (whole.number, whole.severity, [one.name for one in whole.alerts]) == (1, "P1", ["Slow", "Down"])
    part = (await life.rows())[1]
    assert (part.part_of, part.stage, list(part.alerts)) == (1, Stage.RESOLVED, [])
    assert not any(clock.is_running for clock in part.clocks)
    assert {alert.name: alert.acknowledged.by for alert in life.desk.active() if alert.acknowledged} == {"Slow": "anna", "Down": "anna"}
    # What joins the part's group joins the whole, and the whole's alerts end there: also after a start.
    again = await life.restarted()
    await again.fire(severe("Slow", "P2"), severe("Down"), severe("Down", host="b"))
    await again.fire(severe("Down", host="b"))
    (first, second) = await again.rows()
    assert [(one.name, one.ended_at is None) for one in first.alerts] == [("Slow", False), ("Down", False), ("Down", True)]
    assert list(second.alerts) == []
    incident, timeline, _ = await again.reading.whole(1)
    assert {entry.subject for entry in timeline} == {"incidents/1", "incidents/2", "alerts/1", "alerts/2", "alerts/3"}
    assert await life.database.read(lambda connection: store.between(connection, NOW, again.clock.now())) == [incident]
    # Once it is over, the group opens another.
    await again.incidents.resolve(1, "anna", "", "anna")
    await again.fire(severe("Down", host="c"))
    assert [one.number for one in await again.rows()] == [1, 2, 3]


async def test_parts_go_with_their_incident_into_another(life: Life) -> None:
    await life.fire(severe("A"), severe("B"), severe("C"))
    await life.incidents.merge(3, 2, "anna", "", "anna")
    whole = await life.incidents.merge(2, 1, "anna", "", "anna")
    assert [one.name for one in whole.alerts] == ["A", "B", "C"]
    assert [one.part_of for one in await life.rows()] == [None, 1, 1]
    await life.fire(severe("A"), severe("B"), severe("C"), severe("C", host="b"))
    assert len((await life.rows())[0].alerts) == 4


async def test_what_cannot_be_part_of_another_is_said_and_changes_nothing(life: Life) -> None:
    await life.fire(severe("A"), severe("B"), severe("C"))
    await life.incidents.merge(2, 1, "anna", "", "anna")
    await life.incidents.resolve(3, "anna", "", "anna")
    before = await life.rows()
    for number, into, why in (
        (1, 1, "no part of itself"),
        (2, 1, "is part of incident 1 since"),
        (3, 1, "is resolved"),
        (1, 3, "is resolved"),
    ):
        with pytest.raises(KeepwellError, match=why):
            await life.incidents.merge(number, into, "anna", "", "anna")
    with pytest.raises(NotFound, match="there is no incident 9"):
        await life.incidents.merge(1, 9, "anna", "", "anna")
    assert await life.rows() == before


async def test_what_a_person_opens_is_told_until_somebody_answers(life: Life) -> None:
    made = await life.incidents.open("p2", "no sound in room 4", "anna")
    await life.incidents.look()
    assert (made.number, made.severity, made.opened_by) == (1, "P2", "anna")
    assert life.firing() == ["IncidentOpened"]
    await life.incidents.acknowledge(1, "ben", "", "ben")
    await life.incidents.look()
    assert life.firing() == []


async def test_what_there_is_not_is_said(life: Life) -> None:
    with pytest.raises(UsageError, match="there is no severity 'P9'"):
        await life.incidents.open("P9", "x", "anna")
    with pytest.raises(NotFound, match="there is no incident 7"):
        await life.incidents.acknowledge(7, "anna", "", "anna")
    await life.fire(severe("A"))
    with pytest.raises(UsageError, match="nothing says what to collect"):
        await life.incidents.collect(1, "anna")


async def test_lists_are_pages(life: Life) -> None:
    for number in range(3):
        await life.incidents.open("P2", f"number {number}", "anna")
    await life.incidents.resolve(2, "anna", "", "anna")
    first = await life.reading.listed(Asked(limit=2))
    assert ([one["id"] for one in first["incidents"]], first["next"]) == ([3, 2], 2)
    assert [one["id"] for one in (await life.reading.listed(Asked(limit=2, before=2)))["incidents"]] == [1]
    assert [one["id"] for one in (await life.reading.listed(Asked(state="open")))["incidents"]] == [3, 1]
    before = await life.database.read(lambda connection: store.between(connection, NOW - MINUTE, NOW))
    then = await life.database.read(lambda connection: store.between(connection, NOW, NOW + MINUTE))
    assert ([one.number for one in before], [one.number for one in then]) == ([], [1, 2, 3])


# --- evidence --------------------------------------------------------------------------------------------------------------------

PROCESSES = Diagnostic("processes", "local", Command(("ps",)))
SECRETS = Diagnostic("secrets", "app1", Command(("env",)))


async def test_evidence_is_collected_when_it_opens_redacted_and_kept(database_place: Path | str) -> None:
    def answer(command: Command) -> object:
        return result("PASSWORD=hunter22\nPATH=/bin\n") if command.argv == ("env",) else AskError("ps is not installed")

    diagnostics = {
        "processes": PROCESSES,
        "secrets": SECRETS,
        "other": Diagnostic("other", "local", Command(("x",)), "nobody accepted it yet"),
    }
    async with life_on(database_place, answer, diagnostics=diagnostics) as life:  # type: ignore[arg-type]
        await life.fire(severe("A"))
        await life.after(1)
        assert sorted(life.ran) == ["app1: env", "local: ps"]
        told = {one["name"]: one for one in (await life.reading.one(1))["evidence"]}
        assert told["processes"]["outcome"] == "could not be run: ps is not installed"
        assert told["other"]["outcome"] == "not run: nobody accepted it yet"
        assert told["secrets"]["outcome"].startswith("ended with status 0")
        text = await life.reading.output(1, told["secrets"]["output"])
        assert text == "PASSWORD=[redacted]\nPATH=/bin\n"
        with pytest.raises(NotFound, match="incident 1 has no output"):
            await life.reading.output(1, "0" * 64)
        await life.after(60)
        assert len(life.ran) == 2, "it is collected once"
        for digest in (told["secrets"]["output"][:7], "", told["secrets"]["output"][:8] + "x"):
            with pytest.raises(NotFound, match="incident 1 has no output"):
                await life.reading.output(1, digest)
        assert await life.reading.output(1, told["secrets"]["output"][:16]) == text, "as the review writes it"
        assert await life.incidents.collect(1, "anna") == 3
        await life.after(1)
        assert len(life.ran) == 4
        assert (await life.events())[-4:] == ["collecting", "evidence", "evidence", "evidence"]


@pytest.mark.parametrize(
    ("stdout", "stderr", "dropped"),
    [("\ufffd" * 3000, "", 0), ("\ufffd" * 2999, "\ufffd" * 3000, 7), ("ä" * 2000, "", 0), ("x" * 3000, "", 0)],
    ids=["binary", "binary-both", "letters-of-two-bytes", "fits"],
)
async def test_what_is_kept_of_an_output_is_within_its_limit_whatever_it_is(tmp_path: Path, stdout: str, stderr: str, dropped: int) -> None:
    """A byte that is no text becomes a character of three, and both outputs are one."""
    limited = {"dump": Diagnostic("dump", "local", Command(("dump",), output_limit=3000))}
    answer = replace(result(stdout, stderr=stderr), dropped=(dropped, 0))
    async with life_on(tmp_path / "keepwell.sqlite", lambda command: answer, diagnostics=limited) as life:
        await life.fire(severe("A"))
        await life.after(1)
        (found,) = (await life.reading.one(1))["evidence"]
        text = await life.reading.output(1, found["output"])
        size = len(text.encode())
        if stdout == "x" * 3000:
            assert text == stdout
            return
        assert 2900 < size <= 3000
        left_out = re.search(r"\n\[keepwell: about (\d+) bytes left out in all\]\n", text)
        assert left_out is not None
        whole = len(f"{stdout}\n--- standard error ---\n{stderr}".encode()) if stderr else len(stdout.encode())
        assert int(left_out[1]) == whole - (size - len(left_out[0])) + dropped
        assert f"about {left_out[1]} bytes in the middle were left out" in found["outcome"]
        assert (text[0], text[-1]) == (stdout[0], stdout[0]), "its head and its tail are there"


async def test_evidence_that_a_crash_kept_from_being_collected_is_collected_after_the_start(database_place: Path | str) -> None:
    async with life_on(database_place, lambda command: result("1\n"), diagnostics={"processes": PROCESSES}) as life:
        await life.fire(severe("A"))
        assert life.ran == []
        again = await life.restarted(diagnostics={"processes": PROCESSES})
        await again.after(1)
        assert again.ran == ["local: ps"]
        assert [one["outcome"] for one in (await again.reading.one(1))["evidence"]] == ["ended with status 0 after 0.0 s"]


async def test_evidence_that_takes_long_keeps_none_of_another_incident_waiting(database_place: Path | str) -> None:
    ending, begun = asyncio.Event(), asyncio.Semaphore(0)
    most = running = 0

    async def run(host: str, command: Command) -> Result:
        nonlocal most, running
        running += 1
        most = max(most, running)
        begun.release()
        await (ending.wait() if running == 1 else asyncio.sleep(0))
        running -= 1
        return result("1\n")

    async with life_on(database_place, diagnostics={"processes": PROCESSES}) as life:
        object.__setattr__(life.incidents._verbs, "run", run)

        async def collecting() -> list[asyncio.Task[None]]:
            jobs = [asyncio.create_task(job.run()) for job in life.incidents.take_due(life.clock.monotonic())]
            await begun.acquire()
            return jobs

        await life.incidents.open("P1", "one", "anna")
        first = await collecting()
        for number in range(2, 60):
            await life.incidents.open("P1", f"number {number}", "anna")
        await asyncio.gather(*await collecting())
        assert (await life.reading.one(59))["evidence"][0]["outcome"].startswith("ended with status 0")
        assert (await life.reading.one(1))["evidence"][0]["outcome"] == "under way"
        ending.set()
        await asyncio.gather(*first)
        assert (await life.reading.one(1))["evidence"][0]["outcome"].startswith("ended with status 0")
        assert begun._value == 57, "each is run once"
        assert most <= AT_ONCE


# --- the review ------------------------------------------------------------------------------------------------------------------


async def test_the_review_is_written_from_the_timeline(life: Life) -> None:
    await life.fire(severe("A|B"))
    await life.after(16 * 60)
    await life.incidents.acknowledge(1, "anna", "on *it*", "uid:anna")
    await life.incidents.resolve(1, "anna", "disk <b>replaced</b>", "anna")
    text = await life.reading.review(1)
    lines = text.splitlines()
    assert lines[0] == "# Incident 1: A|B: A|B is bad"
    assert "Service shop, severity P1, resolved. Opened by keepwell." in lines
    assert "> disk \\<b\\>replaced\\</b\\>" in lines
    assert "| acknowledged | 2026-03-02 08:16:00 | anna | 16m | 15m: **missed** |" in lines
    assert "| resolved | 2026-03-02 08:16:00 | anna | 16m | 4h: kept |" in lines
    assert "| 2026-03-02 08:15:00 | keepwell | nobody had answered in time (due 2026-03-02T08:15:00+00:00) |  |" in lines
    assert "| 2026-03-02 08:16:00 | anna | acknowledged | on \\*it\\* |" in lines
    assert any(line.startswith("| 2026-03-02 08:00:00 | ") and re.search(r"alert [0-9]+ \(A\\\|B\) fires", line) for line in lines)
    assert "## What was the cause" in lines


async def test_the_review_says_what_was_promised_when_it_counted(life: Life) -> None:
    await life.incidents.open("P2", "slow\x1b[31m", "anna")
    await life.after(40 * 60)
    await life.incidents.acknowledge(1, "anna", "", "anna")
    await life.incidents.reclassify(1, "P1", "everybody is cut off", "anna")
    again = await life.restarted(policy=promising(respond=5 * MINUTE, resolve=None))
    lines = (await again.reading.review(1)).splitlines()
    assert lines[0] == "# Incident 1: slow\N{REPLACEMENT CHARACTER}\\[31m"
    assert "| acknowledged | 2026-03-02 08:40:00 | anna | 40m | 1h: kept |" in lines
    assert "| resolved | not yet | | | 4h |" in lines


def test_what_is_promised_ends_within_the_calendar_and_a_runbook_has_one_path() -> None:
    for key in ("respond", "update", "resolve"):
        with pytest.raises(ValueError, match="nobody waits so long: write at most 10y, or nothing"):
            SeverityOptions.model_validate_json(f'{{"{key}": "9000y"}}')
    assert SeverityOptions.model_validate_json('{"runbook": "./runbooks/p1.md"}').severity("P1", 0).runbook == "runbooks/p1.md"


# --- faults ----------------------------------------------------------------------------------------------------------------------


async def test_what_cannot_be_stored_changes_nothing_and_is_tried_again(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    await life.desk.tell("rules/a", [severe("A")], NOW)
    write = life.incidents._verbs.write

    async def refuse(change: object) -> object:
        raise StorageError("the disk is full")

    object.__setattr__(life.incidents._verbs, "write", refuse)
    with pytest.raises(StorageError):
        await life.incidents.look()
    await life.incidents._turn()
    assert life.incidents.fault == "the disk is full"
    object.__setattr__(life.incidents._verbs, "write", write)
    await life.after(2)
    assert life.incidents.fault == ""
    assert len(await life.rows()) == 1


async def test_a_policy_without_severities_opens_nothing(database_place: Path | str) -> None:
    async with life_on(database_place, policy=Policy()) as life:
        await life.fire(severe("A", "critical"), firing("b", severity="P1"))
        assert await life.rows() == []
        with pytest.raises(UsageError, match="there is no severity"):
            await life.incidents.open("P1", "x", "anna")
