"""Targets as plain values, for the API and the command."""

from collections.abc import Iterator
from typing import Any

from keepwell.kernel.quoting import quoted

from .model import Health
from .work import Scraping, Watched

_ORDER = (Health.DOWN, Health.UNKNOWN, Health.UP)


def listing(scraping: Scraping) -> dict[str, Any]:
    """Where every target stands, the worst first: ``health`` is up, down or unknown (not asked yet, or our own side was at fault),
    ``duration`` in seconds; ``dropped`` counts by job what relabelling dropped, ``refused`` are sentences on what cannot be asked."""
    targets = sorted(scraping.shown(), key=lambda watched: _ORDER.index(watched.shown.health))
    return {
        "targets": [_target(watched) for watched in targets],
        "dropped": dict(scraping.dropped),
        "refused": list(scraping.refused),
    }


def problems(scraping: Scraping) -> Iterator[str]:
    """A sentence for each target that cannot be asked, or whose samples are not all kept."""
    yield from scraping.refused
    for watched in scraping.shown():
        yield from (
            f"{watched.target.labels['job']} at {quoted(watched.target.request.url, 200)[1:-1]}: {note}" for note in watched.shown.notes
        )


def _target(watched: Watched) -> dict[str, Any]:
    target, shown = watched.target, watched.shown
    return {
        "job": target.labels.get("job", target.job),
        "instance": target.labels.get("instance", ""),
        "url": target.request.url,
        "labels": dict(target.labels),
        "health": shown.health.value,
        "error": shown.error,
        "last_scrape": shown.at.isoformat() if shown.at is not None else None,
        "duration": round(shown.duration, 6),
        "samples": shown.samples,
        "series": shown.series,
        "every": target.every,
        "timeout": target.request.timeout,
        "missed": watched.missed,
        "notes": list(shown.notes),
    }
