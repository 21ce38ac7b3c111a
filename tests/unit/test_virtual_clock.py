"""Time that jumps: sleeps end in their order at once, and nothing overtakes what takes real time."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from keepwell.ports.clock import Clock
from keepwell.ports.fakes import VirtualClock
from keepwell.ports.runner import Command, Result, Runner

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_weeks_pass_at_once_in_the_order_of_their_sleeps() -> None:
    clock = VirtualClock(NOON)
    seen: list[tuple[str, datetime]] = []

    async def again(name: str, hours: int, times: int) -> None:
        for _ in range(times):
            await clock.sleep(hours * 3600)
            seen.append((name, clock.now()))

    both = asyncio.gather(again("daily", 24, 35), again("often", 10, 84))
    await clock.play(NOON + timedelta(weeks=5))
    await both
    assert clock.now() == NOON + timedelta(weeks=5)
    assert clock.monotonic() == 35 * 86_400
    assert seen == sorted(seen, key=lambda one: one[1])
    assert [at for name, at in seen if name == "daily"] == [NOON + timedelta(days=day) for day in range(1, 36)]
    assert len(seen) == 35 + 84


async def test_it_stops_where_it_was_told_to_and_goes_on_from_there() -> None:
    clock: VirtualClock = VirtualClock(NOON.astimezone(timezone(timedelta(hours=2))))
    port: Clock = clock
    sleeping = asyncio.create_task(port.sleep(3600))
    await clock.play(NOON + timedelta(minutes=59))
    assert not sleeping.done()
    assert clock.now() == NOON + timedelta(minutes=59)
    await clock.play(NOON + timedelta(minutes=61))
    assert sleeping.done()
    await clock.sleep(0)


async def test_a_sleep_that_is_cancelled_holds_nobody_up() -> None:
    clock = VirtualClock(NOON)
    sleeping = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    sleeping.cancel()
    await clock.play(NOON + timedelta(hours=1))
    assert clock.monotonic() == 3600


async def test_time_stands_still_while_a_port_takes_real_time() -> None:
    clock = VirtualClock(NOON)

    class Slow:
        name = "slow"

        async def run(self, command: Command) -> Result:
            await asyncio.sleep(0.2)
            return Result(0, None, str(clock.now()), "", 0.2)

    slow: Runner = clock.holding(Slow())
    assert slow.name == "slow"  # type: ignore[attr-defined]  # whatever else the port has is there
    running = asyncio.create_task(slow.run(Command(("true",))))
    await clock.play(NOON + timedelta(days=1))
    assert running.result().stdout == str(NOON)


async def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        VirtualClock(datetime(2026, 1, 1))  # noqa: DTZ001
