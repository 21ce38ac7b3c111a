"""Who is told of what when: timelines through the desk, with a clock that tests move. What Debian's Alertmanager does with the same is
in tests/conformance/test_alertmanager_beside.py."""

from pathlib import Path

import pytest

from tests.alerts_timeline import Timeline

HOOK = """\
receivers: {hook: {webhook: {url: "http://127.0.0.1:1/"}}}
routes: {receiver: hook, group_by: [alertname], group_wait: 5s, group_interval: 10s, repeat_interval: 60s}
"""
TOGETHER = HOOK.replace("[alertname]", "[]")


@pytest.fixture
def timeline(tmp_path: Path) -> Timeline:
    return Timeline(tmp_path / "ops", HOOK)


@pytest.fixture
def together(tmp_path: Path) -> Timeline:
    return Timeline(tmp_path / "ops", TOGETHER)


# --- groups --------------------------------------------------------------------------------------------------------------------


async def test_the_first_alert_waits_for_others(together: Timeline) -> None:
    together.at(1).push("a").at(3).push("b")
    assert await together.run(30) == ["6 hook +a +b"]
    assert together.reasons() == ["2 alerts began to fire"]


async def test_a_later_one_goes_with_the_next_interval(together: Timeline) -> None:
    together.at(1).push("a").at(7).push("b").at(17).push("c")
    assert await together.run(40) == ["6 hook +a", "16 hook +a +b", "26 hook +a +b +c"]
    assert together.reasons()[1:] == ["1 alert began to fire since the last notice"] * 2


async def test_each_group_has_its_own_time(timeline: Timeline) -> None:
    timeline.at(1).push("a").at(3).push("b")
    assert await timeline.run(30) == ["6 hook +a", "8 hook +b"]


async def test_an_alert_that_fired_for_longer_than_the_wait_waits_no_more(together: Timeline) -> None:
    together.at(20).push("a").at(22).push("b", started=1)
    assert await together.run(40) == ["22 hook +a +b"]


async def test_after_the_first_notice_nobody_jumps_the_interval(together: Timeline) -> None:
    together.at(1).push("a").at(12).push("b", started=2)
    assert await together.run(30) == ["6 hook +a", "16 hook +a +b"]


async def test_without_a_wait_an_alert_is_told_at_once(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, HOOK.replace("group_wait: 5s", "group_wait: 0s"))
    timeline.at(1).push("a").at(2).push("a", instance="2")
    assert await timeline.run(30) == ["1 hook +a", "11 hook +a +a/2"]


async def test_three_dots_make_each_alert_a_group(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, HOOK.replace("[alertname]", '["..."]'))
    timeline.at(1).push("a", instance="1").push("a", instance="2")
    assert sorted(await timeline.run(10)) == ["6 hook +a/1", "6 hook +a/2"]


# --- the end -------------------------------------------------------------------------------------------------------------------


async def test_the_end_is_told_with_the_next_interval(timeline: Timeline) -> None:
    timeline.at(1).push("a").at(7).resolve("a")
    assert await timeline.run(200) == ["6 hook +a", "16 hook -a"]
    assert timeline.reasons()[1] == "nothing fires any more"
    assert timeline.desk.groups() == []
    assert timeline.desk.book.alerts == {}


async def test_one_end_among_others_is_told_with_them(together: Timeline) -> None:
    together.at(1).push("a", "b").at(7).resolve("a")
    assert await together.run(30) == ["6 hook +a +b", "16 hook +b -a"]
    assert together.reasons()[1] == "1 alert ended, 1 still firing"


async def test_what_ends_before_anybody_was_told_is_told_to_nobody(timeline: Timeline) -> None:
    timeline.at(1).push("a").at(3).resolve("a")
    assert await timeline.run(100) == []
    assert timeline.desk.groups() == []


async def test_what_fires_again_between_two_looks_is_not_told_twice(timeline: Timeline) -> None:
    timeline.at(1).push("a").at(8).resolve("a").at(10).push("a")
    assert await timeline.run(50) == ["6 hook +a"]


async def test_what_fires_again_after_its_end_was_told_is_a_new_group(timeline: Timeline) -> None:
    timeline.at(1).push("a").at(8).resolve("a").at(17).push("a")
    assert await timeline.run(50) == ["6 hook +a", "16 hook -a", "22 hook +a"]


async def test_a_receiver_that_wants_no_ends_hears_of_none(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, TOGETHER, sends_resolved=False)
    timeline.at(1).push("a", "b").at(7).resolve("a").at(18).push("c").at(30).resolve("b", "c").at(50).push("a")
    assert await timeline.run(58) == ["6 hook +a +b", "26 hook +b +c", "55 hook +a"]
    assert [alert.name for alert in timeline.desk.active()] == ["a"]


# --- repeats -------------------------------------------------------------------------------------------------------------------


async def test_what_goes_on_firing_is_repeated(timeline: Timeline) -> None:
    timeline.at(1).push("a")
    assert await timeline.run(150) == ["6 hook +a", "66 hook +a", "126 hook +a"]
    assert timeline.reasons()[1:] == ["still firing 1m after the last notice"] * 2


