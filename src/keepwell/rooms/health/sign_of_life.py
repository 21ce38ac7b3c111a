"""A dead man's switch: a sign of life sent to somebody else, who notices its absence when Keepwell or its machine is gone.

It is sent only while Keepwell does its work; a sign that cannot be delivered is a fault of the sign, shown, and holds nothing up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keepwell.kernel.problems import KeepwellError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.ports.http import Http, Request

PATIENCE = 10.0
"""Seconds at most that one sign may take."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Where the sign goes, how, and how often (seconds)."""

    url: str
    method: str = "GET"
    every: float = 60.0


class SignOfLife:
    """Sends the sign at its interval. An Activity of the engine. ``alive`` says what keeps Keepwell from its work now, or nothing.

    ``sent`` counts the signs that arrived; ``fault`` is the sentence of the newest that did not, empty where it did.
    """

    def __init__(self, http: Http, clock: Clock, not_alive: Callable[[], str]) -> None:
        self.sent = 0
        self.fault = ""
        self._http = http
        self._clock = clock
        self._not_alive = not_alive
        self._sign: Sign | None = None
        self._due = 0.0
        self._sending = False

    def configure(self, sign: Sign | None) -> None:
        """Takes what is configured; a new one is sent at once."""
        if sign == self._sign:
            return
        self._sign, self._due, self.fault = sign, self._clock.monotonic(), ""

    def next_due(self) -> float | None:
        """When the next sign is due."""
        return self._due if self._sign is not None else None

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The sign, where it is due. One that is still on its way is not doubled."""
        if self._sign is None or monotonic < self._due:
            return ()
        due, self._due = self._due, monotonic + self._sign.every
        return () if self._sending else (Job(due, "sign of life", self._send),)

    async def _send(self) -> None:
        sign, reason = self._sign, self._not_alive()
        if sign is None:
            return
        if reason:
            self.fault = f"withheld: {reason}"
            return
        self._sending = True
        try:
            answer = await self._http.ask(Request(sign.url, sign.method, timeout=min(PATIENCE, sign.every / 2), body_limit=1024))
        except KeepwellError as error:
            self.fault = f"not delivered: {error}"
        else:
            arrived = 200 <= answer.status < 300
            self.sent += arrived
            self.fault = "" if arrived else f"answered with status {answer.status}"
        finally:
            self._sending = False
