"""Incidents as they are asked for: lists, one with all that belongs to it, its review, and what a diagnostic printed."""

from typing import Any

from sqlalchemy import Connection

from keepwell.kernel.problems import NotFound
from keepwell.storage import journal

from . import shown, store
from .asked import Asked
from .model import Evidence, Happened, Incident
from .review import written
from .verbs import Verbs
from .work import Incidents

SHORTEST = 8
"""Characters of a digest that name an output, where no other output of the incident begins so."""

Whole = tuple[Incident, list[Happened], list[Evidence]]


class Reading:
    """Answers questions. Each raises StorageError; what names an incident that there is not, NotFound."""

    def __init__(self, incidents: Incidents, verbs: Verbs, service: str) -> None:
        self.incidents = incidents
        self.verbs = verbs
        self.service = service

    async def listed(self, asked: Asked) -> dict[str, Any]:
        """A page of incidents, newest first."""
        found = await self.page(asked)
        more = len(found) > asked.limit
        severities = shown.severities_json(list(self.incidents.policy.severities.values()))
        return {
            "timestamp": shown.instant(self.verbs.clock.now()),
            "incidents": [shown.as_json(one) for one in found[: asked.limit]],
            "next": found[asked.limit - 1].number if more else None,
            "severities": severities,
        }

    async def page(self, asked: Asked) -> list[Incident]:
        """The same as values, with one more where there is a next page."""
        if asked.state == "open":
            opened = reversed(await self.verbs.read(store.unresolved))
            return [one for one in opened if asked.before is None or one.number < asked.before][: asked.limit + 1]
        return await self.verbs.read(lambda connection: store.newest(connection, asked.limit + 1, asked.before))

    async def one(self, number: int) -> dict[str, Any]:
        """One incident with all that belongs to it."""
        incident, timeline, evidence = await self.whole(number)
        return {
            **shown.as_json(incident),
            "timeline": [shown.happened_json(one) for one in timeline],
            "evidence": [shown.evidence_json(one) for one in evidence],
        }

    async def whole(self, number: int) -> Whole:
        """The same as values."""

        def asked(connection: Connection) -> Whole | None:
            incident = store.find(connection, number)
            if incident is None:
                return None
            numbers = [number, *(part.number for part in store.parts(connection, (number,)))]
            timeline = store.timeline(connection, numbers, [one.number for one in incident.alerts])
            evidence = [found for one in numbers for found in store.evidence_of(connection, one)]
            return incident, timeline, evidence

        found = await self.verbs.read(asked)
        if found is None:
            raise NotFound(f"there is no incident {number}", hint="keepwell incidents list shows them")
        return found

    async def review(self, number: int) -> str:
        """The review as Markdown."""
        incident, timeline, evidence = await self.whole(number)
        return written(incident, timeline, evidence, self.incidents.policy, self.service)

    async def output(self, number: int, digest: str) -> str:
        """What a diagnostic of this incident printed, by its digest or the beginning of it, as a review shows it."""
        _, _, evidence = await self.whole(number)
        found = {one.digest for one in evidence if len(digest) >= SHORTEST and one.digest.startswith(digest)}
        if len(found) != 1:
            raise NotFound(f"incident {number} has no output {digest!r}", hint=f"keepwell incidents show {number} lists them")
        (whole,) = found
        content = await self.verbs.read(lambda connection: journal.output(connection, whole))
        if content is None:
            raise NotFound("this output was erased", hint="the journal says by whom: keepwell journal")
        return content.decode("utf-8", "replace")
