"""Gathers the facts about this very process from /proc (proc(5)) and from the verbs of others."""

import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .model import Facts, Process, Telling, Web, Work


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the facts come from: verbs that app.py hands in."""

    web: Callable[[], Web]
    work: Callable[[], Work]
    states: Callable[[], Mapping[str, int]]
    configuration_problems: Callable[[], int]
    rule_faults: Callable[[], Sequence[str]] = tuple
    telling: Callable[[], Telling] = Telling


class Health:
    """Answers what Keepwell is, now."""

    def __init__(self, sources: Sources, version: str, service: str, started: float) -> None:
        self.version = version
        self.service = service
        self._sources = sources
        self._started = started

    def facts(self) -> Facts:
        """The facts of this moment."""
        sources = self._sources
        return Facts(
            self.process(),
            sources.web(),
            sources.work(),
            sources.states(),
            sources.configuration_problems(),
            sources.rule_faults(),
            sources.telling(),
        )

    def process(self) -> Process:
        """The process' own figures; ``/proc/self`` is in memory, so reading it does not block."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        threads = len(os.listdir("/proc/self/task"))
        return Process(
            uptime=time.monotonic() - self._started,
            resident=pages * os.sysconf("SC_PAGE_SIZE"),
            peak=usage.ru_maxrss * 1024,
            cpu=usage.ru_utime + usage.ru_stime,
            files=len(os.listdir("/proc/self/fd")),
            threads=threads,
        )
