"""What ``systemctl show`` prints of a unit, as values (systemctl(1), org.freedesktop.systemd1(5)).

Instants since the machine's start are whole microseconds; others are read in UTC, so the program must run with ``TZ=UTC``.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from keepwell.kernel.problems import AnswerError

from .texts import show

PROPERTIES = (
    "Id",
    "LoadState",
    "LoadError",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "MainPID",
    "ExecMainCode",
    "ExecMainStatus",
    "MemoryCurrent",
    "MemoryMax",
    "StateChangeTimestampMonotonic",
    "ActiveEnterTimestampMonotonic",
    "InactiveEnterTimestampMonotonic",
    "LastTriggerUSec",
    "NextElapseUSecRealtime",
    "NextElapseUSecMonotonic",
)
"""What is asked. A property that a unit does not have, or that a version of systemd does not know, is left out of the answer."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_SPANS = {"y": 31557600.0, "month": 2629800.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_SPAN = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)(y|month|w|d|h|min|s|ms|us)")
_INSTANT = re.compile(r"[A-Z][a-z]{2} ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) UTC")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. Seconds since the machine's start, bytes, and seconds since 1970 for timers; None where there is none."""

    name: str
    load: str
    load_error: str
    active: str
    sub: str
    result: str
    restarts: int | None
    main_process: int | None
    ended_by_signal: bool
    ended_with: int | None
    memory: int | None
    memory_limit: int | None
    since: float | None
    last_run: float | None
    next_run: float | None
    next_run_after_start: float | None


def parse_unit(text: str) -> Unit:
    """The unit of one ``systemctl show``. Raises AnswerError where the text is no such answer."""
    given = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    missing = [name for name in ("Id", "LoadState", "ActiveState", "SubState") if not given.get(name)]
    if missing:
        raise AnswerError(f"systemctl gave no usable answer: it does not say {' and '.join(missing)}")
    return Unit(
        name=given["Id"],
        load=given["LoadState"],
        load_error=given.get("LoadError", "").partition(" ")[2].strip('"'),
        active=given["ActiveState"],
        sub=given["SubState"],
        result=given.get("Result", ""),
        restarts=_number(given.get("NRestarts", "")),
        main_process=_number(given.get("MainPID", "")) or None,
        ended_by_signal=given.get("ExecMainCode") in ("2", "3"),  # CLD_KILLED, CLD_DUMPED: waitid(2)
        ended_with=_number(given.get("ExecMainStatus", "")),
        memory=_number(given.get("MemoryCurrent", "")),
        memory_limit=_number(given.get("MemoryMax", "")),
        since=_since(given),
        last_run=_instant(given.get("LastTriggerUSec", "")),
        next_run=_instant(given.get("NextElapseUSecRealtime", "")),
        next_run_after_start=_span(given.get("NextElapseUSecMonotonic", "")) or None,
    )


def uptime(text: str) -> float:
    """Seconds since the machine's start, of /proc/uptime (proc_uptime(5)). Raises AnswerError where it says none."""
    first = text.split()[:1]
    if not first or not re.fullmatch(r"[0-9]{1,12}\.[0-9]{1,9}", first[0]):
        raise AnswerError(f"/proc/uptime gave no usable answer: {show(text.strip())}")
    return float(first[0])


def epoch(text: str) -> float:
    """Seconds since 1970, of ``date +%s``. Raises AnswerError where it says none."""
    if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
        raise AnswerError(f"date gave no usable answer: {show(text.strip())}")
    return float(text)


def _since(given: dict[str, str]) -> float | None:
    """When the unit came into its state: the newest change of the state itself, not of the sub state."""
    key = {"active": "ActiveEnterTimestampMonotonic", "inactive": "InactiveEnterTimestampMonotonic"}.get(given["ActiveState"])
    if given["ActiveState"] == "failed":
        key = "InactiveEnterTimestampMonotonic"  # systemd counts failed among the inactive states
    microseconds = _number(given.get(key or "StateChangeTimestampMonotonic", ""))
    return microseconds / 1e6 if microseconds else None


def _number(text: str) -> int | None:
    """A whole number; None for words (``infinity``, ``[not set]``) and for 2^64-1, which means the same."""
    return int(text) if _NUMBER.fullmatch(text) else None


def _span(text: str) -> float | None:
    parts = text.split()
    matches = [_SPAN.fullmatch(part) for part in parts]
    return sum(float(match[1]) * _SPANS[match[2]] for match in matches if match) if parts and all(matches) else None


def _instant(text: str) -> float | None:
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
