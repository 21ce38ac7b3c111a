"""What the audio server knows of its own condition. Every value is read from the files, sockets and counters as they are now."""

import asyncio
import json
import os
import socket
import time
import wave
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

OPERATIONAL = "operational"
UNAVAILABLE = "unavailable"
TONE = "tone.wav"


def audio_condition(audio: Path) -> str:
    """Operational where the tone file can be opened and holds sound."""
    try:
        with wave.open(str(audio / TONE), "rb") as tone:
            return OPERATIONAL if tone.readframes(64) else UNAVAILABLE
    except (OSError, EOFError, wave.Error):
        return UNAVAILABLE


def devices(file: Path) -> list[str]:
    """The names of the output devices that devices.json lists; none where it cannot be read."""
    try:
        entries = json.loads(file.read_text("utf-8"))
        return [str(entry["name"]) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError):
        return []


async def network_condition() -> str:
    """Operational where a datagram that the server sends to itself over loopback arrives within a second."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        try:
            probe.bind(("127.0.0.1", 0))
            probe.connect(probe.getsockname())
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(probe, b"here")
            async with asyncio.timeout(1.0):
                return OPERATIONAL if await loop.sock_recv(probe, 16) == b"here" else UNAVAILABLE
        except (OSError, TimeoutError):
            return UNAVAILABLE


def memory_bytes() -> dict[str, int]:
    """Resident and peak memory of this process in bytes (proc_pid_status(5): VmRSS, VmHWM)."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines() if ":" in line)
    return {"rss": int(fields["VmRSS"].split()[0]) * 1024, "peak": int(fields["VmHWM"].split()[0]) * 1024}


@dataclass(slots=True)
class Counters:
    """What the server counted since it started. Response times are in seconds, the newest last."""

    started: float = field(default_factory=time.monotonic)
    processor_before: float = field(default_factory=lambda: sum(os.times()[:2]))
    requests: int = 0
    errors: int = 0
    times: deque[float] = field(default_factory=lambda: deque(maxlen=200))

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def note(self, seconds: float, *, failed: bool) -> None:
        """Counts one answered request."""
        self.requests += 1
        self.errors += failed
        self.times.append(seconds)

    def performance(self) -> dict[str, object]:
        """Processor share since the start in percent, and the response times of the last 200 requests in milliseconds."""
        ordered = sorted(self.times)
        used = sum(os.times()[:2]) - self.processor_before
        return {
            "cpuPercent": round(100 * used / max(self.uptime, 0.001), 1),
            "uptime": int(self.uptime),
            "requests": self.requests,
            "errors": self.errors,
            "responseTime": {
                "mean": _milliseconds(sum(ordered) / len(ordered)) if ordered else 0,
                "p95": _milliseconds(ordered[int(0.95 * (len(ordered) - 1))]) if ordered else 0,
                "last": _milliseconds(self.times[-1]) if self.times else 0,
            },
        }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
