"""The routes of Keepwell's own health."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from keepwell.ports.offer import Face, Page, Route

from .decide import figures, services, status
from .model import Facts
from .work import Health

READ = "health.read"


def face(health: Health, now: Callable[[], datetime], metrics: Callable[[Facts], Any]) -> Face:
    """The routes that answer for Keepwell itself. ``metrics`` renders the facts in Prometheus' text format."""

    async def short() -> dict[str, Any]:
        return _short(health, now())

    async def detailed() -> dict[str, Any]:
        facts = health.facts()
        return {**_short(health, now()), "service": health.service, "checks": dict(facts.states), "engine": _engine(facts)}

    async def performance() -> dict[str, Any]:
        facts = health.facts()
        return {
            "timestamp": _instant(now()),
            "cpuSeconds": facts.process.cpu,
            "cpuShare": facts.process.cpu / max(facts.process.uptime, 1e-9),
            "responseTime": {"median": _milliseconds(facts.web.median), "p99": _milliseconds(facts.web.p99), "unit": "ms"},
            "requests": facts.web.requests,
            "engine": _engine(facts),
        }

    async def memory() -> dict[str, Any]:
        process = health.process()
        return {
            "timestamp": _instant(now()),
            "memoryUsage": process.resident,
            "peak": process.peak,
            "unit": "bytes",
            "openFiles": process.files,
            "threads": process.threads,
        }

    async def page() -> dict[str, Any]:
        facts = health.facts()
        return {"status": status(facts), "parts": services(facts), "figures": figures(facts)}

    async def exposition() -> Any:
        return metrics(health.facts())

    return Face(
        name="health",
        pages=(Page("/keepwell", "Keepwell itself", READ, "health/health.html", page),),
        templates=str(Path(__file__).parent / "pages"),
        routes=(
            Route("GET", "/health", READ, short, "Keepwell's own health, short"),
            Route("GET", "/api/v1/health", READ, short, "Keepwell's own health, short"),
            Route("GET", "/api/status", READ, detailed, "Keepwell's own health with its parts and the checks' counts"),
            Route("GET", "/api/system/performance", READ, performance, "CPU, response times and lateness of Keepwell itself"),
            Route("GET", "/api/system/memory", READ, memory, "Memory of Keepwell itself, in bytes"),
            Route("GET", "/metrics", READ, exposition, "Figures of Keepwell and of every check in Prometheus' text format"),
        ),
    )


def _short(health: Health, now: datetime) -> dict[str, Any]:
    facts = health.facts()
    return {
        "status": status(facts),
        "timestamp": _instant(now),
        "version": health.version,
        "uptime": int(facts.process.uptime),
        "services": services(facts),
        "metrics": {
            "memoryUsage": facts.process.resident,
            "responseTime": _milliseconds(facts.web.median),
            "activeConnections": facts.web.connections,
        },
    }


def _engine(facts: Facts) -> dict[str, Any]:
    work = facts.work
    return {
        "started": work.started,
        "running": work.running,
        "skipped": work.skipped,
        "lateness": {"median": _milliseconds(work.late_median), "p99": _milliseconds(work.late_p99), "unit": "ms"},
        "waitingToBeStored": work.waiting,
        "shed": work.shed,
        "held": work.held,
        "loopLag": {"p99": _milliseconds(work.lag_p99), "unit": "ms"},
        "signOfLife": {"sent": work.signs_sent, "fault": work.sign_fault},
        "lastWrite": {"value": _milliseconds(work.write_seconds), "unit": "ms"},
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
