"""What the server measures of itself: requests answered, and how long the newest took."""

from collections import deque
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = 1000
"""How many of the newest durations are kept."""


class Measured:
    """An application whose answers are counted and timed, from the request to the first bytes of the answer (a live stream has no end)."""

    def __init__(self, application: ASGIApp, monotonic: Callable[[], float]) -> None:
        self.requests = 0
        self.seconds: deque[float] = deque(maxlen=KEPT)
        self._application = application
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = self._monotonic()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.requests += 1
                self.seconds.append(self._monotonic() - started)
            await send(message)

        await self._application(scope, receive, timed)