async def test_a_busy_machine_does_not_move_repeats_by_an_interval(timeline: Timeline) -> None:
    timeline.at(1).push("a")
    told = await timeline.run(200, every=0.4)
    assert [float(line.split()[0]) for line in told] == [pytest.approx(at, abs=1) for at in (6, 66, 126, 186)]


async def test_repeats_stay_on_the_grid_of_the_interval(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, HOOK.replace("repeat_interval: 60s", "repeat_interval: 25s"))
    timeline.at(1).push("a")
    assert await timeline.run(70) == ["6 hook +a", "36 hook +a", "66 hook +a"]


async def test_a_change_counts_as_a_repeat(together: Timeline) -> None:
    together.at(1).push("a").at(40).push("b")
    assert await together.run(110) == ["6 hook +a", "46 hook +a +b", "106 hook +a +b"]


async def test_what_is_acknowledged_is_not_repeated(timeline: Timeline) -> None:
    timeline.at(1).push("a").at(10).acknowledge("a").at(140).resolve("a")
    assert await timeline.run(200) == ["6 hook +a", "146 hook -a"]


async def test_a_new_alert_beside_one_that_is_acknowledged_is_told(together: Timeline) -> None:
    together.at(1).push("a").at(10).acknowledge("a").at(20).push("b")
    assert await together.run(90) == ["6 hook +a", "26 hook +a +b", "86 hook +a +b"]


async def test_an_acknowledgement_for_a_time_ends(timeline: Timeline) -> None:
    timeline.at(1).push("a").at(10).acknowledge("a", until=100)
    assert await timeline.run(170) == ["6 hook +a", "106 hook +a", "166 hook +a"]


# --- silences ------------------------------------------------------------------------------------------------------------------


async def test_what_is_silenced_is_told_when_the_silence_ends(timeline: Timeline) -> None:
    timeline.at(0).silence("alertname=a", until=32).at(1).push("a").push("b")
    assert await timeline.run(50) == ["6 hook +b", "36 hook +a"]


async def test_the_end_of_what_was_told_is_told_after_the_silence(timeline: Timeline) -> None:
    """Alertmanager says nothing of it any more."""
    timeline.at(1).push("a").at(8).silence("alertname=a", until=62).at(20).resolve("a")
    assert await timeline.run(100) == ["6 hook +a", "66 hook -a"]
    assert timeline.desk.book.alerts == {}


async def test_the_end_of_what_was_hidden_while_others_were_told_is_told_too(together: Timeline) -> None:
    together.at(1).push("a", "b").at(8).silence("alertname=a", until=62).at(20).push("c").at(30).resolve("a")
    assert await together.run(80) == ["6 hook +a +b", "26 hook +b +c", "66 hook +b +c -a"]


async def test_what_ends_in_its_silence_and_nobody_was_told_of_is_forgotten(timeline: Timeline) -> None:
    timeline.at(0).silence("alertname=a", until=60).at(1).push("a").at(20).resolve("a")
    assert await timeline.run(100) == []
    assert timeline.desk.book.alerts == {}


async def test_a_silence_of_one_alert_hides_no_other(together: Timeline) -> None:
    together.at(0).silence('instance=~"1|2"', until=300).at(1).push("a", instance="1").push("a", instance="3")
    assert await together.run(50) == ["6 hook +a/3"]


# --- inhibition ----------------------------------------------------------------------------------------------------------------

INHIBITING = (
    TOGETHER
    + """\
inhibit_rules:
  - {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [zone]}
"""
)


async def test_a_worse_alert_mutes_a_lesser_one_of_the_same_zone(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, INHIBITING)
    timeline.at(1).push("down", severity="critical", zone="x").push("slow", severity="warning", zone="x")
    timeline.at(2).push("slow-too", severity="warning", zone="y")
    assert await timeline.run(20) == ["6 hook +down +slow-too"]
    slow = next(alert for alert in timeline.desk.active() if alert.name == "slow")
    assert slow.muted_by == "inhibited by 1"


async def test_the_lesser_one_is_told_when_the_worse_one_ends(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, INHIBITING)
    timeline.at(1).push("down", severity="critical", zone="x").push("slow", severity="warning", zone="x")
    timeline.at(20).resolve("down", severity="critical", zone="x")
    assert await timeline.run(40) == ["6 hook +down", "26 hook +slow -down"]


async def test_a_lesser_one_that_was_told_first_ends_with_a_message(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, INHIBITING)
    timeline.at(1).push("slow", severity="warning", zone="x").at(10).push("down", severity="critical", zone="x")
    timeline.at(20).resolve("slow", severity="warning", zone="x").at(40).resolve("down", severity="critical", zone="x")
    assert await timeline.run(60) == ["6 hook +slow", "16 hook +down", "46 hook -down -slow"]


# --- routes and times ----------------------------------------------------------------------------------------------------------

ROUTES = """\
receivers:
  one: {webhook: {url: "http://127.0.0.1:1/"}}
  two: {webhook: {url: "http://127.0.0.1:2/"}}
"""


