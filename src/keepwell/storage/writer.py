"""The one writer: every change of the database passes through a single thread, and changes that wait together are stored together."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from .faults import COLLIDED, DatabaseFault, from_driver

T = TypeVar("T")

_MOST_TOGETHER = 100
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class _Waiting:
    change: Callable[[Connection], Any]
    outcome: Future[Any]


class Writer:
    """Runs changes one after another, each wholly or not at all, and says of each what came of it only once it is on the disk.

    Changes that wait share a transaction, so that they share the disk's flush, which is what a write costs. Where one of them fails,
    all are rolled back and each runs again by itself: so a change may run twice, and must touch nothing but its connection.
    """

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self._place = place
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keepwell-writer")

    def submit(self, change: Callable[[Connection], T]) -> "Future[T]":
        """Queues a change. A cancelled one that has not begun is left out. Not to be called after ``close``."""
        outcome: Future[T] = Future()
        self._waiting.append(_Waiting(change, outcome))
        self._thread.submit(self._drain)
        return outcome

    def close(self) -> None:
        """Waits until everything queued is stored, and ends. Blocks."""
        self._thread.shutdown(wait=True)
        self._engine.dispose()

    def _drain(self) -> None:
        together: list[_Waiting] = []
        while self._waiting and len(together) < _MOST_TOGETHER:
            waiting = self._waiting.popleft()
            if waiting.outcome.set_running_or_notify_cancel():
                together.append(waiting)
        if len(together) > 1 and self._store(together):
            return
        for waiting in together:
            self._store_alone(waiting)

    def _store_alone(self, waiting: _Waiting) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            if self._store([waiting], last=attempt == _ATTEMPTS):
                return

    def _store(self, together: list[_Waiting], last: bool = False) -> bool:
        """Whether the outcome of each is settled; False where all was rolled back and they should run again."""
        running = False
        try:
            with self._engine.connect() as connection, connection.begin():
                running = True
                results = [waiting.change(connection) for waiting in together]
                running = False
        except Exception as error:
            reason = explained(error, self._place)
            if running and (len(together) > 1 or (_is_collision(reason) and not last)):
                return False
            # Alone, or the transaction could not begin or end: then the reason is the same for all.
            for waiting in together:
                waiting.outcome.set_exception(reason)
            return True
        for waiting, result in zip(together, results, strict=True):
            waiting.outcome.set_result(result)
        return True


def explained(error: Exception, place: str) -> Exception:
    """The fault that a driver's exception tells of, chained to it; any other exception as it is."""
    if not isinstance(error, DBAPIError):
        return error
    fault = from_driver(error.orig, place)
    if fault is None:
        return error
    fault.__cause__ = error
    return fault


def _is_collision(error: Exception) -> bool:
    return isinstance(error, DatabaseFault) and error.problems[0].code == f"storage.{COLLIDED.code}"
