"""Scripts that outlive this process: each is started by a small shell, the minder, which writes down how it ended.

The minder begins by making the folder ``begun``. So does whoever wants to know, after a crash, whether it began: only one of both
succeeds, so a script that nobody will hear of never begins, and one that began is never begun again. The minder's arguments hold the path
of the folder, which is used once: by that it is found again in /proc, whatever became of process numbers meanwhile.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import BinaryIO

from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.scripts import Ended, Script

from .child import UMASK
from .local_runner import allowed
from .output import Capture

MINDER = """\
trap : HUP INT TERM
folder=$1
shift
mkdir "$folder/begun" 2>/dev/null || exit 0
"$@" "$folder/script" </dev/null >>"$folder/output" 2>&1
echo $? >"$folder/status.new" && mv "$folder/status.new" "$folder/status"
"""
"""What the minder runs; ``$1`` is the folder, the rest the interpreter. It outlives the signals that end its script, to write down how."""

EVERY = 0.2
"""Seconds between two looks at what a script has printed."""

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""

LARGEST_OUTPUT = 64 * 1024 * 1024
"""Bytes after which the file of an output is cut: what was printed is counted, its middle let go."""

AT_A_LOOK = 2 * 1024 * 1024
"""Bytes that are read at one look. What prints faster is not kept up with: the middle is let go, so that everything else goes on and the
script's time is over when it is."""

Redact = Callable[[str], str]


class DetachedScripts:
    """Keeps each script in a folder below ``place``. ``redact`` takes secrets out of what is handed on."""

    def __init__(self, place: Path, redact: Redact, environment: Mapping[str, str] = os.environ) -> None:
        self._place = place
        self._redact = redact
        self._environment = allowed(environment)
        self._boot = "." + Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def ticket(self, name: str) -> str:
        """A ticket for a name that is used once."""
        return name + self._boot

    async def run(self, ticket: str, script: Script, on_output: Callable[[str], None]) -> Ended:
        """Begins it and waits for its end; see ``keepwell.ports.scripts.Scripts``."""
        folder = self._folder(ticket)
        try:
            _write(folder, script.text)
            process = self._started(folder, script)
        except (OSError, ValueError) as error:
            _claim(folder)
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise AskError(f"the step cannot be begun in {quoted(script.directory, 200)}: {reason}") from error
        watch = _Watch(folder, process.pid, script.output_limit, self._redact, on_output, process)
        try:
            return await watch.until_end(script.timeout)
        finally:
            if process.poll() is None:  # cancelled: it goes on, and who resumes it finds it
                _UNREAPED.append(process)
            _UNREAPED[:] = [one for one in _UNREAPED if one.poll() is None]

    def _started(self, folder: Path, script: Script) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            ("/bin/sh", "-c", MINDER, "keepwell-minder", str(folder), *script.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**self._environment, **script.environment},
            cwd=script.directory,
            start_new_session=True,
            umask=UMASK,
        )

    async def resume(self, ticket: str, timeout: float, on_output: Callable[[str], None]) -> Ended | None:
        """Goes on waiting for it; None where it never began."""
        folder = self._folder(ticket)
        if not ticket.endswith(self._boot):  # since then the machine was started anew, or it is another one
            timeout = 0.0
        elif not folder.is_dir() or _claim(folder):
            return None
        watch = _Watch(folder, await asyncio.to_thread(_process_of, folder), 1024 * 1024, self._redact, on_output)
        return await watch.until_end(timeout)

    def tidy(self, tickets: Collection[str]) -> None:
        """Removes the folders of all others."""
        for folder in self._place.glob("*/*"):
            ticket = str(folder.relative_to(self._place))
            if ticket not in tickets:
                self.forget(ticket)

    def forget(self, ticket: str) -> None:
        """Removes its folder: by another name first, so that a minder which begins just now finds none and begins nothing."""
        folder = self._folder(ticket)
        gone = folder.with_name(f"{folder.name}.gone")
        with contextlib.suppress(OSError):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()

    def _folder(self, ticket: str) -> Path:
        return self._place / ticket


_UNREAPED: list["subprocess.Popen[bytes]"] = []
"""Minders whose script was left running: they are reaped when they have ended."""


