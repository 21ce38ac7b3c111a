"""AudioDeck's service manager: one unit, started by the ExecStart of its unit file, asked over a Unix socket with systemd's words.

One line of JSON asks (``{"do": "restart", "unit": "audiodeck"}``), one answers: ``properties`` as ``systemctl show`` names them, and the
last lines of ``output``; or ``problem``, a sentence.
"""

import asyncio
import json
import os
import shlex
import time
from asyncio import StreamReader, StreamWriter

from keepwell.demo.laboratory.processes import Service
from keepwell.demo.laboratory.supervisor import LaboratoryError

from .layout import Layout

NAME = "audiodeck"
_START_SECONDS = 20.0
_SHOWN_LINES = 10


class Manager:
    """Keeps the one unit. Methods are for one event loop; the server ends when this process ends."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.starts = 0
        self._service = Service("audiodeck", layout.run / "audiodeck.out")
        self._wanted = False
        self._since = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._one_at_a_time = asyncio.Lock()
        self._socket: asyncio.AbstractServer | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, where it runs."""
        return self._service.pid

    async def open(self) -> None:
        """Begins to answer."""
        path = self.layout.run / "manager.sock"
        path.unlink(missing_ok=True)
        folder = os.open(self.layout.run, os.O_RDONLY)
        try:
            self._socket = await asyncio.start_unix_server(self._converse, f"/proc/self/fd/{folder}/manager.sock")
        finally:
            os.close(folder)

    async def close(self) -> None:
        """Answers no more, and stops the unit."""
        if self._socket is not None:
            self._socket.close()
        await self._service.stop()
        (self.layout.run / "manager.sock").unlink(missing_ok=True)

    async def do(self, verb: str) -> None:
        """start, stop, restart or reload. Raises LaboratoryError where the server does not come up."""
        async with self._one_at_a_time:
            if verb in ("stop", "restart"):
                self._wanted = False
                await self._service.stop()
                self._changed()
            if verb in ("start", "restart"):
                await self._start()
            if verb == "reload" and self.pid is not None:
                os.kill(self.pid, 1)

    async def kill(self) -> None:
        """Ends the server as a crash does."""
        await self._service.kill()
        self._changed()

    def properties(self) -> dict[str, str]:
        """The unit as ``systemctl show`` has it (org.freedesktop.systemd1(5))."""
        running = self._service.running
        active = "active" if running else "failed" if self._wanted else "inactive"
        micros = str(int(self._since * 1e6))
        entered = {"ActiveEnterTimestampMonotonic": micros} if running else {"InactiveEnterTimestampMonotonic": micros}
        return {
            "Id": "audiodeck.service",
            "Description": "AudioDeck Connect (stand-in)",
            "LoadState": "loaded" if self.layout.unit.is_file() else "not-found",
            "ActiveState": active,
            "SubState": {"active": "running", "inactive": "dead"}.get(active, "failed"),
            "Result": "success" if active != "failed" else "signal",
            "NRestarts": "0",
            "MainPID": str(self.pid or 0),
            "StateChangeTimestampMonotonic": micros,
            "SystemState": "running" if active != "failed" else "degraded",
            "NFailedUnits": str(int(active == "failed")),
            **entered,
        }

    def _alive(self) -> bool:
        return self._service.running

    def _changed(self) -> None:
        self._since = time.clock_gettime(time.CLOCK_BOOTTIME)

    async def _start(self) -> None:
        if self._alive():
            return
        command = self._command()
        note = self.layout.home / "run" / "audiodeck-server.json"
        note.unlink(missing_ok=True)
        self._wanted = True
        await self._service.start(command)
        self.starts += 1
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not note.exists():
                    if not self._alive():
                        raise LaboratoryError("audiodeck-server ended while it started", hint=self._service.last_words())
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise LaboratoryError(f"audiodeck-server did not answer within {_START_SECONDS:g} s") from None
        finally:
            self._changed()

    def _command(self) -> list[str]:
        try:
            lines = self.layout.unit.read_text("utf-8").splitlines()
            text = next(line.removeprefix("ExecStart=") for line in lines if line.startswith("ExecStart="))
        except (OSError, StopIteration):
            raise LaboratoryError(f"Unit {NAME}.service not found.") from None
        return shlex.split(text.replace("{parent}", str(os.getpid())))

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            writer.write(json.dumps(await self._answer(await reader.readline())).encode())
            await writer.drain()
        except (ConnectionError, ValueError):
            pass  # who asked is gone or speaks another language
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, object]:
        asked = json.loads(line)
        verb, unit = str(asked.get("do")), str(asked.get("unit"))
        if unit not in (NAME, "") or (unit == "" and verb in ("start", "stop", "restart", "reload")):
            return {"problem": f"Unit {unit}.service could not be found."}
        try:
            await self.do(verb)
        except LaboratoryError as error:
            return {"problem": f"Job for audiodeck.service failed: {error}"}
        output = (self.layout.run / "audiodeck.out").read_text("utf-8", "replace").splitlines()
        return {"properties": self.properties(), "output": "\n".join(output[-_SHOWN_LINES:])}
