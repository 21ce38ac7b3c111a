"""What a Nagios plugin says: its exit status, its first line, and its performance data (Monitoring Plugins Development Guidelines)."""

import re

from keepwell.kernel.states import State
from keepwell.ports.runner import Result

from .answers import ending
from .model import Observation
from .texts import first_line, show

_STATES = {0: State.OK, 1: State.WARN, 2: State.FAIL, 3: State.UNKNOWN}
_MOST_PERFDATA = 100
# Section "Performance data": 'label'=value[UOM];[warn];[crit];[min];[max]
_PERFDATA = re.compile(r"(?:'((?:[^'=]|''){1,100})'|([^\s'=]{1,100}))=([-+]?[0-9]{1,40}(?:\.[0-9]{1,40})?)([a-zA-Z%]{0,3})(?=[;\s]|$)")
_UNITS = {
    "s": ("_seconds", 1.0),
    "ms": ("_seconds", 1e-3),
    "us": ("_seconds", 1e-6),
    "%": ("_ratio", 1e-2),
    "b": ("_bytes", 1.0),
    "kb": ("_bytes", 1e3),
    "mb": ("_bytes", 1e6),
    "gb": ("_bytes", 1e9),
    "tb": ("_bytes", 1e12),
}


def plugin_says(name: str, result: Result) -> Observation:
    """A plugin's own word; ``name`` is what a sentence calls it.

    One that breaks or cannot be started says nothing of its target: unknown; one that hangs: fail.
    """
    said = first_line(result.stdout).partition("|")[0].strip()
    values = {"duration_seconds": result.seconds} | _performance(result.stdout)
    if result.timed_out:
        return Observation(State.FAIL, f"{name} {ending(result)}", detail=output_of(result))
    state = _STATES.get(result.status if result.status is not None else -1)
    if state is None:
        line = first_line(result.stderr)
        words = f"{name} {ending(result)}, expected 0 to 3 of a Nagios plugin{f': {show(line)}' if line else ''}"
        return Observation(State.UNKNOWN, words, detail=output_of(result))
    return Observation(state, f"{name} {ending(result)}: {show(said)}", values, detail=output_of(result))


def output_of(result: Result) -> str:
    """Everything that it printed, for the observation's detail."""
    return "\n".join(part.rstrip("\n") for part in (result.stdout, result.stderr) if part.strip())


def _performance(output: str) -> dict[str, float]:
    """The numbers after ``|``, in base units; of two with the same name the first."""
    data = " ".join(line.partition("|")[2] for line in output.splitlines())
    values: dict[str, float] = {}
    for quoted, plain, number, unit in _PERFDATA.findall(data)[:_MOST_PERFDATA]:
        name = re.sub("[^a-z0-9]+", "_", (quoted or plain).lower()).strip("_") or "value"
        suffix, factor = _UNITS.get(unit.lower(), ("", 1.0))
        full = name if name.endswith(suffix) else name + suffix
        values.setdefault(full, float(number) * factor)
    return values
