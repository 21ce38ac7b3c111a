"""The living manual as plain values, for programs and for its templates. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from keepwell.kernel.comparisons import Unit, describe

from .model import Coverage, Item, Manual
from .render import blocks

_BADGES = {"carried": "ok", "corrected": "warn", "refused": "fail", "missing": "unknown", "human": "ok"}
_WITH_PAGES = frozenset(("checks", "tasks", "logs", "backups", "audits"))
WORDS = {
    "ran": "ran, or was done",
    "waits": "never ran yet, or could not be made",
    "missing": "wait for what nobody supplied",
    "refused": "refused: too dangerous as written",
    "told": "explain",
}


def as_json(manual: Manual) -> dict[str, Any]:
    """All of it but the text itself."""
    return {
        "manual": manual.name,
        "service": manual.service,
        "at": manual.at.isoformat(),
        "coverage": coverage_json(manual.coverage),
        "items": [_item_json(item) for item in manual.items],
    }


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """The figure and its parts."""
    return {
        "share": coverage.share,
        "wanted": coverage.wanted,
        "ran": coverage.ran,
        "ended_badly": coverage.bad,
        "waits": coverage.waits,
        "missing": coverage.missing,
        "refused": coverage.refused,
        "told": coverage.told,
    }


def _item_json(item: Item) -> dict[str, Any]:
    kept, ran = item.kept, item.ran
    newest = {"at": ran.at.isoformat(), "result": ran.result, "sentence": ran.sentence, "link": ran.link} if ran is not None else None
    return {
        "line": kept.line,
        "end_line": kept.end_line,
        "kind": kept.kind,
        "fate": kept.fate,
        "disposition": kept.disposition,
        "standing": item.standing,
        "places": list(kept.places),
        "place": item.place,
        "reason": kept.reason,
        "missing": list(kept.missing),
        "last_run": newest,
    }


def context(manual: Manual) -> dict[str, Any]:
    """The values of the template ``body.html``."""
    coverage = manual.coverage
    share = coverage.share
    return {
        "manual": manual,
        "coverage": coverage,
        "share": f"{share * 100:.0f} %" if share is not None else "–",
        "counts": [(word, getattr(coverage, word), says) for word, says in WORDS.items()],
        "at": f"{manual.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "blocks": list(_shown(manual)),
    }


def _shown(manual: Manual) -> Iterator[dict[str, Any]]:
    """Each block with the notes on the items that begin in it."""
    items = sorted(manual.items, key=lambda item: item.kept.line)
    lines = [item.kept.line for item in items]
    front_matter = next((item.kept.end_line for item in items if item.kept.kind == "front matter"), 0)
    for block in blocks(manual.lines, front_matter):
        inside = items[bisect_left(lines, block.line) : bisect_right(lines, block.end_line)]
        notes = _grouped([item for item in inside if _is_worth_a_note(item)], manual.at)
        yield {"block": block, "html": Markup(block.html), "notes": notes}


def _is_worth_a_note(item: Item) -> bool:
    return item.standing != "told" or item.kept.disposition != "carried"


def _grouped(items: Sequence[Item], now: datetime) -> list[dict[str, Any]]:
    """One note for neighbours of which the same is to be said: the lines of a step are one step."""
    notes: list[dict[str, Any]] = []
    keys: list[tuple[Any, ...]] = []
    for item in items:
        key = (item.standing, item.kept.disposition, item.kept.fate, item.kept.places, item.kept.reason, item.ran)
        if keys and keys[-1] == key:
            notes[-1]["end"] = item.kept.line
        else:
            keys.append(key)
            notes.append(_note(item, now))
    return notes


def _note(item: Item, now: datetime) -> dict[str, Any]:
    kept, ran = item.kept, item.ran
    place = item.place or (kept.places[0] if kept.places else "")
    return {
        "line": kept.line,
        "end": kept.line,
        "standing": item.standing,
        "disposition": kept.disposition,
        "badge": _BADGES.get(kept.disposition, ""),
        "fate": kept.fate,
        "place": place,
        "link": (ran.link if ran is not None else "") or page_of(place),
        "reason": kept.reason,
        "missing": ", ".join(kept.missing),
        "result": ran.result if ran is not None else "",
        "sentence": ran.sentence if ran is not None else "",
        "age": _ago(ran.at, now) if ran is not None else "",
        "at": ran.at.isoformat() if ran is not None else "",
    }


def page_of(place: str) -> str:
    """The page of a place, where there is one for what never ran, too: ``/tasks/clean`` of ``tasks.clean``; else empty."""
    if place.startswith("runbooks/"):
        return f"/{place.partition('#')[0].removesuffix('.md')}"
    room, _, name = place.partition(".")
    return f"/{room}/{name.partition('.')[0]}" if room in _WITH_PAGES and name else ""


def _ago(at: datetime, now: datetime) -> str:
    return f"{describe(float(max(0, round((now - at).total_seconds()))), Unit.SECONDS)} ago"
