"""Inhibition that needs no configuration: what is worse mutes what says the same less loudly."""

from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Matcher
from keepwell.rooms.alerts.routing.model import InhibitRule

from .checks import CHECK
from .model import CRITICAL, KPI, WARNING

_OF_A_KPI = Matcher(KPI, "!=", "")

BUILT_IN = (
    InhibitRule((Matcher(ALERT_NAME, "=", "CheckFailed"),), (Matcher(ALERT_NAME, "=", "CheckWarns"),), equal=(CHECK, "service")),
    InhibitRule((_OF_A_KPI, Matcher(SEVERITY, "=", CRITICAL)), (_OF_A_KPI, Matcher(SEVERITY, "=", WARNING)), but=frozenset({SEVERITY})),
)
"""A check that fails says nothing of its warning; of a KPI's two alerts about the same series the critical one is told."""
