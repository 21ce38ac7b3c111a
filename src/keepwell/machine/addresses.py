"""Names to addresses, and addresses to connected sockets: two steps, so that each can be timed and blamed by itself."""

import asyncio
import contextlib
import socket
import threading
from functools import lru_cache
from typing import Any

from keepwell.kernel.problems import AskError

from .network_errors import resolver_fault, worst_fault

Address = tuple[socket.AddressFamily, Any]
"""A family and the address in the form that connect(2) takes for it."""

ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried beside one that has not answered (RFC 8305 section 8)."""


class Resolver:
    """getaddrinfo(3), which follows the machine's own rules (hosts file, search list), in threads of its own.

    A question that is being asked already is joined, not asked again, and at most ``most`` are asked at once: a resolver that hangs holds
    no thread that anyone else waits for. The threads are daemons, so that it does not delay the end of the process either.
    """

    def __init__(self, most: int = 32) -> None:
        self._slots = asyncio.Semaphore(most)
        self._asked: dict[tuple[str, int], asyncio.Task[list[Address]]] = {}

    async def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses in order of preference. Raises AnswerError where the name does not exist, AskError where nobody answers."""
        if literal := literal_address(host, port):
            return [literal]
        key = (host, port)
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.get_running_loop().create_task(self._ask(host, port))
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Waits for no answer any more."""
        for task in list(self._asked.values()):
            task.cancel()

    def _answered(self, key: tuple[str, int], task: asyncio.Task[list[Address]]) -> None:
        self._asked.pop(key, None)
        if not task.cancelled():
            task.exception()  # everyone who asked may have gone: then it is nobody's error

    async def _ask(self, host: str, port: int) -> list[Address]:
        async with self._slots:
            try:
                return await self._in_thread(host, port)
            except UnicodeError as error:
                raise AskError(f"{host} is not a valid host name") from error
            except OSError as error:
                raise resolver_fault(host, error) from error

    def _in_thread(self, host: str, port: int) -> "asyncio.Future[list[Address]]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Address]] = loop.create_future()

        def tell(result: list[Address] | None, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result or [])

        def look_up() -> None:
            result: list[Address] | None = None
            fault: Exception | None = None
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                result = [(family, address) for family, _, _, _, address in found]
            except (OSError, UnicodeError) as error:
                fault = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, result, fault)

        try:
            threading.Thread(target=look_up, name="resolver", daemon=True).start()
        except RuntimeError as error:
            raise AskError("this machine has no thread left to ask the resolver") from error
        return future


@lru_cache(maxsize=4096)
def literal_address(host: str, port: int) -> Address | None:
    """The address that ``host`` itself is, where it is one (IPv4, or IPv6 with or without a zone)."""
    if not (host[-1:].isdigit() or ":" in host):
        return None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return (found[0][0], found[0][4])


async def connected(addresses: list[Address], peer: str) -> socket.socket:
    """A socket connected to the first address that accepts; each gets a head start of ATTEMPT_DELAY before the next (RFC 8305 section 5).

    Raises AnswerError or AskError; ``peer`` (``host:port``) is how its sentence calls the target.
    """
    errors: list[OSError] = []
    try:
        if len(addresses) == 1:
            return await _attempt(addresses[0])
        winner = await _race(addresses, errors)
    except OSError as error:
        errors.append(error)
    else:
        if winner is not None:
            return winner
    raise worst_fault(peer, errors)


async def _race(addresses: list[Address], errors: list[OSError]) -> socket.socket | None:
    waiting = list(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(_attempt(waiting.pop(0))))
            done, running = await asyncio.wait(running, timeout=ATTEMPT_DELAY if waiting else None, return_when=asyncio.FIRST_COMPLETED)
            winner = _first_connected(done, errors)
            if winner is not None:
                return winner
        return None
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_discard)


def _first_connected(done: "set[asyncio.Task[socket.socket]]", errors: list[OSError]) -> socket.socket | None:
    winner: socket.socket | None = None
    for task in done:
        try:
            found = task.result()
        except OSError as error:
            errors.append(error)
            continue
        if winner is None:
            winner = found
        else:
            found.close()
    return winner


def _discard(task: "asyncio.Task[socket.socket]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _attempt(address: Address) -> socket.socket:
    family, target = address
    connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        await asyncio.get_running_loop().sock_connect(connection, target)
    except BaseException:
        connection.close()
        raise
    return connection
