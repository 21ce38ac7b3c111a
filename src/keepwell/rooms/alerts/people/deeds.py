"""What people and programs do about alerts: their words turned into what whoever keeps the alerts is told."""

from typing import Any

from starlette.requests import Request

from keepwell.kernel.problems import NotFound, UsageError
from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Acknowledgement, Posted, Silence
from keepwell.rooms.alerts.silences import problem_of

from .asked import Acknowledging, NewAlert, NewSilence, Resolving, matchers_of, until_of
from .shown import as_json, silence_json
from .verbs import Verbs

SERVICE = "service"

_LONGEST_NAME = 200
_DIGITS_OF_A_FINGERPRINT = 16


class Deeds:
    """All of them. Each gives the alert or the silence as it stands then."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def number_of(self, which: str) -> int:
        """The number of the alert that a path names: by its number, or an active one by its fingerprint. Raises NotFound."""
        if which.isascii() and which.isdigit() and len(which) < _DIGITS_OF_A_FINGERPRINT:
            return int(which)  # fits into any column
        for alert in self._verbs.alerts.active():
            if alert.fingerprint == which:
                return alert.number
        raise NotFound(f"no active alert is {which!r}", hint="name it by its id: GET /api/v1/alerts lists them")

    async def post(self, request: Request, asked: NewAlert) -> dict[str, Any]:
        """A program tells of an alert. The same name, severity and labels again are the same alert."""
        now = self._verbs.now()
        labels = {
            **{name: value for name, value in asked.labels.items() if value},
            ALERT_NAME: asked.name or asked.labels.get(ALERT_NAME) or asked.message[:_LONGEST_NAME],
            SEVERITY: asked.severity,
        }
        labels.setdefault(SERVICE, self._verbs.service)
        annotations = {**asked.annotations, "summary": asked.message}
        ends = until_of(asked.lasts, asked.ends_at, now)
        (alert,) = await self._verbs.alerts.post((Posted(labels, annotations, ends_at=ends, lasts=True),), self._actor(request))
        return as_json(alert)

    async def acknowledge(self, request: Request, which: str, asked: Acknowledging) -> dict[str, Any]:
        """Somebody knows of it."""
        now, actor = self._verbs.now(), self._actor(request)
        known = Acknowledgement(asked.by or person(actor), now, asked.note, until_of(asked.lasts, asked.until, now))
        return as_json(await self._verbs.alerts.acknowledge(self.number_of(which), known, actor))

    async def unacknowledge(self, request: Request, which: str) -> dict[str, Any]:
        """Nobody takes care of it any more."""
        return as_json(await self._verbs.alerts.unacknowledge(self.number_of(which), self._actor(request)))

    async def assign(self, request: Request, which: str, to: str) -> dict[str, Any]:
        """It is somebody's."""
        return as_json(await self._verbs.alerts.assign(self.number_of(which), to, self._actor(request)))

    async def resolve(self, request: Request, which: str, asked: Resolving) -> dict[str, Any]:
        """Somebody says that it has ended."""
        actor = self._actor(request)
        said = f": {asked.resolution}" if asked.resolution else ""
        reason = f"resolved by {asked.by or person(actor)}{said}"
        return as_json(await self._verbs.alerts.resolve(self.number_of(which), reason, actor))

    async def silence(self, request: Request, asked: NewSilence) -> dict[str, Any]:
        """Adds or changes a silence. Raises UsageError where there cannot be such a one."""
        now, actor = self._verbs.now(), self._actor(request)
        starts = asked.starts_at or now
        ends = until_of(asked.lasts, asked.ends_at, starts)
        assert ends is not None  # one of both is given
        matchers, by = matchers_of(asked.matchers), asked.by or person(actor)
        wanted = Silence(asked.id, matchers, starts, ends, now, by, asked.comment, asked.maintenance)
        problem = problem_of(wanted, now)
        if problem:
            raise UsageError(problem)
        made = await self._verbs.alerts.silence(wanted, actor)
        return silence_json(made, self._verbs.now())

    async def expire(self, request: Request, id: str) -> dict[str, Any]:
        """Ends a silence now."""
        ended = await self._verbs.alerts.expire_silence(id, self._actor(request))
        return silence_json(ended, self._verbs.now())

    def _actor(self, request: Request) -> str:
        return self._verbs.caller(request)


def person(actor: str) -> str:
    """The name of who sent a request, for people: the user at the other end of the Unix socket, or the token's name."""
    return actor.removeprefix("uid:")