class _Watch:
    """Waits for the end of one script and reads what it prints."""

    def __init__(
        self,
        folder: Path,
        pid: int | None,
        limit: int,
        redact: Redact,
        on_output: Callable[[str], None],
        own: "subprocess.Popen[bytes] | None" = None,
    ) -> None:
        self._folder, self._pid, self._own = folder, pid, own
        self._redact, self._on_output = redact, on_output
        self._capture = Capture(limit)
        self._read = 0
        self._started = time.monotonic()

    async def until_end(self, timeout: float) -> Ended:
        """Until the script has ended, or its time is over: then its group is ended."""
        end = time.monotonic() + timeout
        timed_out = (self._folder / "timed-out").exists()
        while (left := end - time.monotonic()) > 0 and not timed_out and not await self._ended(min(EVERY, left)):
            self._read_more()
        if not timed_out and self._alive() and not self._has_status():
            timed_out = True
            (self._folder / "timed-out").touch()
        if timed_out:
            await self._stop()
        self._read_more()
        text, dropped = self._capture.text()
        status = self._status()
        lost = status is None and not timed_out
        if dropped:
            self._shorten(text)
        return Ended(status if not timed_out else None, self._redact(text), time.monotonic() - self._started, timed_out, lost, dropped)

    async def _ended(self, seconds: float) -> bool:
        """Whether it has ended, within so many seconds. A minder that ended before its script leaves nobody to say how it ended."""
        if self._has_status() or not self._alive():
            return True
        assert self._pid is not None
        with contextlib.suppress(ProcessLookupError):
            await _gone(self._pid, seconds)
        return self._has_status() or not self._alive()

    def _alive(self) -> bool:
        """Whether the minder is there; or, where somebody ended that one alone, its script."""
        if self._own is not None and self._own.poll() is None:
            return True
        if self._pid is None or not _is_of(self._folder, self._pid):
            self._pid = None if self._has_status() else _process_of(self._folder)
        return self._pid is not None

    def _has_status(self) -> bool:
        return (self._folder / "status").exists()

    def _status(self) -> int | None:
        try:
            return int((self._folder / "status").read_text())
        except (OSError, ValueError):
            return None

    def _read_more(self) -> None:
        path = self._folder / "output"
        try:
            with path.open("rb") as file:
                behind = os.fstat(file.fileno()).st_size - self._read
                self._take(file, min(behind, AT_A_LOOK // 2))
                if behind > AT_A_LOOK:
                    self._read += behind - AT_A_LOOK
                    self._capture.skip(behind - AT_A_LOOK)
                self._take(file, min(behind - AT_A_LOOK // 2, AT_A_LOOK // 2))
            if self._read > LARGEST_OUTPUT:
                os.truncate(path, 0)  # the script appends, so it goes on at the new end
                self._read = 0
        except FileNotFoundError:
            return

    def _take(self, file: BinaryIO, size: int) -> None:
        """Reads so many bytes on."""
        if size <= 0:
            return
        file.seek(self._read)
        data = file.read(size)
        self._read += len(data)
        self._capture.feed(data)
        self._on_output(self._redact(data.decode("utf-8", "replace")))

    def _shorten(self, text: str) -> None:
        """Leaves in its file what is kept of a long output: on a disk that this one filled, its end could not be stored otherwise. What is
        written over needs no room."""
        with contextlib.suppress(OSError), (self._folder / "output").open("r+b") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.truncate()

    async def _stop(self) -> None:
        """SIGTERM to the whole group, and SIGKILL to what is left of it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self._alive() or self._pid is None:
                return
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(os.getpgid(self._pid), number)
                await _gone(self._pid, GRACE)


def _write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, mode=0o700)
    for name, content in (("script", text), ("output", "")):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)


def _claim(folder: Path) -> bool:
    """Whether the script had not begun; then it never will."""
    try:
        (folder / "begun").mkdir()
    except OSError:
        return False
    return True


def _process_of(folder: Path) -> int | None:
    """The process that minds the script of a folder, or runs it; None where there is none."""
    return next((int(name) for name in os.listdir("/proc") if name.isdigit() and _is_of(folder, int(name))), None)


def _is_of(folder: Path, pid: int) -> bool:
    """Whether a process runs (a zombie has no arguments) that was started as the minder of that folder, or with its script."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    path = os.fsencode(folder)
    return path + b"/script" in arguments or arguments[3:5] == [b"keepwell-minder", path]


async def _gone(pid: int, seconds: float) -> bool:
    """Waits until a process has ended, at most so long; whether it has. Raises ProcessLookupError where there is none."""
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(pid)
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _settle, ended)
    try:
        done, _ = await asyncio.wait((ended,), timeout=seconds)
        return bool(done)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _settle(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
