"""The room's pages: what each of them asks, and its values."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Page

from . import detail, views

if TYPE_CHECKING:
    from .offer import Verbs
    from .work.watch import Checks

_NUMBERS = 2**63 - 1


def pages(checks: "Checks", service: str, verbs: "Verbs", permission: str, now: Callable[[], datetime]) -> tuple[Page, ...]:
    """The list of all checks, and within it the page of one."""

    async def every() -> Mapping[str, Any]:
        return views.page(service, checks.shown(), await verbs.changes(20, None, None), now())

    async def one(
        name: str, over: detail.Over | None = None, start: float | None = None, end: float | None = None, before: int | None = None
    ) -> Mapping[str, Any]:
        shown = checks.show(name)
        place = None if before is None else max(0, min(before, _NUMBERS))
        changes = await verbs.changes(detail.CHANGES + 1, name, place)
        asked = detail.Asked(over or detail.usual_over(changes, now()), start, end, place)
        history = detail.History(changes, await verbs.observations(name, detail.OBSERVATIONS), verbs.measured(name))
        return detail.detail(shown, history, asked, now())

    return (
        Page("/", "Checks", permission, "checks/checks.html", every),
        Page("/checks/{name}", "Check", permission, "checks/check.html", one, within="/"),
    )
