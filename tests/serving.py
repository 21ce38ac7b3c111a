"""A real ``keepwell up`` for tests: its own data directory, a free port, stopped by process id."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keepwell.api.tokens import TokenFile
from tests.support import free_port, wait_until

KEEPWELL = str(Path(sys.executable).with_name("keepwell"))


def environment(**more: str) -> dict[str, str]:
    """The environment of the test, without what would lead Keepwell to another data directory."""
    kept = {name: value for name, value in os.environ.items() if name not in {"XDG_DATA_HOME", "NOTIFY_SOCKET", "WATCHDOG_USEC"}}
    return {**kept, **more}


def keepwell(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end, at most a minute and a half."""
    return subprocess.run([KEEPWELL, *arguments], capture_output=True, text=True, timeout=90, env=environment(**more), check=False)


def token_in(data: Path, *permissions: str, name: str = "test") -> str:
    """A new token of a data directory, as ``keepwell token create`` makes it; without permissions it permits everything. (Made here and not
    by that command: nearly every test of a server needs one, and a program that starts for it takes half a second of the processor.)"""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return TokenFile(data).create(name, frozenset(permissions or ("*",)), datetime.now(UTC))


def operations(folder: Path, text: str) -> Path:
    """Writes keepwell.yaml into a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keepwell.yaml").write_text(text)
    return folder


class Served:
    """One running server and how to ask it."""

    def __init__(
        self,
        directory: Path,
        data: Path,
        *,
        port: int | None = None,
        more: Sequence[str] = (),
        program: Sequence[str] = (KEEPWELL,),
        **env: str,
    ) -> None:
        self.directory, self.data = directory, data
        self.port = port or free_port()
        self._log = (data.parent / "server.log").open("a")
        argv = [*program, "up", str(directory), "--data", str(data), "--listen", f"127.0.0.1:{self.port}", *more]
        self.process = subprocess.Popen(argv, stdout=self._log, stderr=self._log, env=environment(**env))

    @property
    def log(self) -> str:
        """Everything it logged so far."""
        return (self.data.parent / "server.log").read_text()

    def ready(self, seconds: float = 60) -> "Served":
        """Waits until it answers."""
        wait_until(self._answers, seconds, "an answer of keepwell up")
        return self

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"keepwell up ended with {self.process.returncode}:\n{self.log}")
        try:
            self.get("/health")
        except (OSError, urllib.error.URLError):
            return False
        return True

    def get(self, path: str) -> Any:
        """A JSON answer over TCP."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def states(self) -> Mapping[str, str]:
        """The shown state of each check."""
        return {check["name"]: check["state"] for check in self.get("/api/v1/checks")["checks"]}

    def until(self, wanted: Mapping[str, str], seconds: float = 30.0) -> None:
        """Waits until checks are in these states."""
        wait_until(lambda: {name: self.states().get(name) for name in wanted} == dict(wanted), seconds, f"states {wanted}")

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the server's process."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """Stops it gracefully; its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self._end()

    def kill(self) -> int:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        return self._end()

    def _end(self) -> int:
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"keepwell up did not stop:\n{self.log}")
        finally:
            self._log.close()


@contextmanager
def serving(directory: Path, data: Path, more: Sequence[str] = (), **env: str) -> Iterator[Served]:
    """A server for the length of a ``with``."""
    server = Served(directory, data, port=None, more=more, program=(KEEPWELL,), **env)
    try:
        yield server.ready()
    finally:
        server.stop()


class Target:
    """A target in a process of its own whose answer follows a file: its status code, or nothing at all when the file is gone."""

    _PROGRAM = """
import asyncio, pathlib, sys
port, file = int(sys.argv[1]), pathlib.Path(sys.argv[2])
async def serve(reader, writer):
    try:
        await reader.readuntil(b"\\r\\n\\r\\n")
        status = file.read_text().strip() or "500"
        writer.write(b"HTTP/1.1 %s X\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\n{}" % status.encode())
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=512)
    await server.serve_forever()
asyncio.run(main())
"""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._file = folder / "status"
        self.answer(200)
        self.process = subprocess.Popen([sys.executable, "-c", self._PROGRAM, str(self.port), str(self._file)])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, status: int) -> None:
        """What it answers from now on; the file is replaced whole, so that no request sees half of it."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(status))
        fresh.replace(self._file)

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)


def pause(seconds: float) -> None:
    """Lets real time pass."""
    time.sleep(seconds)
