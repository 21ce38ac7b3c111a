"""The API service: takes sounds as jobs, tells what became of them, and answers for its health as Spring Boot's actuator does.

``python -m lab.speech.api``; the options are those of ``service.Settings``.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass

import psycopg
from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .faults import API_ERRORS, API_SLOW
from .jobs import Jobs
from .service import QUEUE, Around, Metrics, Settings, read_settings, serve

_LARGEST = 4 * 1024 * 1024
_CACHED_SECONDS = 600


@dataclass(slots=True)
class Api:
    """The handlers, and what they share."""

    settings: Settings
    jobs: Jobs
    cache: Redis
    metrics: Metrics

    async def health(self, request: web.Request) -> web.Response:
        """UP where every component is, else DOWN with status 503."""
        database, cache = await asyncio.gather(self._database(), self._cache())
        uploads = {"status": "UP" if (self.settings.folder / "uploads").is_dir() else "DOWN"}
        components = {"db": database, "redis": cache, "uploads": uploads}
        up = all(component["status"] == "UP" for component in components.values())
        return web.json_response({"status": "UP" if up else "DOWN", "components": components}, status=200 if up else 503)

    async def _database(self) -> dict[str, str]:
        try:
            self.metrics.queue.set(await self.jobs.queued())
        except psycopg.Error as error:
            return {"status": "DOWN", "error": _first_line(error)}
        return {"status": "UP"}

    async def _cache(self) -> dict[str, str]:
        try:
            await self.cache.ping()
        except (RedisError, OSError) as error:
            return {"status": "DOWN", "error": _first_line(error)}
        return {"status": "UP"}

    async def submit(self, request: web.Request) -> web.Response:
        """Takes a sound (WAV) and queues it."""
        sound = await request.read()
        try:
            async with self.jobs.submitted() as number:
                (self.settings.folder / "uploads" / f"{number}.wav").write_bytes(sound)
            await self._wake(number)
        except (psycopg.Error, OSError) as error:
            return web.json_response({"error": _first_line(error)}, status=503)
        self.metrics.uploads.inc()
        return web.json_response({"id": number, "state": "queued"}, status=202)

    async def _wake(self, number: int) -> None:
        with contextlib.suppress(RedisError):  # the transcription service looks into the table by itself, too
            await self.cache.lpush(QUEUE, str(number))

    async def tell(self, request: web.Request) -> web.Response:
        """What became of a job; what is finished is kept in the cache."""
        number = int(request.match_info["number"])
        try:
            kept = await self.cache.get(f"job:{number}")
            if kept:
                return web.json_response({**json.loads(kept), "cached": True})
        except RedisError:
            pass
        try:
            job = await self.jobs.find(number)
        except psycopg.Error as error:
            return web.json_response({"error": _first_line(error)}, status=503)
        if job is None:
            return web.json_response({"error": "there is no such job"}, status=404)
        told = {"id": job.number, "state": job.state, "result": json.loads(job.result or "null")}
        if job.state != "queued":
            await self._keep(number, json.dumps(told))
        return web.json_response({**told, "cached": False})

    async def _keep(self, number: int, told: str) -> None:
        with contextlib.suppress(RedisError):
            await self.cache.set(f"job:{number}", told, ex=_CACHED_SECONDS)

    def application(self) -> web.Application:
        """The routes."""
        around = Around(self.settings, self.metrics, API_SLOW, API_ERRORS)
        application = web.Application(middlewares=[around.middleware], client_max_size=_LARGEST)
        application.add_routes(
            [
                web.get("/actuator/health", self.health),
                web.get("/actuator/prometheus", self.metrics.show),
                web.get("/metrics", self.metrics.show),
                web.post("/api/v1/transcriptions", self.submit),
                web.get(r"/api/v1/transcriptions/{number:\d{1,12}}", self.tell),
            ]
        )
        return application


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


async def run(settings: Settings) -> None:
    """Serves until told to end."""
    cache = Redis.from_url(settings.cache, decode_responses=True, socket_timeout=2, socket_connect_timeout=2)
    try:
        await serve(Api(settings, Jobs(settings.database), cache, Metrics()).application(), settings, "api")
    finally:
        await cache.aclose()


if __name__ == "__main__":
    asyncio.run(run(read_settings("lab.speech.api")))
