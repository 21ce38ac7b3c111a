"""The report of patterns as plain values, for programs and for the templates of its page."""

from collections.abc import Mapping
from typing import Any

from .patterns import RETURNS_WITHIN, Flapping, Noise, Report, Times
from .shown import instant, severity_rank


def as_json(report: Report) -> dict[str, Any]:
    """All of it; lengths of time are seconds."""
    severities = sorted(report.severities.items(), key=lambda pair: (severity_rank(pair[0]), pair[0]))
    return {
        "start": instant(report.start),
        "end": instant(report.end),
        "zone": report.zone,
        "fired": report.count,
        "alerts": report.alerts,
        "still_firing": report.firing,
        "acknowledged": report.acknowledged,
        "time_to_acknowledge": times_json(report.to_acknowledge),
        "time_to_resolve": times_json(report.to_resolve),
        "severities": [
            {"severity": word, "fired": count, "time_to_acknowledge": times_json(known), "time_to_resolve": times_json(resolved)}
            for word, (count, known, resolved) in severities
        ],
        "noisiest": [_noise(one) for one in report.noisiest],
        "flapping": [_flapping(one) for one in report.flapping],
        "returns_within_seconds": RETURNS_WITHIN.total_seconds(),
        "never_acknowledged": [_noise(one) for one in report.never_acknowledged],
        "by_hour": list(report.by_hour),
        "by_weekday": list(report.by_weekday),
        "by_day": {day.isoformat(): count for day, count in report.by_day.items()},
    }


def times_json(times: Times) -> dict[str, Any]:
    """How long something took."""
    return {"count": times.count, "mean": times.mean, "median": times.median, "longest": times.longest}


def _noise(one: Noise) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "service": one.service,
        "severity": one.severity,
        "fired": one.count,
        "share": one.share,
        "firing_seconds": one.firing_seconds,
        "acknowledged": one.acknowledged,
        "time_to_resolve": times_json(one.times),
    }


def _flapping(one: Flapping) -> Mapping[str, Any]:
    return {"fingerprint": one.fingerprint, "name": one.name, "service": one.service, "fired": one.count, "returns": one.returns}
