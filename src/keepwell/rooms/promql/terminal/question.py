"""What the words of a command line ask for. Pure; imports nothing costly. Instants are seconds since 1970."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from keepwell.kernel.durations import format_duration, parse_duration
from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted

MOST_STEPS = 11_000
"""Steps of a range that the interface takes (Prometheus' HTTP API: the maximum resolution)."""

WANTED_POINTS = 250
"""Where no step is said: about so many as a terminal can draw."""

PLOTTED = "1h"
"""How far back a plot reaches where nothing is said."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?")
_LATEST = 32_503_680_000
"""The year 3000."""

_ADVICE = "write RFC 3339 such as 2026-01-31T12:00:00Z, seconds since 1970, now, or --at=-24h"


@dataclass(frozen=True, slots=True)
class Question:
    """An expression at one instant, or from ``end - length`` to ``end`` every ``step`` seconds. ``look_back`` is how long a sample stands
    for its series, in seconds; 0 as long as usual."""

    expression: str
    end: float
    length: float = 0.0
    step: float = 0.0
    look_back: float = 0.0

    @property
    def is_range(self) -> bool:
        """Whether values over time are asked for."""
        return self.step > 0

    @property
    def path(self) -> str:
        """The operation of Prometheus' HTTP API, below ``/api/v1``."""
        return "/api/v1/query_range" if self.is_range else "/api/v1/query"

    @property
    def fields(self) -> Mapping[str, str]:
        """Its parameters."""
        look_back = {"lookback_delta": _text(self.look_back)} if self.look_back else {}
        if not self.is_range:
            return {"query": self.expression, "time": _text(self.end), **look_back}
        ends = {"start": _text(self.end - self.length), "end": _text(self.end), "step": _text(self.step)}
        return {"query": self.expression, **ends, **look_back}


def _text(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def read_question(arguments: Mapping[str, Any], now: datetime) -> Question:
    """The question of these arguments: ``expression``, ``at``, ``range``, ``step``, ``lookback``, ``plot``. Raises UsageError."""
    at = _instant(arguments["at"], now)
    look_back = _seconds(arguments["lookback"], "--lookback") if arguments["lookback"] else 0.0
    over = arguments["range"] or (PLOTTED if arguments["plot"] else None)
    if over is None:
        if arguments["step"] is not None:
            raise UsageError("--step says how far points over time lie apart, and no time is asked for", hint="add --range, such as 24h")
        return Question(arguments["expression"], at, look_back=look_back)
    length = _seconds(over, "--range")
    step = usual_step(length) if arguments["step"] is None else _seconds(arguments["step"], "--step")
    if length / step > MOST_STEPS:
        least = format_duration(timedelta(seconds=-(-length // MOST_STEPS)))
        raise UsageError(f"--step: {step:g} s would give more than {MOST_STEPS} points a series", hint=f"write at least {least}")
    return Question(arguments["expression"], at, length, step, look_back)


def usual_step(length: float) -> float:
    """The shortest round step, in seconds, that gives at most ``WANTED_POINTS`` points."""
    least = length / WANTED_POINTS
    return next((float(step) for step in _STEPS if step >= least), -(-least // _STEPS[-1]) * _STEPS[-1])


def _instant(text: str | None, now: datetime) -> float:
    written = (text or "now").strip()
    try:
        if written == "now":
            # Milliseconds, as the interface keeps them.
            at = round(now.timestamp(), 3)
        elif _NUMBER.fullmatch(written):
            at = float(written)
        elif written.startswith("-"):
            at = now.timestamp() - parse_duration(written[1:]).total_seconds()
        else:
            read = datetime.fromisoformat(written)
            at = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"--at: {quoted(written)} is no instant", hint=_ADVICE) from None
    if not 0 <= at <= _LATEST:
        raise UsageError(f"--at: {quoted(written)} lies before 1970 or after 3000", hint=_ADVICE)
    return at


def _seconds(text: str, name: str) -> float:
    try:
        length = float(text) if _NUMBER.fullmatch(text.strip()) else parse_duration(text).total_seconds()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name}: {error}", hint="write an amount with its unit, such as 15s, 5m, 24h or 30d") from None
    if not 0.001 <= length <= _LATEST:
        raise UsageError(f"{name}: {quoted(text)} is no length of time", hint="write more than nothing, such as 15s, 5m, 24h or 30d")
    return length
