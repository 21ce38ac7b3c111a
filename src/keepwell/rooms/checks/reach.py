"""The check that every other host has without being asked for: ``host-NAME`` fails where the host cannot be reached."""

from collections.abc import Iterable
from datetime import timedelta

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import Unreachable
from keepwell.kernel.states import State
from keepwell.ports.host import Host
from keepwell.ports.runner import Command

from .model import Check, CheckOptions, Observation, Probe

KIND = "reach"
_EVERY = timedelta(minutes=1)
_NOTHING = Command(("true",))


class ReachOptions(Options):
    """There is nothing to choose."""


async def probe(options: ReachOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """Runs the program ``true`` on the host."""
    try:
        result = await host.runner.run(Command(_NOTHING.argv, timeout=timeout))
    except Unreachable as error:
        return Observation(State.FAIL, str(error), {"reachable": 0.0})
    if not result.succeeded:
        how = f"no answer within {timeout:.3g} s" if result.timed_out else f"the program true ended with status {result.status}"
        return Observation(State.FAIL, f"the host {host.name} is reached, and runs nothing: {how}", {"reachable": 0.0})
    values = {"reachable": 1.0, "duration_seconds": result.seconds}
    return Observation(State.OK, f"the host {host.name} is reached, and ran a program in {describe(result.seconds, Unit.SECONDS)}", values)


DRIVER = Probe(summary="Whether a host can be reached and runs programs", options=ReachOptions, probe=probe)


def reach_checks(hosts: Iterable[str], taken: Iterable[str]) -> tuple[Check, ...]:
    """One check for each host, but for those whose name a check of the configuration has."""
    names = set(taken)
    return tuple(
        Check(name=f"host-{host}", kind=KIND, options=CheckOptions(every=_EVERY), driver=DRIVER, settings=ReachOptions(), host=host)
        for host in hosts
        if f"host-{host}" not in names
    )
