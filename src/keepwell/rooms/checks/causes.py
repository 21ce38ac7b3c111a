"""Whose fault a failure is, where another thing is down as well: decisions without I/O.

Targets may need others (a host, a database, an API on it). What fails while something that it needs is down says nothing of itself: it is
``unknown`` and names the cause, so that one thing is reported. In the same way a failure says nothing while Keepwell's own connection
is cut. What was seen to be well stays so: it was seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from keepwell.kernel.problems import KeepwellError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command

from .model import Check, Observation, Probe, Question, ReadFile, Standing


@dataclass(frozen=True, slots=True)
class Needed:
    """A check of something that is needed: its name, the target that it looks at, and where it stands."""

    target: str
    check: str
    standing: Standing | None

    @property
    def down(self) -> bool:
        """Whether it has failed, and that is confirmed."""
        return self.standing is not None and self.standing.state is State.FAIL

    @property
    def suspect(self) -> bool:
        """Whether its newest look failed, while ``fail_after`` asks for more of them."""
        return self.standing is not None and self.standing.observed is State.FAIL


def all_needed(target: str, depends_on: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every target that this one needs, itself or through others, nearest first. (A circle is refused by the configuration.)"""
    found: dict[str, None] = {}
    waiting = list(depends_on.get(target, ()))
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += depends_on.get(name, ())
    return tuple(found)


def parent_down(seen: Observation, needed: Iterable[Needed]) -> Observation:
    """What was seen, or ``unknown`` where it is a failure and something that is needed (nearest first) is down, or seems to be."""
    if seen.state is not State.FAIL:
        return seen
    known = list(needed)
    cause = next((one for one in known if one.down), None) or next((one for one in known if one.suspect), None)
    if cause is None or cause.standing is None:
        return seen
    word = "is down" if cause.down else "seems to be down"
    return _unknown(seen, f"{cause.target} {word}: {cause.check} says {cause.standing.sentence}", cause.check)


def ours(seen: Observation, guards: Sequence[Needed]) -> Observation:
    """What was seen, or ``unknown`` where it is a failure and every guard fails too: then the connection of this machine is the fault."""
    if seen.state is not State.FAIL or not cut_off(guards):
        return seen
    names = ", ".join(guard.check for guard in guards)
    return _unknown(seen, f"Keepwell's own connection is cut: {names} cannot be reached either", names)


def cut_off(guards: Sequence[Needed]) -> bool:
    """Whether there are guards and all of them failed when they were looked at last."""
    return bool(guards) and all(guard.down or guard.suspect for guard in guards)


def _unknown(seen: Observation, reason: str, checks: str) -> Observation:
    return replace(seen, state=State.UNKNOWN, sentence=f"{reason} (here: {seen.sentence})", explained_by=checks)


def runs_programs(check: Check) -> bool:
    """Whether its first questions are programs to start."""
    return any(isinstance(question, Command) for question in _questions(check))


def over_network(check: Check) -> bool:
    """Whether it looks at something beyond this machine through the network, so that a cut connection makes it fail."""
    if isinstance(check.driver, Probe):
        places = [getattr(check.settings, key, None) for key in ("host", "address", "url")] + [getattr(check.target, "url", None)]
        address = next((place for place in places if isinstance(place, str)), None)
        return address is None or not _is_here(address)
    questions = _questions(check)
    return any(not isinstance(question, Command | ReadFile) and not _is_here(getattr(question, "url", "")) for question in questions)


def _questions(check: Check) -> tuple[Question, ...]:
    if isinstance(check.driver, Probe):
        return ()
    try:
        return check.driver.ask(check.settings, check.target)
    except KeepwellError:
        return ()


def _is_here(address: str) -> bool:
    """Whether an address (a URL, HOST or HOST:PORT) is one of this very machine's own: loopback."""
    try:
        host = address if address.count(":") > 1 and "//" not in address and "[" not in address else _host(address)
        return host == "localhost" or (bool(host) and ip_address(host).is_loopback)
    except ValueError:
        return False


def _host(address: str) -> str:
    return urlsplit(address if "//" in address else f"//{address}").hostname or ""