async def test_without_routes_every_receiver_is_told_of_everything(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path, ROUTES).at(1).push("a", service="x").push("a", service="y")
    assert sorted(await timeline.run(60)) == ["31 one +a", "31 one +a", "31 two +a", "31 two +a"]


async def test_a_route_for_two_receivers_tells_both(tmp_path: Path) -> None:
    text = ROUTES + "routes: {receiver: [one, two], group_wait: 5s, group_interval: 10s}\n"
    timeline = Timeline(tmp_path, text).at(1).push("a").at(8).resolve("a")
    assert sorted(await timeline.run(60)) == ["16 one -a", "16 two -a", "6 one +a", "6 two +a"]


async def test_an_alert_takes_several_routes_where_they_go_on(tmp_path: Path) -> None:
    routes = "{matchers: [alertname=a], receiver: two, continue: true, group_wait: 2s}, {matchers: [alertname=a], group_interval: 7s}"
    text = ROUTES + f"routes: {{receiver: one, group_wait: 5s, routes: [{routes}]}}\n"
    timeline = Timeline(tmp_path, text).at(1).push("a").push("b")
    assert sorted(await timeline.run(60)) == ["3 two +a", "6 one +a", "6 one +b"]


async def test_a_muted_time_hides_a_route_and_not_another(tmp_path: Path) -> None:
    """08:00 begins the timeline; the interval ends a minute later."""
    text = ROUTES + (
        "routes:\n  receiver: one\n  group_wait: 5s\n  group_interval: 10s\n"
        "  routes: [{matchers: [team=x], mute_time_intervals: [early]}]\n"
        'time_intervals: {early: [{times: [{start_time: "07:00", end_time: "08:01"}]}]}\n'
    )
    timeline = Timeline(tmp_path, text).at(1).push("a", team="x").push("b", team="y")
    assert await timeline.run(100) == ["6 one +b", "66 one +a"]


async def test_the_end_of_what_was_told_is_told_after_a_muted_time(tmp_path: Path) -> None:
    text = ROUTES + (
        "routes:\n  receiver: one\n  group_wait: 5s\n  group_interval: 10s\n"
        "  routes: [{matchers: [team=x], mute_time_intervals: [later]}]\n"
        'time_intervals: {later: [{times: [{start_time: "08:01", end_time: "08:02"}]}]}\n'
    )
    timeline = Timeline(tmp_path, text).at(1).push("a", team="x").at(70).resolve("a", team="x")
    assert await timeline.run(150) == ["6 one +a", "126 one -a"]


async def test_a_route_that_is_active_at_times_tells_then_only(tmp_path: Path) -> None:
    text = ROUTES + (
        "routes:\n  receiver: one\n  routes:\n"
        "    - {matchers: [team=x], active_time_intervals: [office], group_wait: 5s, group_interval: 10s}\n"
        "time_intervals:\n"
        '  office: [{weekdays: ["monday:friday"], times: [{start_time: "09:00", end_time: "17:00"}], location: Europe/Berlin}]\n'
    )
    winter = Timeline(tmp_path, text).at(1).push("a", team="x")  # 08:00 in UTC is 09:00 in Berlin
    assert await winter.run(100) == ["6 one +a"]
    night = Timeline(tmp_path, text.replace("Berlin", "Lisbon")).at(1).push("a", team="x")  # where it is 08:00
    assert await night.run(3700) == ["3606 one +a"]


async def test_a_window_mutes_what_fits(tmp_path: Path) -> None:
    text = HOOK + 'windows: {work: {on: "Monday 08:00-08:01", mutes: [\'alertname=~"a|b"\', instance=""]}}\n'
    timeline = Timeline(tmp_path, text).at(1).push("a", "c").push("b", instance="1")
    assert sorted(await timeline.run(55)) == ["6 hook +b/1", "6 hook +c"]
    assert [alert.muted_by for alert in timeline.desk.active() if alert.name == "a"] == ["window work"]


async def test_what_a_window_muted_is_told_when_it_closes(tmp_path: Path) -> None:
    text = HOOK + "windows: {work: {on: \"Monday 08:00-08:01\", mutes: ['service=shop']}}\n"
    timeline = Timeline(tmp_path, text).at(1).push("a", service="shop")
    assert await timeline.run(100) == ["66 hook +a"]


# --- another configuration -----------------------------------------------------------------------------------------------------


async def test_a_new_configuration_tells_a_new_receiver_and_the_old_one_nothing_twice(tmp_path: Path) -> None:
    text = ROUTES + "routes: {receiver: one, group_wait: 5s, group_interval: 10s, repeat_interval: 1h}\n"
    timeline = Timeline(tmp_path, text).at(1).push("a").at(20).configure(text.replace("receiver: one", "receiver: [one, two]"))
    timeline.at(40).resolve("a")
    told = await timeline.run(100)
    assert told[0] == "6 one +a"
    assert [line for line in told if " one " in line] == ["6 one +a", "46 one -a"]
    assert [line.split(" ", 1)[1] for line in told if " two " in line] == ["two +a", "two -a"]
