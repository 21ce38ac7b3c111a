"""CPU of the HTTP client: fresh requests against a local server in another process, on each event loop in turn.

``python -m bench.http_client [REQUESTS] [HOST]``
"""

import asyncio
import multiprocessing
import resource
import statistics
import sys
from multiprocessing.connection import Connection

import uvloop

from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.http import Request

CONCURRENT = 20
ROUNDS = 5
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'


class Server(asyncio.Protocol):
    """Answers whatever comes with the same 200."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers and closes."""
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.write(ANSWER)
        self.transport.close()


async def serve(told: Connection) -> None:
    """Serves on a free port until it is killed."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=1024)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def run_server(told: Connection) -> None:
    """The other process."""
    asyncio.run(serve(told))


def cpu() -> float:
    """Seconds of CPU of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(url: str, count: int) -> float:
    """CPU seconds of so many requests."""
    async with HttpClient(FakeSecrets({})) as client:
        left = iter(range(count))

        async def ask() -> None:
            for _ in left:
                response = await client.ask(Request(url))
                assert response.status == 200

        await client.ask(Request(url))
        before = cpu()
        await asyncio.gather(*(ask() for _ in range(CONCURRENT)))
        return cpu() - before


def main() -> None:
    """Prints CPU seconds per 1,000 requests."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=run_server, args=(theirs,), daemon=True)
    server.start()
    used: dict[str, list[float]] = {name: [] for name in LOOPS}
    try:
        url = f"http://{host}:{ours.recv()}/health"
        for _ in range(ROUNDS):
            for name, factory in LOOPS.items():
                with asyncio.Runner(loop_factory=factory) as runner:
                    used[name].append(runner.run(measure(url, count)) / count * 1000)
    finally:
        server.terminate()
        server.join()
    for name, seconds in used.items():
        spread = f"{min(seconds):.3f} to {max(seconds):.3f}"
        print(f"{count} fresh requests to {host} on {name}: {statistics.median(seconds):.3f} s CPU per 1,000 (rounds: {spread})")


if __name__ == "__main__":
    main()
