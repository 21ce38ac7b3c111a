"""The routes below ``/api/v1`` by which people and programs speak of alerts."""

from typing import Annotated, Any

from starlette.requests import Request

from keepwell.ports.offer import Query, Route

from .asked import (
    Acknowledging,
    ActiveAsked,
    Assigning,
    HistoryAsked,
    NewAlert,
    NewSilence,
    OnCallAsked,
    OutboxAsked,
    PreviewAsked,
    Resolving,
    SilencesAsked,
    StatsAsked,
    TestAlert,
)
from .deeds import Deeds, person
from .reading import Reading
from .verbs import Verbs

READ, WRITE = "alerts.read", "alerts.write"

_BASE = "/api/v1/alerts"
_SILENCES = "/api/v1/silences"
_OUTBOX = "/api/v1/outbox"


def routes(verbs: Verbs) -> tuple[Route, ...]:
    """All of them."""
    reading, deeds = Reading(verbs), Deeds(verbs)
    return (*_questions(reading), *_of_one(reading, deeds), *_silences(reading, deeds), *_notices(reading, verbs))


def _questions(reading: Reading) -> tuple[Route, ...]:
    async def active(asked: Annotated[ActiveAsked, Query()]) -> dict[str, Any]:
        return reading.active(asked)

    async def history(asked: Annotated[HistoryAsked, Query()]) -> dict[str, Any]:
        return await reading.history(asked)

    async def stats(asked: Annotated[StatsAsked, Query()]) -> dict[str, Any]:
        return await reading.stats(asked)

    async def on_call(asked: Annotated[OnCallAsked, Query()]) -> dict[str, Any]:
        return reading.on_call(asked)

    async def one(number: int) -> dict[str, Any]:
        return await reading.one(number)

    return (
        Route("GET", _BASE, READ, active, "Alerts that are pending or firing, newest first; before= pages on"),
        Route("GET", f"{_BASE}/history", READ, history, "Alerts that fired, newest first; before= pages on"),
        Route(
            "GET",
            f"{_BASE}/stats",
            READ,
            stats,
            "Patterns: the noisiest, what flaps, what nobody acknowledges, how long it takes, and when",
        ),
        Route("GET", "/api/v1/on-call", READ, on_call, "Who is on call in each rota, now and from now on"),
        Route("GET", _BASE + "/{number:int}", READ, one, "One alert with its timeline, notices and earlier episodes"),
    )


def _of_one(reading: Reading, deeds: Deeds) -> tuple[Route, ...]:
    async def post(request: Request, asked: NewAlert) -> dict[str, Any]:
        return await deeds.post(request, asked)

    async def acknowledge(request: Request, which: str, asked: Acknowledging | None = None) -> dict[str, Any]:
        return await deeds.acknowledge(request, which, asked or Acknowledging())

    async def unacknowledge(request: Request, which: str) -> dict[str, Any]:
        return await deeds.unacknowledge(request, which)

    async def assign(request: Request, which: str, asked: Assigning) -> dict[str, Any]:
        return await deeds.assign(request, which, asked.to)

    async def resolve(request: Request, which: str, asked: Resolving | None = None) -> dict[str, Any]:
        return await deeds.resolve(request, which, asked or Resolving())

    one = _BASE + "/{which}"
    return (
        Route("POST", "/api/v1/alert", WRITE, post, "Tell of an alert; it lasts until somebody resolves it, or as long as said"),
        Route("POST", f"{one}/acknowledge", WRITE, acknowledge, "Somebody knows of it: no repeats and no escalation"),
        Route("POST", f"{one}/unacknowledge", WRITE, unacknowledge, "Take an acknowledgement back"),
        Route("POST", f"{one}/assign", WRITE, assign, "Say who does something about it"),
        Route("POST", f"{one}/resolve", WRITE, resolve, "Say that it has ended"),
    )


def _silences(reading: Reading, deeds: Deeds) -> tuple[Route, ...]:
    async def listed(asked: Annotated[SilencesAsked, Query()]) -> dict[str, Any]:
        return reading.silences(asked)

    async def preview(asked: Annotated[PreviewAsked, Query()]) -> dict[str, Any]:
        return reading.preview(asked)

    async def one(id: str) -> dict[str, Any]:
        return reading.silence(id)

    async def silence(request: Request, asked: NewSilence) -> dict[str, Any]:
        return await deeds.silence(request, asked)

    async def expire(request: Request, id: str) -> dict[str, Any]:
        return await deeds.expire(request, id)

    return (
        Route("GET", _SILENCES, READ, listed, "Silences and maintenance that have not ended"),
        Route("GET", f"{_SILENCES}/preview", READ, preview, "Which active alerts fit matchers"),
        Route("GET", _SILENCES + "/{id}", READ, one, "One silence"),
        Route("POST", _SILENCES, WRITE, silence, "Mute alerts that fit all matchers; with maintenance, kept apart in availability too"),
        Route("POST", _SILENCES + "/{id}/expire", WRITE, expire, "End a silence now"),
    )


def _notices(reading: Reading, verbs: Verbs) -> tuple[Route, ...]:
    async def listed(asked: Annotated[OutboxAsked, Query()]) -> dict[str, Any]:
        return await reading.outbox(asked)

    async def one(id: int) -> dict[str, Any]:
        return await reading.notice(id)

    async def retry(request: Request, id: int) -> dict[str, Any]:
        await verbs.outbox.retry((await reading.notice(id))["id"], verbs.caller(request))
        return await reading.notice(id)

    async def drop(request: Request, id: int) -> dict[str, Any]:
        await verbs.outbox.drop((await reading.notice(id))["id"], verbs.caller(request))
        return await reading.notice(id)

    async def test(request: Request, asked: TestAlert | None = None) -> dict[str, Any]:
        wanted = asked or TestAlert()
        by = person(verbs.caller(request))
        return {"receivers": list(await verbs.outbox.test(wanted.receivers, wanted.severity, wanted.message, by))}

    return (
        Route("GET", _OUTBOX, READ, listed, "Notices and whether they were delivered, newest first; before= pages on"),
        Route("GET", _OUTBOX + "/{id:int}", READ, one, "One notice"),
        Route("POST", _OUTBOX + "/{id:int}/retry", WRITE, retry, "Try a notice again, now"),
        Route("POST", _OUTBOX + "/{id:int}/drop", WRITE, drop, "Give a notice up"),
        Route("POST", "/api/v1/test-alert", WRITE, test, "Send a test to receivers and say what became of it"),
    )
