"""Keepwell's figures in Prometheus' text exposition format, rendered by prometheus_client."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from keepwell.kernel.histograms import Histogram

from .decide import services
from .model import Facts, Telling

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True)
class CheckFigures:
    """One check for the exposition: its name, its kind, its state and the named numbers of its newest stored observation."""

    name: str
    kind: str
    state: str
    values: Mapping[str, float]


def render(facts: Facts, checks: Iterable[CheckFigures]) -> bytes:
    """The whole exposition."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(facts, list(checks)))
    return generate_latest(registry)


class _Families:
    def __init__(self, facts: Facts, checks: list[CheckFigures]) -> None:
        self._facts = facts
        self._checks = checks

    def collect(self) -> Iterator[Metric]:
        yield from _own(self._facts)
        state = GaugeMetricFamily(
            "keepwell_check_state", "1 for the state a check is in, 0 for the others", labels=["check", "kind", "state"]
        )
        value = GaugeMetricFamily("keepwell_check_value", "The named numbers of a check's newest observation", labels=["check", "value"])
        for check in self._checks:
            for word in ("ok", "warn", "fail", "unknown"):
                state.add_metric([check.name, check.kind, word], float(check.state == word))
            for name, number in check.values.items():
                value.add_metric([check.name, name], number)
        yield state
        yield value


def _own(facts: Facts) -> Iterator[Metric]:
    process, work = facts.process, facts.work
    yield GaugeMetricFamily("keepwell_resident_memory_bytes", "Memory of the process", value=process.resident)
    yield CounterMetricFamily("keepwell_cpu_seconds", "CPU time of the process", value=process.cpu)
    yield GaugeMetricFamily("keepwell_uptime_seconds", "Time since the process started", value=process.uptime)
    yield GaugeMetricFamily("keepwell_open_files", "Open file descriptors", value=process.files)
    yield CounterMetricFamily("keepwell_http_requests", "HTTP requests answered", value=facts.web.requests)
    yield CounterMetricFamily("keepwell_looks_started", "Looks at targets that were started", value=work.started)
    yield CounterMetricFamily("keepwell_looks_skipped", "Looks whose time passed unused", value=work.skipped)
    yield GaugeMetricFamily("keepwell_looks_running", "Looks under way", value=work.running)
    yield _quantiles("keepwell_lateness_seconds", "How late looks started", {"0.5": work.late_median, "0.99": work.late_p99})
    yield GaugeMetricFamily("keepwell_observations_waiting", "Observations not stored yet", value=work.waiting)
    yield CounterMetricFamily("keepwell_observations_shed", "Observations given up because the store took none", value=work.shed)
    yield GaugeMetricFamily("keepwell_last_write_seconds", "Duration of the newest write", value=work.write_seconds)
    yield GaugeMetricFamily("keepwell_looks_held", "Looks that wait for room at their target or host", value=work.held)
    yield GaugeMetricFamily("keepwell_connection_cut", "Whether all guards fail: our own connection is cut", value=bool(work.cut_off))
    yield CounterMetricFamily("keepwell_signs_of_life", "Signs of life that arrived", value=work.signs_sent)
    yield _histogram("keepwell_look_late_seconds", "How late looks started, since the start", work.late)
    yield _histogram("keepwell_look_held_seconds", "How long looks waited for room, where they had to", work.waits)
    yield _histogram("keepwell_write_seconds", "How long writing a batch took", work.writes)
    yield _histogram("keepwell_loop_lag_seconds", "How late the event loop woke, looked at once a second", work.lag)
    yield from _telling(facts.telling)
    part = GaugeMetricFamily("keepwell_part_operational", "Whether a part of Keepwell is operational", labels=["part"])
    for name, word in services(facts).items():
        part.add_metric([name], float(word == "operational"))
    yield part


def _telling(telling: Telling) -> Iterator[Metric]:
    alerts = GaugeMetricFamily("keepwell_alerts", "Alerts that are active", labels=["state"])
    alerts.add_metric(["pending"], telling.pending)
    alerts.add_metric(["firing"], telling.firing)
    yield alerts
    yield GaugeMetricFamily("keepwell_notices_waiting", "Notices not delivered yet", value=telling.waiting)
    yield CounterMetricFamily("keepwell_notices_delivered", "Notices that their receivers took", value=telling.delivered)
    yield CounterMetricFamily("keepwell_notice_attempts_failed", "Attempts that are made again later", value=telling.failed)
    yield CounterMetricFamily("keepwell_notices_lost", "Notices refused, or expired before their receivers took them", value=telling.lost)
    yield GaugeMetricFamily("keepwell_receivers_failing", "Receivers that get nothing", value=len(telling.failing))


def _histogram(name: str, text: str, values: Histogram) -> HistogramMetricFamily:
    buckets = [("+Inf" if bound == inf else f"{bound:g}", float(count)) for bound, count in values.cumulative()]
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=values.total)


def _quantiles(name: str, text: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["quantile"])
    for share, value in values.items():
        family.add_metric([share], value)
    return family
