"""What backups show while a server runs: routes, the page, and the stream that keeps it live."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request

from keepwell.kernel.problems import NotFound
from keepwell.ports.listeners import Listeners
from keepwell.ports.offer import Event, Face, Page, Stream
from keepwell.rooms.backups.words import count
from keepwell.rooms.backups.words import size as size_words

from .decide import retention
from .model import Copy, Run
from .routes import READ, routes
from .views import Shown, iso, measured, verdicts_json
from .work.showing import Showing

_BADGES = {"proven": "ok", "made": "warn", "none": "unknown", "running": "info", "failed": "fail", "waits": "unknown"}
_RUN_BADGES = {"done": "ok", "running": "info", "failed": "fail", "refused": "warn", "cut off": "warn", "waiting": "warn"}
_MOST_COPIES = 60
_CHANGED = Event("backups", "backups/changed.html", {})


def face(showing: Showing, now: Callable[[], datetime], caller: Callable[[Request], str]) -> Face:
    """All of it."""
    listeners = Listeners[Event](most=1)
    showing.backups.changed = lambda: listeners.tell(_CHANGED)

    async def page() -> Mapping[str, Any]:
        return {"backups": [_row(one, now()) for one in await showing.listed()]}

    async def one(name: str) -> Mapping[str, Any]:
        shown = await showing.one(name)
        verdicts = verdicts_json(retention(shown.copies, shown.backup.keep, now()))
        newest = list(reversed(shown.copies))[:_MOST_COPIES]
        return {
            **_row(shown, now()),
            "page_title": f"Backup {name}",
            "copies": [_copy(copy, verdicts[copy.id]) for copy in newest],
            "more": len(shown.copies) - len(newest),
            "runs": [_run(run) for run in await showing.runs(name)],
            "waits": dict(shown.backup.waits),
        }

    async def of_run(id: int) -> Mapping[str, Any]:
        run = await showing.run(id)
        if run is None:
            raise NotFound(f"there is no run {id} of a backup")
        return await one(run.backup)

    return Face(
        "backups",
        routes=routes(showing, now, caller),
        pages=(
            Page("/backups", "Backups", READ, "backups/backups.html", page),
            Page("/backups/{name}", "Backup", READ, "backups/backup.html", one, within="/backups"),
            # The record of a task names its run: what it was is said among the newest of its backup.
            Page("/backups/runs/{id:int}", "Backup", READ, "backups/backup.html", of_run, within="/backups"),
        ),
        streams=(Stream("/events/backups", READ, listeners.hear),),
        templates=str(Path(__file__).parent / "pages"),
    )


def _row(shown: Shown, now: datetime) -> dict[str, Any]:
    backup, proven = shown.backup, shown.proven
    return {
        "name": backup.name,
        "state": shown.state,
        "badge": _BADGES[shown.state],
        "sentence": shown.sentence,
        "kind": backup.kind or "nothing yet",
        "to": backup.repository,
        "every": backup.options.every or "only when asked",
        "proved_every": backup.prove.every or "only when asked",
        "newest": iso(shown.newest.started) if shown.newest else None,
        "size": size_words(shown.newest.archive_bytes) if shown.newest else "",
        "count": len(shown.copies),
        "proven_at": iso(proven.proven_at) if proven is not None else None,
        "recovery": measured(shown.recovery, shown.rto),
        "point": measured(shown.point(now), shown.rpo),
        "misses": _misses(shown, now),
        "can_run": not backup.why_not,
    }


def _misses(shown: Shown, now: datetime) -> bool:
    point, recovery = shown.point(now), shown.recovery
    late = point is not None and shown.rpo is not None and point > shown.rpo.total_seconds()
    slow = recovery is not None and shown.rto is not None and recovery > shown.rto.total_seconds()
    return late or slow


def _copy(copy: Copy, kept: str) -> dict[str, Any]:
    state = "faulty" if copy.fault else "implausible" if copy.doubt else "proven" if copy.proven_at else "made"
    return {
        "id": copy.id,
        "started": iso(copy.started),
        "files": count(copy.files, "file"),
        "bytes": size_words(copy.bytes),
        "archive": size_words(copy.archive_bytes),
        "state": state,
        "badge": {"faulty": "fail", "implausible": "warn", "proven": "ok", "made": "quiet"}[state],
        "why": copy.fault or copy.doubt,
        "doubted": bool(copy.doubt),
        "kept": kept,
    }


def _run(run: Run) -> dict[str, Any]:
    words = {"backup": "made", "proof": "proved", "recovery": "recovered"}
    return {
        "words": words.get(run.kind, run.kind),
        "state": run.state,
        "badge": _RUN_BADGES[run.state],
        "started": iso(run.started),
        "by": run.by,
        "sentence": run.sentence,
    }
