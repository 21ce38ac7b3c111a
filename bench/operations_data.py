"""What five weeks of an operations manual leave behind, written by the rooms' own values and tables: for ``python -m bench.operations``.

A task ran each minute (50,400 occasions, each a run of a runbook with two steps); 10,080 alerts fired and 200 of them opened an incident;
a backup was made and proved, logs were analysed and an audit was made each day; the journal tells of each.
"""

import asyncio
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from bench.alert_history import past
from bench.measure import KEEPWELL
from keepwell.composition import verbs
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.alerts.tables import ALERT, COUNTER
from keepwell.rooms.audits import store as audits
from keepwell.rooms.audits.model import Made, Standing
from keepwell.rooms.backups import store as backups
from keepwell.rooms.backups.decide import EXPIRED
from keepwell.rooms.backups.model import Copy
from keepwell.rooms.incidents import decide as incidents
from keepwell.rooms.incidents import store as incidents_store
from keepwell.rooms.incidents.model import Deed, Incident, Seen, Severity
from keepwell.rooms.logs import store as logs
from keepwell.rooms.runbooks.tables import RUN, STEP
from keepwell.rooms.tasks.tables import RUN as OCCASION
from keepwell.rooms.tasks.tables import TASK
from keepwell.storage.database import Database
from keepwell.storage.directory import DataDirectory
from keepwell.storage.journal import NewEntry, append_many

MANUAL = Path(__file__).resolve().parents[1] / "lab" / "manual.md"
DAYS = 35
INCIDENTS = 200
FINDINGS = 50
OFTEN, DAILY = "often", "each-day"
RUNBOOK = "runbooks/often.md"
_STEPS = ("is-it-there", "is-it-well")
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_ALERTS_EACH = timedelta(minutes=5)
_BY = f"tasks/{OFTEN}"
_P1 = Severity("P1", 0, respond=timedelta(minutes=15), update=timedelta(minutes=30))

_TEXT = """---
title: Often
---

```sh {"name": "is-it-there"}
true
```

```sh {"name": "is-it-well"}
echo it is
```
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything of one measurement lies: the operations directory, the data, and the files that backups, logs and audits look at."""

    folder: Path

    @property
    def operations(self) -> Path:
        """The operations directory."""
        return self.folder / "ops"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def files(self) -> Path:
        """What is backed up and looked at."""
        return self.folder / "files"


def prepare(place: Place, manual: Path, port: int) -> None:
    """Makes the operations directory from a manual, whose service answers on that port of loopback, and accepts it."""
    place.files.mkdir()
    for number in range(20):
        (place.files / f"settings-{number}.conf").write_text(f"number = {number}\n" * 50)
    (place.files / "app.log").write_text("".join(f"2026-03-02T07:{number:02}:00Z INFO it is well\n" for number in range(60)))
    text = manual.read_text("utf-8").replace("localhost:3001", f"127.0.0.1:{port}").replace("127.0.0.1:3001", f"127.0.0.1:{port}")
    (place.folder / "manual.md").write_text(text, "utf-8")
    run(place, "import", str(place.folder / "manual.md"), "-o", str(place.operations))
    configuration = place.operations / "keepwell.yaml"
    written = configuration.read_text("utf-8")
    for section, entries in _sections(place, port).items():
        written = _with(written, section, entries)
    configuration.write_text(written, "utf-8")
    (place.operations / RUNBOOK).write_text(_TEXT)
    run(place, "validate", str(place.operations), with_data=False)
    run(place, "accept", str(place.operations), "--yes", with_data=False)


def run(place: Place, *words: str, with_data: bool = True) -> None:
    """One command of Keepwell. Raises SystemExit where it could not."""
    argv = [KEEPWELL, *words, *(("--data", str(place.data)) if with_data else ())]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode > 1:
        raise SystemExit(f"keepwell {' '.join(words)} ended with {done.returncode}: {done.stderr or done.stdout}")


def _sections(place: Place, port: int) -> dict[str, str]:
    files = place.files
    return {
        "receivers": f"  team: {{webhook: {{url: 'http://127.0.0.1:{port}/hook'}}}}",
        "tasks": f'  {OFTEN}: {{run: {RUNBOOK}, every: "* * * * *"}}\n  {DAILY}: {{run: {RUNBOOK}, every: daily 03:00}}',
        "backups": f"  settings:\n    files: {{paths: [{files}]}}\n    to: here\n    every: daily 01:00\n    keep: {{daily: 7}}\n"
        "    prove: {every: daily 02:00}",
        "repositories": f"  here: {{archive: {{path: {place.folder / 'repository'}}}}}",
        "audits": f"  permissions: {{world_writable: {{paths: [{files}]}}, every: daily 05:00}}",
        "logs": f"  app: {{paths: [{files / 'app.log'}], analyse: [{{name: lines, in: {files / 'app.log'}, ask: search, pattern: INFO}}]}}",
        "incidents": "  opens: {}",
    }


