"""What people do about incidents: their words turned into what whoever keeps incidents is told."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from .asked import Doing, Merging, NewIncident, Noting, Reclassifying
from .shown import as_json
from .work import Incidents


class Deeds:
    """All of them. Each gives the incident as it stands then."""

    def __init__(self, incidents: Incidents, caller: Callable[[Request], str]) -> None:
        self._incidents = incidents
        self._caller = caller

    async def open(self, request: Request, asked: NewIncident) -> dict[str, Any]:
        """Opens one."""
        by = asked.by or self._person(request)
        return as_json(await self._incidents.open(asked.severity, asked.title, self._caller(request), by))

    async def acknowledge(self, request: Request, number: int, asked: Doing) -> dict[str, Any]:
        """Somebody answers."""
        return as_json(await self._incidents.acknowledge(number, asked.by or self._person(request), asked.note, self._caller(request)))

    async def note(self, request: Request, number: int, asked: Noting) -> dict[str, Any]:
        """Word to those who wait."""
        return as_json(await self._incidents.note(number, asked.by or self._person(request), asked.note, self._caller(request)))

    async def mitigate(self, request: Request, number: int, asked: Doing) -> dict[str, Any]:
        """It hurts nobody any more."""
        return as_json(await self._incidents.mitigate(number, asked.by or self._person(request), asked.note, self._caller(request)))

    async def resolve(self, request: Request, number: int, asked: Doing) -> dict[str, Any]:
        """It is over."""
        return as_json(await self._incidents.resolve(number, asked.by or self._person(request), asked.note, self._caller(request)))

    async def reclassify(self, request: Request, number: int, asked: Reclassifying) -> dict[str, Any]:
        """It is of another severity."""
        return as_json(await self._incidents.reclassify(number, asked.severity, asked.note, self._caller(request)))

    async def merge(self, request: Request, number: int, asked: Merging) -> dict[str, Any]:
        """It is part of another, which is given."""
        by = asked.by or self._person(request)
        return {**as_json(await self._incidents.merge(number, asked.into, by, asked.note, self._caller(request))), "merged": number}

    async def collect(self, request: Request, number: int) -> dict[str, Any]:
        """Evidence begins to be collected."""
        count = await self._incidents.collect(number, self._caller(request))
        return {**as_json(await self._incidents.find(number)), "collected": count}

    def _person(self, request: Request) -> str:
        """The name of who sent a request, for people."""
        return self._caller(request).removeprefix("uid:")
