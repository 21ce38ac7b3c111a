"""The rules that every check has without any configuration."""

from datetime import timedelta

from keepwell.rooms.alerts.model import SEVERITY

from .model import CRITICAL, WARNING, CheckRule, Face, Timing
from .options import ANY_CHECK

GROUP = "checks"

UNKNOWN_FOR = timedelta(minutes=5)
"""How long a check must be unknown for a reason of our own before anybody is told."""

STANDARD = (
    CheckRule(GROUP, "CheckFailed", Face("CheckFailed", {SEVERITY: CRITICAL}), ANY_CHECK, frozenset({"fail"})),
    CheckRule(GROUP, "CheckWarns", Face("CheckWarns", {SEVERITY: WARNING}), ANY_CHECK, frozenset({"warn", "fail"})),
    CheckRule(GROUP, "CheckUnknown", Face("CheckUnknown", {SEVERITY: WARNING}), ANY_CHECK, frozenset({"unknown"}), Timing(UNKNOWN_FOR)),
)
"""CheckWarns fires while a check fails too: CheckFailed inhibits it (``inhibiting.py``)."""
