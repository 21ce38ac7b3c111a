"""blackbox_exporter, asked over HTTP by a client that does no more than it must: what the same list of checks costs there."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bench.checks import free_port
from bench.measure import process_cpu
from bench.scene import await_port, program

ASKERS = 32
"""Connections of the client, kept open: a Prometheus that scrapes keeps its own open too."""

_CONFIGURATION = """
modules:
  health:
    prober: http
    timeout: 5s
    http: {preferred_ip_protocol: ip4, valid_status_codes: [200], fail_if_body_not_matches_regexp: ['"status":"healthy"']}
"""


@contextmanager
def blackbox(folder: Path) -> Iterator[tuple[int, int]]:
    """A running blackbox_exporter: its process and its port."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration, port = folder / "blackbox.yml", free_port()
    configuration.write_text(_CONFIGURATION)
    argv = [program("prometheus-blackbox-exporter"), f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}"]
    server = subprocess.Popen([*argv, "--log.level=error"], stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        yield server.pid, port
    finally:
        server.terminate()
        server.wait(10)


def cpu_per_thousand(process: tuple[int, int], target: int, rate: float, seconds: float) -> float:
    """Its CPU seconds for 1,000 probes, each with a connection of its own, asked at this rate for so long."""
    pid, port = process
    asyncio.run(_probe(port, target, rate, 1.0))
    before = process_cpu(pid)
    asked, succeeded = asyncio.run(_probe(port, target, rate, seconds))
    if succeeded < 0.99 * asked:
        raise SystemExit(f"blackbox_exporter says that {asked - succeeded} of {asked} probes failed: nothing to compare")
    return 1000 * (process_cpu(pid) - before) / asked


async def _probe(port: int, target: int, rate: float, seconds: float) -> tuple[int, int]:
    """Asks at a fixed rate; how many answers came, and how many of them say that the probe succeeded."""
    counted = [0, 0]
    began = time.monotonic()
    numbers = iter(range(int(rate * seconds)))

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            address = quote(f"http://127.0.0.1:{target}/health?n={number % 1000}", safe="")
            writer.write(f"GET /probe?module=health&target={address} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
            answer = await _answer(reader)
            counted[0] += 1
            counted[1] += b"\nprobe_success 1" in answer
        writer.close()

    await asyncio.gather(*(ask() for _ in range(ASKERS)))
    return counted[0], counted[1]


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.find(b"content-length:")
    if length >= 0:
        return await reader.readexactly(int(head[length + 15 : head.index(b"\r\n", length)]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
