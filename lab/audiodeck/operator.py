"""A simulated person who operates AudioDeck by the API: answers incidents, runs playbooks, ticks checklists, gives permissions.

What they do is theirs, and said so: a row of the manual that only they ticked is no proof of anything.
"""

import asyncio
import fnmatch
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from keepwell.api.client import ServerClient
from keepwell.kernel.problems import KeepwellError

from .layout import Layout
from .playing import PlayedClock

NAME = "simulated operator"
ROUND = 800.0
"""Seconds between two looks at what waits for a person."""

_EACH_MINUTE = 'every: "* * * * *"'
_UNDER_WAY = ("waiting", "asks")
_SETTINGS = "audiodeck-config"
"""The backup of the settings."""
_RESTART = "database-configuration-recovery"
"""The runbook that restarts the service on what was restored."""
_PATIENCE = 120
"""How often this person looks, half a second apart, whether a recovery has ended."""


def _what_next(runbook: str) -> str:
    """What this person says of a step of which nobody knows how it ended: what counts is not counted again, all else may be repeated."""
    return "skip" if runbook.endswith("count-occasions.md") else "repeat"


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that this person sees is gone, out of which backup it comes back, and the paths that are recovered."""

    seen: Callable[[Layout], bool]
    backup: str
    paths: Callable[[Layout], Sequence[Path]]


def _settings_lost(layout: Layout) -> bool:
    try:
        return "port" not in json.loads(layout.settings.read_text("utf-8"))
    except (OSError, ValueError):
        return True


def _program_lost(layout: Layout) -> bool:
    return not layout.program.is_file() or not layout.program.stat().st_size


_LOSSES = (
    Loss(_program_lost, "audiodeck-backup", lambda layout: (layout.home, layout.unit)),
    Loss(_settings_lost, _SETTINGS, lambda layout: (layout.settings.parent,)),
)


class Operator:
    """Works by the clock, and while they do something the clock stands still."""

    def __init__(self, operations: Path, data: Path, root: Path, clock: PlayedClock, listen: str) -> None:
        self._client = ServerClient(data, 60.0)
        self._configuration = operations / "keepwell.yaml"
        self._root = root
        self._listen = listen
        self._clock = clock
        self.refusals: list[str] = []

    async def wait_for_server(self) -> None:
        """Until the server answers."""
        for _ in range(600):
            try:
                await self._client.get("/health")
                return
            except KeepwellError:
                await asyncio.sleep(0.1)
        raise TimeoutError("the server does not answer")

    async def work(self) -> None:
        """Goes round for ever."""
        while True:
            with self._clock.held():
                for deed in (self._losses, self._incidents, self._runs, self._tasks, self._wishes, self._plans):
                    try:
                        await deed()
                    except KeepwellError as error:
                        self._note(str(error))
            await self._clock.sleep(ROUND)

    def _note(self, text: str) -> None:
        self.refusals.append(text)
        with (self._root / "run" / "operator.log").open("a", encoding="utf-8") as file:
            file.write(f"{self._clock.now():%Y-%m-%d %H:%M} {text}\n")

    async def _try(self, path: str, body: Any = None) -> Any:
        try:
            return await self._client.post(path, body)
        except KeepwellError as error:
            self._note(f"{path}: {error}")
            return None

    async def look(self, pattern: str) -> str:
        """Has a check looked at now; gives the state that it found, empty where that cannot be known."""
        for check in (await self._client.get("/api/v1/checks"))["checks"]:
            if fnmatch.fnmatchcase(check["name"], pattern):
                found = await self._try(f"/api/v1/checks/{check['name']}/run")
                return str(found["state"]) if found else ""
        self._note(f"no check is called {pattern}")
        return ""

    async def _losses(self) -> None:
        """What is gone comes back out of its backup, in the place where it was; then the service is restarted. A file says that it has to:
        a Keepwell that is killed takes this person along."""
        layout = Layout(self._root)
        restart = layout.run / "restart"
        for loss in _LOSSES:
            if loss.seen(layout):
                restart.touch()
                await self._recover(loss.backup, [str(path) for path in loss.paths(layout)])
        if restart.exists() and not any(loss.seen(layout) for loss in _LOSSES):
            await self._run_book(_RESTART, f"restart {self._clock.now():%Y%m%dT%H%M}")
            restart.unlink()

    async def _recover(self, backup: str, paths: Sequence[str]) -> None:
        """As ``keepwell backups recover BACKUP PATH...`` does it; somebody else permits it."""
        run = await self._try(f"/api/v1/backups/{backup}/recover", {"paths": paths})
        for _ in range(_PATIENCE):
            if run is None or run["state"] not in ("running", "waiting"):
                break
            if run["state"] == "waiting":
                for wish in (await self._client.get("/api/v1/approvals"))["approvals"]:
                    if wish["subject"] == f"backups/recoveries/{run['id']}":
                        await asyncio.to_thread(self._approve, int(wish["id"]))
            await self._clock.sleep(0.5)
            run = await self._client.get(f"/api/v1/backup-runs/{run['id']}")
        if run is not None and run["state"] != "done":
            self._note(f"recovery from {backup}: {run['state']}: {run['sentence']}")

    async def _copy_settings(self) -> None:
        """A copy of the settings by hand, before their backup's own first occasion."""
        if not (await self._client.get(f"/api/v1/backups/{_SETTINGS}"))["copies_there"]:
            await self._try(f"/api/v1/backups/{_SETTINGS}/run")

    async def _run_book(self, name: str, key: str) -> None:
        """Runs a runbook without what cannot be run; where nothing can, the refusal itself is what there is to see."""
        book = await self._client.get(f"/api/v1/runbooks/{name}")
        left_out = [step["name"] for step in book["steps"] if step["way"] in ("refused", "missing")]
        if len(left_out) == len(book["steps"]):
            left_out = []
        await self._try("/api/v1/runs", {"runbook": book["path"], "key": key, "skip": left_out})

    async def _incidents(self) -> None:
        for incident in (await self._client.get("/api/v1/incidents?state=open"))["incidents"]:
            where, said = f"/api/v1/incidents/{incident['id']}", {"by": NAME, "note": "simulated"}
            if incident["acknowledged"] is None:
                await self._try(f"{where}/acknowledge", said)
                if incident["severity"] == "P1":
                    await self._try("/api/v1/runs", {"runbook": "p1-critical-incident-response", "key": f"incident-{incident['id']}"})
            elif all(alert["ended_at"] for alert in incident["alerts"]):
                if incident["mitigated"] is None:
                    await self._try(f"{where}/mitigate", said)
                await self._try(f"{where}/resolve", said)
            else:
                await self._try(f"{where}/note", {"by": NAME, "note": "it goes on (simulated)"})

    async def _runs(self) -> None:
        query = "&".join(f"state={state}" for state in _UNDER_WAY)
        for head in (await self._client.get(f"/api/v1/runs?{query}&limit=200"))["runs"]:
            run = await self._client.get(f"/api/v1/runs/{head['id']}")
            where = f"/api/v1/runs/{run['id']}"
            for approval in run["approvals"]:
                await asyncio.to_thread(self._approve, int(approval["id"]))
            for step in run["steps"]:
                if step["way"] == "person" and step["state"] == "waiting":
                    await self._try(f"{where}/steps/{step['name']}/tick", {"by": NAME, "note": "ticked by a simulated operator"})
                elif step["state"] == "asks":
                    await self._try(f"{where}/resume", {"what": _what_next(run["runbook"]), "note": "simulated"})
                elif step["way"] in ("missing", "refused", "elsewhere") and step["state"] == "waiting" and not run["approvals"]:
                    await self._try(f"{where}/resume", {"what": "skip", "note": "simulated: nobody supplies it"})
                else:
                    continue
                break

    def _approve(self, number: int) -> None:
        """By a token of somebody else: whoever starts something does not approve it."""
        token = (self._root / "run" / "approver").read_text("ascii")
        request = urllib.request.Request(
            f"http://{self._listen}/api/v1/approvals/{number}",
            json.dumps({"granted": True, "note": "simulated", "lasts": "60d"}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30):
                pass
        except urllib.error.HTTPError as error:
            self._note(f"approval {number}: {error.read().decode(errors='replace')[:300]}")

    async def _tasks(self) -> None:
        for task in (await self._client.get("/api/v1/tasks"))["tasks"]:
            if task.get("work") is None and task.get("state") == "waiting":
                await self._try(f"/api/v1/tasks/{task['name']}/done", {"by": NAME, "note": "simulated"})

    async def _wishes(self) -> None:
        """What a task asks permission for: to clean up among the logs."""
        for wish in (await self._client.get("/api/v1/approvals"))["approvals"]:
            if wish["subject"].startswith("logs/"):
                await asyncio.to_thread(self._approve, int(wish["id"]))

    async def _plans(self) -> None:
        """Once: every runbook that no task runs is run on demand, one each hour of the second day."""
        begun = datetime.fromisoformat((self._root / "run" / "begun").read_text("ascii"))
        hours = int((self._clock.now() - begun - timedelta(days=1)) / timedelta(hours=1))
        await self._slow_down(hours + 24)
        if hours >= 10:
            await self._open_by_hand()
            await self._copy_settings()
        books = (await self._client.get("/api/v1/runbooks"))["runbooks"]
        for place, book in enumerate(books):
            if 0 <= place <= hours - 8 and book["last"] is None:
                await self._run_book(book["name"], f"on demand {book['path']}")

    async def _slow_down(self, hours: int) -> None:
        """After two hours at the manual's own pace its script of each minute runs every two hours: each run is a real one."""
        text = self._configuration.read_text("utf-8")
        if hours >= 2 and _EACH_MINUTE in text:
            self._configuration.write_text(text.replace(_EACH_MINUTE, 'every: "0 */2 * * *"'), "utf-8")
            await self._try("/api/v1/reload")

    async def _open_by_hand(self) -> None:
        """What no alert says is told by people: one incident of each lesser severity."""
        titles = {incident["title"] for incident in (await self._client.get("/api/v1/incidents?limit=1000"))["incidents"]}
        for severity in ("P2", "P3", "P4"):
            title = f"Told by a user: {severity} (simulated)"
            if title not in titles:
                await self._try("/api/v1/incidents", {"title": title, "severity": severity, "by": NAME})
