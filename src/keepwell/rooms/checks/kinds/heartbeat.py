"""The ``heartbeat`` kind: a job that calls Keepwell when it begins, ends or fails, and whose silence is a fault.

It asks nobody: what was heard is told by the server that hears it (the port ``Pings``).
"""

from keepwell.config.targets import Target
from keepwell.kernel.problems import AskError
from keepwell.ports.host import Host
from keepwell.ports.pings import Address
from keepwell.rooms.checks.heartbeats.decide import look
from keepwell.rooms.checks.heartbeats.options import HeartbeatOptions
from keepwell.rooms.checks.model import Observation, Probe


async def probe(options: HeartbeatOptions, target: Target | None, host: Host, timeout: float) -> Observation:
    """What was heard until now. Raises AskError where no server runs that could hear."""
    if host.pings is None:
        raise AskError("only a running server hears a job's calls: keepwell up; keepwell status tells what it heard")
    heard, silence = await host.pings.heard(Address(options.key, options.slug))
    return look(options, heard, silence, host.clock.now())


DRIVER = Probe(
    summary="Whether a job (cron, a timer, a backup) calls in time when it begins and ends, and how its runs end",
    options=HeartbeatOptions,
    probe=probe,
    values={
        "pings_total": "how many calls of the job arrived since it was configured",
        "runs_under_way": "runs that began and have not ended",
        "last_end_age_seconds": "how long ago the newest run ended",
        "last_run_failed": "1 where the newest run failed, else 0",
        "run_seconds": "how long the newest run took, where it said when it began",
        "exit_status": "the newest run's exit status, where it gave one",
    },
    example="""\
checks:
  # The job ends with:  curl -fsS -m 10 --retry 5 http://127.0.0.1:8750/ping/nightly-backup/$?
  nightly-backup:
    heartbeat: {slug: nightly-backup, cadence: "daily 03:00", zone: Europe/Zurich, grace: 1h, run_time: {warn: "> 30m", fail: "> 2h"}}
    every: 1m
""",
)
