"""A whole day of the laboratory as samples, to be looked at on the pages: load with a daily shape, and its faults at known times.

``python -m lab.day --end 2026-11-22T06:00:00Z > day.om`` writes it as OpenMetrics text, which ``keepwell samples import`` takes. The same
arguments give the same bytes: what looks random comes from numpy's generator with a fixed seed.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from keepwell.demo.laboratory.faults import LEAK_BYTES, SLOW_SECONDS

EVERY = 15
"""Seconds between two looks."""

DAY = 86_400
OK, WARN, FAIL, UNKNOWN = 0.0, 1.0, 2.0, 3.0

ENDPOINTS = ("/health", "/api/status", "/api/system/memory", "/api/system/performance")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault of the laboratory, from so many seconds of the day on for so many seconds."""

    fault: str
    start: int
    seconds: int


SPELLS = (
    Spell("api-slow", 3 * 3600 + 20 * 60, 25 * 60),
    Spell("memory-leak", 8 * 3600 + 5 * 60, 70 * 60),
    Spell("api-errors", 12 * 3600 + 40 * 60, 12 * 60),
    Spell("api-down", 17 * 3600 + 15 * 60, 35 * 60),
)
"""What is broken when. Between 21:00 and 21:20 nothing is looked at at all: Keepwell itself was stopped."""

