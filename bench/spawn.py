"""CPU of starting a program: LocalRunner beside asyncio's own subprocesses. ``python bench/spawn.py [COUNT]``."""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable

from keepwell.machine.local_runner import LocalRunner
from keepwell.ports.runner import Command

PROGRAM = "/bin/true"


def cpu(who: int) -> float:
    """Seconds of CPU, user and system."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


async def measure(name: str, run: Callable[[], Awaitable[object]], count: int) -> None:
    """Prints what ``count`` runs, one after the other, cost this process and its children."""
    await run()
    ours, children, wall = cpu(resource.RUSAGE_SELF), cpu(resource.RUSAGE_CHILDREN), time.monotonic()
    for _ in range(count):
        await run()
    own = (cpu(resource.RUSAGE_SELF) - ours) / count * 1000
    theirs = (cpu(resource.RUSAGE_CHILDREN) - children) / count * 1000
    elapsed = (time.monotonic() - wall) / count * 1000
    print(f"{name:<20} {own:.2f} ms CPU of its own a spawn, {theirs:.2f} ms of the child, {elapsed:.2f} ms until its end")


async def with_asyncio() -> object:
    """The standard library's way."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True
    )
    return await process.communicate()


async def main() -> None:
    """Measures both."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    runner = LocalRunner(environment=os.environ)
    await measure("LocalRunner", lambda: runner.run(Command((PROGRAM,))), count)
    await measure("asyncio.subprocess", with_asyncio, count)


if __name__ == "__main__":
    asyncio.run(main())