def _with(text: str, section: str, entries: str) -> str:
    """The entries added to a section, which is made where there is none; what the manual says under the same name goes first."""
    found = re.search(rf"(?m)^{section}:\n", text)
    return f"{text[: found.end()]}{entries}\n{text[found.end() :]}" if found else f"{text.rstrip()}\n\n{section}:\n{entries}\n"


def fill(place: Place, end: datetime) -> None:
    """Writes the data of the five weeks before ``end``, a whole minute, into a new data directory."""
    place.data.mkdir(mode=0o700, exist_ok=True)
    asyncio.run(_fill(place, end))
    samples = place.folder / "samples.om"
    with samples.open("w") as file:
        file.writelines(_samples(end))
    run(place, "samples", "import", str(samples))


async def _fill(place: Place, end: datetime) -> None:
    database = await Database.open(DataDirectory(place.data).database, verbs.tables(), end)
    start = end - DAYS * _DAY
    try:
        await database.write(partial(_alerts, end))
        for day in range(DAYS):
            await database.write(partial(_day, start + day * _DAY, day))
        await database.write(partial(_findings, start, end))
        await database.write(partial(_tasks, end))
    finally:
        await database.close()


def _tasks(end: datetime, connection: Connection) -> None:
    cadences = {OFTEN: "* * * * *", DAILY: "daily 03:00"}
    row = {"decided_until": end, "last_success": end}
    connection.execute(insert(TASK), [{"name": name, "cadence": cadence, **row} for name, cadence in cadences.items()])


def _alerts(end: datetime, connection: Connection) -> None:
    count = DAYS * _DAY // _ALERTS_EACH
    connection.execute(insert(ALERT), list(past(count, end)))
    connection.execute(insert(COUNTER), [{"name": "alert", "last": count}])


