"""One server process of the laboratory: started in its own process group, stopped by its own number."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from pathlib import Path

_PATIENCE_SECONDS = 5.0


class Service:
    """A program that can be started, stopped, killed and started again. Its output goes to a file."""

    def __init__(self, name: str, output: Path) -> None:
        self.name = name
        self._output = output
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The number of the process, where it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def last_words(self) -> str:
        """The last line of its output."""
        lines = self._output.read_text("utf-8", "replace").splitlines() if self._output.exists() else []
        return lines[-1] if lines else "none"

    async def start(self, command: Sequence[str], directory: Path | None = None) -> None:
        """Starts it. Raises OSError where the program cannot be executed."""
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=output, stderr=output, cwd=directory, start_new_session=True
            )

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Asks it to end (SIGTERM, or as told), and after five seconds makes it end (SIGKILL)."""
        self._signal(number)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._gone()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Makes it end at once (SIGKILL)."""
        self._signal(signal.SIGKILL)
        await self._gone()

    async def _gone(self) -> None:
        if self._process is not None:
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
