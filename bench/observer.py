"""Looks at the checks of operations directories as often as it is told: the part of red_when_broken that runs in the host.

``python -m bench.observer DIR...``; checks are named ``DIR's name/check``. Each line of input is one request in JSON and gets one line:
``{"names": [...]}`` looks at those once; with ``"rounds": N`` it looks at them N times, half a second apart, at those with a longer
interval less often.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from keepwell.composition.verbs import load_checks, local_host
from keepwell.kernel.states import State
from keepwell.ports.host import Host
from keepwell.rooms.checks.model import Check, Earlier, Observation
from keepwell.rooms.checks.work.observe import observe

ROUND_SECONDS = 30.0
"""How much real time a round stands for."""
PACE_SECONDS = 0.5
"""How long a round takes at least."""


AT_ONCE = 3
"""So many looks at the same time: a server spreads its looks over their interval."""


async def look(checks: dict[str, Check], names: list[str], host: Host) -> dict[str, Any]:
    """One look at each. ``true`` is as in ``rounds``."""
    ticks = processor_ticks()
    seen = await _looks(checks, names, host, {})
    busy = _busy(ticks, processor_ticks())
    told = {name: _told(observation) for name, observation in zip(names, seen, strict=True)}
    return {name: {**each, "true": _is_true(checks[name], busy)} for name, each in told.items()}


async def rounds(checks: dict[str, Check], names: list[str], count: int, host: Host) -> dict[str, Any]:
    """How many looks were made, and those that were not ok. ``true``: the machine really was as busy as a check of its processors says."""
    earlier: dict[str, tuple[float, Observation]] = {}
    looks = 0
    red: list[dict[str, Any]] = []
    for number in range(count):
        began, ticks = time.monotonic(), processor_ticks()
        due = [name for name in names if number % _every(checks[name]) == 0]
        reference = {name: Earlier(earlier[name][1].counters, began - earlier[name][0]) for name in due if name in earlier}
        seen = dict(zip(due, await _looks(checks, due, host, reference), strict=True))
        await asyncio.sleep(max(0.0, PACE_SECONDS - (time.monotonic() - began)))
        busy = _busy(ticks, processor_ticks())
        earlier |= {name: (began, observation) for name, observation in seen.items()}
        looks += len(seen)
        wrong = {name: observation for name, observation in seen.items() if observation.state is not State.OK}
        red += [{"name": name, "true": _is_true(checks[name], busy), **_told(observation)} for name, observation in wrong.items()]
    return {"looks": looks, "red": red}


def processor_ticks() -> tuple[int, int]:
    """All ticks of the machine's processors so far, and the idle ones of them (proc_stat(5))."""
    fields = [int(field) for field in Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:9]]
    return sum(fields), fields[3] + fields[4]


def _busy(before: tuple[int, int], after: tuple[int, int]) -> float:
    return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])


def _is_true(check: Check, busy: float) -> bool:
    """Whether a check of the machine's processors says what was measured beside it: other work on this machine is no fault of the check."""
    limits = getattr(check.settings, "cpu", None) if check.kind == "host" else None
    limit = limits and (limits.warn or limits.fail)
    return bool(limit and limit.holds(busy))


async def _looks(checks: dict[str, Check], names: list[str], host: Host, earlier: dict[str, Earlier]) -> list[Observation]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Observation:
        async with room:
            return await observe(checks[name], host, earlier.get(name))

    return await asyncio.gather(*map(one, names))


def _every(check: Check) -> int:
    """In every how many rounds a check is due."""
    return max(1, round(check.options.every.total_seconds() / ROUND_SECONDS))


def _told(observation: Observation) -> dict[str, str]:
    return {"state": observation.state.value, "sentence": observation.sentence}


async def main(directories: list[str]) -> None:
    """Answers until its input ends."""
    checks = {f"{Path(directory).name}/{check.name}": check for directory in directories for check in load_checks(directory)}
    async with local_host() as host:
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = json.loads(line)
            if "rounds" in request:
                answer = await rounds(checks, request["names"], request["rounds"], host)
            else:
                answer = await look(checks, request["names"], host)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