def _day(start: datetime, day: int, connection: Connection) -> None:
    """Everything of one day, its entries of the journal in the order of time."""
    for hour in range(24):
        _occasions(start + hour * _HOUR, 24 * day + hour, connection)
    _copy(start + _HOUR, day, connection)
    _logs(start + 4 * _HOUR, connection)
    key = f"tasks/audits/permissions/{start:%Y-%m-%d}"
    made = Made(key, "permissions", "tasks/audits/permissions", start, start + _MINUTE, "done", f"{FINDINGS} findings", FINDINGS, 0, 0)
    audits.put_run(connection, made)
    for number in range(day * INCIDENTS // DAYS, (day + 1) * INCIDENTS // DAYS):
        _incident(number + 1, start + 6 * _HOUR, connection)


def _occasions(start: datetime, hour: int, connection: Connection) -> None:
    """An hour of the task that ran each minute: occasions, runs and steps."""
    dues = [start + minute * _MINUTE for minute in range(60)]
    numbers = [60 * hour + minute + 1 for minute in range(60)]
    connection.execute(insert(RUN), [_run(number, due) for number, due in zip(numbers, dues, strict=True)])
    steps = [_step(number, place, due) for number, due in zip(numbers, dues, strict=True) for place in range(len(_STEPS))]
    connection.execute(insert(STEP), steps)
    connection.execute(insert(OCCASION), [_occasion(number, due) for number, due in zip(numbers, dues, strict=True)])
    output = b"it is\n"
    begun = [NewEntry(_BY, "run.started", f"runs/{number}", {"runbook": RUNBOOK}) for number in numbers]
    ended = [NewEntry("keepwell", "task.ended", _BY, {"outcome": "done", "record": f"runs/{number}"}) for number in numbers]
    append_many(connection, [*begun, *ended[:-1], replace(ended[-1], output=output)], start + _HOUR)


def _run(number: int, due: datetime) -> dict[str, Any]:
    return {
        "number": number,
        "key": f"{_BY}/{due:%Y-%m-%dT%H:%M:%SZ}",
        "runbook": RUNBOOK,
        "title": "Often",
        "state": "done",
        "sentence": "2 steps were done",
        "started_by": _BY,
        "asked_at": due,
        "began_at": due,
        "ended_at": due + timedelta(seconds=1),
        "arguments": {},
        "answered_by": "",
    }


def _step(run: int, place: int, due: datetime) -> dict[str, Any]:
    name = _STEPS[place]
    return {
        **{column.name: "" for column in STEP.columns},
        "run": run,
        "number": place + 1,
        "name": name,
        "title": name,
        "way": "shell",
        "state": "done",
        "attempt": 1,
        "began_at": due,
        "deadline": due + _MINUTE,
        "ended_at": due + timedelta(seconds=1),
        "status": 0,
        "sentence": "exit status 0",
        "confirmed": False,
    }


def _occasion(number: int, due: datetime) -> dict[str, Any]:
    return {
        "task": OFTEN,
        "due_at": due,
        "state": "done",
        "by": _BY,
        "started_at": due,
        "ended_at": due + timedelta(seconds=1),
        "sentence": "2 steps were done",
        "record": f"runs/{number}",
        "facts": {"seconds": 1.0},
        "holder": "",
        "first_due_at": None,
        "occasions": 1,
    }


def _copy(at: datetime, day: int, connection: Connection) -> None:
    """A backup, proved; of each but the newest seven the copy was deleted, and of those the files are nobody's (a new one is made)."""
    done = at + _MINUTE
    id = f"{at:%Y%m%dT%H%M%SZ}"
    for kind, sentence in (("backup", "21 files, 40 kB"), ("proof", "restored and compared: 21 files")):
        occasion = Occasion(f"tasks/{kind}/{id}", f"tasks/{kind}s/settings", at)
        made, _ = backups.begin(connection, Work(kind, "settings"), occasion, at)
        facts = {"seconds": 1.5, "bytes": 40_000.0 + day}
        backups.end(connection, replace(made, state="done", ended=done, copy=id, sentence=sentence, facts=facts))
        append_many(connection, [NewEntry(made.by, f"{kind}.made", "backups/settings", {"copy": id})], done)
    copy = Copy(id, "settings", "here", at, done, 8000, 21, 40_000 + day, "0" * 64, proven_at=done, recovery_seconds=1.5)
    backups.put(connection, backups.gone(copy, at + 7 * _DAY, f"{EXPIRED}daily 7"))


def _logs(at: datetime, connection: Connection) -> None:
    key = f"tasks/analysis/{at:%Y-%m-%d}"
    logs.begin(connection, Work("analysis", "app"), Occasion(key, "tasks/logs/app", at), [], at)
    logs.end(connection, key, Performed(Outcome.DONE, "60 lines were found", facts={"lines": 60.0}), [], at + _MINUTE)


def _incident(number: int, at: datetime, connection: Connection) -> None:
    """An incident that an alert opened: answered, told of, and resolved by the decisions of the room."""
    seen = Seen(50 * number, "ApiDown", "critical", "12.4 % over the last 5 minutes", f"{number:064x}", at, at + _HOUR)
    change = incidents.opened_by_alert(number, seen, _P1, at)
    entries: list[NewEntry] = list(change.entries)
    for decide, after in ((_answered, 5), (_resolved, 55)):
        change = decide(change.incident, at + after * _MINUTE)
        entries += change.entries
    incidents_store.put(connection, [change.incident])
    append_many(connection, entries, at)


def _answered(incident: Incident, at: datetime) -> incidents.Change:
    return incidents.acknowledged(incident, Deed("maria", at, "on it"), "maria")


def _resolved(incident: Incident, at: datetime) -> incidents.Change:
    return incidents.resolved(incident, Deed("maria", at, "a connection pool was too small"), "maria")


def _findings(start: datetime, end: datetime, connection: Connection) -> None:
    found: Sequence[Standing] = [
        Standing("permissions", f"/srv/file-{number}", f"every user may write the file /srv/file-{number}", start, start, end)
        for number in range(FINDINGS)
    ]
    audits.put_findings(connection, found)


def _samples(end: datetime) -> Iterator[str]:
    """Five weeks of a check as OpenMetrics text, a sample each five minutes."""
    last = int(end.timestamp()) // 300 * 300
    for metric, base in (("check_up", 1.0), ("duration_seconds", 0.02), ("memory_bytes", 9e7), ("disk_used_ratio", 0.4)):
        yield f"# TYPE {metric} gauge\n"
        for place in range(DAYS * 288):
            value = base if metric == "check_up" else base * (1 + (place * 7 % 50) / 100)
            yield f'{metric}{{check="health",target="api"}} {value:g} {last - 300 * (DAYS * 288 - place)}\n'
    yield "# EOF\n"
