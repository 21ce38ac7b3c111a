"""Uptime and errors of every check."""

from collections.abc import Sequence

from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import CheckFacts, Failed, Uptime
from keepwell.rooms.reports.words import count, length, share

KEY, TITLE = "uptime", "Uptime and errors"
_COLUMNS = ("check", "state now", "uptime", "down", "outages", "longest", "looks", "failed", "share")
_MOST = 100
_STATES: dict[str, State] = {"ok": "ok", "warn": "warn", "fail": "fail", "unknown": "unknown"}


def part(checks: Sequence[CheckFacts], uptimes: Sequence[Uptime], failed: Sequence[Failed]) -> Part:
    """The part: the least available check first."""
    if not checks:
        return Part(KEY, TITLE, why_not="there are no checks")
    known = {one.check: one for one in uptimes}
    looks = {one.check: one for one in failed}
    ordered = sorted(checks, key=lambda check: (_ratio(known.get(check.name)), check.name))
    ratios = [(one.ratio, one.check) for one in uptimes if one.ratio is not None]
    if not ratios:
        return Part(KEY, TITLE, why_not="no check was looked at in this time")
    worst, name = min(ratios)
    gap = max((one.no_data for one in uptimes), default=0.0)
    always = f"{count(len(ratios), 'check was', 'checks were')} up whenever looked at."
    sentences = [f"Of {count(len(checks), 'check')}, {name} was up least: {share(worst)}." if worst < 1 else always]
    if gap >= 1:
        sentences.append(
            f"What was not looked at counts neither as up nor as down; of the check with the largest gap that is {length(gap)}."
        )
    down = sum(one.outages for one in uptimes)
    table = Table(_COLUMNS, tuple(_row(check, known.get(check.name), looks.get(check.name)) for check in ordered[:_MOST]))
    table = Table(table.columns, table.rows, max(0, len(ordered) - _MOST))
    state: State = "ok" if not down else "warn"
    headline = f"least uptime {share(worst)} ({name}), {count(down, 'outage')}" if worst < 1 else "no outage"
    return Part(KEY, TITLE, headline, state, tuple(sentences), (table,))


def _ratio(uptime: Uptime | None) -> float:
    return uptime.ratio if uptime is not None and uptime.ratio is not None else 2.0


def _row(check: CheckFacts, uptime: Uptime | None, failed: Failed | None) -> tuple[Cell, ...]:
    ratio = uptime.ratio if uptime is not None else None
    down = uptime.down if uptime is not None else None
    return (
        Cell(check.name),
        Cell(check.state, None, _STATES.get(check.state, "")),
        Cell(share(ratio), ratio, "" if ratio is None or ratio == 1 else "warn"),
        Cell(length(down), down),
        Cell(f"{uptime.outages}" if uptime is not None else "–", uptime.outages if uptime is not None else None),
        Cell(length(uptime.longest) if uptime is not None and uptime.outages else "–", uptime.longest if uptime is not None else None),
        Cell(f"{failed.all:,.0f}" if failed is not None else "–", failed.all if failed is not None else None),
        Cell(f"{failed.failed:,.0f}" if failed is not None else "–", failed.failed if failed is not None else None),
        Cell(share(failed.share if failed is not None else None), failed.share if failed is not None else None),
    )
