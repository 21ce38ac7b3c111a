"""``make audiodeck``: a whole manual is played, and of each row of its catalogue is said what came of it.

The laboratory lives here; Keepwell runs in a process of its own (weeks.py), may be killed, and is started again.
"""

import argparse
import asyncio
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from keepwell.kernel.problems import KeepwellError

from .laboratory import AudioDeckLaboratory
from .layout import REPOSITORY, Layout
from .preparing import KEEPWELL, Prepared, ToldAt, prepare, slow_down
from .whole import add_counting, faults

_AT_THE_START = 0.05
"""So many of the kills come while Keepwell starts."""


class Sink:
    """Takes what is sent to people, and writes it down: ``run/received.jsonl``."""

    def __init__(self, layout: Layout) -> None:
        self._file = layout.run / "received.jsonl"
        self._runner: web.AppRunner | None = None
        self._mail: asyncio.Server | None = None
        self.hook = self.mail = ""

    async def open(self) -> None:
        """Listens on a free port of loopback."""
        application = web.Application(client_max_size=8 * 1024 * 1024)
        application.router.add_post("/{to:.*}", self._take)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.hook = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._mail = await asyncio.get_running_loop().create_server(lambda: SMTP(self), "127.0.0.1", 0)
        self.mail = f"127.0.0.1:{self._mail.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Ends."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._mail is not None:
            self._mail.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Takes a mail (aiosmtpd's word for it)."""
        content = envelope.content or b""
        self._keep("mail", "", content.decode("utf-8", "replace") if isinstance(content, bytes) else content)
        return "250 OK"

    def _keep(self, to: str, key: str, body: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"to": to, "key": key, "body": body}) + "\n")

    async def _take(self, request: web.Request) -> web.Response:
        self._keep(request.match_info["to"], request.headers.get("Idempotency-Key", ""), await request.text())
        return web.json_response({})


@dataclass(slots=True)
class Play:
    """A play under way."""

    laboratory: AudioDeckLaboratory
    prepared: Prepared
    begin: datetime
    until: datetime
    kills: int = 0
    killed: int = 0
    faults: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(8))
    _kill_at: list[float] = field(init=False)

    def __post_init__(self) -> None:
        between = self.begin.timestamp(), self.until.timestamp()
        self._kill_at = sorted(self.chance.uniform(*between) for _ in range(self.kills))

    async def run(self) -> None:
        """Plays to the end; a Keepwell that is killed is started again."""
        while True:
            process = await self._start()
            killer = asyncio.create_task(self._kill(process)) if self.killed < self.kills else None
            played = await self._serve(process)
            if killer is not None:
                killer.cancel()
            if played:
                return
            if process.returncode != -signal.SIGKILL:
                raise KeepwellError(
                    f"keepwell up ended with {process.returncode}", hint=(self.laboratory.layout.run / "weeks.log").read_text()[-3000:]
                )

    async def _start(self) -> Process:
        times = ("--from", self.begin.isoformat(), "--until", self.until.isoformat())
        places = ("--data", str(self.prepared.data), "--root", str(self.laboratory.layout.root))
        with (self.laboratory.layout.run / "weeks.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lab.audiodeck.weeks", str(self.prepared.operations), *places, *times, "--stay"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                cwd=REPOSITORY,
                env=dict(self.prepared.environment),
            )

    async def _kill(self, process: Process) -> None:
        """Kills are spread over all that is played: at an instant of it, and a little later, while something is done; now and then at the
        start."""
        at = 0.0 if self.chance.random() < _AT_THE_START else self._kill_at[self.killed]
        while True:
            if self._played_until() >= at:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(self.chance.uniform(0.0, 3.0))
        if process.returncode is None:
            self.killed += 1
            process.kill()

    def _played_until(self) -> float:
        try:
            return float(self.laboratory.layout.clock.read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0.0

    async def _serve(self, process: Process) -> bool:
        """Does what it asks until it ends; True where the time was played to its end."""
        assert process.stdin is not None
        assert process.stdout is not None
        played = False
        try:
            while line := await process.stdout.readline():
                asked = json.loads(line)
                if "played" in asked:
                    played = True
                    await asyncio.to_thread(self._at_the_end)
                    process.stdin.close()
                    continue
                await self._do(asked["do"], asked["name"])
                process.stdin.write(b"\n")
                await process.stdin.drain()
        except ConnectionError:
            pass  # it was killed while it asked
        await process.wait()
        return played

    def _at_the_end(self) -> None:
        """What a person asks of the running server: reports, and the manual with its evidence."""
        data, folder = str(self.prepared.data), self.laboratory.layout.root / "shown"
        folder.mkdir(exist_ok=True)
        for words in (
            ("report", "weekly", "--period", "week", "--output", str(folder / "weekly.html"), "--data", data),
            ("report", "capacity", "--period", "month", "--output", str(folder / "capacity.html"), "--data", data),
            ("manual", "export", "--output", str(folder / "manual.html"), "--data", data),
        ):
            asked = subprocess.run(
                (KEEPWELL, *words), capture_output=True, text=True, env=dict(self.prepared.environment), timeout=300, check=False
            )
            if asked.returncode:
                print(f"  (keepwell {' '.join(words[:2])}: {(asked.stderr or asked.stdout).strip()[:500]})", file=sys.stderr)

    async def _do(self, verb: str, name: str) -> None:
        laboratory = self.laboratory
        try:
            if verb == "break":
                await laboratory.break_(name)
                if name in ("log-flood", "memory-leak"):
                    await asyncio.sleep(2)  # both need real time
            elif verb == "repair":
                await laboratory.repair(name)
            else:
                await visit(laboratory.address)
        except KeepwellError as error:
            print(f"  ({verb} {name}: {error})", file=sys.stderr)


async def visit(address: str) -> None:
    """Uses the service as its users do; a service that is broken is no error here."""
    limit = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=limit) as session:
        for method, path, body in (
            ("POST", "/api/audio/test", {"file": "test-tone.mp3", "volume": 0.1}),
            ("POST", "/api/audio/test", {"file": "no-such-tone.mp3"}),
            ("POST", "/api/admin/login", {}),
        ):
            try:
                async with session.request(method, address + path, json=body) as answer:
                    await answer.read()
            except (aiohttp.ClientError, TimeoutError):
                return


