"""One ping as it arrives, how it changes what was heard, and how that is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from keepwell.ports.pings import Heard, Signal

LONGEST_TEXT = 10_000
"""Bytes of a ping's body that are kept."""

RUNS_AT_MOST = 20
"""Runs of one job that may be under way at once; of more, the oldest are forgotten."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_STATUS = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Ping:
    """One ping: what it says, the exit status where it gave one, the name of its run (``rid``; empty where none), and its body."""

    signal: Signal
    status: int | None = None
    run: str = ""
    text: str = ""


def ping_of(word: str, run: str, body: bytes) -> Ping:
    """The ping of the last part of its address (``""``, ``start``, ``fail``, ``log``, an exit status), its ``rid`` and its body.

    Raises ValueError with a short answer for the caller.
    """
    if run and not _UUID.fullmatch(run):
        raise ValueError("invalid uuid format")
    text = body[:LONGEST_TEXT].decode(errors="replace")
    if word in ("start", "fail", "log"):
        return Ping(Signal(word), None, run.lower(), text)
    if word == "":
        return Ping(Signal.SUCCESS, None, run.lower(), text)
    status = int(word) if _STATUS.fullmatch(word) else 256
    if status > 255:
        raise ValueError("invalid url format")
    return Ping(Signal.SUCCESS if status == 0 else Signal.FAIL, status, run.lower(), text)


def is_signal(word: str) -> bool:
    """Whether the last part of an address says what happened, and is not a name."""
    return word in ("start", "fail", "log") or (_STATUS.fullmatch(word) is not None and int(word) <= 255)


def after(heard: Heard, ping: Ping, now: datetime) -> Heard:
    """What is known of the job once this ping arrived."""
    heard = replace(heard, count=heard.count + 1, newest_at=now)
    if ping.signal is Signal.LOG:
        return heard
    running = {run: began for run, began in heard.running.items() if run != ping.run}
    if ping.signal is Signal.START:
        running = dict(list(running.items())[-(RUNS_AT_MOST - 1) :])
        return replace(heard, running={**running, ping.run: now})
    began = heard.running.get(ping.run)
    seconds = max(0.0, (now - began).total_seconds()) if began is not None else None
    return replace(
        heard,
        ended_at=now,
        ended_well=ping.signal is Signal.SUCCESS,
        status=ping.status,
        seconds=seconds,
        text=ping.text,
        running=running,
    )


def as_plain(heard: Heard) -> dict[str, Any]:
    """What was heard, as it is stored."""
    return {
        "since": heard.since.isoformat(),
        "count": heard.count,
        "newest_at": _text(heard.newest_at),
        "ended_at": _text(heard.ended_at),
        "ended_well": heard.ended_well,
        "status": heard.status,
        "seconds": heard.seconds,
        "text": heard.text,
        "running": {run: began.isoformat() for run, began in heard.running.items()},
    }


def from_plain(plain: Mapping[str, Any]) -> Heard:
    """What was stored."""
    return Heard(
        since=datetime.fromisoformat(plain["since"]),
        count=plain["count"],
        newest_at=_instant(plain["newest_at"]),
        ended_at=_instant(plain["ended_at"]),
        ended_well=plain["ended_well"],
        status=plain["status"],
        seconds=plain["seconds"],
        text=plain["text"],
        running={run: datetime.fromisoformat(began) for run, began in plain["running"].items()},
    )


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
