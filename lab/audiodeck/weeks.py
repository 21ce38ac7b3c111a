"""``keepwell up`` with played time: ``python -m lab.audiodeck.weeks OPERATIONS --data DATA --root ROOT --from INSTANT --until INSTANT``.

The clock is exchanged, and some of Keepwell's own intervals are other than in a real server (``hold_everything``). It ends by itself
when the time is over, with ``--stay`` when its input ends; killed and started again it goes on at the instant at which it was. What it
wants of the laboratory it asks by a line of JSON, and waits for the answer.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from keepwell.composition import live, serve, verbs
from keepwell.demo.laboratory.supervisor import free_ports
from keepwell.engine import Engine
from keepwell.machine.scripts import DetachedScripts
from keepwell.ports.host import Host
from keepwell.rooms.checks.work import recorder
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.incidents import work as incidents
from keepwell.rooms.samples.work import upkeep
from keepwell.storage.database import Database

from .layout import Layout
from .operator import Operator
from .playing import HeldLoop, Holding, PlayedClock
from .script import LOOKED_AT, MEASURED, deeds_between

_BETWEEN_LOOKS, _LONGEST_LOOK = 8.0, 60.0
"""Seconds between two looks at what is measured over time, and for how long somebody looks at most."""


def hold_everything(clock: PlayedClock) -> None:
    """While a job of the engine runs, a script runs or the database writes, time stands still; and nothing waits for a batch to fill."""
    engine = ((Engine, "_guarded"), (Database, "write"), (DetachedScripts, "run"), (DetachedScripts, "resume"))
    for owner, method in (*engine, (Checks, "look_now")):
        setattr(owner, method, clock.holding(getattr(owner, method)))
    recorder.BATCH_EVERY = 0.0
    incidents.EVERY, upkeep.EVERY = 900.0, 6 * 3600.0
    tidying = live.Recurring("give memory back", 86400.0, 86400.0, _nothing)
    setattr(live.Live, "_tidying", lambda self: tidying)  # noqa: B010 (once a played minute is too often)


async def _nothing() -> None:
    """Memory is given back by real time only."""


def date_files(layout: Layout, begin: datetime, now: datetime) -> None:
    """Files that were written since the last time get the played instant: the kernel dates them by the machine's clock, which is before the
    play begins, and what is deleted by age would all be old."""
    for folder in (layout.logs, layout.temporary):
        for file in folder.rglob("*"):
            if file.is_file() and file.stat().st_mtime < begin.timestamp():
                os.utime(file, (now.timestamp(), now.timestamp()))


def local_host(clock: PlayedClock, ready: Callable[[], None]) -> Callable[[], AbstractAsyncContextManager[Host]]:
    """This machine, with that clock."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Host]:
        async with verbs.local_host() as host:
            ports: dict[str, Any] = {name: Holding(getattr(host, name), clock) for name in ("runner", "files", "http", "mail", "names")}
            ready()
            yield replace(host, clock=clock, **ports)

    return opened


class Laboratory:
    """The laboratory, which lives in the process that started this one."""

    def ask(self, verb: str, name: str) -> None:
        """Has something done there, and waits for it."""
        print(json.dumps({"do": verb, "name": name}), flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise SystemExit("the laboratory is gone")

    def tell(self, facts: dict[str, Any]) -> None:
        """Says how far it is."""
        print(json.dumps(facts), flush=True)


class Weeks:
    """The play: time, the deeds of the script, and a person who operates."""

    def __init__(self, clock: PlayedClock, chosen: argparse.Namespace) -> None:
        self.clock = clock
        self._chosen = chosen
        self._layout = Layout(chosen.root)
        self._laboratory = Laboratory()
        self._operator = Operator(Path(chosen.operations), Path(chosen.data), chosen.root, clock, chosen.listen)
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Starts to play, once the server's socket is there."""
        self._tasks = [asyncio.create_task(self._play(), name="play")]

    async def _play(self) -> None:
        try:
            with self.clock.held():
                await self._operator.wait_for_server()
            self._tasks += [asyncio.create_task(self._deeds()), asyncio.create_task(self._operator.work())]
            await self.clock.play(self._chosen.until)
            for task in self._tasks[1:]:
                task.cancel()
            self._laboratory.tell({"played": str(self.clock.now()), "jumps": self.clock.jumps})
            if self._chosen.stay:
                await asyncio.to_thread(sys.stdin.readline)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    async def _deeds(self) -> None:
        for at, verb, name in deeds_between(self._chosen.begin, self.clock.now(), self._chosen.until):
            await self.clock.sleep((at - self.clock.now()).total_seconds())
            with self.clock.held():
                date_files(self._layout, self._chosen.begin, self.clock.now())
                self._laboratory.ask(verb, name)
                if verb == "break" and name in LOOKED_AT:
                    await self._look_at(name)

    async def _look_at(self, fault: str) -> None:
        """Somebody looks at what must show the fault; at what is measured over time again and again until it does."""
        for pattern in LOOKED_AT[fault]:
            if fault not in MEASURED:
                await self._operator.look(pattern)
                continue
            async with self.clock.slowly():
                end = self.clock.monotonic() + _LONGEST_LOOK
                while await self._operator.look(pattern) not in ("warn", "fail") and self.clock.monotonic() < end:
                    await self.clock.sleep(_BETWEEN_LOOKS)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays."""
    parser = argparse.ArgumentParser(prog="python -m lab.audiodeck.weeks", description="keepwell up with played time.")
    parser.add_argument("operations")
    parser.add_argument("--data", required=True)
    parser.add_argument("--root", type=Path, required=True, help="AudioDeck's root")
    parser.add_argument("--from", dest="begin", type=_instant, required=True, help="when the play begins (RFC 3339)")
    parser.add_argument("--until", type=_instant, required=True)
    parser.add_argument("--listen", default=f"127.0.0.1:{free_ports(1)[0]}")
    parser.add_argument("--stay", action="store_true", help="stay once the time is over, until the input ends")
    chosen = parser.parse_args(arguments)
    layout = Layout(chosen.root)
    begin = max(chosen.begin, layout.now() + timedelta(seconds=1)) if layout.clock.exists() else chosen.begin
    clock = PlayedClock(begin, layout.clock)
    layout.clock.write_text(str(begin.timestamp()), "ascii")
    hold_everything(clock)
    weeks = Weeks(clock, chosen)
    loop = HeldLoop()
    loop.clock = clock
    asyncio.set_event_loop(loop)
    settings = serve.Settings(chosen.operations, chosen.data, chosen.listen, log_level="warning")
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(serve.serve(settings, local_host(clock, weeks.begin)))


if __name__ == "__main__":
    sys.exit(main())
