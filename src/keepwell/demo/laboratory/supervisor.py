"""The laboratory as one thing: started, broken, repaired and stopped."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from keepwell.kernel.problems import KeepwellError, NotFound
from keepwell.kernel.quoting import quoted

from .certificates import write_certificates
from .condition import TONE
from .faults import FAULTS, Fault
from .front import find_nginx, nginx_command, use_certificate, write_configuration
from .processes import Service
from .sound import write_tone

_START_SECONDS = 20.0
_FOLDERS = ("audio", "bin", "faults", "logs", "run", "tls")
_LAUNCHER = '"""Starts the stand-in audio server."""\n\nfrom keepwell.demo.laboratory.server import main\n\nmain()\n'
_DEVICES = [{"name": "hall-left", "channel": 1}, {"name": "hall-right", "channel": 2}]


class LaboratoryError(KeepwellError):
    """A server of the laboratory did not start or did not do what was asked of it."""

    code = "laboratory"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the laboratory answers; ``http`` and ``https`` are nginx's, None without nginx."""

    api: str
    http: str | None = None
    https: str | None = None


class Laboratory:
    """The servers of one folder (which must be empty or new, and short-lived). All methods are for one event loop.

    ``front`` False leaves nginx out even where it is installed. Both servers end when the process that holds this object ends,
    however it ends; the folder stays, it belongs to the caller.
    """

    def __init__(self, folder: Path, *, front: bool = True) -> None:
        self.folder = folder.resolve()
        self.addresses = Addresses(api="")
        self.broken: frozenset[str] = frozenset()
        self._nginx = find_nginx() if front else None
        self._api = Service("tonehoused", self.folder / "logs" / "tonehoused.out")
        self._web = Service("nginx", self.folder / "logs" / "nginx.out")
        self._port = 0

    @property
    def has_front(self) -> bool:
        """Whether nginx stands in front."""
        return self._nginx is not None

    def faults(self) -> tuple[Fault, ...]:
        """The faults that can be had here: those of nginx only where it runs."""
        return tuple(fault for fault in FAULTS if self.has_front or not fault.needs_front)

    def pids(self) -> tuple[int, ...]:
        """The numbers of the processes that run now."""
        return tuple(service.pid for service in (self._api, self._web) if service.pid is not None)

    async def start(self) -> None:
        """Makes the folder's contents and starts the servers. Raises LaboratoryError where one does not come up; none is left then."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in _FOLDERS:
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "bin" / "tonehoused").write_text(_LAUNCHER, "utf-8")
        (self.folder / "devices.json").write_text(json.dumps(_DEVICES, indent=2), "utf-8")
        write_tone(self.folder / "audio" / TONE)
        try:
            await self._start_api()
            self.addresses = Addresses(api=f"http://127.0.0.1:{self._port}")
            if self.has_front:
                await self._make_front()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops the servers."""
        await asyncio.gather(self._web.stop(), self._api.stop())

    async def break_(self, name: str) -> Fault:
        """Brings a fault about; breaking what is broken changes nothing. Raises NotFound, LaboratoryError."""
        return await self._change(name, broken=True)

    async def repair(self, name: str) -> Fault:
        """Ends a fault. Raises NotFound, LaboratoryError."""
        return await self._change(name, broken=False)

    def state(self) -> dict[str, object]:
        """The laboratory as JSON can say it: folder, addresses, faults and which of them are on."""
        faults = [{"name": fault.name, "does": fault.does, "seen": fault.seen, "on": fault.name in self.broken} for fault in self.faults()]
        return {"folder": str(self.folder), "addresses": asdict(self.addresses), "faults": faults}

    async def _change(self, name: str, *, broken: bool) -> Fault:
        known = {fault.name: fault for fault in self.faults()}
        if name not in known:
            raise NotFound(f"the laboratory has no fault named {quoted(name)}", hint="it has " + ", ".join(known))
        special: dict[str, Callable[[bool], Awaitable[None]]] = {
            "api-down": self._api_down,
            "audio-broken": self._audio_broken,
            "certificate-expired": self._certificate_expired,
            "web-down": self._web_down,
        }
        if (name in self.broken) != broken:
            change = special.get(name)
            await (change(broken) if change else self._flag(name, broken))
            self.broken = self.broken | {name} if broken else self.broken - {name}
        return known[name]

    async def _flag(self, name: str, broken: bool) -> None:
        flag = self.folder / "faults" / name
        flag.touch() if broken else flag.unlink(missing_ok=True)

    async def _api_down(self, broken: bool) -> None:
        await (self._api.kill() if broken else self._start_api())

    async def _audio_broken(self, broken: bool) -> None:
        tone = self.folder / "audio" / TONE
        tone.unlink(missing_ok=True) if broken else write_tone(tone)

    async def _certificate_expired(self, broken: bool) -> None:
        use_certificate(self.folder, "expired" if broken else "valid")
        if self._web.running:
            await self._web.stop()
            await self._start_front()

    async def _web_down(self, broken: bool) -> None:
        await (self._web.stop() if broken else self._start_front())

    async def _start_api(self) -> None:
        note = self.folder / "run" / "tonehoused.json"
        note.unlink(missing_ok=True)
        launcher, port, parent = str(self.folder / "bin" / "tonehoused"), str(self._port), str(os.getpid())
        await self._api.start((sys.executable, launcher, "--folder", str(self.folder), "--port", port, "--parent", parent))
        await self._wait(self._api, note.exists)
        self._port = int(json.loads(note.read_text("utf-8"))["port"])

    async def _make_front(self) -> None:
        write_certificates(self.folder / "tls", datetime.now(UTC))
        use_certificate(self.folder, "valid")
        http, https = free_ports(2)
        write_configuration(self.folder, api=self._port, http=http, https=https)
        self.addresses = Addresses(self.addresses.api, f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}")
        await self._start_front()

    async def _start_front(self) -> None:
        assert self._nginx is not None
        await self._web.start(nginx_command(self._nginx, self.folder))
        port = int(str(self.addresses.http).rpartition(":")[2])
        await self._wait(self._web, lambda: answers(port))

    async def _wait(self, service: Service, ready: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not ready():
                    if not service.running:
                        raise LaboratoryError(f"{service.name} ended while it started", hint=f"its last words: {self._last_words(service)}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise LaboratoryError(f"{service.name} did not answer within {_START_SECONDS:g} s") from None

    def _last_words(self, service: Service) -> str:
        files = [self.folder / "logs" / f"{service.name}.out", self.folder / "logs" / "nginx-error.log"]
        lines = [line for file in files if file.exists() for line in file.read_text("utf-8", "replace").splitlines()]
        return lines[-1] if lines else "none"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def answers(port: int) -> bool:
    """Whether something accepts connections on that port of loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True
