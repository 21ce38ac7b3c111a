"""AudioDeck as one thing: started, broken, repaired and stopped."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from keepwell.demo.laboratory.faults import Fault
from keepwell.demo.laboratory.sound import write_tone
from keepwell.demo.laboratory.supervisor import free_ports
from keepwell.kernel.problems import NotFound
from keepwell.kernel.quoting import quoted

from .faults import FAULTS
from .layout import TONES, Layout
from .manager import Manager

OVERWRITTEN = "port = ???\n"
"""What a hand that slipped leaves of the settings."""

_BALLAST_BYTES = 48_000_000
_SMALL_BYTES = 1_000_000_000
_FULL = 0.94
"""A file system of the log folder's own that is smaller than that is filled so far."""


class AudioDeckLaboratory:
    """The server, its manager and its files below a root, which is new or one of an earlier run. Everything ends with this process."""

    def __init__(self, root: Path, port: int = 0) -> None:
        self.layout = Layout(root.resolve())
        self.port = port or free_ports(1)[0]
        self.broken: frozenset[str] = frozenset()
        self.manager = Manager(self.layout)
        self._special: dict[str, Callable[[bool], Awaitable[None] | None]] = {
            "service-down": self._service_down,
            "audio-broken": self._audio_broken,
            "world-writable": lambda broken: self.layout.program.chmod(0o777 if broken else 0o755),
            "certificate-expired": lambda broken: self.layout.use_certificate("expired" if broken else "valid"),
            "backup-corrupted": self._backup_corrupted,
            "disk-filling": self._disk_filling,
            "settings-lost": self._settings_lost,
            "program-lost": self._program_lost,
        }

    @property
    def address(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Makes the files and starts the server. Raises LaboratoryError where it does not come up; nothing runs then."""
        self.layout.make(self.port)
        try:
            await self.manager.open()
            await self.manager.do("start")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops everything; the files stay."""
        await self.manager.close()

    def state(self) -> dict[str, object]:
        """As JSON can say it."""
        faults = [{"name": fault.name, "does": fault.does, "on": fault.name in self.broken} for fault in FAULTS]
        return {"root": str(self.layout.root), "address": self.address, "pid": self.manager.pid, "faults": faults}

    async def break_(self, name: str) -> Fault:
        """Brings a fault about; breaking what is broken changes nothing. Raises NotFound, LaboratoryError."""
        return await self._change(name, broken=True)

    async def repair(self, name: str) -> Fault:
        """Ends a fault; a changed byte of a backup stays changed. Raises NotFound, LaboratoryError."""
        return await self._change(name, broken=False)

    async def _change(self, name: str, *, broken: bool) -> Fault:
        known = {fault.name: fault for fault in FAULTS}
        if name not in known:
            raise NotFound(f"AudioDeck has no fault named {quoted(name)}", hint="it has " + ", ".join(known))
        if (name in self.broken) != broken:
            change = self._special.get(name)
            if change is None:
                self._flag(name, broken)
            elif (made := change(broken)) is not None:
                await made
            self.broken = self.broken | {name} if broken else self.broken - {name}
        return known[name]

    def _flag(self, name: str, broken: bool) -> None:
        flag = self.layout.home / "faults" / name
        flag.touch() if broken else flag.unlink(missing_ok=True)

    async def _service_down(self, broken: bool) -> None:
        await (self.manager.kill() if broken else self.manager.do("start"))

    def _audio_broken(self, broken: bool) -> None:
        tone = self.layout.home / "audio" / TONES[0]
        tone.unlink(missing_ok=True) if broken else write_tone(tone)

    def _settings_lost(self, broken: bool) -> None:
        self.layout.settings.write_text(OVERWRITTEN, "utf-8") if broken else self.layout.write_settings(self.port)

    def _program_lost(self, broken: bool) -> None:
        if broken:
            self.layout.program.write_bytes(b"")
            shutil.rmtree(self.layout.home / "audio")
        else:
            self.layout.write_program()
            self.layout.write_tones()

    def _backup_corrupted(self, broken: bool) -> None:
        if broken:
            archives = [file for file in self.layout.backups.rglob("*") if file.is_file() and ".tar" in file.name]
            if not archives:
                raise NotFound("there is no backup that could be damaged")
            newest = max(archives, key=lambda file: file.stat().st_mtime_ns)
            content = bytearray(newest.read_bytes())
            content[len(content) // 2] ^= 0xFF
            newest.write_bytes(content)

    async def _disk_filling(self, broken: bool) -> None:
        ballast = self.layout.logs / "ballast.bin"
        if not broken:
            ballast.unlink(missing_ok=True)
            return
        use = shutil.disk_usage(self.layout.logs)
        size = max(0, int(_FULL * use.total) - use.used) if use.total < _SMALL_BYTES else _BALLAST_BYTES
        await asyncio.to_thread(ballast.write_bytes, b"\0" * size)
