"""Alerts that are posted again and again: when each begins and ends, on our own desk and beside Debian's alertmanager."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keepwell.rooms.alerts.model import Posted, State
from tests.alertmanager_clients import Api, alertmanager, api_of, configured
from tests.alerts_desk import NOW, Rig, rig_on
from tests.serving import operations, serving

MINUTE = 60.0


def full(ends: float | None = None, *, starts: float | None = None, lasts: bool = False) -> list[Posted]:
    """One post of the same alert; minutes from the beginning."""
    return [Posted({"alertname": "Full"}, {}, _at(starts), _at(ends), lasts=lasts)]


def _at(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW + timedelta(minutes=minutes)


async def ends(rig: Rig) -> float | None:
    """The minute in which it ended by itself; None where it fires for hours."""
    for minute in range(150):
        if not rig.desk.active():
            return minute
        await rig.after(MINUTE)
    return None


@pytest.mark.parametrize(
    ("posts", "end"),
    [
        ([full()], 5),
        ([full(20)], 20),
        ([full(lasts=True)], None),
        ([full(20), full(4)], 20),
        ([full(20), full()], 20),
        ([full(3), full()], 5),
        ([full(4), full(20)], 20),
        ([full(), full(2)], 2),
        ([full(lasts=True), full()], None),
        ([full(lasts=True), full(10)], 10),
        ([full(4), full(lasts=True)], None),
        ([full(lasts=True), full(20), full(4)], 20),
    ],
)
@pytest.mark.parametrize("restarts", [False, True], ids=["one life", "restarted"])
async def test_a_given_end_is_not_brought_forward(tmp_path: Path, posts: Sequence[list[Posted]], end: float | None, restarts: bool) -> None:
    async with rig_on(tmp_path / "keepwell.sqlite") as rig:
        for post in posts:
            await rig.desk.post(post, "me")
        if restarts:
            # What would end within five minutes of a start gets that time: its sender could not tell of it meanwhile.
            rig, end = await rig.restarted(), None if end is None else max(end, 5)
        assert await ends(rig) == end


async def test_telling_of_it_again_writes_nothing(tmp_path: Path) -> None:
    async with rig_on(tmp_path / "keepwell.sqlite") as rig:
        await rig.desk.post(full(4), "me")
        await rig.after(1)
        (before,) = await rig.rows()
        for minute in range(1, 60):
            await rig.after(MINUTE)
            await rig.desk.post(full(minute + 4), "me")
        (row,) = await rig.rows()
        assert row == before
        (alert,) = rig.desk.active()
        assert (alert.state, alert.expires_at) == (State.FIRING, _at(63))


STARTS = (-3600, -600, -60, -30)
ENDS = (None, 100, 600, 3600)


def test_posts_that_overlap_make_what_alertmanager_makes_of_them(tmp_path: Path) -> None:
    """Random posts of alerts: the same begin, the same end, and the same that have none any more."""
    chosen, base = random.Random(7), datetime.now(UTC).replace(microsecond=0)
    posts = [[(chosen.choice(STARTS), chosen.choice(ENDS)) for _ in range(chosen.randint(1, 5))] for _ in range(150)]
    for number in range(0, 150, 5):
        posts[number].append((-5000, -10))
    beside = "route: {receiver: ops, group_wait: 1h}\nreceivers: [{name: ops}]\n"
    directory = operations(tmp_path / "ops", configured("http://127.0.0.1:9/", "{group_wait: 1h}"))
    with alertmanager(tmp_path, beside) as real, serving(directory, tmp_path / "data") as server:
        for api in (real, api_of(server)):
            for turn in range(6):
                told = [_told(base, number, *some[turn]) for number, some in enumerate(posts) if turn < len(some)]
                assert api.ask("POST", "/alerts", told).status == 200
        ours, theirs = _spans(Api(api.address), base), _spans(real, base)
        assert sorted(ours) == sorted(theirs)
        assert len(ours) == 120
        for name, (begins, ends) in ours.items():
            some, expected = posts[int(name)], theirs[name]
            assert begins == expected[0], some
            assert ends >= expected[1] - 30, some
            if None not in [end for _, end in some[1:]]:
                # After a post without an end, Alertmanager takes the end that was given before for a guess of its own, and may forget it.
                assert ends == pytest.approx(expected[1], abs=30), some


def _told(base: datetime, number: int, starts: float, ends: float | None) -> dict[str, Any]:
    end = {} if ends is None else {"endsAt": (base + timedelta(seconds=ends)).isoformat()}
    return {"labels": {"alertname": str(number)}, "startsAt": (base + timedelta(seconds=starts)).isoformat(), **end}


def _spans(api: Api, base: datetime) -> dict[str, tuple[float, float]]:
    """Begin and end of each alert in seconds. An end that is only expected depends on when it was told of: hence the tolerance."""
    return {
        alert["labels"]["alertname"]: (
            (datetime.fromisoformat(alert["startsAt"]) - base).total_seconds(),
            (datetime.fromisoformat(alert["endsAt"]) - base).total_seconds(),
        )
        for alert in api.get("/alerts?filter=alertname!%3DReceiverFailing")
    }
