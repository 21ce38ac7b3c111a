"""The times of alerts about checks: an Activity that judges again what a time, or a new rule, may change."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from keepwell.kernel.problems import StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.rooms.alerts.rules.checks import CheckRules
from keepwell.rooms.alerts.work.desk import Turn

AGAIN_AFTER = 2.0
"""Seconds before a new try of what could not be stored."""

T = TypeVar("T")
_log = logging.getLogger("keepwell.alerts")


class Change(Protocol):
    """Does what ``decide`` says in one change of the alerts, stored before it returns. Raises StorageError: then nothing changed."""

    async def __call__(self, decide: Callable[[Turn], T], /) -> T: ...


class CheckTimes:
    """An Activity of the engine. ``retire`` ends the alerts of rules that are no more."""

    def __init__(self, rules: CheckRules, change: Change, retire: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self._rules = rules
        self._change = change
        self._retire = retire
        self._clock = clock
        self._busy = False
        self._is_new = False
        self._again_at = 0.0

    def configured(self) -> None:
        """The rules are others now: everything is judged again soon."""
        self._is_new = True
        self._again_at = max(self._again_at, self._clock.monotonic())

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        if self._busy:
            return None
        if self._is_new:
            return self._again_at
        at = self._rules.next_due()
        if at is None:
            return None
        return max(self._again_at, self._clock.monotonic() + (at - self._clock.now()).total_seconds())

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        due = self.next_due()
        if due is None or due > monotonic:
            return ()
        self._busy = True
        return (Job(max(due, 0.0), "times of alerts about checks", self._judge),)

    async def _judge(self) -> None:
        is_new, self._is_new = self._is_new, False
        try:
            if is_new:
                await self._retire()
            self._rules.keep(await self._change(lambda turn: self._rules.judge_due(turn, are_new=is_new)))
        except StorageError as error:
            self._is_new = self._is_new or is_new
            self._again_at = self._clock.monotonic() + AGAIN_AFTER
            _log.warning("alerts about checks wait for the database", extra={"facts": {"why": str(error)}})
        finally:
            self._busy = False
