"""What Keepwell knows of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keepwell.kernel.histograms import Histogram


@dataclass(frozen=True, slots=True)
class Process:
    """The process that runs Keepwell: seconds since its start, memory in bytes, CPU seconds, open files, threads."""

    uptime: float
    resident: int
    peak: int
    cpu: float
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Web:
    """The HTTP server: requests answered, seconds of the median and 99th percentile of the newest, and open connections."""

    requests: int
    median: float
    p99: float
    connections: int


@dataclass(frozen=True, slots=True)
class Work:
    """The engine and the store: jobs started and running, seconds of lateness, looks skipped, and what waits to be written.

    ``held`` are looks that wait for room at their target or host; ``lag_p99`` is how late the loop itself woke in the last minute.
    ``late``, ``waits``, ``writes`` and ``lag`` count the same since the start. ``storage_fault`` is the sentence of the fault that keeps
    observations from being stored now, ``tasks_fault`` that of tasks, ``sign_fault`` that of the sign of life; ``cut_off`` are the guards,
    while all of them fail.
    """

    started: int
    running: int
    late_median: float
    late_p99: float
    skipped: int
    waiting: int
    shed: int
    write_seconds: float
    storage_fault: str
    held: int = 0
    lag_p99: float = 0.0
    cut_off: tuple[str, ...] = ()
    signs_sent: int = 0
    sign_fault: str = ""
    late: Histogram = field(default_factory=Histogram)
    waits: Histogram = field(default_factory=Histogram)
    writes: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    tasks_fault: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """Alerts and notices: alerts that are pending and that fire; notices that wait, and, since the start, those delivered, attempts that
    failed, and notices given up. ``fault`` is the sentence of what keeps alerts or notices from being stored now; ``failing`` are the
    receivers that get nothing, each with why; ``is_mute`` says that these are all there are."""

    pending: int = 0
    firing: int = 0
    waiting: int = 0
    delivered: int = 0
    failed: int = 0
    lost: int = 0
    fault: str = ""
    failing: Sequence[str] = ()
    is_mute: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything of one moment, with the number of checks in each state. ``rule_faults`` are sentences about rule files that are refused,
    and rules that give no value."""

    process: Process
    web: Web
    work: Work
    states: Mapping[str, int]
    configuration_problems: int
    rule_faults: Sequence[str] = ()
    telling: Telling = Telling()
