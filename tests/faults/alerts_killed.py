"""Kills the keeping and telling of alerts at every point of writing and sending, and starts again.

``python -m tests.faults.alerts_killed FOLDER WEBHOOK EVERY``. For each case a child process lives with the real desk, outbox, database
and HTTP client, and kills itself with SIGKILL at its n-th point: before and after each statement, before each commit, before and after
each request. A second child begins as the server does, and its source goes on telling what is so. It prints a line of JSON for each case:
what the source told when, and what was wrong in the second life. What arrived (at ``WEBHOOK`` with the point's number behind it) is judged
by whoever listens there.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, event

from keepwell.composition import verbs
from keepwell.composition.alerting import AlertStore
from keepwell.engine import Engine as Loop
from keepwell.ports.alerts import Active
from keepwell.ports.http import Request, Response
from keepwell.rooms.alerts.delivery.offer import receivers_in
from keepwell.rooms.alerts.model import Acknowledgement, State
from keepwell.rooms.alerts.offer import tables
from keepwell.rooms.alerts.outbox.work import Outbox
from keepwell.rooms.alerts.policy import Policy
from keepwell.rooms.alerts.routing.offer import routing_of
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.storage.database import Database
from keepwell.storage.verify import verify
from tests.alerts_timeline import operations

SOURCE = "checks/a"
STEPS: Sequence[Sequence[str]] = (("a",), ("a", "b"), ("b",), ("b", "c"))
"""What the source holds for active, one after the other; the second life goes on with the last, and then all of it ends."""

CONFIGURATION = """\
receivers: {{hook: {{webhook: {{url: "{url}"}}}}}}
routes: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 100ms, repeat_interval: 1h}}
"""


class Plug:
    """Counts the points; kills this process at the n-th."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.passed = 0
        self._kill_at = kill_at

    def __call__(self, *_: object) -> None:
        self.passed += 1
        if self.passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Plugged:
    """The HTTP client, with a point before and after each request."""

    def __init__(self, http: object, plug: Plug) -> None:
        self._http, self._plug = http, plug

    async def ask(self, request: Request) -> Response:
        self._plug()
        answer: Response = await self._http.ask(request)  # type: ignore[attr-defined]
        self._plug()
        return answer


