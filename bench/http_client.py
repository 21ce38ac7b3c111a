"""CPU of the HTTP client: fresh requests against a local server in another process. ``python bench/http_client.py [REQUESTS] [HOST]``."""

import asyncio
import multiprocessing
import resource
import sys
import time
from multiprocessing.connection import Connection

from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.http import Request

CONCURRENT = 20
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


async def measure(url: str, count: int) -> tuple[float, float]:
    """CPU and wall seconds of so many requests."""
    async with HttpClient(FakeSecrets({})) as client:
        left = iter(range(count))

        async def ask() -> None:
            for _ in left:
                response = await client.ask(Request(url))
                assert response.status == 200

        await client.ask(Request(url))
        cpu_before, wall_before = cpu(), time.monotonic()
        await asyncio.gather(*(ask() for _ in range(CONCURRENT)))
        return cpu() - cpu_before, time.monotonic() - wall_before


def main() -> None:
    """Prints CPU seconds per 1,000 requests."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=run_server, args=(theirs,), daemon=True)
    server.start()
    try:
        used, wall = asyncio.run(measure(f"http://{host}:{ours.recv()}/health", count))
    finally:
        server.terminate()
        server.join()
    print(f"{count} fresh requests to {host}: {used / count * 1000:.3f} s CPU per 1,000, {count / wall:.0f} requests/s")


if __name__ == "__main__":
    main()
