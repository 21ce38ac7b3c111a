"""What the configuration says of alerts, in one value: handed to every decision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from .escalation.decide import People
from .escalation.model import Policy as EscalationPolicy
from .routing.model import Route, Routing

NOBODY = Routing(Route(path="0", key="{}", receiver="", fits=lambda labels: True))
"""No receivers: alerts are kept and shown, and nobody is told."""

RESOLVE_TIMEOUT = timedelta(minutes=5)
"""How long a posted alert without an end stays active after it was posted last (Alertmanager's ``resolve_timeout``)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """``sends_resolved`` says of a receiver whether it is told of ends; ``external_url`` is where people find the pages."""

    service: str = ""
    routing: Routing = NOBODY
    receivers: Sequence[str] = ()
    sends_resolved: Callable[[str], bool] = lambda receiver: True
    escalations: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    people: People = field(default_factory=lambda: People(frozenset(), {}))
    external_url: str = ""
    resolve_timeout: timedelta = RESOLVE_TIMEOUT