class Life:
    """One life of the server, as far as alerts go."""

    def __init__(self, folder: Path, url: str, plug: Plug) -> None:
        self.folder, self.url, self.plug = folder, url, plug
        self.began = time.monotonic()

    async def __aenter__(self) -> "Life":
        self._stack = AsyncExitStack()
        host = await self._stack.enter_async_context(verbs.local_host())
        host = replace(host, http=Plugged(host.http, self.plug))  # type: ignore[arg-type]
        database = await Database.open(self.folder / "keepwell.sqlite", [tables()], datetime.now(UTC))
        self._stack.push_async_callback(database.close)
        configured = operations(self.folder / "ops", CONFIGURATION.format(url=self.url))
        receivers = receivers_in(configured, verbs.receiver_kinds(), lambda name, options: "")
        self.storing = AlertStore(database, host, receivers.lives)
        self.database, self.desk = database, Desk(self.storing, host.clock)
        self.outbox = Outbox(database, receivers, host, self.desk.tell, self.desk.known)
        self.storing.on_notices = self.outbox.wake_up
        await self.desk.begin()
        await self.outbox.begin()
        await self.desk.configure(Policy("shop", routing_of(configured, receivers.names(), {}), receivers.names()))
        self.loop = Loop([self.desk, self.outbox], host.clock)
        self.desk.on_wake(self.loop.wake)
        self.outbox.on_wake(self.loop.wake)
        self._running = asyncio.create_task(self.loop.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.loop.stop(5)
        await self._running
        await self._stack.aclose()

    async def tell(self, names: Sequence[str]) -> None:
        """The source tells; that it does, and that it was heard, is noted outside of the database."""
        self.note("tells", names)
        now = datetime.now(UTC)
        await self.desk.tell(SOURCE, [Active({"alertname": name}, {"summary": "x"}, "firing", now, now) for name in names], now)
        self.note("told", names)

    def note(self, what: str, names: Sequence[str]) -> None:
        """A line that is kept whatever happens to this process."""
        with (self.folder / "notes").open("a") as notes:
            notes.write(json.dumps([time.monotonic(), what, list(names)]) + "\n")

    async def calm(self) -> None:
        """Until nothing waits to be told or delivered."""
        for _ in range(600):
            await asyncio.sleep(0.05)
            # In this order: what is told between the two waits then, and would not if it were counted first.
            pending = [alert for alert in self.desk.book.alerts.values() if alert.state is State.RESOLVED]
            untold = [group for group in self.desk.groups() if group.told is None]
            waiting = await self.database.read(_waiting)
            if not (waiting or pending or untold):
                return
        raise RuntimeError(f"not calm: {waiting} wait, {pending}, {untold}")


def _waiting(connection: object) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM outbox WHERE state = 'waiting'").scalar())  # type: ignore[attr-defined]


async def first_life(folder: Path, url: str, plug: Plug) -> None:
    async with Life(folder, url, plug) as life:
        for number, names in enumerate(STEPS):
            await life.tell(names)
            await asyncio.sleep(0.03 * number)
            if number == 1:
                first = life.desk.active()[0].number
                await life.desk.acknowledge(first, Acknowledgement("anna", datetime.now(UTC)), "anna")
        await life.calm()


async def second_life(folder: Path, url: str, plug: Plug) -> None:
    async with Life(folder, url, plug) as life:
        faults = [f"{name} was stored and is gone" for name in _stored(folder) - {alert.name for alert in life.desk.active()}]
        await life.tell(STEPS[-1])
        await life.calm()
        await life.tell(())
        await life.calm()
        verdict = await life.database.read(verify)
        faults += [] if verdict.ok else [verdict.sentence]
        (folder / "faults").write_text(json.dumps(faults))


def _stored(folder: Path) -> set[str]:
    """What must be active: what the source was told is stored, but for what it then began to say has ended."""
    notes = [json.loads(line) for line in (folder / "notes").read_text().splitlines()]
    heard = [set(names) for _, what, names in notes if what == "told"]
    if not heard:
        return set()
    return heard[-1] & set(notes[-1][2])


def in_child(life: Callable[[Path, str, Plug], object], folder: Path, url: str, kill_at: int | None) -> tuple[int, int]:
    """Runs a life in a child; its wait status, and how many points it passed."""
    child = os.fork()
    if child == 0:
        try:
            plug = Plug(kill_at)
            for name in ("before_cursor_execute", "commit", "after_cursor_execute"):
                event.listen(Engine, name, plug)
            asyncio.run(life(folder, url, plug))  # type: ignore[arg-type]
            (folder / "passed").write_text(str(plug.passed))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    passed = folder / "passed"
    return status, int(passed.read_text()) if passed.exists() else 0


def case(template: Path, folder: Path, url: str, kill_at: int | None) -> dict[str, object]:
    """One kill and what it leaves."""
    shutil.copytree(template, folder)
    status, passed = in_child(first_life, folder, url, kill_at)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    faults = [] if killed or status == 0 else [f"the first life ended with {status}"]
    status, _ = in_child(second_life, folder, url, None)
    faults += [f"the second life ended with {status}"] if status else json.loads((folder / "faults").read_text())
    notes = [json.loads(line) for line in (folder / "notes").read_text().splitlines()]
    shutil.rmtree(folder)
    return {"url": url, "kill_at": kill_at, "killed": killed, "passed": passed, "faults": faults, "notes": notes}


def main(folder: Path, hook: str, every: int) -> None:
    template = folder / "template"
    template.mkdir()
    (template / "notes").touch()

    async def made() -> None:
        await (await Database.open(template / "keepwell.sqlite", [tables()], datetime.now(UTC))).close()

    child = os.fork()
    if child == 0:
        asyncio.run(made())
        os._exit(0)
    os.waitpid(child, 0)
    whole = case(template, folder / "whole", f"{hook}0", None)
    print(json.dumps(whole), flush=True)
    for kill_at in range(1, int(str(whole["passed"])), every):
        print(json.dumps(case(template, folder / str(kill_at), f"{hook}{kill_at}", kill_at)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
