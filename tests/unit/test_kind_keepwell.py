"""The kind ``keepwell``: what Keepwell itself did last, from records that other rooms keep."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keepwell.kernel.states import State
from keepwell.ports.fakes import FakeClock, FakeRecords, fake_host
from keepwell.rooms.checks.kinds.keepwell import DRIVER
from keepwell.rooms.checks.model import Check, CheckOptions, Observation
from keepwell.rooms.checks.work.observe import observe

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def seen(options: dict[str, Any], records: FakeRecords | None) -> Observation:
    check = Check("own", "keepwell", CheckOptions(), DRIVER, DRIVER.options.model_validate_json(json.dumps(options)))
    return await observe(check, replace(fake_host(clock=FakeClock(NOW)), records=records), None)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("options", "state", "sentence"),
    [
        ({"proof": {}}, State.OK, "the backup that was proven longest ago was last proven 2 d ago, warn above 8 d, fail above 15 d"),
        ({"proof": {"backup": "old"}}, State.FAIL, 'the backup "old" was last proven 20 d ago, fail above 15 d'),
        ({"proof": {"backup": "new"}}, State.FAIL, 'the backup "new" was never proven'),
        ({"proof": {"backup": "none"}}, State.UNKNOWN, "could not look: there is no backup none"),
        ({"task": {"name": "vacuum"}}, State.WARN, 'the task "vacuum" last succeeded 1 d 2 h ago, warn above 1 d 1 h'),
        ({"task": {"name": "rotate"}}, State.FAIL, 'the task "rotate" never succeeded'),
        (
            {"proof": {}, "task": {"name": "vacuum", "fail": "> 1h"}},
            State.FAIL,
            'the task "vacuum" last succeeded 1 d 2 h ago, fail above 1 h; the backup that was proven longest ago was last proven 2 d ago, '
            "warn above 8 d, fail above 15 d",
        ),
    ],
)
async def test_what_was_done_last(options: dict[str, Any], state: State, sentence: str) -> None:
    records = FakeRecords({"all": ago(days=2), "old": ago(days=20), "new": None}, {"vacuum": ago(hours=26), "rotate": None})
    found = await seen(options, records)
    assert (found.state, found.sentence) == (state, sentence)


async def test_values() -> None:
    found = await seen({"proof": {}, "task": {"name": "t"}}, FakeRecords({"all": ago(days=1)}, {"t": ago(days=-1)}))
    assert found.values == {"proof_age_seconds": 86400, "task_age_seconds": 0}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"proof": {}}, "could not look: this version proves no backups"),
        ({"task": {"name": "vacuum"}}, "could not look: this version runs no tasks"),
    ],
)
async def test_a_version_that_keeps_no_records_says_so(options: dict[str, Any], sentence: str) -> None:
    found = await seen(options, None)
    assert (found.state, found.sentence) == (State.UNKNOWN, sentence)
