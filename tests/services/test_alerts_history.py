"""Pages of a long history, over both databases: every question gives what a look at every single row gives."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bench.alert_history import RARE, fill, past
from keepwell.composition import verbs
from keepwell.rooms.alerts.matchers import fits, parse_matchers
from keepwell.rooms.alerts.people import history
from keepwell.rooms.alerts.people.history import Past
from keepwell.rooms.alerts.tables import ALERT
from keepwell.storage.database import Database

END = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROWS = 2500
EVERY = list(past(ROWS, END))
PENDING, FIRING, ODD = 7, ROWS, 41
STRANGE = 'he said "100%_x\\y\u20ac"'


@pytest.fixture
async def database(database_place: Path | str) -> AsyncIterator[Database]:
    """The history of the benchmark, with one alert that is pending, one that fires, and one with a strange label."""
    await fill(database_place, ROWS, END)
    found = await Database.open(database_place, verbs.tables(), END)

    def change(connection: Any) -> None:
        change = update(ALERT)
        connection.execute(
            change.where(ALERT.c.number == PENDING).values(state="pending", firing_since=None, resolved_at=None, settled=False)
        )
        connection.execute(change.where(ALERT.c.number == FIRING).values(state="firing", resolved_at=None, settled=False))
        connection.execute(change.where(ALERT.c.number == ODD).values(labels={"alertname": "Odd", "host": STRANGE}, name="Odd"))

    await found.write(change)
    yield found
    await found.close()


def by_hand(asked: Past) -> list[int]:
    """The numbers that fit, newest first."""
    found = []
    for row in reversed(EVERY):
        number, fired = row["number"], row["firing_since"]
        labels = {"alertname": "Odd", "host": STRANGE} if number == ODD else row["labels"]
        is_wanted = (
            number != PENDING
            and (asked.before is None or number < asked.before)
            and (asked.start is None or fired >= asked.start)
            and (asked.end is None or fired < asked.end)
            and asked.state in (None, "firing" if number == FIRING else "resolved")
            and asked.fingerprint in (None, row["fingerprint"])
            and fits(asked.matchers, labels)
        )
        if is_wanted:
            found.append(number)
    return found


STRANGE_TEXT = STRANGE.replace("\\", "\\\\").replace('"', '\\"')
QUESTIONS = [
    Past(50),
    Past(2000),
    Past(50, before=100),
    Past(50, before=1),
    Past(50, start=END - timedelta(days=1)),
    Past(50, end=END - timedelta(days=7)),
    Past(500, start=END - timedelta(days=5), end=END - timedelta(days=4, hours=3)),
    Past(50, start=END + timedelta(days=1)),
    Past(50, state="firing"),
    Past(50, state="resolved"),
    Past(50, fingerprint=EVERY[RARE - 1]["fingerprint"]),
    *(
        Past(30, matchers=parse_matchers(text))
        for text in (
            'alertname="RareOne"',
            'alertname="RareOne",severity="P1",service="bank"',
            'alertname="Nobody"',
            'severity!="warning",host="web7"',
            'host="rare"',
            'host=~"we.1"',
            'host!~"web.*"',
            'absent=""',
            'host=""',
            f'host="{STRANGE_TEXT}"',
            'host="web"',
        )
    ),
]


async def test_every_page_is_what_a_look_at_every_row_gives(database: Database) -> None:
    for asked in QUESTIONS:
        wanted = by_hand(asked)
        found, following = await database.read(partial(history.page, past=asked))
        assert [alert.number for alert in found] == wanted[: asked.limit], asked
        assert following == (found[-1].number if len(wanted) > asked.limit else None), asked
    assert by_hand(QUESTIONS[-2]) == [ODD]


async def test_pages_together_are_the_whole_even_where_little_fits(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SCANNED", 400)
    matchers = parse_matchers('host=~"rare|web19.",severity!="info"')
    seen: list[int] = []
    pages, before = 0, None
    while pages == 0 or before is not None:
        asked = Past(10, before, matchers)
        found, before = await database.read(partial(history.page, past=asked))
        seen += [alert.number for alert in found]
        pages += 1
    assert seen == by_hand(Past(ROWS, matchers=matchers))
    assert pages > 5


async def test_one_alert_and_episodes(database: Database) -> None:
    found = await database.read(lambda connection: history.one(connection, PENDING))
    assert found is not None
    assert (found.number, found.state.value) == (PENDING, "pending")
    assert await database.read(lambda connection: history.one(connection, ROWS + 1)) is None
    start, end = END - timedelta(days=2), END - timedelta(days=1)
    episodes = await database.read(lambda connection: history.episodes(connection, start, end))
    assert [one.fired_at for one in episodes] == [row["firing_since"] for row in EVERY if start <= row["firing_since"] < end]
    assert {one.service for one in episodes} == {"shop", "bank"}