def beginning() -> datetime:
    """The next Monday, 00:00 in UTC: files that the play makes are then never newer than its clock."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return midnight + timedelta(days=-midnight.weekday() % 7)


async def played(root: Path, weeks: float, *, kills: int = 0, manual: Path | None = None) -> Play:
    """Prepares and plays; the laboratory has ended when it returns, its files are there."""
    laboratory = AudioDeckLaboratory(root)
    sink = Sink(laboratory.layout)
    laboratory.layout.run.mkdir(parents=True, exist_ok=True)
    await sink.open()
    try:
        await laboratory.start()

        def change(operations: Path) -> None:
            slow_down(operations)
            if kills:
                add_counting(operations, laboratory.layout)

        prepared = await asyncio.to_thread(prepare, laboratory.layout, laboratory.port, ToldAt(sink.hook, sink.mail), change, manual)
        begin = beginning()
        (laboratory.layout.run / "begun").write_text(begin.isoformat(), "ascii")
        play = Play(laboratory, prepared, begin, begin + timedelta(weeks=weeks), kills)
        await play.run()
        if kills:
            play.faults = await asyncio.to_thread(faults, laboratory.layout, prepared, play.begin, play.until)
        return play
    finally:
        await laboratory.stop()
        await sink.close()


def main() -> int:
    """Plays, judges and prints."""
    parser = argparse.ArgumentParser(prog="python -m lab.audiodeck.play", description="A whole manual, played and judged row by row.")
    parser.add_argument("--weeks", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=0, help="how often Keepwell is killed (SIGKILL) meanwhile")
    parser.add_argument("--manual", type=Path)
    parser.add_argument("--root", type=Path, help="where everything lies; without it a temporary folder, which is removed")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    root = chosen.root or Path(tempfile.mkdtemp(prefix="keepwell-", dir="/var/tmp"))
    started = time.monotonic()
    try:
        play = asyncio.run(played(root, chosen.weeks, kills=chosen.kills, manual=chosen.manual))
        print(f"{chosen.weeks:g} weeks were played in {time.monotonic() - started:.0f} s; killed {play.killed} times")
        for fault in play.faults:
            print(f"  {fault}")
        return max(judged(play, as_json=chosen.json), int(bool(play.faults)))
    except KeepwellError as error:
        problem = error.problems[0]
        print(f"{problem.message}\n{problem.hint or ''}", file=sys.stderr)
        return 2
    finally:
        if chosen.root is None:
            shutil.rmtree(root, ignore_errors=True)


def judged(play: Play, *, as_json: bool) -> int:
    """Prints the table; 0 where nothing is silent."""
    from .judge import judge, table

    verdicts = judge(play.laboratory.layout, play.prepared.data, play.prepared.operations)
    if as_json:
        found: list[dict[str, Any]] = [verdict.as_json() for verdict in verdicts]
        print(json.dumps(found, indent=1))
    else:
        print(table(verdicts))
    return int(any(verdict.fate == "silent" for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