STOPPED = Spell("keepwell stopped", 21 * 3600, 20 * 60)


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels with its name, its instants in seconds since 1970, and its values."""

    labels: Mapping[str, str]
    at: Numbers
    values: Numbers

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.labels["__name__"]


def day(end: datetime, every: int = EVERY) -> Iterator[Series]:
    """The series of the 24 hours before ``end``, sorted by name."""
    first = int(end.timestamp()) // every * every - DAY
    offsets = np.arange(0, DAY, every)
    offsets = offsets[~_during(offsets, STOPPED)]
    made = [*_health(offsets), *_process(offsets), *_disk(offsets), *_scraped(offsets)]
    for labels, values in sorted(made, key=lambda one: sorted(one[0].items())):
        known = ~np.isnan(values)
        yield Series(labels, (offsets[known] + first).astype(np.float64), values[known])


def _during(offsets: NDArray[np.int64], spell: Spell) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (offsets >= spell.start) & (offsets < spell.start + spell.seconds)
    return inside


def _broken(offsets: NDArray[np.int64], fault: str) -> NDArray[np.bool_]:
    on: NDArray[np.bool_] = np.zeros(len(offsets), np.bool_)
    for spell in SPELLS:
        if spell.fault == fault:
            on |= _during(offsets, spell)
    return on


def load(offsets: NDArray[np.int64]) -> Numbers:
    """How busy the laboratory is, 0 to 1: quiet at night, most at two in the afternoon."""
    curve: Numbers = 0.5 - 0.5 * np.cos((offsets / DAY - 2 / 24) * 2 * np.pi)
    return curve


_Made = tuple[dict[str, str], Numbers]


def _check(name: str, target: str, states: Numbers, values: Mapping[str, Numbers]) -> Iterator[_Made]:
    labels = {"check": name, "target": target} if target else {"check": name}
    ups = np.where(states == UNKNOWN, np.nan, (states < FAIL).astype(np.float64))
    for metric, numbers in {"check_state": states, "check_up": ups, **values}.items():
        yield {"__name__": metric, **labels}, numbers


def _health(offsets: NDArray[np.int64]) -> Iterator[_Made]:
    """The check ``health`` of kind http: it fails above half a second, and while the server answers 500 or not at all."""
    random = np.random.default_rng(1)
    busy, count = load(offsets), len(offsets)
    slow, errors, down = (_broken(offsets, fault) for fault in ("api-slow", "api-errors", "api-down"))
    phases = {
        "dns_seconds": random.gamma(2, 3e-6, count),
        "connect_seconds": random.gamma(3, 1.2e-4, count),
        "first_byte_seconds": random.gamma(4, 4e-4 * (1 + 2 * busy), count) + np.where(slow, SLOW_SECONDS, 0.0),
    }
    phases["duration_seconds"] = sum(phases.values()) + random.gamma(2, 2e-4, count)
    phases |= {"status_code": np.where(errors, 500.0, 200.0), "body_bytes": np.where(errors, 31.0, 260.0 + random.integers(0, 9, count))}
    states = np.where(errors | down | (phases["duration_seconds"] > 0.5), FAIL, OK)
    yield from _check("health", "tonehoused", states, {name: np.where(down, np.nan, numbers) for name, numbers in phases.items()})


def _process(offsets: NDArray[np.int64]) -> Iterator[_Made]:
    """The check ``process-tonehoused``: memory that leaks, and no process while it is down."""
    random = np.random.default_rng(2)
    leak, down = _broken(offsets, "memory-leak"), _broken(offsets, "api-down")
    begun = next(spell for spell in SPELLS if spell.fault == "memory-leak")
    grown = np.where(leak, np.minimum(1.0, (offsets - begun.start) / (begun.seconds * 0.6)) * LEAK_BYTES, 0.0)
    memory = 38e6 + 4e6 * load(offsets) + random.normal(0, 2e5, len(offsets)) + grown
    states = np.select([down | (memory > 180e6), memory > 120e6], [FAIL, WARN], OK)
    values = {
        "count": np.where(down, 0.0, 1.0),
        "memory_bytes": np.where(down, np.nan, memory),
        "cpu_ratio": np.where(down, np.nan, 0.01 + 0.2 * load(offsets) + random.gamma(2, 0.004, len(offsets))),
    }
    yield from _check("process-tonehoused", "tonehoused", states, values)


def _disk(offsets: NDArray[np.int64]) -> Iterator[_Made]:
    """The check ``disk``: a share that grows slowly and is cleaned up once a day."""
    used = 0.62 + 0.09 * ((offsets / DAY + 0.25) % 1)
    size = 40 * 1024**3
    yield from _check("disk", "", np.where(used > 0.9, FAIL, OK), {"disk_used_ratio": used, "disk_available_bytes": (1 - used) * size})


def _scraped(offsets: NDArray[np.int64]) -> Iterator[_Made]:
    """What the audio server itself counts, scraped: requests by endpoint and code, and its memory. A restart sets the counters to zero."""
    random = np.random.default_rng(3)
    source = {"job": "laboratory", "instance": "tonehoused"}
    down, errors = _broken(offsets, "api-down"), _broken(offsets, "api-errors")
    began = next(spell for spell in SPELLS if spell.fault == "api-down")
    yield {"__name__": "up", **source}, np.where(down, 0.0, 1.0)
    for place, endpoint in enumerate(ENDPOINTS):
        made = random.poisson((6 * load(offsets) + 0.4) * EVERY / (1 + place)).astype(np.float64)
        for code, share in (("200", ~errors), ("500", errors)):
            total = np.cumsum(np.where(down | ~share, 0.0, made))
            total -= np.where(offsets >= began.start, total[np.searchsorted(offsets, began.start) - 1], 0.0)
            yield {"__name__": "tonehoused_requests_total", "endpoint": endpoint, "code": code, **source}, np.where(down, np.nan, total)


def openmetrics(series: Iterator[Series]) -> Iterator[str]:
    """The text, a line at a time (OpenMetrics 1.0, "Text format"): a family's samples follow its type."""
    named = ""
    for one in series:
        if one.name != named:
            named = one.name
            counter = named.endswith("_total")
            yield f"# TYPE {named.removesuffix('_total') if counter else named} {'counter' if counter else 'gauge'}\n"
        labels = ",".join(f'{label}="{value}"' for label, value in one.labels.items() if label != "__name__")
        for at, value in zip(one.at.tolist(), one.values.tolist(), strict=True):
            yield f"{named}{{{labels}}} {value!r} {at:.3f}\n"
    yield "# EOF\n"


def main() -> None:
    """Writes the day to standard output."""
    parser = argparse.ArgumentParser(description="A day of the laboratory as OpenMetrics text.")
    parser.add_argument("--end", default="", help="the end of the day (RFC 3339); without it: now")
    parser.add_argument("--every", type=int, default=EVERY, help="seconds between two looks")
    given = parser.parse_args()
    end = datetime.fromisoformat(given.end) if given.end else datetime.now(UTC)
    sys.stdout.writelines(openmetrics(day(end, given.every)))


if __name__ == "__main__":
    main()
