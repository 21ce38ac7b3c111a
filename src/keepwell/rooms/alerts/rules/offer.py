"""What rules declare: the sections ``rules`` and ``figures``. Imports nothing costly."""

from typing import Any

from keepwell.ports.offer import Section

_RULES = """\
# rules:
#   # Every check that fails, warns or stays unknown is told of without any rule. These are more:
#   - {alert: ErrorRate, when: "error rate > 10% for 5m", severity: critical, recovery: "< 5%", runbook: high-error-rates}
#   - {kpi: response time, warning: "> 1s", critical: "> 5s", for: 2m}                # two alerts, the worse mutes the other
#   - {alert: QueueGrows, expr: 'deriv(queue_depth[15m]) > 0.5', for: 10m, labels: {team: backend}}      # as in Prometheus
#   - {check: api-health, severity: page, for: 1m}             # instead of what every check has
"""
_FIGURES = """\
# figures:
#   # What the words of rules measure: PromQL; ratios for %, seconds for durations, bytes for sizes.
#   error rate: 'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))'
#   response time: 'duration_seconds{check="api-health"}'
"""


def sections() -> tuple[Section, ...]:
    """Both sections."""
    return (
        Section("rules", "Conditions that are a reason to tell somebody", _rules, listed=True, sample=_RULES),
        Section("figures", "What the words in rules measure, as PromQL", _figures, sample=_FIGURES),
    )


def _rules() -> type[Any]:
    from .options import RuleOptions

    return RuleOptions


def _figures() -> type[Any]:
    from .options import FiguresOptions

    return FiguresOptions
