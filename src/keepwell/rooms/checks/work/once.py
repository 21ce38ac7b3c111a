"""``keepwell check`` and ``keepwell status``: looking once, and telling what the server knows."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keepwell.kernel.states import State, worst
from keepwell.ports.host import Host
from keepwell.ports.offer import Call
from keepwell.rooms.checks.decide import worst_first
from keepwell.rooms.checks.model import Check, Observation

from .observe import observe
from .resolve import choose

AT_ONCE = 64
APART = 0.03
"""Seconds between the beginnings of two looks, of many less: what a look does at its beginning (modules are imported, programs started)
holds all others up, and would be measured as the time that their targets took."""
ALL_BEGUN = 1.0
"""Seconds within which all have begun."""


async def check_once(call: Call, checks: tuple[Check, ...], host_of: Callable[[str], Host]) -> int:
    """Looks once at the chosen checks, prints what was seen, worst first, and gives the exit code of the worst. Raises NotFound."""
    chosen = choose(checks, tuple(call.arguments["names"]))
    room = asyncio.Semaphore(AT_ONCE)
    done = 0
    apart = min(APART, ALL_BEGUN / max(1, len(chosen)))

    async def look(place: int, check: Check) -> Observation:
        nonlocal done
        await asyncio.sleep(place * apart)
        async with room:
            observation = await observe(check, host_of(check.host), None)
        done += 1
        call.output.progress(done, len(chosen))
        return observation

    looks = [look(place, check) for place, check in enumerate(chosen)]
    seen = dict(zip((check.name for check in chosen), await asyncio.gather(*looks), strict=True))
    kinds = {check.name: check.kind for check in chosen}
    call.output.data([_as_json(name, kinds[name], observation) for name, observation in seen.items()])
    order = worst_first([(name, observation.state) for name, observation in seen.items()])
    rows = [(seen[name].state.value, name, seen[name].sentence) for name in order]
    call.output.table(("state", "check", "what was seen"), rows, styles=[row[0] for row in rows])
    return worst(observation.state for observation in seen.values()).exit_code


def _as_json(name: str, kind: str, observation: Observation) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "state": observation.state.value,
        "sentence": observation.sentence,
        "values": dict(observation.values),
    }


def tell_status(call: Call, answer: Mapping[str, Any]) -> int:
    """Prints where the server's checks stand; 0 when all are ok, otherwise 1."""
    checks: Sequence[Mapping[str, Any]] = answer["checks"]
    call.output.data(answer)
    rows = [(check["state"], check["name"], check["every"], check["sentence"]) for check in checks]
    call.output.table(("state", "check", "every", "newest observation"), rows, styles=[row[0] for row in rows])
    words = [f"{count} {state}" for state, count in answer["counts"].items() if count]
    call.output.say(", ".join(words) or "no checks", style="dim")
    return 0 if all(check["state"] == State.OK for check in checks) else 1
