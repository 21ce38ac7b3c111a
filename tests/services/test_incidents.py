"""Incidents on SQLite and on PostgreSQL: what opens them, what is due, what people do, and what a start goes on from."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.kernel.problems import AskError, KeepwellError, NotFound, StorageError, UsageError
from keepwell.ports.fakes import result
from keepwell.ports.runner import Command
from keepwell.rooms.alerts.matchers import parse_matchers
from keepwell.rooms.alerts.model import Acknowledgement, Silence
from keepwell.rooms.incidents.asked import Asked
from keepwell.rooms.incidents.model import Kind, Policy, Stage
from keepwell.rooms.incidents.verbs import Diagnostic
from tests.alerts_desk import NOW, firing
from tests.incidents_desk import MINUTE, Life, life_on, promising, severe


@pytest.fixture
async def life(database_place: Path | str) -> AsyncIterator[Life]:
    async with life_on(database_place) as made:
        yield made


# --- what opens them -------------------------------------------------------------------------------------------------------------


async def test_an_alert_of_a_severity_opens_an_incident_with_its_clocks(life: Life) -> None:
    await life.fire(severe("ApiDown"))
    (one,) = await life.rows()
    assert (one.number, one.severity, one.title, one.stage) == (1, "P1", "ApiDown: ApiDown is bad", Stage.OPEN)
    assert [(clock.kind, clock.due_at - NOW) for clock in one.clocks] == [
        (Kind.RESPOND, 15 * MINUTE),
        (Kind.UPDATE, 30 * MINUTE),
        (Kind.RESOLVE, 240 * MINUTE),
    ]
    assert [alert.number for alert in one.alerts] == [1]
    assert await life.events() == ["opened", "alert-joined"]


async def test_a_critical_alert_opens_one_of_the_most_severe_and_a_warning_none(life: Life) -> None:
    await life.fire(severe("A", "critical"), severe("B", "warning"), severe("C", "p2"))
    assert [(one.severity, one.title) for one in await life.rows()] == [("P1", "A: A is bad"), ("P2", "C: C is bad")]
