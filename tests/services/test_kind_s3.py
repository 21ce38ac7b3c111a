"""The ``s3`` kind against a real service that verifies signatures (rclone)."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Check, CheckOptions, Observation
from keepwell.rooms.checks.work.observe import observe
from tests.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore, object_store
from tests.services.look import look, this_host


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    folder = tmp_path_factory.mktemp("objects")
    now = time.time()
    with object_store(folder) as running:
        running.put("backups", "daily/old.dump", b"x" * 5000, now - 3 * 86400 - 5)
        running.put("backups", "daily/new one+ä.dump", b"y" * 2000, now - 3605)  # S3 tells whole seconds
        running.put("backups", "weekly/oldest.dump", b"z" * 100, now - 9 * 86400 - 5)
        (folder / "empty").mkdir()
        for number in range(2300):
            running.put("many", f"part-{number:05d}", b"12", now - 7200)
        yield running


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ACCESS", ACCESS_KEY)
    monkeypatch.setenv("S3_SECRET", SECRET_KEY)
    monkeypatch.setenv("S3_WRONG", "another/secret")


def options(store: ObjectStore, **given: Any) -> dict[str, Any]:
    return {"bucket": "backups", "endpoint": store.url, "access_key": "secret:S3_ACCESS", "secret_key": "secret:S3_SECRET", **given}


async def at(store: ObjectStore, **given: Any) -> Observation:
    seen = await look("s3", options(store, **given))
    assert SECRET_KEY not in seen.sentence
    return seen


async def test_a_plain_check(store: ObjectStore) -> None:
    seen = await at(store)
    assert (seen.state, seen.sentence) == (State.OK, "the bucket backups answers")
    assert 0 < seen.values["list_seconds"] < 5


async def test_the_newest_object(store: ObjectStore) -> None:
    seen = await at(store, prefix="daily/", newest={}, newest_size={"fail": "< 1kB"})
    assert seen.state is State.OK, seen.sentence
    assert "2 objects with 6.836 KiB in backups/daily/" in seen.sentence
    assert 'the newest object, "daily/new one+ä.dump", is 1 h' in seen.sentence
    assert seen.values["newest_bytes"] == 2000
    assert 3500 < seen.values["newest_age_seconds"] < 3800
    old = await at(store, prefix="weekly/", newest={})
    assert old.state is State.FAIL
    assert 'the newest object, "weekly/oldest.dump", is 9 d' in old.sentence
    small = await at(store, prefix="daily/", newest_size={"fail": "< 1MB"})
    assert small.state is State.FAIL
    assert "has 2 kB, fail below 1 MB" in small.sentence


async def test_an_empty_bucket(store: ObjectStore) -> None:
    seen = await at(store, bucket="empty", newest={})
    assert seen.state is State.FAIL
    assert "there is no object, so there is no newest one" in seen.sentence
    fine = await at(store, bucket="empty", count={"fail": "> 0"})
    assert fine.state is State.OK, fine.sentence


async def test_many_objects(store: ObjectStore) -> None:
    seen = await at(store, bucket="many", count={"warn": "> 2000"}, size={"fail": "> 1MB"})
    assert seen.state is State.WARN, seen.sentence
    assert "2300 objects with 4.6 kB in many, warn above 2000" in seen.sentence
    part = await at(store, bucket="many", count={"warn": "> 2000"}, pages=2)
    assert part.state is State.OK
    assert "2000 objects with 3.906 KiB in many (only a part was seen)" in part.sentence


async def test_a_round_trip(store: ObjectStore) -> None:
    seen = await accepted(store, round_trip=True, round_trip_key="checks/here")
    assert seen.state is State.OK, seen.sentence
    assert "an object was written, read back and deleted in " in seen.sentence
    assert 0 < seen.values["round_trip_seconds"] < 5
    assert not (store.folder / "backups" / "checks" / "here").exists()


async def accepted(store: ObjectStore, **given: Any) -> Observation:
    """A look that a person accepted, as what writes needs it."""
    driver = import_module("keepwell.rooms.checks.kinds.s3").DRIVER
    settings = driver.options.model_validate_json(json.dumps(options(store, **given)))
    check = Check("look", "s3", CheckOptions(every=timedelta(minutes=1)), driver, settings, None, driver.runs_text(settings), "ann")
    async with this_host() as host:
        return await observe(check, host, None)


def test_what_writes_needs_acceptance(store: ObjectStore) -> None:
    driver = import_module("keepwell.rooms.checks.kinds.s3").DRIVER
    settings = driver.options.model_validate_json(json.dumps(options(store, round_trip=True)))
    assert driver.runs_text(settings).startswith(f"PUT {store.url}/backups/keepwell-round-trip\n")
    assert driver.runs_text(driver.options.model_validate_json(json.dumps(options(store)))) == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bucket": "nothing-here"}, "there is no such bucket (status 404"),
        ({"secret_key": "secret:S3_WRONG"}, "the signature does not match, so the secret key is wrong (status 403"),
        ({"access_key": "secret:S3_WRONG"}, "the access key is not known there (status 403"),
        ({"access_key": None, "secret_key": None}, "was answered with status 400"),
    ],
)
async def test_what_is_refused(store: ObjectStore, given: dict[str, Any], said: str) -> None:
    seen = await at(store, **given)
    assert seen.state is State.FAIL, seen.sentence
    assert said in seen.sentence


async def test_settings_that_a_service_does_not_know(store: ObjectStore) -> None:
    seen = await at(store, versioning=True, lifecycle=True, public_access_blocked=True)
    assert seen.state is State.FAIL
    assert seen.sentence.startswith("versions are not kept, expected kept; ")
    assert "the lifecycle rules cannot be asked for: this service does not know them" in seen.sentence
