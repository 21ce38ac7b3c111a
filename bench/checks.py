"""A thousand HTTP checks every 10 seconds for two minutes: skipped looks, lateness, CPU and memory of the whole server."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.measure import KEEPWELL, Row, process_cpu, process_memory, show
from bench.startup import thousand_checks

TARGET = """
import asyncio, sys
BODY = b'{"status":"healthy","services":{"audio":"operational"}}'
HEAD = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\nconnection: close\\r\\n\\r\\n"
ANSWER = HEAD % len(BODY) + BODY
async def serve(reader, writer):
    try:
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(ANSWER)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()
asyncio.run(main())
"""


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(port: int, path: str) -> Any:
    """A JSON answer of the server under test."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def measure(seconds: float, folder: Path) -> list[Row]:
    """Runs the server against a target for so long."""
    target_port, port = free_port(), free_port()
    directory = thousand_checks(folder / "ops", target_port)
    target = subprocess.Popen([sys.executable, "-c", TARGET, str(target_port)])
    argv = [KEEPWELL, "up", str(directory), "--data", str(folder / "data"), "--listen", f"127.0.0.1:{port}", "--log-level", "warning"]
    server = subprocess.Popen(argv)
    try:
        time.sleep(15)  # the first round, with its imports and first writes, is start-up
        cpu, before = process_cpu(server.pid), fetch(port, "/api/system/performance")["engine"]
        began = time.monotonic()
        time.sleep(seconds)
        spent, passed = process_cpu(server.pid) - cpu, time.monotonic() - began
        after, listing = fetch(port, "/api/system/performance")["engine"], fetch(port, "/api/v1/checks")
        resident, peak = process_memory(server.pid)
    finally:
        for process in (server, target):
            process.send_signal(signal.SIGTERM)
        server.wait(30)
        target.wait(30)
    looks = after["started"] - before["started"]
    return [
        Row("looks made", looks, "", passed * 100),
        Row("looks skipped", after["skipped"], ""),
        Row("checks that are ok at the end", listing["counts"]["ok"], "", 1000),
        Row("lateness, median", after["lateness"]["median"] / 1000, "s"),
        Row("lateness, 99th percentile", after["lateness"]["p99"] / 1000, "s", 0.1),
        Row("CPU of the whole server", 100 * spent / passed, "% of a core", 25),
        Row("CPU for 1,000 looks", 1000 * spent / looks, "s"),
        Row("resident memory", resident, "MB", 120),
        Row("resident memory, peak", peak, "MB", 120),
        Row("observations not stored yet at the end", after["waitingToBeStored"], ""),
    ]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        show(f"1,000 HTTP checks every 10 s for {seconds:g} s", measure(seconds, Path(folder)))
    print(f"  ({os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f})")


if __name__ == "__main__":
    main()
