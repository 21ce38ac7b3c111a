"""The four states of a check, their order, and the exit codes that Nagios plugins give them."""

from collections.abc import Iterable
from enum import StrEnum


class State(StrEnum):
    """What an observation says of its target."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    """The check could not be made: our fault, our network, or nobody accepted it. Never a statement about the target."""

    @property
    def exit_code(self) -> int:
        """The exit code of a Nagios plugin in this state (Monitoring Plugins Development Guidelines, "Plugin Return Codes")."""
        return _EXIT_CODES[self]


_EXIT_CODES = {State.OK: 0, State.WARN: 1, State.FAIL: 2, State.UNKNOWN: 3}
_WORST_FIRST = (State.FAIL, State.WARN, State.UNKNOWN, State.OK)


def worst(states: Iterable[State]) -> State:
    """The state that a person should hear of first: fail, then warn, then unknown, then ok. Of nothing: ok."""
    present = set(states)
    return next((state for state in _WORST_FIRST if state in present), State.OK)
