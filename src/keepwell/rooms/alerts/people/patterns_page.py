"""The report of patterns as its page shows it: lengths in words, bars with their heights. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from .patterns import Noise, Report
from .patterns_told import times_json
from .rows import badge_of
from .shown import instant, severity_rank
from .words import length, took

Over = Literal["24h", "7d", "30d", "90d"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEIGHT = 100


def shown_report(report: Report) -> dict[str, Any]:
    """The values of the report's template."""
    severities = sorted(report.severities.items(), key=lambda pair: (severity_rank(pair[0]), pair[0]))
    return {
        "start": instant(report.start),
        "end": instant(report.end),
        "start_words": f"{report.start:%Y-%m-%d %H:%M} UTC",
        "end_words": f"{report.end:%Y-%m-%d %H:%M} UTC",
        "zone": report.zone,
        "tiles": _tiles(report),
        "fired": report.count,
        "severities": [
            {
                "severity": word or "none",
                "badge": badge_of(word),
                "fired": count,
                "known": took(times_json(known)),
                "resolved": took(times_json(resolved)),
            }
            for word, (count, known, resolved) in severities
        ],
        "noisiest": _noisy(report.noisiest),
        "never": _noisy(report.never_acknowledged),
        "flapping": report.flapping,
        "by_hour": bars((f"{hour:02}", count) for hour, count in enumerate(report.by_hour)),
        "by_weekday": bars(zip(_DAYS, report.by_weekday, strict=True)),
        "by_day": bars((day.isoformat(), count) for day, count in report.by_day.items()),
    }


def _tiles(report: Report) -> list[tuple[str, str]]:
    known = report.acknowledged / report.count if report.count else 0.0
    return [
        ("fired", f"{report.count}"),
        ("different alerts", f"{report.alerts}"),
        ("fire still", f"{report.firing}"),
        ("acknowledged", f"{known * 100:.0f} %"),
        ("to acknowledge", took(times_json(report.to_acknowledge))),
        ("to resolve", took(times_json(report.to_resolve))),
    ]


def _noisy(found: Sequence[Noise]) -> list[Mapping[str, Any]]:
    return [
        {
            "name": one.name,
            "service": one.service,
            "severity": one.severity or "none",
            "badge": badge_of(one.severity),
            "fired": one.count,
            "share": f"{one.share * 100:.0f} %",
            "fired_for": length(one.firing_seconds),
            "acknowledged": one.acknowledged,
            "usual": length(one.times.median),
        }
        for one in found
    ]


def bars(counted: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Each with its name, its count and how high it is, the highest 100."""
    found = list(counted)
    most = max((count for _, count in found), default=0) or 1
    return [{"name": name, "count": count, "height": round(_HEIGHT * count / most, 1)} for name, count in found]
