"""A history of 100,000 alerts: how long a page of it takes, whatever is asked: ``python -m bench.alert_history [ROWS] [--database URL]``.

The database is SQLite in a folder of its own, or an empty one that a URL names.
"""

import argparse
import asyncio
import os
import tempfile
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, insert

from bench.measure import Row, show, timed
from bench.scene import Running, keepwell
from keepwell.composition import verbs
from keepwell.rooms.alerts.fingerprint import fingerprint
from keepwell.rooms.alerts.tables import ALERT
from keepwell.storage.database import Database
from keepwell.storage.directory import DataDirectory

ROWS = 100_000
TIMES = 20
VARIABLE = "KEEPWELL_BENCH_DATABASE"
WANTED = 100.0
RARE = 97
"""One alert in so many has the rare name, severity, service and host."""

_EVERY = timedelta(minutes=5)
_WORDS = ("ApiDown", "DiskFull", "HighErrorRate", "QueueFull", "ReplicationLag", "CertificateEnds", "MemoryHigh", "SlowQueries")


def past(rows: int, end: datetime) -> Iterator[dict[str, Any]]:
    """Rows of alerts that fired every five minutes and are over, the newest number last."""
    for number in range(1, rows + 1):
        is_rare = number % RARE == 0
        labels = {
            "alertname": "RareOne" if is_rare else _WORDS[number % len(_WORDS)],
            "severity": "P1" if is_rare else ("critical", "warning", "info")[number % 3],
            "service": "bank" if is_rare else "shop",
            "instance": f"10.0.{number % 40}.{number % 250}:9100",
            "host": "rare" if is_rare else f"web{number % 200}",
        }
        yield _row(number, labels, end - _EVERY * (rows - number))


def _row(number: int, labels: dict[str, str], at: datetime) -> dict[str, Any]:
    known = at + timedelta(minutes=3) if number % 3 else None
    summary = f"{labels['alertname']} on {labels['host']}: 12.4 % over the last 5 minutes, more than 10 %"
    return {
        **{column.name: None for column in ALERT.columns},
        "number": number,
        "fingerprint": fingerprint(labels),
        "source": f"rules/rules/{labels['alertname']}",
        "state": "resolved",
        "name": labels["alertname"],
        "severity": labels["severity"],
        "service": labels["service"],
        "labels": labels,
        "annotations": {"summary": summary, "runbook_url": f"https://runbooks.example.org/{labels['alertname']}"},
        "active_since": at,
        "firing_since": at,
        "resolved_at": at + timedelta(minutes=4),
        "updated_at": at + timedelta(minutes=4),
        "acknowledged_by": "maria" if known else None,
        "acknowledged_at": known,
        "acknowledged_note": "" if known else None,
        "value": 0.124,
        **dict.fromkeys(("generator_url", "doubt", "assigned_to", "muted_by"), ""),
        "reason": "its condition holds no longer",
        **dict.fromkeys(("flapping", "service_added", "closed"), False),
        "settled": True,
        "memory": {},
    }


async def fill(place: Path | str, rows: int, end: datetime) -> None:
    """Writes them into a database, which is made where there is none."""
    database = await Database.open(place, verbs.tables(), end)
    every = past(rows, end)
    try:
        while batch := list(islice(every, 5000)):
            await database.write(partial(_insert, batch))
    finally:
        await database.close()


def _insert(batch: list[dict[str, Any]], connection: Connection) -> None:
    connection.execute(insert(ALERT), batch)


def questions(rows: int, end: datetime) -> Iterator[tuple[str, str]]:
    """What is asked, each with a name for people."""
    middle = quote((end - _EVERY * (rows // 2)).isoformat())
    later = quote((end - _EVERY * (rows // 2) + timedelta(days=1)).isoformat())
    history = "/api/v1/alerts/history"
    yield "the newest 50", history
    yield "the newest 1,000", f"{history}?limit=1000"
    yield "50 from the middle on", f"{history}?before={rows // 2}"
    yield "50 of a day in the middle", f"{history}?start={middle}&end={later}"
    yield "50 of a name, rare", f"{history}?name=RareOne"
    yield "50 of a name that there is not", f"{history}?name=None"
    yield "50 of a service, rare", f"{history}?service=bank"
    yield "50 of a name and another severity: none", f"{history}?name=RareOne&severity=info"
    yield "50 that a label's value has, rare", history + _fits('host="rare"')
    yield "50 that a label's value has: none", history + _fits('host="none"')
    yield "50 by a regular expression, rare", history + _fits('host=~"ra.*"')
    yield "by a regular expression: none (20,000 looked through)", history + _fits('host=~"no.*"')
    yield "those that fire", f"{history}?state=firing"
    yield "one alert, with its earlier episodes", f"/api/v1/alerts/{rows // 2}"
    yield "the page of the newest 50", "/alerts/history"


def _fits(matcher: str) -> str:
    return f"?matcher={quote(matcher)}"


def patterns() -> Iterator[tuple[str, str]]:
    """The report, for which the whole span is read."""
    yield "patterns of 7 days", "/api/v1/alerts/stats?over=7d"
    yield "patterns of 30 days", "/api/v1/alerts/stats?over=30d"
    yield "patterns of the whole year", "/api/v1/alerts/stats?over=365d"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=ROWS)
    parser.add_argument("--database", help="a URL such as postgresql://... instead of SQLite")
    given = parser.parse_args()
    end = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir(mode=0o700)
        asyncio.run(fill(given.database or DataDirectory(data).database, given.rows, end))
        (folder / "ops").mkdir()
        (folder / "ops" / "keepwell.yaml").write_text(_operations(given.database))
        os.environ[VARIABLE] = given.database or ""
        with keepwell(folder / "ops", data) as running:
            rows = [_measured(running, what, path, WANTED) for what, path in questions(given.rows, end)]
            rows += [_measured(running, what, path, None) for what, path in patterns()]
    show(f"{given.rows:,} alerts that fired (95th percentile of {TIMES} over HTTP)", rows)


def _operations(database: str | None) -> str:
    storage = f"storage: {{url: 'secret:{VARIABLE}'}}\n" if database else ""
    return f"keepwell: 1\nservice: shop\nchecks: {{}}\n{storage}"


def _measured(running: Running, what: str, path: str, wanted: float | None) -> Row:
    def ask() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.port}{path}", timeout=60) as answer:
            answer.read()

    _, slow = timed(ask, TIMES)
    return Row(what, slow, "ms", wanted)


if __name__ == "__main__":
    main()
