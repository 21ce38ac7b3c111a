"""One look by one kind of check at something real, through the ports of this machine."""

import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from keepwell.config.targets import Target
from keepwell.machine.clock import SystemClock
from keepwell.machine.databases import PostgresqlDatabases
from keepwell.machine.http_client import HttpClient
from keepwell.machine.local_files import LocalFiles
from keepwell.machine.local_runner import LocalRunner
from keepwell.machine.names import SystemNames
from keepwell.machine.redis import RedisServers
from keepwell.machine.secrets import MachineSecrets
from keepwell.ports.host import Host
from keepwell.rooms.checks.model import Check, CheckOptions, Earlier, Observation
from keepwell.rooms.checks.work.observe import observe


class LaterClock(SystemClock):
    """The machine's clock, its calendar some days ahead."""

    def __init__(self, days: float) -> None:
        self.days = days

    def now(self) -> datetime:
        return super().now() + timedelta(days=self.days)


@contextlib.asynccontextmanager
async def this_host(clock: SystemClock | None = None) -> AsyncIterator[Host]:
    """This machine, with all its real ports."""
    secrets = MachineSecrets(os.environ)
    databases, redis, names = PostgresqlDatabases(secrets), RedisServers(secrets), SystemNames()
    async with HttpClient(secrets) as http:
        runner, files = LocalRunner(secrets), LocalFiles()
        yield Host("local", runner, files, http, clock or SystemClock(), secrets, databases=databases, redis=redis, names=names)
    await names.close()
    await redis.close()
    await databases.close()


async def look(
    kind: str, options: Mapping[str, Any], *, url: str = "", timeout: float = 10.0, earlier: Earlier | None = None, days: float = 0
) -> Observation:
    """What the kind observes now; ``url`` is its target's, ``days`` how far the calendar is ahead."""
    driver = import_module(f"keepwell.rooms.checks.kinds.{kind}").DRIVER
    settings = driver.options.model_validate_json(json.dumps(options))
    common = CheckOptions(timeout=timedelta(seconds=timeout), every=timedelta(minutes=1))
    check = Check("look", kind, common, driver, settings, Target(url=url) if url else None)
    async with this_host(LaterClock(days)) as host:
        return await observe(check, host, earlier)
