"""The speech laboratory against real clients: jobs go through PostgreSQL and Redis, each fault is real and ends, and nothing is left."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import psycopg
import pytest
import pytest_asyncio

from keepwell.kernel.problems import NotFound
from lab.speech.faults import FAULTS, JOBS_OF_A_GROWING_QUEUE, SLOW_SECONDS
from lab.speech.jobs import Jobs
from lab.speech.servers import CONNECTIONS
from lab.speech.supervisor import SpeechLaboratory
from tests.support import need, until

pytestmark = [pytest.mark.xdist_group("lab-speech"), pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    need("postgres")
    need("redis-server")
    need("setpriv")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speech(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SpeechLaboratory]:
    """One laboratory for all tests here: each of them ends the fault that it brought about."""
    laboratory = SpeechLaboratory(tmp_path_factory.mktemp("lab with spaces"))
    await laboratory.start()
    yield laboratory
    await laboratory.stop()
    assert laboratory.pids() == ()


async def ask(url: str) -> tuple[int, Any, float]:
    """Status, body (JSON where it is JSON) and seconds of one request."""
    start = asyncio.get_running_loop().time()
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        text = await response.text()
        body = json.loads(text) if response.content_type == "application/json" else text
        return response.status, body, asyncio.get_running_loop().time() - start


async def api(laboratory: SpeechLaboratory, path: str = "/actuator/health") -> tuple[int, Any, float]:
    return await ask(laboratory.addresses["api"] + path)


async def transcription(laboratory: SpeechLaboratory, path: str = "/health") -> tuple[int, Any, float]:
    return await ask(laboratory.addresses["transcription"] + path)


async def metric(address: str, name: str) -> float:
    """A figure of a service, the sum over its labels."""
    _, text, _ = await ask(address + "/metrics")
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.partition(" ")[0].partition("{")[0] == name)


async def finished(laboratory: SpeechLaboratory, number: int) -> dict[str, Any]:
    """The job, as soon as it is worked off."""
    told: dict[str, Any] = {}

    async def is_finished() -> bool:
        told.update((await api(laboratory, f"/api/v1/transcriptions/{number}"))[1])
        return bool(told["state"] != "queued")

    await until(is_finished, 10, "the end of the job")
    return told


async def ends_well(laboratory: SpeechLaboratory) -> None:
    """Both services are well again, and a job goes through."""

    async def is_well() -> bool:
        return (await api(laboratory))[0] == 200 and (await transcription(laboratory))[0] == 200

    await until(is_well, 10, "the recovery of both services")
    assert (await finished(laboratory, (await laboratory.submit())[0]))["state"] == "done"


async def test_a_job_goes_through_table_queue_and_cache(speech: SpeechLaboratory) -> None:
    status, health, _ = await api(speech)
    assert (status, health["status"]) == (200, "UP")
    assert health["components"] == {name: {"status": "UP"} for name in ("db", "redis", "uploads")}
    assert (await transcription(speech))[1] == {"status": "healthy", "queued": 0}
    numbers = await speech.submit(3)
    told = [await finished(speech, number) for number in numbers]
    assert [job["state"] for job in told] == ["done"] * 3
    assert told[0]["result"] == {"seconds": 0.1, "peak": pytest.approx(0.488, abs=0.01)}
    _, again, _ = await api(speech, f"/api/v1/transcriptions/{numbers[0]}")
    assert again["cached"] is True
    assert (await api(speech, "/api/v1/transcriptions/999"))[0] == 404
    question = "SELECT count(*) FROM jobs WHERE state = 'done' AND finished_at >= submitted_at AND id = ANY(%s)"
    with psycopg.connect(speech.database.url) as connection:
        assert connection.execute(question, (numbers,)).fetchone() == (3,)


async def test_metrics_count_what_happened(speech: SpeechLaboratory) -> None:
    names = {
        "api": ("transcription_uploads_total", "http_requests_total", "http_request_duration_seconds_count"),
        "transcription": ("transcription_jobs_total", "transcription_failures_total"),
    }

    async def counted() -> dict[str, float]:
        return {name: await metric(speech.addresses[service], name) for service, listed in names.items() for name in listed}

    before = await counted()
    await finished(speech, (await speech.submit(2))[1])
    passed = {name: value - before[name] for name, value in (await counted()).items()}
    assert (passed["transcription_uploads_total"], passed["transcription_jobs_total"]) == (2, 2)
    assert passed["transcription_failures_total"] == 0
    assert passed["http_requests_total"] >= 3
    assert passed["http_request_duration_seconds_count"] >= 3
    assert (await api(speech, "/actuator/prometheus"))[1].startswith("# HELP")


@pytest.mark.parametrize(("fault", "ask_it"), [("api-down", api), ("transcription-down", transcription)])
async def test_a_killed_service_and_its_return(speech: SpeechLaboratory, fault: str, ask_it: Any) -> None:
    await speech.break_(fault)
    await speech.break_(fault)
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask_it(speech)
    await speech.repair(fault)
    await ends_well(speech)


@pytest.mark.parametrize(("fault", "ask_it"), [("api-slow", api), ("transcription-slow", transcription)])
async def test_a_slow_service(speech: SpeechLaboratory, fault: str, ask_it: Any) -> None:
    await speech.break_(fault)
    status, _, seconds = await ask_it(speech)
    assert status == 200
    assert seconds > SLOW_SECONDS
    await speech.repair(fault)
    assert (await ask_it(speech))[2] < SLOW_SECONDS
    await ends_well(speech)


async def test_errors_of_the_api(speech: SpeechLaboratory) -> None:
    await speech.break_("api-errors")
    assert (await api(speech))[0] == 500
    await speech.repair("api-errors")
    await ends_well(speech)


async def test_without_its_folder_the_api_is_down(speech: SpeechLaboratory) -> None:
    await speech.break_("api-status-down")
    status, health, _ = await api(speech)
    assert (status, health["status"]) == (503, "DOWN")
    assert health["components"]["uploads"] == {"status": "DOWN"}
    assert health["components"]["db"] == {"status": "UP"}
    await speech.repair("api-status-down")
    await ends_well(speech)


async def test_jobs_that_fail_are_counted(speech: SpeechLaboratory) -> None:
    await speech.break_("transcription-errors")
    before = await metric(speech.addresses["transcription"], "transcription_failures_total")
    job = await finished(speech, (await speech.submit())[0])
    assert job["state"] == "failed"
    assert await metric(speech.addresses["transcription"], "transcription_failures_total") == before + 1
    await speech.repair("transcription-errors")
    await ends_well(speech)


async def test_a_queue_grows_and_is_worked_off(speech: SpeechLaboratory) -> None:
    await speech.break_("queue-grows")
    assert (await transcription(speech))[1]["queued"] >= JOBS_OF_A_GROWING_QUEUE - 1
    assert await metric(speech.addresses["transcription"], "transcription_queue_jobs") >= JOBS_OF_A_GROWING_QUEUE - 1
    await speech.repair("queue-grows")

    async def is_empty() -> bool:
        return bool((await transcription(speech))[1]["queued"] == 0)

    await until(is_empty, 20, "the end of the queue")
    await ends_well(speech)


async def test_a_stopped_database_recovers_with_its_rows(speech: SpeechLaboratory) -> None:
    number = (await speech.submit())[0]
    await finished(speech, number)
    await speech.break_("database-down")
    status, health, _ = await api(speech)
    assert (status, health["status"], health["components"]["db"]["status"]) == (503, "DOWN", "DOWN")
    assert "refused" in health["components"]["db"]["error"]
    assert (await transcription(speech))[0] == 503
    await speech.repair("database-down")
    await ends_well(speech)
    with psycopg.connect(speech.database.url) as connection:
        assert connection.execute("SELECT state FROM jobs WHERE id = %s", (number,)).fetchone() == ("done",)


async def test_a_database_without_a_free_connection(speech: SpeechLaboratory) -> None:
    await speech.break_("database-full")
    status, health, _ = await api(speech)
    assert status == 503
    assert "connection slots" in health["components"]["db"]["error"] or "too many clients" in health["components"]["db"]["error"]
    with psycopg.connect(speech.database.url.replace("speechtotext@", "postgres@")) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = 'speechtotext'").fetchone()
    assert row is not None
    assert row[0] > 0.8 * CONNECTIONS
    await speech.repair("database-full")
    await ends_well(speech)


async def test_a_query_without_an_end(speech: SpeechLaboratory) -> None:
    question = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"

    async def running() -> int:
        async with await psycopg.AsyncConnection.connect(speech.database.url) as connection:
            row = await (await connection.execute(question.encode())).fetchone()
            return int(row[0]) if row else 0

    async def is_running() -> bool:
        return await running() == 1

    async def is_over() -> bool:
        return await running() == 0

    await speech.break_("long-query")
    await until(is_running, what="the query")
    await speech.repair("long-query")
    await until(is_over, what="the end of the query")
    await ends_well(speech)


async def test_without_redis_jobs_go_through_all_the_same(speech: SpeechLaboratory) -> None:
    await speech.break_("cache-down")
    status, health, _ = await api(speech)
    assert (status, health["components"]["redis"]["status"]) == (503, "DOWN")
    assert (await finished(speech, (await speech.submit())[0]))["state"] == "done"
    await speech.repair("cache-down")
    await ends_well(speech)


async def test_two_workers_never_take_the_same_job(speech: SpeechLaboratory) -> None:
    await speech.break_("queue-grows")
    jobs = Jobs(speech.database.url)
    async with jobs.taken() as first, jobs.taken() as second:
        assert first is not None
        assert second is not None
        assert first.number != second.number
    await speech.repair("queue-grows")
    await ends_well(speech)


async def test_unknown_faults_are_refused_and_known_ones_explained(speech: SpeechLaboratory) -> None:
    assert all(fault.does.endswith(".") and fault.seen.endswith(".") for fault in FAULTS)
    with pytest.raises(NotFound, match="no fault named"):
        await speech.break_("../../etc/passwd")
