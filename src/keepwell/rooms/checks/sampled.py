"""What an observation leaves as samples."""

import re
from collections.abc import Iterator

from keepwell.kernel.states import State
from keepwell.ports.samples import Sample

from .model import Seen

UP, STATE = "check_up", "check_state"

_CODES = {State.OK: 0.0, State.WARN: 1.0, State.FAIL: 2.0, State.UNKNOWN: 3.0}
"""As a Nagios plugin's exit code says them (Monitoring Plugins, "Development Guidelines")."""

_OTHER = re.compile(r"[^a-zA-Z0-9_:]")


def sampled(seen: Seen) -> Iterator[Sample]:
    """``check_state`` (0 ok, 1 warn, 2 fail, 3 unknown) as this look saw it, ``check_up`` (1 for ok and warn, 0 for fail; none where nobody
    knows), and every value of the observation under its own name, with the labels ``check`` and, where it has one, ``target``."""
    labels = {"check": seen.name, "target": seen.target} if seen.target else {"check": seen.name}
    state = seen.observation.state
    yield Sample(STATE, _CODES[state], seen.at, labels)
    if state is not State.UNKNOWN:
        yield Sample(UP, float(state is not State.FAIL), seen.at, labels)
    for name, value in seen.observation.values.items():
        yield Sample(metric_name(name), value, seen.at, labels)


def metric_name(name: str) -> str:
    """A value's name as a metric's: what Prometheus does not allow there ("Data model") becomes an underscore."""
    clean = _OTHER.sub("_", name)
    return f"_{clean}" if clean[:1].isdigit() else clean
