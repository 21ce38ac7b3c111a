"""The transcription service: takes queued jobs one by one, and writes what it heard. ``python -m lab.speech.transcription``.

Redis wakes it as soon as there is a job. Without Redis it still looks into the table every second: the table is the truth.
"""

import asyncio
import contextlib
import json
import wave
from dataclasses import dataclass

import psycopg
from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from keepwell.demo.laboratory.sound import measure

from .faults import TRANSCRIPTION_ERRORS, TRANSCRIPTION_PAUSED, TRANSCRIPTION_SLOW
from .jobs import Jobs, Taken
from .service import QUEUE, Around, Metrics, Settings, read_settings, serve

_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Transcription:
    """The worker and its two handlers."""

    settings: Settings
    jobs: Jobs
    cache: Redis
    metrics: Metrics

    async def health(self, request: web.Request) -> web.Response:
        """Healthy where the table of jobs can be read, else unhealthy with status 503."""
        try:
            waiting = await self.jobs.queued()
        except psycopg.Error as error:
            reason = str(error).partition("\n")[0]
            return web.json_response({"status": "unhealthy", "error": reason}, status=503)
        self.metrics.queue.set(waiting)
        return web.json_response({"status": "healthy", "queued": waiting})

    async def work(self) -> None:
        """Works off the queue for ever."""
        while True:
            if self.settings.broken(TRANSCRIPTION_PAUSED):
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            try:
                if not await self._work_on_one():
                    await self._wait_for_one()
            except (psycopg.Error, OSError):
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _work_on_one(self) -> bool:
        """Whether there was a job to work on."""
        async with self.jobs.taken() as job:
            if job is None:
                return False
            self.metrics.uploads.inc()
            await self._transcribe(job)
        self.metrics.finished.inc()
        return True

    async def _transcribe(self, job: Taken) -> None:
        try:
            if self.settings.broken(TRANSCRIPTION_ERRORS):
                raise ValueError(f"the file faults/{TRANSCRIPTION_ERRORS} is there")
            seconds, peak = measure(self.settings.folder / "uploads" / f"{job.number}.wav")
        except (OSError, EOFError, wave.Error, ValueError) as error:
            self.metrics.failures.inc()
            await job.finish("failed", json.dumps({"error": str(error)}))
        else:
            await job.finish("done", json.dumps({"seconds": round(seconds, 3), "peak": round(peak, 3)}))

    async def _wait_for_one(self) -> None:
        try:
            await self.cache.brpop([QUEUE], timeout=1)
        except (RedisError, OSError):
            await asyncio.sleep(_PAUSE_SECONDS)

    def application(self) -> web.Application:
        """The routes."""
        around = Around(self.settings, self.metrics, TRANSCRIPTION_SLOW)
        application = web.Application(middlewares=[around.middleware])
        application.add_routes([web.get("/health", self.health), web.get("/metrics", self.metrics.show)])
        return application


async def run(settings: Settings) -> None:
    """Works and serves until told to end."""
    cache = Redis.from_url(settings.cache, decode_responses=True, socket_timeout=5, socket_connect_timeout=2)
    service = Transcription(settings, Jobs(settings.database), cache, Metrics())
    worker = asyncio.create_task(service.work())
    try:
        await serve(service.application(), settings, "transcription")
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
        await cache.aclose()


if __name__ == "__main__":
    asyncio.run(run(read_settings("lab.speech.transcription")))
