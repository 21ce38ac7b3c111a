"""AudioDeck's manual played over a week (--slow), and the clock by which it is. What is judged is in audiodeck_rows.yaml."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab.audiodeck.judge import FATES, Verdict, judge, table
from lab.audiodeck.play import played
from lab.audiodeck.playing import PlayedClock
from tests.support import need, outside


def play(weeks: float, root: Path, kills: int = 0) -> dict[str, Verdict]:
    """Plays and judges."""
    outside("manuals", "audiodeck-connect.md")
    for program in ("jq", "bc", "ss", "curl"):
        need(program)
    done = asyncio.run(played(root, weeks, kills=kills))
    verdicts = judge(done.laboratory.layout, done.prepared.data, done.prepared.operations)
    print(table(verdicts))
    assert len(verdicts) == 122
    assert {verdict.fate for verdict in verdicts} <= set(FATES)
    return {verdict.row: verdict for verdict in verdicts}


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_week_proves_most_rows() -> None:
    with TemporaryDirectory(prefix="kw-audiodeck-", dir="/var/tmp") as folder:
        verdicts = play(8.5 / 7, Path(folder))
    silent = [row for row, verdict in verdicts.items() if verdict.fate == "silent"]
    # What only a month brings: old copies and old logs go, the monthly occasions, the expired certificate, the damaged backup.
    assert set(silent) <= {"AD-058", "AD-063", "AD-111", "AD-112", "AD-061", "AD-060", "AD-062", "AD-122", "AD-141"}
    assert sum(verdict.fate == "proven" for verdict in verdicts.values()) >= 90


async def test_played_time_stands_still_while_something_is_done() -> None:
    clock = PlayedClock(datetime(2030, 1, 1, tzinfo=UTC))
    told: list[str] = []

    async def works() -> None:
        await clock.sleep(60)
        with clock.held():
            await asyncio.sleep(0.05)  # real time
            told.append(f"worked at {clock.monotonic():g}")
            await clock.sleep(30)  # while it sleeps by the clock, it holds nothing
            told.append(f"slept until {clock.monotonic():g}")

    async def ticks() -> None:
        for _ in range(4):
            await clock.sleep(30)
            told.append(f"tick {clock.monotonic():g}")

    tasks = [asyncio.create_task(works()), asyncio.create_task(ticks())]
    await clock.play(datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=120))
    await asyncio.gather(*tasks)
    assert told == ["tick 30", "tick 60", "worked at 60", "tick 90", "slept until 90", "tick 120"]
    assert clock.now() == datetime(2030, 1, 1, 0, 2, tzinfo=UTC)


async def test_time_that_is_played_slowly_passes_as_fast_as_real_time() -> None:
    clock = PlayedClock(datetime(2030, 1, 1, tzinfo=UTC))
    seen: list[float] = []
    began = asyncio.get_running_loop().time()

    async def measures() -> None:
        begun, before = asyncio.get_running_loop().time(), clock.monotonic()
        async with clock.slowly():
            with clock.held():
                await clock.sleep(0.3)
            await clock.sleep(1.2)
        seen.append((asyncio.get_running_loop().time() - begun) - (clock.monotonic() - before))

    task = asyncio.create_task(measures())
    await clock.play(datetime(2030, 1, 1, 1, tzinfo=UTC))
    await task
    assert seen == [pytest.approx(0, abs=0.1)]
    assert asyncio.get_running_loop().time() - began >= 1.5


async def test_a_pause_is_really_slept_while_something_real_goes_on() -> None:
    clock = PlayedClock(datetime(2030, 1, 1, tzinfo=UTC))
    began = asyncio.get_running_loop().time()

    async def starts() -> float:
        with clock.held():
            await clock.sleep(0.2)
            return clock.monotonic()

    task = asyncio.create_task(starts())
    await clock.play(datetime(2030, 1, 1, tzinfo=UTC) + timedelta(hours=1))
    assert await task == 0.2
    assert asyncio.get_running_loop().time() - began >= 0.2
